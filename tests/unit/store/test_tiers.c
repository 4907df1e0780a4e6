/*
 * Minutes and hours that are kept give the same answers as the samples they are
 * made of: whatever came late, twice, or as history, whatever step is asked,
 * and however far the tiers are behind.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "cmocka_all.h"
#include "rig.h"
#include "store/cover.h"
#include <stdio.h>
#include <stdlib.h>

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)
static const int64_t epoch_ns = INT64_C(1767571200) * NS_PER_S; /* 2026-01-05 */

/* ---- cover ------------------------------------------------------------------------------------------------------- */

struct expected_piece {
    char from; /* 's' 'm' 'h' */
    int64_t from_min, to_min;
};

static void check_cover(struct cover *cover, const struct expected_piece *expected)
{
    struct cover_piece piece;
    for (; expected->from != 0; expected++) {
        assert_true(cover_next(cover, &piece));
        assert_int_equal("smh"[piece.from], expected->from);
        assert_int_equal(piece.from_ns, expected->from_min * MINUTE);
        assert_int_equal(piece.to_ns, expected->to_min * MINUTE);
    }
    assert_false(cover_next(cover, &piece));
}

static void pieces_are_as_large_as_they_can_be(void **state)
{
    (void)state;
    const struct removed nothing = {0};
    struct cover *const cover = memory_new(1, sizeof *cover);

    cover_begin(cover, 30 * MINUTE, 250 * MINUTE, HOUR);
    cover_removed(cover, &nothing);
    check_cover(cover, (const struct expected_piece[]){{'m', 30, 60}, {'h', 60, 240}, {'m', 240, 250}, {0}});

    cover_begin(cover, 0, 240 * MINUTE, 7 * MINUTE); /* no whole hours */
    cover_removed(cover, &nothing);
    check_cover(cover, (const struct expected_piece[]){{'m', 0, 240}, {0}});

    cover_begin(cover, 0, 240 * MINUTE, 30 * NS_PER_S);
    cover_removed(cover, &nothing);
    check_cover(cover, (const struct expected_piece[]){{'s', 0, 240}, {0}});

    cover_begin(cover, 0, 300 * MINUTE, HOUR); /* one sample is behind */
    cover_behind(cover, 130 * MINUTE, 130 * MINUTE);
    cover_removed(cover, &nothing);
    check_cover(cover, (const struct expected_piece[]){
                           {'h', 0, 120}, {'m', 120, 130}, {'s', 130, 131}, {'m', 131, 180}, {'h', 180, 300}, {0}});

    cover_begin(cover, 0, 300 * MINUTE, HOUR); /* what is behind where samples are gone does not count */
    cover_behind(cover, 10 * MINUTE, 250 * MINUTE);
    cover_removed(cover, &(struct removed){.kept = {[KEPT_RAW] = {60 * MINUTE, 180 * MINUTE},
                                                    [KEPT_MINUTE] = {60 * MINUTE, 120 * MINUTE}}});
    check_cover(cover, (const struct expected_piece[]){{'m', 0, 10}, {'s', 10, 60}, {'h', 60, 180}, {'s', 180, 251},
                                                       {'m', 251, 300}, {0}});

    cover_begin(cover, 0, 300 * MINUTE, 5 * MINUTE); /* minutes are gone, the samples are not */
    cover_removed(cover, &(struct removed){.kept = {[KEPT_MINUTE] = {0, 120 * MINUTE}}});
    check_cover(cover, (const struct expected_piece[]){{'s', 0, 120}, {'m', 120, 300}, {0}});
    free(cover);
}

static void pieces_reach_the_ends_of_time(void **state)
{
    (void)state;
    const struct removed nothing = {0};
    struct cover *const cover = memory_new(1, sizeof *cover);
    struct cover_piece piece;
    int64_t at_ns = INT64_MIN;
    cover_begin(cover, INT64_MIN, INT64_MAX, HOUR);
    cover_behind(cover, INT64_MIN, INT64_MIN + 5);
    cover_behind(cover, INT64_MAX - 5, INT64_MAX);
    cover_removed(cover, &nothing);
    for (; cover_next(cover, &piece); at_ns = piece.to_ns) {
        assert_int_equal(piece.from_ns, at_ns);
        assert_true(piece.to_ns > piece.from_ns);
    }
    assert_int_equal(at_ns, INT64_MAX);
    free(cover);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

struct reply {
    uint64_t count;
    uint64_t digest;
};

/* Every bit of every bucket. */
static bool digest_bucket(void *self, const struct store_bucket *bucket)
{
    struct reply *const reply = self;
    uint64_t words[AGG_KINDS + 3] = {(uint64_t)bucket->start_ns, bucket->count, bucket->status};
    for (int i = 0; i < AGG_KINDS; i++) {
        words[i + 3] = double_bits(bucket->agg[i]);
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        reply->digest = (reply->digest ^ words[i]) * UINT64_C(0x100000001b3);
        reply->digest ^= reply->digest >> 29;
    }
    reply->count++;
    return true;
}

static struct reply ask(struct store *store, uint32_t point, int64_t from_ns, int64_t to_ns, int64_t every_ns)
{
    struct reply reply = {0};
    struct err err;
    char id[16];
    (void)snprintf(id, sizeof id, "p%u", point);
    if (store_aggregate(store, id, from_ns, to_ns, every_ns, digest_bucket, &reply, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    return reply;
}

enum { POINTS = 3, QUESTIONS = 40 };

struct question {
    uint32_t point;
    int64_t from_ns, to_ns, every_ns;
    struct reply reply;
};

static void make_questions(struct question questions[QUESTIONS], uint64_t *random)
{
    static const int64_t steps[] = {NS_PER_S,    7 * NS_PER_S, MINUTE,    90 * NS_PER_S, 5 * MINUTE,
                                    77 * MINUTE, HOUR,         24 * HOUR, 7 * 24 * HOUR, 3 * HOUR};
    for (int i = 0; i < QUESTIONS; i++) {
        questions[i] = (struct question){.point = (uint32_t)random_below(random, POINTS),
                                         .from_ns = epoch_ns + (int64_t)random_below(random, 40 * (uint64_t)HOUR),
                                         .every_ns = steps[random_below(random, sizeof steps / sizeof steps[0])]};
        questions[i].to_ns = questions[i].from_ns + (int64_t)random_below(random, 40 * (uint64_t)HOUR);
        if (i < POINTS * 3) { /* everything there is */
            questions[i].point = (uint32_t)i % POINTS;
            questions[i].from_ns = INT64_MIN;
            questions[i].to_ns = INT64_MAX;
            questions[i].every_ns = (const int64_t[]){HOUR, MINUTE, 3 * HOUR}[i / POINTS];
        }
    }
}

static void put_something(struct rig *rig, uint64_t *random, int64_t *clock_ns)
{
    static const uint16_t statuses[] = {0, 0, 0, 0, 0, ST_COMM, ST_CALIBRATING, ST_RANGE, ST_MANUAL};
    const uint32_t point = (uint32_t)random_below(random, POINTS);
    uint16_t status = statuses[random_below(random, sizeof statuses / sizeof statuses[0])];
    double value = (double)random_below(random, 10000) / 100;
    const uint64_t kind = random_below(random, 100);
    *clock_ns += (int64_t)random_below(random, 60) * NS_PER_S;
    int64_t time_ns = *clock_ns;
    if (kind < 15) { /* late, or again with another value */
        time_ns = epoch_ns + (int64_t)random_below(random, (uint64_t)(*clock_ns - epoch_ns) / NS_PER_S + 1) * NS_PER_S;
    } else if (kind < 20) {
        value = (double)NAN;
        status = ST_SENSOR;
    } else if (kind < 25) {
        value = ldexp(value, (int)random_below(random, 1000) - 500);
    } else if (kind < 28) { /* far ahead */
        time_ns += (int64_t)random_below(random, 100) * HOUR;
        status |= ST_SKEW;
    } else if (kind < 40) {
        rig_import(rig, point, epoch_ns + (int64_t)random_below(random, 80 * (uint64_t)HOUR), value, status);
        return;
    }
    rig_put(rig, point, time_ns, time_ns, value, status);
}

static void answers_are_those_of_the_samples(void **state)
{
    (void)state;
    enum { ROUNDS = 4, PUTS = 6000 };
    char *const path = folder_new();
    struct site *const site = site_make(POINTS);
    struct question questions[QUESTIONS];
    struct rig rig;
    uint64_t random = 11;
    int64_t clock_ns = epoch_ns;
    rig_open(&rig, path, site, NS_PER_S);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PUTS; i++) {
            put_something(&rig, &random, &clock_ns);
        }
        rig_run(&rig);
        make_questions(questions, &random);
        for (int i = 0; i < QUESTIONS; i++) { /* new samples are behind */
            struct question *const q = &questions[i];
            q->reply = ask(rig.store, q->point, q->from_ns, q->to_ns, q->every_ns);
        }
        assert_true(rig_care(&rig, clock_ns, 0));
        for (int i = 0; i < QUESTIONS; i++) { /* all is made that can be */
            struct question *const q = &questions[i];
            const struct reply again = ask(rig.store, q->point, q->from_ns, q->to_ns, q->every_ns);
            assert_int_equal(again.count, q->reply.count);
            assert_int_equal(again.digest, q->reply.digest);
        }
    }
    assert_true(rig_counter(&rig, "store.tier_samples") > ROUNDS * PUTS / 2);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

/* Compared with sums made here, from the samples as store_read gives them. */
static bool add_row(void *self, const struct store_row *row)
{
    struct bucket *const bucket = self;
    bucket_add(bucket, row);
    return true;
}

static bool take_one(void *self, const struct store_bucket *bucket)
{
    struct store_bucket *const one = self;
    *one = *bucket;
    return true;
}

static void drop_blocks(struct store *store)
{
    char *rocks_err = NULL;
    rocksdb_writebatch_t *const batch = rocksdb_writebatch_create();
    rocksdb_writebatch_delete_range_cf(batch, store->cf[CF_BLOCKS], "\0", 1, "\xff\xff\xff\xff\xff", 5);
    rocksdb_write(store->db, store->write, batch, &rocks_err);
    assert_null(rocks_err);
    rocksdb_writebatch_destroy(batch);
}

/* The blocks are taken away under the store: what still answers is the tier. */
static void tiers_answer_without_the_samples(void **state)
{
    (void)state;
    enum { SECONDS = 5 * 3600 };
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct store_bucket one = {0};
    struct bucket *const expected = memory_new(1, sizeof *expected);
    struct rig rig;
    struct err err;
    rig_open(&rig, path, site, NS_PER_S);
    for (int i = 0; i < SECONDS; i++) {
        rig_put(&rig, 0, epoch_ns + i * NS_PER_S, epoch_ns + i * NS_PER_S, (double)(i % 977) / 10, 0);
    }
    rig_run(&rig);
    bucket_begin(expected, 0);
    assert_int_equal(
        store_read(rig.store, "p0", epoch_ns + HOUR, epoch_ns + 3 * HOUR, add_row, expected, &err), ERR_NONE);
    assert_true(rig_care(&rig, epoch_ns, 0));
    drop_blocks(rig.store);
    assert_int_equal(store_aggregate(rig.store, "p0", epoch_ns + HOUR, epoch_ns + 3 * HOUR, 24 * HOUR, take_one, &one,
                                     &err),
                     ERR_NONE);
    assert_int_equal(one.count, 7200);
    assert_true(one.agg[AGG_MEAN] == sum_mean(&expected->sum, 7200));
    assert_true(one.agg[AGG_MIN] == expected->min && one.agg[AGG_MAX] == expected->max);
    assert_true(one.agg[AGG_FIRST] == expected->first && one.agg[AGG_LAST] == expected->last);
    one.count = 0;
    assert_int_equal(store_aggregate(rig.store, "p0", epoch_ns + HOUR, epoch_ns + 3 * HOUR, NS_PER_S, take_one, &one,
                                     &err),
                     ERR_NONE); /* no tier has seconds */
    assert_int_equal(one.count, 0);
    rig_close(&rig);
    free(expected);
    site_unmake(site);
    folder_remove(path);
}

/* A store whose notes are taken away is one that an older version wrote. */
static void forget_notes(const char *path)
{
    struct store *store;
    struct err err;
    char *rocks_err = NULL;
    assert_int_equal(store_open(path, "test", &store, &err), ERR_NONE);
    rocksdb_drop_column_family(store->db, store->cf[CF_NOTES], &rocks_err);
    assert_null(rocks_err);
    rocksdb_drop_column_family(store->db, store->cf[CF_TIERS], &rocks_err);
    assert_null(rocks_err);
    store_close(store);
}

static void an_older_store_is_brought_up_to_date(void **state)
{
    (void)state;
    enum { SAMPLES = 300000 };
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct store *reader;
    struct rig rig;
    struct err err;
    rig_open(&rig, path, site, NS_PER_S);
    for (int i = 0; i < SAMPLES; i++) {
        rig_put(&rig, 0, epoch_ns + i * NS_PER_S, epoch_ns + i * NS_PER_S, (double)(i % 977) / 10, 0);
    }
    rig_run(&rig);
    const struct reply expected = ask(rig.store, 0, INT64_MIN, INT64_MAX, HOUR);
    rig_close(&rig);
    forget_notes(path);

    assert_int_equal(store_open_reader(path, &reader, &err), ERR_NONE); /* as it is */
    assert_int_equal(ask(reader, 0, INT64_MIN, INT64_MAX, HOUR).digest, expected.digest);
    assert_int_equal(store_verify(reader, NULL, NULL, &err), ERR_NONE);
    store_close(reader);

    rig_open(&rig, path, site, NS_PER_S);
    assert_int_equal(ask(rig.store, 0, INT64_MIN, INT64_MAX, HOUR).digest, expected.digest);
    assert_false(rig_care(&rig, epoch_ns, 1)); /* more than one slice; broken off in between */
    assert_int_equal(ask(rig.store, 0, INT64_MIN, INT64_MAX, HOUR).digest, expected.digest);
    rig_drop(&rig);
    rig_open(&rig, path, site, NS_PER_S);
    assert_true(rig_care(&rig, epoch_ns, 0));
    assert_int_equal(ask(rig.store, 0, INT64_MIN, INT64_MAX, HOUR).digest, expected.digest);
    assert_true(rig_counter(&rig, "store.tier_samples") < SAMPLES); /* the first slice was not done again */
    assert_int_equal(store_verify(rig.store, NULL, NULL, &err), ERR_NONE);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

/* Puts other bytes in place of the values of a column family. */
static void damage_all(struct store *store, enum cf cf)
{
    char *rocks_err = NULL;
    rocksdb_iterator_t *const it = rocksdb_create_iterator_cf(store->db, store->read, store->cf[cf]);
    for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
        size_t key_len;
        const char *const key = rocksdb_iter_key(it, &key_len);
        rocksdb_put_cf(store->db, store->write, store->cf[cf], key, key_len, "damaged", 7, &rocks_err);
        assert_null(rocks_err);
    }
    rocksdb_iter_destroy(it);
}

static void count_damage(void *self, const char *text)
{
    assert_non_null(strstr(text, "cannot be read"));
    ++*(size_t *)self;
}

static void a_damaged_tier_is_told_and_made_up_for(void **state)
{
    (void)state;
    enum { SAMPLES = 40000 };
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct rig rig;
    struct err err;
    size_t damages = 0;
    rig_open(&rig, path, site, NS_PER_S);
    for (int i = 0; i < SAMPLES; i++) {
        rig_put(&rig, 0, epoch_ns + i * NS_PER_S, epoch_ns + i * NS_PER_S, (double)(i % 977) / 10, 0);
    }
    rig_run(&rig);
    assert_true(rig_care(&rig, epoch_ns, 0));
    const struct reply expected = ask(rig.store, 0, epoch_ns + 90 * MINUTE, INT64_MAX, HOUR);
    assert_int_equal(store_verify(rig.store, count_damage, &damages, &err), ERR_NONE);
    damage_all(rig.store, CF_TIERS);
    assert_int_equal(store_verify(rig.store, count_damage, &damages, &err), ERR_NO);
    assert_int_equal(damages, 4); /* 11 hours from midnight: three blocks of minutes, one of hours */
    assert_int_equal(ask(rig.store, 0, epoch_ns + 90 * MINUTE, INT64_MAX, HOUR).digest, expected.digest);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_as_large_as_they_can_be),
        cmocka_unit_test(pieces_reach_the_ends_of_time),
        cmocka_unit_test(answers_are_those_of_the_samples),
        cmocka_unit_test(tiers_answer_without_the_samples),
        cmocka_unit_test(an_older_store_is_brought_up_to_date),
        cmocka_unit_test(a_damaged_tier_is_told_and_made_up_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
