/*
 * Samples in and out: random operations against a plain model of what the
 * store should hold, over restarts; late and repeated times, far-ahead ones,
 * memory and log bounds.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "cmocka_all.h"
#include "rig.h"
#include "store/bytes.h"
#include "store/db.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 5, TIMES = 4000 };

/* What each point should hold: times are whole seconds from `base_ns`. */
struct model {
    struct store_row rows[POINTS][TIMES];
    bool there[POINTS][TIMES];
};

static const int64_t base_ns = 1700000000 * NS_PER_S;

struct comparison {
    const struct model *model;
    uint32_t point;
    size_t at;
    size_t end;
};

static void skip_absent(struct comparison *comparison)
{
    while (comparison->at < comparison->end && !comparison->model->there[comparison->point][comparison->at]) {
        comparison->at++;
    }
}

static bool compare_row(void *self, const struct store_row *row)
{
    struct comparison *const comparison = self;
    skip_absent(comparison);
    assert_true(comparison->at < comparison->end);
    const struct store_row *const want = &comparison->model->rows[comparison->point][comparison->at++];
    assert_int_equal(row->time_ns, want->time_ns);
    assert_int_equal(row->seen_ns, want->seen_ns);
    assert_int_equal(double_bits(row->value), double_bits(want->value));
    assert_int_equal(row->status, want->status);
    return true;
}

static void compare_point(struct store *store, const struct model *model, uint32_t point, size_t from, size_t to)
{
    char id[32];
    struct err err;
    struct comparison comparison = {.model = model, .point = point, .at = from, .end = to};
    (void)snprintf(id, sizeof id, "p%u", point);
    assert_int_equal(store_read(store, id, base_ns + (int64_t)from * NS_PER_S, base_ns + (int64_t)to * NS_PER_S,
                                compare_row, &comparison, &err),
                     ERR_NONE);
    skip_absent(&comparison);
    assert_int_equal(comparison.at, to);
}

static void compare_all(struct store *store, const struct model *model, uint64_t *seed)
{
    struct err err;
    for (uint32_t point = 0; point < POINTS; point++) {
        compare_point(store, model, point, 0, TIMES);
        const size_t from = (size_t)random_below(seed, TIMES);
        compare_point(store, model, point, from, from + (size_t)random_below(seed, TIMES - from));
    }
    assert_int_equal(store_verify(store, NULL, NULL, &err), ERR_NONE);
}

static void put(struct rig *rig, struct model *model, uint32_t point, size_t at, double value, uint16_t status)
{
    const int64_t time_ns = base_ns + (int64_t)at * NS_PER_S;
    const int64_t seen_ns = (status & ST_SKEW) != 0 ? time_ns - 3600 * NS_PER_S : time_ns + 1234567;
    rig_put(rig, point, time_ns, seen_ns, value, status);
    model->there[point][at] = true;
    model->rows[point][at] =
        (struct store_row){.time_ns = time_ns, .seen_ns = seen_ns, .value = value, .status = status};
}

/* Mostly in order, sometimes late, repeated or far ahead. */
static void put_some(struct rig *rig, struct model *model, size_t newest[POINTS], uint64_t *seed)
{
    const uint32_t point = (uint32_t)random_below(seed, POINTS);
    const double value = random_below(seed, 20) == 0 ? NAN : (double)random_below(seed, 1000) / 100;
    const uint16_t status = random_below(seed, 10) == 0 ? ST_CALIBRATING : isnan(value) ? ST_SENSOR : 0;
    switch (random_below(seed, 10)) {
    case 0:
        put(rig, model, point, random_below(seed, newest[point] + 1), value, status | ST_LATE);
        break;
    case 1:
        put(rig, model, point, newest[point], value, status); /* once more, the same time */
        break;
    case 2:
        if (newest[point] + 200 < TIMES) {
            put(rig, model, point, newest[point] + 100 + random_below(seed, 100), value, status | ST_SKEW);
        }
        break;
    default:
        if (newest[point] + 2 < TIMES) {
            newest[point] += 1 + random_below(seed, 2);
            put(rig, model, point, newest[point], value, status);
        }
    }
}

static void random_samples_come_back_over_restarts(void **state)
{
    char *const path = folder_new();
    struct site *const site = site_make(POINTS);
    struct model *const model = memory_new(1, sizeof *model);
    size_t newest[POINTS] = {0};
    uint64_t seed = 11;
    (void)state;
    for (int run = 0; run < 12; run++) {
        struct rig rig;
        rig_open(&rig, path, site, 0);
        if (run > 0) {
            compare_all(rig.store, model, &seed);
        }
        for (int i = 0; i < 1500; i++) {
            put_some(&rig, model, newest, &seed);
            if (random_below(&seed, 50) == 0) {
                rig_run(&rig);
            }
        }
        rig_run(&rig);
        compare_all(rig.store, model, &seed);
        if (run % 2 == 0) {
            rig_close(&rig);
        } else {
            rig_drop(&rig);
        }
    }
    free(model);
    site_unmake(site);
    folder_remove(path);
}

static bool count_row(void *self, const struct store_row *row)
{
    (void)row;
    ++*(size_t *)self;
    return true;
}

static size_t count_rows(struct store *store, const char *id)
{
    size_t n = 0;
    struct err err;
    assert_int_equal(store_read(store, id, INT64_MIN, INT64_MAX, count_row, &n, &err), ERR_NONE);
    return n;
}

/* Late samples in any order over a long stretch overlap each other without end; memory does not grow with them. */
static void heaps_of_late_samples_are_merged(void **state)
{
    enum { N = 60000 };
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct rig rig;
    uint64_t seed = 5;
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    rig_put(&rig, 0, base_ns + (int64_t)N * NS_PER_S, base_ns, 1, 0);
    bool *const there = memory_new(N, sizeof *there);
    size_t distinct = 1;
    for (int i = 0; i < N; i++) {
        const uint64_t at = random_below(&seed, N);
        rig_put(&rig, 0, base_ns + (int64_t)at * NS_PER_S, base_ns, (double)i, ST_LATE);
        distinct += !there[at];
        there[at] = true;
    }
    rig_run(&rig);
    assert_int_equal(count_rows(rig.store, "p0"), distinct);
    free(there);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

static void ends_of_time_are_kept(void **state)
{
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct rig rig;
    static const int64_t times[] = {INT64_MIN, -1, 0, 1, INT64_MIN + 1, INT64_MAX - 1, 5, -5, INT64_MIN};
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        rig_put(&rig, 0, times[i], times[i], (double)i, 0);
    }
    rig_run(&rig);
    assert_int_equal(count_rows(rig.store, "p0"), 8);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

static void the_newest_and_the_last_good_are_known(void **state)
{
    char *const path = folder_new();
    struct site *const site = site_make(3);
    struct rig rig;
    struct board_entry entry;
    struct err err;
    (void)state;
    site->points[0].has_range = true;
    site->points[0].range_lo = 0;
    site->points[0].range_hi = 10;
    rig_open(&rig, path, site, NS_PER_S);
    rig_put(&rig, 0, 10, 11, 4.5, 0);
    rig_put(&rig, 0, 20, 21, -3, ST_RANGE);
    rig_put(&rig, 0, 30, 31, NAN, ST_COMM);
    rig_put(&rig, 0, 5, 32, 9, ST_LATE);
    rig_put(&rig, 0, 40, 33, 8, ST_LATE); /* told as history: never the newest */
    rig_put(&rig, 1, 10, 11, 12, ST_RANGE);
    rig_put(&rig, 1, 400, 20, 13, ST_SKEW);
    rig_put(&rig, 1, 30, 31, 14, 0);
    for (int round = 0; round < 3; round++) {
        if (round == 1) { /* from memory rebuilt, then through a reader */
            rig_close(&rig);
            rig_open(&rig, path, site, NS_PER_S);
        }
        rig_run(&rig);
        struct store *store = rig.store;
        if (round == 2) {
            assert_int_equal(store_open_reader(path, &store, &err), ERR_NONE);
        }
        assert_int_equal(store_last(store, "p0", &entry, &err), ERR_NONE);
        assert_int_equal(entry.time_ns, 30);
        assert_int_equal(entry.status, ST_COMM);
        assert_true(isnan(entry.value) && entry.good == 4.5); /* below the range is not good */
        assert_int_equal(store_last(store, "p1", &entry, &err), ERR_NONE);
        assert_true(entry.time_ns == 30 && entry.good == 14); /* skew counts by its time of receipt */
        assert_int_equal(store_last(store, "p2", &entry, &err), ERR_NO);
        assert_int_equal(store_last(store, "nobody", &entry, &err), ERR_NO);
        if (round == 2) {
            store_close(store);
        }
    }
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

struct asked {
    struct store *store;
    char before[32];
    size_t count;
};

static bool same_as_alone(void *self, const char *id, size_t id_len, const struct board_entry *entry)
{
    struct asked *const newest = self;
    struct board_entry alone;
    struct err err;
    char text[32];
    (void)snprintf(text, sizeof text, "%.*s", (int)id_len, id);
    assert_true(strcmp(newest->before, text) < 0);
    assert_int_equal(store_last(newest->store, text, &alone, &err), ERR_NONE);
    assert_true(alone.time_ns == entry->time_ns && alone.value == entry->value && alone.good == entry->good);
    (void)snprintf(newest->before, sizeof newest->before, "%s", text);
    newest->count++;
    return newest->count < 25;
}

static void all_newest_come_at_once_by_id(void **state)
{
    char *const path = folder_new();
    struct site *const site = site_make(40);
    struct rig rig;
    struct store *reader;
    struct err err;
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    for (uint32_t i = 0; i < 20; i++) {
        rig_put(&rig, i * 2, 10 + i, 11 + i, i, 0);
    }
    rig_run(&rig);
    struct asked newest = {.store = rig.store};
    assert_int_equal(store_last_all(rig.store, same_as_alone, &newest, &err), ERR_NONE);
    assert_int_equal(newest.count, 20); /* those never heard of are left out */
    assert_int_equal(store_open_reader(path, &reader, &err), ERR_NONE);
    newest = (struct asked){.store = reader, .count = 20};
    assert_int_equal(store_last_all(reader, same_as_alone, &newest, &err), ERR_NONE);
    assert_int_equal(newest.count, 25); /* stopped */
    store_close(reader);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

struct tally {
    size_t count;
    int64_t sum;
};

static bool tally_row(void *self, const struct store_row *row)
{
    struct tally *const tally = self;
    tally->count++;
    tally->sum += row->time_ns + (int64_t)row->value;
    return true;
}

/* Whichever way the open samples are come by: the book, the log behind an unwritten batch, a reader's first series, its
 * later ones. */
static void open_samples_are_the_same_whatever_way_they_come(void **state)
{
    enum { ROWS = 700 };
    char *const path = folder_new();
    struct site *const site = site_make(POINTS);
    struct rig rig;
    struct store *reader;
    struct err err;
    struct tally expected = {0};
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    for (int64_t i = 0; i < ROWS * POINTS; i++) {
        const int64_t time_ns = i % 7 == 0 ? i - 3 * POINTS + 1000000 : i * 1000000; /* some are late */
        rig_put(&rig, (uint32_t)(i % POINTS), time_ns, i * 1000000, (double)i, 0);
    }
    rig_run(&rig);
    assert_int_equal(store_open_reader(path, &reader, &err), ERR_NONE);
    for (int round = 0; round < 4; round++) {
        struct tally tally = {0};
        if (round == 1) { /* as while a batch is being written */
            rig.store->settled = false;
        }
        for (int i = 0; i < POINTS; i++) {
            char id[32];
            (void)snprintf(id, sizeof id, "p%d", i);
            assert_int_equal(
                store_read(round < 2 ? rig.store : reader, id, INT64_MIN, INT64_MAX, tally_row, &tally, &err),
                ERR_NONE);
        }
        expected = round == 0 ? tally : expected;
        assert_true(tally.count == expected.count && tally.sum == expected.sum);
        rig.store->settled = true;
    }
    assert_true(expected.count > ROWS * POINTS * 9 / 10);
    store_close(reader);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

struct buckets {
    struct store_bucket list[16];
    size_t count;
};

static bool take_bucket(void *self, const struct store_bucket *bucket)
{
    struct buckets *const buckets = self;
    buckets->list[buckets->count++] = *bucket;
    return buckets->count < 16;
}

static void aggregates_count_what_has_a_value(void **state)
{
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct rig rig;
    struct buckets buckets = {0};
    struct err err;
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    rig_put(&rig, 0, -15, -15, 7, 0);
    rig_put(&rig, 0, -10, -10, 9, ST_RANGE);
    rig_put(&rig, 0, 3, 3, 1e16, 0);
    rig_put(&rig, 0, 4, 4, 1, ST_MANUAL);
    rig_put(&rig, 0, 5, 5, -1e16, 0);
    rig_put(&rig, 0, 6, 6, NAN, ST_COMM);
    rig_put(&rig, 0, 7, 7, 50, ST_CALIBRATING);
    rig_put(&rig, 0, 2, 8, 0, ST_LATE);
    rig_put(&rig, 0, 39, 39, 2, 0);
    rig_run(&rig);
    assert_int_equal(store_aggregate(rig.store, "p0", -100, 100, 10, take_bucket, &buckets, &err), ERR_NONE);
    assert_int_equal(buckets.count, 4);
    assert_int_equal(buckets.list[0].start_ns, -20);
    assert_int_equal(buckets.list[1].start_ns, -10);
    const struct store_bucket *const third = &buckets.list[2];
    assert_int_equal(third->start_ns, 0);
    assert_int_equal(third->count, 4);
    assert_true(third->agg[AGG_MEAN] == 0.25 && third->agg[AGG_MIN] == -1e16 && third->agg[AGG_MAX] == 1e16);
    assert_true(third->agg[AGG_FIRST] == 0 && third->agg[AGG_LAST] == -1e16 && third->agg[AGG_COUNT] == 4);
    assert_int_equal(buckets.list[3].start_ns, 30);
    assert_int_equal(store_aggregate(rig.store, "p0", 0, 1, 0, take_bucket, &buckets, &err), ERR_INPUT);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

/* One slow point among fast ones: its open block is written now and then, so that the log can be cut, and in the end
 * stands there once. */
static void a_slow_point_does_not_hold_back_the_log(void **state)
{
    enum { FAST = 200, ROUNDS = 30000 };
    char *const path = folder_new();
    struct site *const site = site_make(FAST + 1);
    struct rig rig;
    size_t slow = 0;
    uint64_t seed = 9;
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    for (int64_t i = 0; i < ROUNDS; i++) {
        for (uint32_t point = 0; point < FAST; point++) {
            const double noise = (double)random_below(&seed, 1000000) / 1000;
            rig_put(&rig, point, base_ns + i * NS_PER_S, base_ns + i * NS_PER_S, noise, 0);
        }
        if (i % 100 == 0) {
            rig_put(&rig, FAST, base_ns + i * NS_PER_S, base_ns + i * NS_PER_S, 1, 0);
            slow++;
        }
    }
    rig_run(&rig);
    assert_true(rig_counter(&rig, "store.kept") > 0);
    assert_true(rig_counter(&rig, "store.log_bytes") < 16 << 20);
    assert_int_equal(count_rows(rig.store, "p200"), slow);
    rig_drop(&rig);
    rig_open(&rig, path, site, NS_PER_S);
    assert_int_equal(count_rows(rig.store, "p200"), slow);
    assert_int_equal(count_rows(rig.store, "p7"), ROUNDS);
    struct err err;
    assert_int_equal(store_verify(rig.store, NULL, NULL, &err), ERR_NONE);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

/* Removes a record from the midst of the log, as damage on the disk might. */
static void lose_a_record(struct store *store)
{
    static const char number[8] = {0, 0, 0, 0, 0, 0, 0, 2};
    struct err err;
    rocksdb_writebatch_t *const batch = rocksdb_writebatch_create();
    rocksdb_writebatch_delete_cf(batch, store->cf[CF_LOG], number, sizeof number);
    assert_int_equal(db_write(store, batch, true, &err), ERR_NONE);
    rocksdb_writebatch_destroy(batch);
}

static bool pass_over(void *self, const char *id, size_t id_len, const struct board_entry *entry)
{
    (void)self;
    (void)id;
    (void)id_len;
    return entry->time_ns > 0;
}

/* A reader gives what is left and says that more may be missing; the next one that writes has saved what there was. */
static void a_reader_tells_of_a_gap_in_the_log(void **state)
{
    char *const path = folder_new();
    struct site *const site = site_make(2);
    struct rig rig;
    struct store *reader = NULL;
    struct err err;
    size_t n = 0;
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    for (int64_t time = 1; time <= 4; time++) {
        rig_put(&rig, 0, time, time, 1, 0);
        rig_run(&rig); /* each a record of its own */
    }
    lose_a_record(rig.store);
    rig_drop(&rig);
    assert_int_equal(store_open_reader(path, &reader, &err), ERR_NONE);
    for (int i = 0; i < 2; i++) { /* from the log, and from the book once loaded */
        assert_int_equal(store_read(reader, "p0", 0, INT64_MAX, count_row, &n, &err), ERR_ENV);
        assert_non_null(strstr(err.text, "recovery log"));
        assert_int_equal(store_last_all(reader, pass_over, NULL, &err), ERR_ENV);
    }
    assert_true(n > 0);
    store_close(reader);
    rig_open(&rig, path, site, NS_PER_S);
    rig_put(&rig, 0, 9, 9, 1, 0);
    rig_run(&rig);
    assert_int_equal(store_open_reader(path, &reader, &err), ERR_NONE);
    assert_int_equal(store_read(reader, "p0", 0, INT64_MAX, count_row, &n, &err), ERR_NONE);
    assert_int_equal(store_last_all(reader, pass_over, NULL, &err), ERR_NONE);
    store_close(reader);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

/* Blocks that are open over a restart stay open: how much of the log they hold is counted on from before. */
static void a_restart_closes_no_block_early(void **state)
{
    enum { BEGUN = 40 };
    char *const path = folder_new();
    struct site *const site = site_make(BEGUN);
    struct rig rig;
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    for (uint32_t point = 0; point < BEGUN; point++) { /* each in a record of its own */
        rig_put(&rig, point, base_ns, base_ns, 1, 0);
        rig_run(&rig);
    }
    rig_close(&rig);
    rig_open(&rig, path, site, NS_PER_S);
    for (int64_t i = 1; i < 512; i++) { /* the block that began first is full */
        rig_put(&rig, 0, base_ns + i, base_ns + i, 1, 0);
    }
    rig_run(&rig);
    rig_put(&rig, 0, base_ns + 512, base_ns + 512, 1, 0);
    rig_run(&rig);
    assert_int_equal(rig_counter(&rig, "store.blocks"), 1);
    assert_int_equal(rig_counter(&rig, "store.kept"), 0);
    assert_in_range(rig_counter(&rig, "store.log_bytes"), 1, 1 << 20);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

static void marks_are_confirmed_after_the_commit(void **state)
{
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct rig rig;
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    rig_mark(&rig, 1);
    rig_put(&rig, 0, 1, 1, 1, 0);
    rig_mark(&rig, 2);
    assert_int_equal(cell_get(&rig.safe.stored[0]), 0);
    rig_run(&rig);
    assert_int_equal(cell_get(&rig.safe.stored[0]), 2);
    rig_drop(&rig);
    rig_open(&rig, path, site, NS_PER_S);
    assert_int_equal(count_rows(rig.store, "p0"), 1);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

static int work_at(struct rig *rig, int64_t now_ns)
{
    return rig->agent.do_work(rig->agent.self, now_ns);
}

/* The first after a while is written at once; what follows on its heels waits for more, but not for long. */
static void small_batches_wait_behind_one_another(void **state)
{
    enum { ENOUGH = 2500 };
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct rig rig;
    (void)state;
    rig_gather_ns = NS_PER_MS;
    rig_open(&rig, path, site, NS_PER_S);
    rig_put(&rig, 0, 1, 1, 1, 0);
    rig_mark(&rig, 1);
    assert_int_equal(work_at(&rig, NS_PER_S), 2);
    assert_int_equal(cell_get(&rig.safe.stored[0]), 1);
    rig_put(&rig, 0, 2, 2, 2, 0);
    rig_mark(&rig, 2);
    assert_int_equal(work_at(&rig, NS_PER_S + 1), 2);
    rig_put(&rig, 0, 3, 3, 3, 0);
    rig_mark(&rig, 3);
    assert_int_equal(work_at(&rig, NS_PER_S + 2), 2);
    assert_int_equal(cell_get(&rig.safe.stored[0]), 1);
    assert_int_equal(count_rows(rig.store, "p0"), 3); /* but who reads sees it */
    assert_int_equal(rig.agent.next_due(rig.agent.self), NS_PER_S + NS_PER_MS);
    assert_int_equal(work_at(&rig, NS_PER_S + NS_PER_MS), 0);
    assert_int_equal(cell_get(&rig.safe.stored[0]), 3);
    assert_int_equal(rig_counter(&rig, "store.batches"), 2);
    rig.now_ns = NS_PER_S + NS_PER_MS + 1;
    for (int64_t i = 0; i < ENOUGH; i++) {
        rig_put(&rig, 0, 4 + i, 4 + i, 1, 0);
    }
    rig_run(&rig);
    assert_int_equal(rig_counter(&rig, "store.batches"), 3); /* many do not wait; the rest does, and */
    rig_close(&rig);                                         /* the end does not */
    rig_gather_ns = 0;
    rig_open(&rig, path, site, NS_PER_S);
    assert_int_equal(count_rows(rig.store, "p0"), 3 + ENOUGH);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

static void a_store_belongs_to_one_site_and_one_writer(void **state)
{
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct rig rig;
    struct store *other = NULL;
    struct err err;
    (void)state;
    assert_int_equal(store_open_reader(path, &other, &err), ERR_INPUT);
    assert_false(store_is_held(path));
    rig_open(&rig, path, site, NS_PER_S);
    assert_int_equal(store_open(path, site->id, &other, &err), ERR_ENV);
    assert_non_null(strstr(err.text, "another monitor"));
    rig_close(&rig);
    assert_false(store_is_held(path));
    assert_int_equal(store_open(path, "someone-else", &other, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "someone-else"));
    site_unmake(site);
    folder_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_samples_come_back_over_restarts),
        cmocka_unit_test(heaps_of_late_samples_are_merged),
        cmocka_unit_test(ends_of_time_are_kept),
        cmocka_unit_test(the_newest_and_the_last_good_are_known),
        cmocka_unit_test(all_newest_come_at_once_by_id),
        cmocka_unit_test(open_samples_are_the_same_whatever_way_they_come),
        cmocka_unit_test(aggregates_count_what_has_a_value),
        cmocka_unit_test(a_slow_point_does_not_hold_back_the_log),
        cmocka_unit_test(a_reader_tells_of_a_gap_in_the_log),
        cmocka_unit_test(a_restart_closes_no_block_early),
        cmocka_unit_test(marks_are_confirmed_after_the_commit),
        cmocka_unit_test(small_batches_wait_behind_one_another),
        cmocka_unit_test(a_store_belongs_to_one_site_and_one_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
