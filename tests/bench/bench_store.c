/*
 * bench_store: samples into the store, and what is left of them on the disk.
 *
 * Ours is the whole way: a ring, the writer agent, recovery log, blocks.  Beside
 * it, in turns in the same run, what others do with the same database: blocks
 * written as they are, without a log, and one key per sample.  Written bytes are
 * what the process handed to write(), by /proc/self/io.
 *
 * Many series, one sample of each in turn, are the live case: then it is memory
 * that is slow.  Those run in processes of their own, so that their memory can be
 * told.
 *
 * What a sample costs the writer's thread alone is told for few and many series,
 * for samples as they lie in a full ring and for messages of 100 with a time of
 * receipt of their own; the points in no order that a cache could like.
 *
 * bench_store [mine|many|thread [POINTS]|plant|methane|nab]: only that part.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "base/ring.h"
#include "store/chunk.h"
#include "store/db.h"
#include "store/keys.h"
#include "store/store.h"
#include "tests/bench/bench.h"
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POINTS = 3000, SECONDS = 1536, RING = 8192, BLOCK = 512, ROUNDS = 5, MANY_ROUNDS = 3, ALONE_SECONDS = 100 };
static const int64_t begin_ns = 1767571200 * NS_PER_S;

struct data {
    struct site site;
    size_t stride;          /* of the points when samples are made: they come in this order, modulo their count */
    struct sample *samples; /* in order of receipt; NULL: made when they are asked for */
    size_t count;
    size_t message;   /* samples that come at once, with one time of receipt; 0: as many as the ring takes */
    int64_t sync_ns;  /* longest time unsynced */
    double cpu_ns;    /* of the process per sample, of the last run of the writer */
    double thread_ns; /* of the writer's own thread */
    uint64_t written; /* bytes, of the last run */
    uint64_t kept;    /* bytes of blocks after compaction, of the last run; 0: not measured */
    uint64_t memory;  /* most the process had while the writer ran */
};

/* ---- data ---------------------------------------------------------------------------------------------------------
 */

static void make_points(struct site *site, size_t points)
{
    *site = (struct site){.id = "bench", .point_count = points, .points = memory_new(points, sizeof *site->points)};
    for (size_t i = 0; i < points; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "p%zu", i);
        site->points[i].id = memory_strdup(id);
    }
}

static uint32_t dice(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*state >> 33);
}

/* A mine: two decimals, now and then a step of a few hundredths, taken every second. */
static void make_mine(struct data *data)
{
    uint64_t seed = 1;
    int32_t *const level = memory_new(POINTS, sizeof *level);
    make_points(&data->site, POINTS);
    data->count = (size_t)POINTS * SECONDS;
    data->samples = memory_new(data->count, sizeof *data->samples);
    for (size_t i = 0; i < data->count; i++) {
        const uint32_t point = (uint32_t)(i % POINTS);
        const int64_t time_ns = begin_ns + (int64_t)(i / POINTS) * NS_PER_S;
        level[point] += dice(&seed) % 4 == 0 ? (int32_t)(dice(&seed) % 7) - 3 : 0;
        data->samples[i] = (struct sample){
            .time_ns = time_ns, .seen_ns = time_ns, .value = (500 + level[point]) / 100.0, .point = point};
    }
    free(level);
}

/* What comes next when nothing was made before: one sample of each series a second, each a walk in two decimals. */
static void make_next(const struct data *data, size_t from, size_t n, struct sample *ret_samples)
{
    enum { WALK = 1 << 14 };
    static int16_t walk[WALK];
    if (walk[1] == 0) {
        uint64_t seed = 1;
        for (size_t i = 1; i < WALK; i++) {
            walk[i] = (int16_t)(walk[i - 1] + (dice(&seed) % 4 == 0 ? (int)(dice(&seed) % 7) - 3 : 0));
        }
        walk[1] = 1;
    }
    size_t point = from % data->site.point_count;
    size_t second = from / data->site.point_count;
    for (size_t i = 0; i < n; i++) {
        const int64_t time_ns = begin_ns + (int64_t)second * NS_PER_S;
        const size_t message = data->message == 0 ? 0 : (from + i) / data->message + 1;
        ret_samples[i] = (struct sample){.time_ns = time_ns,
                                         .seen_ns = time_ns + (int64_t)(message * 48271 % 1000003),
                                         .value = (1000 + walk[(point * 31 + second) % WALK]) / 100.0,
                                         .point = (uint32_t)(point * data->stride % data->site.point_count)};
        if (++point == data->site.point_count) {
            point = 0;
            second++;
        }
    }
}

static void fill(const struct data *data, size_t from, size_t n, struct sample *ret_samples)
{
    if (data->samples == NULL) {
        make_next(data, from, n, ret_samples);
    } else {
        memcpy(ret_samples, data->samples + from, n * sizeof *ret_samples);
    }
}

/* A file of ../shared/data, as rows of a time that is not looked at and one value for each point. */
struct recording {
    const char *name, *file, *command, *note;
    size_t points, rows;
    int64_t step_ns;
    bool long_rows; /* else each row is the number of a point and one value of it */
};

static const struct recording recordings[] = {
    {.name = "plant",
     .file = "../shared/data/tep/fast/f00_5s.csv.gz",
     .command = "zcat ../shared/data/tep/fast/f0[012]_5s.csv.gz",
     .note = "Tennessee Eastman, 5 s, five digits; zstd, compacted",
     .points = 53,
     .rows = (size_t)3 * 11520,
     .step_ns = 5 * NS_PER_S,
     .long_rows = true},
    {.name = "methane",
     .file = "../shared/data/methane/methane-train.arff",
     .command = "sed -n 's/^[0-9-]/0,&/p' ../shared/data/methane/methane-train.arff",
     .note = "sensors of a coal mine, taken as every 30 s; zstd, compacted",
     .points = 7,
     .rows = 13368,
     .step_ns = 30 * NS_PER_S,
     .long_rows = true},
    {.name = "nab",
     .file = "../shared/data/nab/nab_dev.txt",
     .command = "awk -F, 'FNR == 1 {file++} FNR > 1 {print file - 1 \",\" $2}' ../shared/data/nab/data/*/*.csv",
     .note = "Numenta's series, taken as every 5 min; zstd, compacted",
     .points = 64,
     .rows = 400000,
     .step_ns = 300 * NS_PER_S},
};

static void take_row(struct data *data, const struct recording *from, char *line, int64_t *rows)
{
    char *at = strchr(line, ',');
    if (line[0] < '0' || line[0] > '9' || at == NULL) {
        return; /* a heading */
    }
    const uint32_t first = from->long_rows ? 0 : (uint32_t)strtoul(line, NULL, 10) % (uint32_t)from->points;
    const int64_t time_ns = begin_ns + rows[first]++ * from->step_ns;
    for (uint32_t point = first; point < from->points && *at == ','; point++) {
        data->samples[data->count++] =
            (struct sample){.time_ns = time_ns, .seen_ns = time_ns, .value = strtod(at + 1, &at), .point = point};
    }
}

static bool make_recorded(struct data *data, const struct recording *from)
{
    FILE *const in = access(from->file, R_OK) == 0 ? popen(from->command, "r") : NULL;
    if (in == NULL) {
        return false;
    }
    const size_t room = from->rows * (from->long_rows ? from->points : 1);
    int64_t *const rows = memory_new(from->points, sizeof *rows);
    char line[4096];
    make_points(&data->site, from->points);
    data->samples = memory_new(room, sizeof *data->samples);
    while (data->count + from->points <= room && fgets(line, sizeof line, in) != NULL) {
        take_row(data, from, line, rows);
    }
    free(rows);
    (void)pclose(in);
    return data->count > 0;
}

/* ---- measuring ----------------------------------------------------------------------------------------------------
 */

static uint64_t bytes_written(void)
{
    FILE *const io = fopen("/proc/self/io", "r");
    char line[128];
    uint64_t bytes = 0;
    while (io != NULL && fgets(line, sizeof line, io) != NULL) {
        (void)sscanf(line, "wchar: %" SCNu64, &bytes); /* other lines leave it as it is */
    }
    if (io != NULL) {
        (void)fclose(io);
    }
    return bytes;
}

static void folder_remove(const char *path)
{
    DIR *const folder = opendir(path);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0); /* "." and ".." are refused */
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    (void)rmdir(path);
}

static void need(enum err_code code, const struct err *err)
{
    if (code != ERR_NONE) {
        fprintf(stderr, "bench_store: %s\n", err->text);
        exit(1);
    }
}

static struct store *open_store(char path[64])
{
    struct store *store = NULL;
    struct err err;
    (void)snprintf(path, 64, "bench-store-XXXXXX"); /* here, not in memory: it is the disk that is measured */
    if (mkdtemp(path) == NULL) {
        perror(path);
        exit(1);
    }
    need(store_open(path, "bench", &store, &err), &err);
    return store;
}

/* What the blocks take once everything is merged. */
static uint64_t size_of_blocks(struct store *store)
{
    char *rocks_err = NULL;
    rocksdb_flushoptions_t *const options = rocksdb_flushoptions_create();
    rocksdb_flush_cf(store->db, options, store->cf[CF_BLOCKS], &rocks_err);
    rocksdb_flushoptions_destroy(options);
    rocksdb_compact_range_cf(store->db, store->cf[CF_BLOCKS], NULL, 0, NULL, 0);
    uint64_t bytes = 0;
    (void)rocksdb_property_int_cf(store->db, store->cf[CF_BLOCKS], "rocksdb.live-sst-files-size", &bytes);
    return bytes;
}

static int64_t thread_cpu_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
}

static double per_second(size_t n, int64_t ns)
{
    return (double)n * (double)NS_PER_S / (double)ns;
}

static double run_writer(void *self)
{
    struct data *const data = self;
    char path[64];
    struct err err;
    struct store *const store = open_store(path);
    struct ring *ring;
    struct store_writer *writer = NULL;
    need(ring_open(sizeof(struct sample), RING, 0, &ring, &err), &err);
    const struct store_writer_config config = {.store = store,
                                               .site = &data->site,
                                               .inputs = &ring,
                                               .input_count = 1,
                                               .sync_ns = data->sync_ns,
                                               .gather_ns = NS_PER_MS};
    need(store_writer_new(&config, &writer, &err), &err);
    const struct agent agent = store_writer_agent(writer);
    struct clock clock;
    clock_init(&clock);
    const uint64_t before = bytes_written();
    const int64_t start_ns = bench_now_ns();
    const int64_t cpu_ns = bench_cpu_ns();
    const int64_t thread_ns = thread_cpu_ns();
    for (size_t i = 0; i < data->count;) {
        size_t room;
        struct sample *const slots = ring_claim(ring, &room);
        size_t n = room < data->count - i ? room : data->count - i;
        n = data->message != 0 && data->message < n ? data->message : n;
        if (n > 0) {
            fill(data, i, n, slots);
            ring_publish(ring, n);
            i += n;
        }
        (void)agent.do_work(agent.self, clock_now_ns(&clock));
    }
    ring_close(ring);
    while (agent.do_work(agent.self, clock_now_ns(&clock)) != AGENT_FINISHED) {
    }
    const int64_t took_ns = bench_now_ns() - start_ns;
    data->cpu_ns = (double)(bench_cpu_ns() - cpu_ns) / (double)data->count;
    data->thread_ns = (double)(thread_cpu_ns() - thread_ns) / (double)data->count;
    data->memory = (uint64_t)bench_peak_bytes();
    data->kept = size_of_blocks(store);
    data->written = bytes_written() - before;
    store_writer_free(writer);
    ring_free(ring);
    store_close(store);
    folder_remove(path);
    return per_second(data->count, took_ns);
}

static void put(struct store *store, rocksdb_writebatch_t *batch, const void *key, size_t key_len, const void *value,
                size_t len)
{
    rocksdb_writebatch_put_cf(batch, store->cf[CF_BLOCKS], key, key_len, value, len);
}

static void commit(struct store *store, rocksdb_writebatch_t *batch)
{
    struct err err;
    need(db_write(store, batch, false, &err), &err);
    rocksdb_writebatch_clear(batch);
}

/* Blocks of rows gathered in plain arrays, encoded and written: what the store does, without log and late samples. */
static double run_blocks(void *self)
{
    struct data *const data = self;
    char path[64];
    struct store *const store = open_store(path);
    rocksdb_writebatch_t *const batch = rocksdb_writebatch_create();
    const size_t points = data->site.point_count;
    struct store_row *const rows = memory_new(points * BLOCK, sizeof *rows);
    size_t *const counts = memory_new(points, sizeof *counts);
    struct chunk_scratch *const scratch = memory_new(1, sizeof *scratch);
    uint8_t *const bytes = memory_new(CHUNK_BYTES_MAX, 1);
    const uint64_t before = bytes_written();
    const int64_t start_ns = bench_now_ns();
    const int64_t thread_ns = thread_cpu_ns();
    struct sample *const samples = memory_new(RING, sizeof *samples);
    for (size_t i = 0; i < data->count; i++) {
        if (i % RING == 0) { /* ours copies them too, into its ring */
            fill(data, i, data->count - i < RING ? data->count - i : RING, samples);
        }
        const struct sample *const sample = &samples[i % RING];
        struct store_row *const block = rows + (size_t)sample->point * BLOCK;
        block[counts[sample->point]++] = (struct store_row){
            .time_ns = sample->time_ns, .seen_ns = sample->seen_ns, .value = sample->value, .status = sample->status};
        if (counts[sample->point] == BLOCK) {
            uint8_t key[KEY_BLOCK_MAX];
            const struct block_key name = {.series = sample->point, .start_ns = block[0].time_ns};
            const size_t len = chunk_encode(sample->point, false, block, BLOCK, scratch, bytes);
            put(store, batch, key, key_block(&name, key), bytes, len);
            counts[sample->point] = 0;
        }
        if (i % RING == RING - 1) {
            commit(store, batch);
        }
    }
    commit(store, batch);
    const int64_t took_ns = bench_now_ns() - start_ns;
    data->thread_ns = (double)(thread_cpu_ns() - thread_ns) / (double)data->count;
    data->kept = size_of_blocks(store);
    data->written = bytes_written() - before;
    rocksdb_writebatch_destroy(batch);
    free(samples);
    free(rows);
    free(counts);
    free(scratch);
    free(bytes);
    store_close(store);
    folder_remove(path);
    return per_second(data->count, took_ns);
}

/* Key: series and time; value: 8 bytes and status.  A shorter stretch: it is slow. */
static double run_keys(struct data *data)
{
    char path[64];
    struct store *const store = open_store(path);
    rocksdb_writebatch_t *const batch = rocksdb_writebatch_create();
    const size_t most = data->site.point_count * ALONE_SECONDS;
    const size_t count = data->count < most ? data->count : most;
    const uint64_t before = bytes_written();
    const int64_t start_ns = bench_now_ns();
    for (size_t i = 0; i < count; i++) {
        uint8_t key[12];
        uint8_t value[10];
        (void)put_i64(put_u32(key, data->samples[i].point), data->samples[i].time_ns);
        (void)put_u16(put_u64(value, double_bits(data->samples[i].value)), data->samples[i].status);
        put(store, batch, key, sizeof key, value, sizeof value);
        if (i % RING == RING - 1) {
            commit(store, batch);
        }
    }
    commit(store, batch);
    const int64_t took_ns = bench_now_ns() - start_ns;
    data->kept = size_of_blocks(store);
    data->written = bytes_written() - before;
    rocksdb_writebatch_destroy(batch);
    store_close(store);
    folder_remove(path);
    bench_print("store", "keys_bytes_per_sample", (double)data->kept / (double)count, "B", "compacted");
    bench_print("store", "keys_written_per_sample", (double)data->written / (double)count, "B", "compaction included");
    return per_second(count, took_ns);
}

static void tell_sizes(const struct data *data, const char *metric, const char *written, const char *note)
{
    bench_print("store", metric, (double)data->kept / (double)data->count, "B", "%s", note);
    bench_print("store", written, (double)data->written / (double)data->count, "B", "%s", note);
}

static void measure_mine(void)
{
    struct data *const data = memory_new(1, sizeof *data);
    make_mine(data);
    data->sync_ns = NS_PER_S;
    const struct bench_pair pair = bench_alternate(ROUNDS, run_blocks, data, run_writer, data);
    bench_print("store", "samples_per_s", pair.bare, "1/s", "log, blocks of 512, sync every second; %d points", POINTS);
    bench_print("store", "blocks_samples_per_s", pair.ours, "1/s", "bare blocks of 512, no log, no sync");
    bench_print("store", "of_bare_blocks", 1 / pair.ratio, "", "samples_per_s / blocks_samples_per_s, in turns");
    bench_print("store", "cpu_per_sample", data->cpu_ns, "ns", "of the whole process, RocksDB's threads included");
    const double ours_ns = data->thread_ns;
    (void)run_blocks(data);
    bench_print("store", "thread_of_bare_blocks", data->thread_ns / ours_ns, "",
                "processor time of the writing thread: bare blocks / the writer");
    data->sync_ns = 10 * NS_PER_MS;
    bench_print("store", "synced_samples_per_s", run_writer(data), "1/s", "the same, never more than 10 ms unsynced");
    tell_sizes(data, "bytes_per_sample", "written_per_sample", "a mine: two decimals every second; zstd, compacted");
    bench_print("store", "keys_samples_per_s", run_keys(data), "1/s", "one key per sample");
}

/* Runs `measure` in a process of its own. */
static void apart(void (*measure)(void))
{
    (void)fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
        measure();
        exit(0);
    }
    int status = 1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bench_store: a part failed\n");
        exit(1);
    }
}

static void measure_10k(void)
{
    struct data *const data = memory_new(1, sizeof *data);
    make_points(&data->site, 10000);
    data->stride = 1;
    data->count = data->site.point_count * 640;
    data->sync_ns = NS_PER_S;
    const struct bench_pair pair = bench_alternate(MANY_ROUNDS, run_blocks, data, run_writer, data);
    bench_print("store", "series_10k_samples_per_s", pair.bare, "1/s", "10 000 series, one sample of each in turn");
    bench_print("store", "series_10k_of_bare_blocks", 1 / pair.ratio, "", "beside bare blocks, in turns");
    bench_print("store", "series_10k_cpu_per_sample", data->thread_ns, "ns", "of the writer's thread");
}

/* What it costs to make the samples, so that it can be told apart. */
static double making_ns(const struct data *data)
{
    struct sample *const samples = memory_new(RING, sizeof *samples);
    const int64_t thread_ns = thread_cpu_ns();
    for (size_t i = 0; i + RING <= data->count; i += RING) {
        fill(data, i, RING, samples);
    }
    const double took_ns = (double)(thread_cpu_ns() - thread_ns);
    free(samples);
    return took_ns / (double)data->count;
}

/* Long enough for every block to be nearly full: the most memory there can be. */
static void measure_100k(void)
{
    struct data *const data = memory_new(1, sizeof *data);
    make_points(&data->site, 100000);
    data->stride = 1;
    data->count = data->site.point_count * 540;
    data->sync_ns = NS_PER_S;
    const int64_t before = bench_peak_bytes();
    const double figure = run_writer(data);
    bench_print("store", "series_100k_samples_per_s", figure, "1/s", "100 000 series, one sample of each in turn");
    bench_print("store", "series_100k_cpu_per_sample", data->thread_ns, "ns", "of the writer's thread");
    bench_print("store", "series_100k_memory", (double)data->memory - (double)before, "B",
                "the store and its writer, all 100 000 blocks open until they are full");
}

/* Processor time of the writer's thread, the making of the samples taken off. */
static void measure_thread(size_t points, size_t message, size_t count)
{
    enum { PRIME = 7919 };
    struct data *const data = memory_new(1, sizeof *data);
    char metric[64];
    make_points(&data->site, points);
    data->stride = PRIME;
    data->message = message;
    data->count = count;
    data->sync_ns = NS_PER_S;
    (void)run_writer(data);
    double best_ns = data->thread_ns;
    (void)run_writer(data);
    best_ns = data->thread_ns < best_ns ? data->thread_ns : best_ns;
    (void)snprintf(metric, sizeof metric, "thread_%zu_points_%s", points, message == 0 ? "full_ring" : "messages");
    bench_print("store", metric, best_ns - making_ns(data), "ns",
                "of the writer's thread for a sample; the better of two");
}

static size_t only_points; /* measured; 0: all */

static void measure_threads(void)
{
    static const struct {
        size_t points, count;
    } cases[] = {{100, 2000000}, {10000, 6400000}, {100000, 12000000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (only_points == 0 || only_points == cases[i].points) {
            measure_thread(cases[i].points, 0, cases[i].count);
            measure_thread(cases[i].points, 100, cases[i].count / 4);
        }
    }
}

static void measure_recorded(const struct recording *from)
{
    struct data *const data = memory_new(1, sizeof *data);
    char kept[64];
    char written[64];
    data->sync_ns = NS_PER_S;
    if (!make_recorded(data, from)) {
        fprintf(stderr, "bench_store: %s is not here; skipped\n", from->file);
        return;
    }
    (void)run_writer(data);
    (void)snprintf(kept, sizeof kept, "%s_bytes_per_sample", from->name);
    (void)snprintf(written, sizeof written, "%s_written_per_sample", from->name);
    tell_sizes(data, kept, written, from->note);
}

int main(int argc, char **argv)
{
    const char *const part = argc > 1 ? argv[1] : "";
    only_points = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 0;
    if (*part == '\0' || strcmp(part, "many") == 0) {
        apart(measure_10k);
        apart(measure_100k);
    }
    if (*part == '\0' || strcmp(part, "thread") == 0) {
        apart(measure_threads);
    }
    if (*part == '\0' || strcmp(part, "mine") == 0) {
        measure_mine();
    }
    for (size_t i = 0; i < sizeof recordings / sizeof *recordings; i++) {
        if (*part == '\0' || strcmp(part, recordings[i].name) == 0) {
            measure_recorded(&recordings[i]);
        }
    }
    bench_print("store", "peak_memory", (double)bench_peak_bytes(), "B", "of this run, its own data included");
    return 0;
}
