/*
 * bench_pipeline: samples through router, shard and store, on the threads of a
 * running monitor, beside the bare composition of the same steps in the same
 * run; and how much our own code allocates on the way (nothing).
 *
 *   ours:  router_put -> ring -> shard (4 levels with delays per point, board) -> ring -> writer (recovery log, blocks)
 *   bare:  copy -> ring -> 4 comparisons and a delay over 128-byte records -> append 20 bytes a sample to a file
 *
 * Values wander on a grid of 0.01 well under the limits, so few verdicts come;
 * points come in random order.
 */
#include "base/agent.h"
#include "base/clock.h"
#include "bench.h"
#include "ingest/ingest.h"
#include "rules/shard.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POINTS = 10000, BATCH = 1 << 20, ROUNDS = 5, RING_SLOTS = 8192, VERDICT_SLOTS = 1 << 20 };

static char folder[] = "/tmp/davy-bench-XXXXXX";

static void must(enum err_code code, const struct err *err)
{
    if (code != ERR_NONE) {
        (void)fprintf(stderr, "bench_pipeline: %s\n", err->text);
        exit(1);
    }
}

/* ---- allocations of our own code (the linker sends them here; RocksDB's are not ours) ---- */

static atomic_ullong allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_realloc(memory, size);
}

/* ---- the field: the same stream for both ---- */

static struct sample *stream;

static void make_stream(void)
{
    stream = calloc(BATCH, sizeof *stream);
    if (stream == NULL) {
        exit(1);
    }
    uint64_t random = 1;
    for (size_t i = 0; i < BATCH; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        stream[i].point = (uint32_t)((random >> 33) % POINTS);
        stream[i].value = (double)((random >> 40) % 80) / 100.0;
    }
}

/* The stream's i-th sample in round r: time goes on by 10 us a sample. */
static void stamp(struct sample *sample, uint64_t r, size_t i)
{
    sample->time_ns = INT64_C(1767571200000000000) + (int64_t)((r * BATCH + i) / 100 * NS_PER_MS);
    sample->seen_ns = sample->time_ns;
}

/* ---- ours ---- */

struct ours {
    struct site *site;
    struct rules *rules;
    struct store *store;
    struct shard *shard;
    struct store_writer *writer;
    struct ring *in, *kept, *verdicts;
    struct doorbell *shard_bell, *store_bell, *drain_bell;
    struct runner *shard_runner, *store_runner, *drain_runner;
    struct router router;
    uint64_t *masks;
    struct safe_source safe;
    uint64_t ticket, round;
};

static int drain_work(void *self, int64_t now_ns)
{
    (void)now_ns;
    struct ours *ours = self;
    size_t n = 0;
    const struct verdict *verdicts = ring_peek(ours->verdicts, &n);
    for (size_t i = 0; i < n; i++) {
        if (verdicts[i].kind == VERDICT_MARK) {
            cell_set(&ours->safe.judged[0], (uint64_t)verdicts[i].time_ns);
        }
    }
    if (n > 0) {
        ring_release(ours->verdicts, n);
        doorbell_ring(ours->shard_bell);
        return (int)n;
    }
    return ring_ended(ours->verdicts) ? AGENT_FINISHED : 0;
}

static void write_site(const char *path)
{
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        exit(1);
    }
    (void)fprintf(out, "{\"site\":{\"id\":\"bench\"},\"sources\":{\"gw\":{\"type\":\"mqtt\",\"url\":\"mqtt://h\","
                       "\"topics\":[\"t\"]}},\"rules\":[{\"id\":\"r\",\"levels\":["
                       "{\"level\":\"blue\",\"when\":\"value >= 0.9\",\"clear\":\"value < 0.8\"},"
                       "{\"level\":\"yellow\",\"when\":\"value >= 1.0\",\"clear\":\"value < 0.9\"},"
                       "{\"level\":\"orange\",\"when\":\"value >= 1.5\",\"clear\":\"value < 1.0\"},"
                       "{\"level\":\"red\",\"when\":\"value >= 3.0\",\"clear\":\"value < 1.0\"}],"
                       "\"on_delay\":\"5s\",\"off_delay\":\"5s\"}],\"points\":[");
    for (int i = 0; i < POINTS; i++) {
        (void)fprintf(out, "%s{\"id\":\"p%d\",\"from\":{\"source\":\"gw\",\"key\":\"p%d\"}}", i > 0 ? "," : "", i, i);
    }
    (void)fprintf(out, "]}");
    (void)fclose(out);
}

static void ours_start(struct ours *ours)
{
    struct err err = {0};
    struct mistakes mistakes;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/site.json", folder);
    write_site(path);
    mistakes_init(&mistakes);
    must(site_load(path, &mistakes, &ours->site, &err), &err);
    must(rules_compile(ours->site, &mistakes, &ours->rules, &err), &err);
    mistakes_done(&mistakes);
    (void)snprintf(path, sizeof path, "%s/data", folder);
    must(store_open(path, "bench", &ours->store, &err), &err);
    must(doorbell_open(&ours->shard_bell, &err), &err);
    must(doorbell_open(&ours->store_bell, &err), &err);
    must(doorbell_open(&ours->drain_bell, &err), &err);
    must(ring_open(sizeof(struct sample), RING_SLOTS, 0, &ours->in, &err), &err);
    must(ring_open(sizeof(struct sample), RING_SLOTS, 0, &ours->kept, &err), &err);
    must(ring_open(sizeof(struct verdict), VERDICT_SLOTS, 0, &ours->verdicts, &err), &err);
    ours->masks = calloc(POINTS, sizeof *ours->masks);
    uint8_t homes[POINTS];
    rules_plan(ours->rules, 1, ours->masks, homes);
    ours->router = (struct router){.rings = &ours->in,
                                   .bells = &ours->shard_bell,
                                   .shard_count = 1,
                                   .masks = ours->masks,
                                   .seqs = calloc(POINTS, sizeof(uint16_t))};
    struct shard_config shard = {.site = ours->site,
                                 .rules = ours->rules,
                                 .count = 1,
                                 .inputs = &ours->in,
                                 .input_count = 1,
                                 .store = ours->kept,
                                 .store_bell = ours->store_bell,
                                 .verdicts = ours->verdicts,
                                 .verdict_bell = ours->drain_bell,
                                 .board = board_new(POINTS),
                                 .keep = true,
                                 .start_ns = INT64_C(1767571200000000000)};
    must(shard_new(&shard, &ours->shard, &err), &err);
    struct store_writer_config writer = {.store = ours->store,
                                         .site = ours->site,
                                         .inputs = &ours->kept,
                                         .input_count = 1,
                                         .input_bells = &ours->shard_bell,
                                         .safe = &ours->safe,
                                         .sync_ns = NS_PER_S,
                                         .gather_ns = NS_PER_MS};
    must(store_writer_new(&writer, &ours->writer, &err), &err);
    struct agent agents[] = {shard_agent(ours->shard), store_writer_agent(ours->writer),
                             {.name = "drain", .self = ours, .do_work = drain_work}};
    must(runner_start("shard", &agents[0], 1, ours->shard_bell, &ours->shard_runner, &err), &err);
    must(runner_start("store", &agents[1], 1, ours->store_bell, &ours->store_runner, &err), &err);
    must(runner_start("drain", &agents[2], 1, ours->drain_bell, &ours->drain_runner, &err), &err);
}

/* Puts the whole stream in and waits until all of it is logged; gives samples a second. */
static double ours_run(void *self)
{
    struct ours *ours = self;
    int64_t began_ns = bench_now_ns();
    for (size_t i = 0; i < BATCH;) {
        if (!router_room(&ours->router, 256)) {
            router_flush(&ours->router);
            (void)usleep(20);
            continue;
        }
        for (size_t end = i + 256; i < end; i++) {
            struct sample sample = stream[i];
            stamp(&sample, ours->round, i);
            router_put(&ours->router, &sample);
        }
        router_flush(&ours->router);
    }
    ours->round++;
    while (!router_room(&ours->router, 1)) {
        (void)usleep(20);
    }
    router_mark(&ours->router, 0, ++ours->ticket, INT64_C(1767571200000000000) + (int64_t)(ours->round * BATCH * 10000));
    router_flush(&ours->router);
    while (safe_ticket(&ours->safe, 1) < ours->ticket) {
        (void)usleep(20);
    }
    return (double)BATCH / ((double)(bench_now_ns() - began_ns) / 1e9);
}

static void ours_stop(struct ours *ours)
{
    router_close(&ours->router);
    runner_join(ours->shard_runner);
    runner_join(ours->store_runner);
    runner_join(ours->drain_runner);
    shard_free(ours->shard);
    store_writer_free(ours->writer);
    store_close(ours->store);
}

/* ---- bare ---- */

struct record {
    _Alignas(64) double limits[4];
    double clears[4];
    int64_t since_ns[4];
    double value;
    int64_t time_ns;
    uint32_t entered;
    uint32_t pad[3];
};
_Static_assert(sizeof(struct record) == 128, "two cache lines a point");

struct bare {
    struct record *records;
    int file;
    uint64_t round;
    struct sample slots[RING_SLOTS];
    _Alignas(64) _Atomic uint64_t head;
    _Alignas(64) _Atomic uint64_t tail;
    uint64_t entered;
};

static void bare_judge(struct bare *bare, const struct sample *sample)
{
    struct record *record = &bare->records[sample->point];
    for (int k = 0; k < 4; k++) {
        bool over = (record->entered >> k & 1) != 0 ? !(sample->value < record->clears[k])
                                                    : sample->value >= record->limits[k];
        if (over == ((record->entered >> k & 1) != 0)) {
            record->since_ns[k] = 0;
        } else if (record->since_ns[k] == 0) {
            record->since_ns[k] = sample->time_ns;
        } else if (sample->time_ns - record->since_ns[k] >= 5 * NS_PER_S) {
            record->entered ^= 1u << k;
            bare->entered++;
        }
    }
    record->value = sample->value;
    record->time_ns = sample->time_ns;
}

/* The consumer: judges and appends 20 bytes a sample, 1024 samples a write. */
static void *bare_consume(void *self)
{
    struct bare *bare = self;
    static uint8_t log[1024 * 20];
    size_t filled = 0;
    for (uint64_t tail = 0; tail < BATCH;) {
        uint64_t head = atomic_load_explicit(&bare->head, memory_order_acquire);
        if (head == tail) {
            (void)usleep(20);
            continue;
        }
        for (; tail < head; tail++) {
            const struct sample *sample = &bare->slots[tail % RING_SLOTS];
            __builtin_prefetch(&bare->records[bare->slots[(tail + 8) % RING_SLOTS].point], 1);
            bare_judge(bare, sample);
            memcpy(log + filled, &sample->time_ns, 8);
            memcpy(log + filled + 8, &sample->value, 8);
            memcpy(log + filled + 16, &sample->point, 4);
            filled += 20;
            if (filled == sizeof log) {
                if (write(bare->file, log, filled) != (ssize_t)filled) {
                    exit(1);
                }
                filled = 0;
            }
        }
        atomic_store_explicit(&bare->tail, tail, memory_order_release);
    }
    return NULL;
}

static double bare_run(void *self)
{
    struct bare *bare = self;
    atomic_store(&bare->head, 0);
    atomic_store(&bare->tail, 0);
    int64_t began_ns = bench_now_ns();
    pthread_t consumer;
    if (pthread_create(&consumer, NULL, bare_consume, bare) != 0) {
        exit(1);
    }
    for (uint64_t i = 0; i < BATCH;) {
        if (i + 256 - atomic_load_explicit(&bare->tail, memory_order_acquire) > RING_SLOTS) {
            (void)usleep(20);
            continue;
        }
        for (uint64_t end = i + 256; i < end; i++) {
            bare->slots[i % RING_SLOTS] = stream[i];
            stamp(&bare->slots[i % RING_SLOTS], bare->round, i);
        }
        atomic_store_explicit(&bare->head, i, memory_order_release);
    }
    bare->round++;
    (void)pthread_join(consumer, NULL);
    return (double)BATCH / ((double)(bench_now_ns() - began_ns) / 1e9);
}

static void bare_start(struct bare *bare)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/bare.log", folder);
    bare->file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bare->records = aligned_alloc(64, sizeof *bare->records * POINTS);
    if (bare->file < 0 || bare->records == NULL) {
        exit(1);
    }
    for (int i = 0; i < POINTS; i++) {
        bare->records[i] = (struct record){.limits = {0.9, 1.0, 1.5, 3.0}, .clears = {0.8, 0.9, 1.0, 1.0}};
    }
}

int main(void)
{
    static struct ours ours;
    static struct bare bare;
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    make_stream();
    ours_start(&ours);
    bare_start(&bare);
    (void)ours_run(&ours); /* every point has been heard of, every buffer has its size */
    struct bench_pair pair = bench_alternate(ROUNDS, ours_run, &ours, bare_run, &bare);
    unsigned long long before = atomic_load(&allocations);
    (void)ours_run(&ours);
    unsigned long long allocated = atomic_load(&allocations) - before;
    bench_print("pipeline", "samples_per_s", pair.ours, "1/s", "router, shard, store with recovery log; %d points", POINTS);
    bench_print("pipeline", "bare_samples_per_s", pair.bare, "1/s", "bare ring, comparisons, append log");
    bench_print("pipeline", "ratio", pair.ratio, "1", "median of %d alternated rounds of %d samples", ROUNDS, BATCH);
    bench_print("pipeline", "allocations_per_sample", (double)allocated / BATCH, "1",
                "%llu calls of malloc, calloc, realloc in our code over %d samples", allocated, BATCH);
    ours_stop(&ours);
    char command[PATH_MAX + 16];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? 0 : 1;
}
