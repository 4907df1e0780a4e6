/*
 * bench_query: what is asked of a store most, cold and warm: an hour of samples,
 * a day by the minute, thirty days by the hour, the newest reading of 100 000
 * points.
 *
 * Beside each the bare thing in turns: a plain walk over the same records of
 * the same database, decoded and counted, with nothing asked about what is
 * newer, late, removed or in no block yet.  Cold is a store opened anew after
 * its files were dropped from the page cache.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "base/ring.h"
#include "store/blocks.h"
#include "store/chunk.h"
#include "store/db.h"
#include "store/last.h"
#include "store/tier_block.h"
#include "tests/bench/bench.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POINTS = 4, DAYS = 31, MANY = 100000, RING = 8192, ROUNDS = 31, COLD_ROUNDS = 5 };
#define HOUR (3600 * NS_PER_S)
#define DAY  (24 * HOUR)
static const int64_t start_ns = INT64_C(1767571200) * NS_PER_S;
static const int64_t end_ns = start_ns + DAYS * DAY;

static void fail(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "bench_query: %s: %s\n", what, err->text);
    exit(1);
}

/* ---- a store ----------------------------------------------------------------------------------------------------- */

static void site_make(struct site *site, size_t points)
{
    *site = (struct site){.id = "bench", .point_count = points, .points = memory_new(points, sizeof *site->points)};
    for (size_t i = 0; i < points; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "area-%zu/p%zu", i % 100, i);
        site->points[i].id = memory_strdup(id);
    }
}

/* A value every second of each point, two decimals, wandering. */
static void put_all(struct ring *ring, const struct agent *agent, size_t points, int64_t seconds)
{
    uint64_t random = 1;
    int64_t level = 5000;
    for (int64_t i = 0; i < seconds; i++) {
        for (uint32_t point = 0; point < points; point++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            level += (int64_t)(random >> 61) - 3;
            const int64_t time_ns = start_ns + i * NS_PER_S;
            const struct sample sample = {
                .time_ns = time_ns, .seen_ns = time_ns, .value = (double)(level % 10000) / 100, .point = point};
            while (!ring_push(ring, &sample)) {
                (void)agent->do_work(agent->self, i);
            }
        }
    }
    while (agent->do_work(agent->self, INT64_MAX / 2) > 0) {
    }
}

static void put_together(struct store *store, const struct site *site)
{
    struct counters *const counters = counters_new(64);
    struct store_care *const care =
        store_care_new(&(struct store_care_config){.store = store, .site = site, .counters = counters});
    struct counter *const rounds = counter_new(counters, "store.care_rounds", "1", "");
    const struct agent agent = store_care_agent(care);
    const int64_t began_ns = bench_now_ns();
    while (counter_get(rounds) == 0) {
        (void)agent.do_work(agent.self, agent.next_due(agent.self) + 1);
    }
    const double seconds = (double)(bench_now_ns() - began_ns) / (double)NS_PER_S;
    const double samples = (double)counter_get(counter_new(counters, "store.tier_samples", "1", ""));
    const double bytes = (double)counter_get(counter_new(counters, "store.tier_bytes", "B", ""));
    bench_print("query", "tiers_made", samples / seconds, "1/s",
                "samples put together into minutes and hours, one thread");
    bench_print("query", "tiers_bytes", bytes / samples, "B",
                "bytes of minutes and hours a sample, before compression");
    store_care_free(care);
    counters_free(counters);
}

static void store_fill(const char *path, const struct site *site, int64_t seconds, bool tiers)
{
    struct err err;
    struct ring *ring;
    struct store *store;
    struct store_writer *writer;
    if (store_open(path, site->id, &store, &err) != ERR_NONE ||
        ring_open(sizeof(struct sample), RING, 0, &ring, &err) != ERR_NONE) {
        fail("store_open", &err);
    }
    const struct store_writer_config config = {
        .store = store, .site = site, .inputs = &ring, .input_count = 1, .sync_ns = NS_PER_S};
    if (store_writer_new(&config, &writer, &err) != ERR_NONE) {
        fail("writer", &err);
    }
    const struct agent agent = store_writer_agent(writer);
    put_all(ring, &agent, site->point_count, seconds);
    if (tiers) {
        put_together(store, site);
    }
    store_writer_free(writer);
    ring_free(ring);
    store_close(store);
}

/* Drops the files from the page cache. */
static void forget_files(const char *path)
{
    DIR *const folder = opendir(path);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        const int fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            (void)fsync(fd); /* what is not written cannot be dropped */
            (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
            (void)close(fd);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

struct question {
    const char *name;
    struct store *store;
    int64_t from_ns, every_ns; /* every_ns 0: samples */
    uint64_t count;            /* of the last answer */
};

static bool count_row(void *self, const struct store_row *row)
{
    (void)row; /* that it came is all that is asked */
    ++*(uint64_t *)self;
    return true;
}

static bool count_bucket(void *self, const struct store_bucket *bucket)
{
    (void)bucket;
    ++*(uint64_t *)self;
    return true;
}

static bool count_last(void *self, const char *id, size_t id_len, const struct board_entry *entry)
{
    (void)id;
    (void)id_len;
    (void)entry;
    ++*(uint64_t *)self;
    return true;
}

static const int64_t to_ns = start_ns + 30 * DAY + 30 * 60 * NS_PER_S; /* the last hour is cut */

static double ask(void *self)
{
    struct question *const question = self;
    struct err err;
    const int64_t began_ns = bench_now_ns();
    question->count = 0;
    const enum err_code code =
        question->every_ns == 0
            ? store_read(question->store, "area-0/p0", question->from_ns, to_ns, count_row, &question->count, &err)
            : store_aggregate(question->store, "area-0/p0", question->from_ns, to_ns, question->every_ns, count_bucket,
                              &question->count, &err);
    if (code != ERR_NONE) {
        fail(question->name, &err);
    }
    return (double)(bench_now_ns() - began_ns) / NS_PER_MS;
}

/* The same records, walked and decoded. */
static double walk(void *self)
{
    struct question *const question = self;
    static struct chunk_scratch scratch;
    static struct store_row rows[CHUNK_ROWS_MAX];
    static struct tier_block block;
    static struct blocks blocks;
    struct err err;
    const int64_t began_ns = bench_now_ns();
    uint64_t count = 0;
    if (question->every_ns == 0) {
        blocks_begin(&blocks, question->store, NULL, 0, question->from_ns);
        struct chunk_head head;
        for (struct block_ref ref; blocks_peek(&blocks, &ref) && ref.key.start_ns < to_ns; blocks_next(&blocks)) {
            count += chunk_decode(0, ref.bytes, ref.len, &scratch, &head, rows) ? head.count : 0;
        }
        if (blocks_end(&blocks, &err) != ERR_NONE) {
            fail("walk", &err);
        }
    } else {
        const enum tier tier = question->every_ns == HOUR ? TIER_HOUR : TIER_MINUTE;
        struct tier_key key = {.tier = tier, .block = tier_block_of(question->from_ns / tier_length(tier))};
        uint8_t from[TIER_KEY];
        uint8_t upper[TIER_KEY];
        struct db_walk at;
        tier_key_write(&key, from);
        key.block = tier_block_of(to_ns / tier_length(tier)) + 1;
        tier_key_write(&key, upper);
        db_walk_begin(&at, question->store, CF_TIERS, NULL, from, sizeof from, upper, sizeof upper);
        for (; db_walk_valid(&at); db_walk_next(&at)) {
            size_t key_len;
            size_t len;
            const uint8_t *const name = db_walk_key(&at, &key_len);
            const uint8_t *const bytes = db_walk_value(&at, &len);
            if (tier_key_parse(name, key_len, &key) && tier_block_decode(&block, &key, bytes, len)) {
                count += block.count;
            }
        }
        if (db_walk_end(&at, question->store, &err) != ERR_NONE) {
            fail("walk", &err);
        }
    }
    question->count = count;
    return (double)(bench_now_ns() - began_ns) / NS_PER_MS;
}

static void report(const char *name, const char *heat, double ours, double bare, double ratio, uint64_t count)
{
    char metric[64];
    (void)snprintf(metric, sizeof metric, "%s_%s", name, heat);
    bench_print("query", metric, ours, "ms", "%llu lines; bare walk over the same records %.3f ms, ratio %.2f",
                (unsigned long long)count, bare, ratio);
}

static void measure_warm(struct store *store, const struct question *asked)
{
    struct question ours = *asked;
    struct question bare = *asked;
    ours.store = bare.store = store;
    const struct bench_pair pair = bench_alternate(ROUNDS, ask, &ours, walk, &bare);
    report(asked->name, "warm", pair.ours, pair.bare, pair.ratio, ours.count);
}

/* Each time a store opened anew; opening is not counted in, as it is the same for all. */
static double cold(const char *path, const struct question *asked, bench_run *run, uint64_t *ret_count)
{
    struct question question = *asked;
    struct store *store;
    struct err err;
    forget_files(path);
    if (store_open_reader(path, &store, &err) != ERR_NONE) {
        fail("store_open_reader", &err);
    }
    question.store = store;
    const double ms = run(&question);
    *ret_count = question.count;
    store_close(store);
    return ms;
}

static void measure_cold(const char *path, const struct question *asked)
{
    double ours[COLD_ROUNDS];
    double bare[COLD_ROUNDS];
    double ratio[COLD_ROUNDS];
    uint64_t count = 0;
    for (int i = 0; i < COLD_ROUNDS; i++) {
        bare[i] = cold(path, asked, walk, &count);
        ours[i] = cold(path, asked, ask, &count);
        ratio[i] = ours[i] / bare[i];
    }
    report(asked->name, "cold", bench_median(ours, COLD_ROUNDS), bench_median(bare, COLD_ROUNDS),
           bench_median(ratio, COLD_ROUNDS), count);
}

/* ---- newest readings --------------------------------------------------------------------------------------------- */

static double ask_newest(void *self)
{
    struct question *const question = self;
    struct err err;
    const int64_t began_ns = bench_now_ns();
    question->count = 0;
    if (store_last_all(question->store, count_last, &question->count, &err) != ERR_NONE || question->count != MANY) {
        fail("store_last_all", &err);
    }
    return (double)(bench_now_ns() - began_ns) / NS_PER_MS;
}

/* Names and newest readings, as far as there are records of them. */
static double walk_newest(void *self)
{
    struct question *const question = self;
    struct err err;
    struct db_walk at;
    struct last last;
    const int64_t began_ns = bench_now_ns();
    question->count = 0;
    for (const char *kind = "il"; *kind != '\0'; kind++) {
        const char upper[1] = {(char)(*kind + 1)};
        db_walk_begin(&at, question->store, CF_SERIES, NULL, kind, 1, upper, 1);
        for (; db_walk_valid(&at); db_walk_next(&at)) {
            size_t key_len;
            size_t len;
            const uint8_t *const key = db_walk_key(&at, &key_len);
            const uint8_t *const bytes = db_walk_value(&at, &len);
            question->count += *kind == 'i' || last_decode(get_u32(key + 1), bytes, len, &last);
        }
        if (db_walk_end(&at, question->store, &err) != ERR_NONE) {
            fail("walk", &err);
        }
    }
    return (double)(bench_now_ns() - began_ns) / NS_PER_MS;
}

static void measure_newest(const char *path, const struct site *site)
{
    const struct question asked = {.name = "newest_100k"};
    struct question ours = asked;
    struct question bare = asked;
    struct err err;
    if (store_open(path, site->id, &ours.store, &err) != ERR_NONE) {
        fail("store_open", &err);
    }
    bare.store = ours.store;
    const struct bench_pair pair = bench_alternate(ROUNDS, ask_newest, &ours, walk_newest, &bare);
    report(asked.name, "warm", pair.ours, pair.bare, pair.ratio, ours.count);
    store_close(ours.store);
    double cold_ours[COLD_ROUNDS];
    double cold_bare[COLD_ROUNDS];
    uint64_t count = 0;
    for (int i = 0; i < COLD_ROUNDS; i++) {
        cold_ours[i] = cold(path, &asked, ask_newest, &count);
        cold_bare[i] = cold(path, &asked, walk_newest, &count);
    }
    const double first = bench_median(cold_ours, COLD_ROUNDS);
    const double other = bench_median(cold_bare, COLD_ROUNDS);
    report(asked.name, "cold", first, other, first / other, MANY);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static char *folder_make(void)
{
    char path[] = "/tmp/davy-bench-XXXXXX";
    if (mkdtemp(path) == NULL) {
        perror("mkdtemp");
        exit(1);
    }
    return memory_strdup(path);
}

static void folder_remove(char *path)
{
    DIR *const folder = opendir(path);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0); /* "." and ".." are refused */
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    (void)rmdir(path);
    free(path);
}

static void measure_history(void)
{
    const struct question questions[] = {
        {.name = "1h_samples", .from_ns = to_ns - HOUR},
        {.name = "24h_by_minute", .from_ns = to_ns - DAY, .every_ns = 60 * NS_PER_S},
        {.name = "30d_by_hour", .from_ns = to_ns - 30 * DAY, .every_ns = HOUR},
        {.name = "24h_by_90s", .from_ns = to_ns - DAY, .every_ns = 90 * NS_PER_S}, /* from samples; bare: by minute */
    };
    char *const path = folder_make();
    struct site site;
    struct store *store;
    struct err err;
    site_make(&site, POINTS);
    store_fill(path, &site, (end_ns - start_ns) / NS_PER_S, true);
    if (store_open(path, site.id, &store, &err) != ERR_NONE) {
        fail("store_open", &err);
    }
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        measure_warm(store, &questions[i]);
    }
    store_close(store);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        measure_cold(path, &questions[i]);
    }
    folder_remove(path);
}

int main(void)
{
    measure_history();
    char *const path = folder_make();
    struct site site;
    site_make(&site, MANY);
    store_fill(path, &site, 60, false);
    measure_newest(path, &site);
    folder_remove(path);
    return 0;
}
