/*
 * The newest reading of a series is the same whether it is told by the strand or
 * stands apart: it is compared, after each sample, with one that takes every
 * sample into account as it comes; and again after a start.
 */
#include "base/memory.h"
#include "cmocka_all.h"
#include "rig.h"
#include "store/newest.h"
#include <math.h>
#include <stdlib.h>

enum { ROUNDS = 300, SAMPLES = 900 };

struct work {
    struct book *book;
    struct lasts lasts;
    struct last want;
    uint64_t seed;
    int64_t now_ns;
};

static bool chance(struct work *work, uint64_t one_in)
{
    return random_below(&work->seed, one_in) == 0;
}

/* Mostly ordinary; `wild`: one in so many is late, far ahead, unknown, below its range, history or without a value. */
static struct store_row any_row(struct work *work, uint64_t wild)
{
    work->now_ns += 1 + (int64_t)random_below(&work->seed, 3);
    struct store_row row = {.time_ns = work->now_ns,
                            .seen_ns = work->now_ns + (int64_t)random_below(&work->seed, 2),
                            .value = (double)random_below(&work->seed, 4)};
    if (!chance(work, wild)) {
        return row;
    }
    static const uint16_t flags[] = {ST_COMM, ST_SENSOR, ST_RANGE, ST_RANGE | PLACE_BELOW, ST_SKEW, PLACE_HISTORY, 0};
    row.status = flags[random_below(&work->seed, sizeof flags / sizeof *flags)];
    row.value = chance(work, 3) ? NAN : row.value;
    row.time_ns += chance(work, 2) ? 0 : (int64_t)random_below(&work->seed, 60) - 50;
    return row;
}

static void assert_last_equal(const struct last *is, const struct last *want)
{
    assert_int_equal(is->heard, want->heard);
    assert_int_equal(is->good_known, want->good_known);
    assert_int_equal(is->top_known, want->top_known);
    uint8_t bytes[2][LAST_BYTES];
    last_encode(is, 0, bytes[0]);
    last_encode(want, 0, bytes[1]);
    assert_memory_equal(bytes[0], bytes[1], LAST_BYTES);
}

static void take(struct work *work, struct store_row *row)
{
    struct strand *const strand = book_place(work->book, 0, row);
    struct op op;
    newest_add(work->book, &work->lasts, 0, row, strand->late);
    book_append(work->book, strand, row, 1, 0, &op);
    last_add(&work->want, row, strand->late);
    const struct last is = newest_of(work->book, &work->lasts, 0);
    assert_last_equal(&is, &work->want);
    if (strand->count == BOOK_BLOCK_ROWS) {
        book_clear(work->book, strand);
        const struct last after = newest_of(work->book, &work->lasts, 0);
        assert_last_equal(&after, &work->want);
    }
}

/* As after a start: what was written, the strands either gone or given back from the log. */
static void load_again(struct work *work)
{
    struct strand *const order = book_order(work->book, 0);
    newest_load(work->book, &work->lasts, 0, &work->want);
    if (chance(work, 2) && order->count > 0) {
        book_clear(work->book, order);
    }
    newest_settle(work->book, &work->lasts);
    const struct last is = newest_of(work->book, &work->lasts, 0);
    assert_last_equal(&is, &work->want);
}

static void it_is_the_same_wherever_it_stands(void **state)
{
    struct work work = {.seed = 5};
    size_t told[3] = {0};
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        work.book = book_new(256 * 1024);
        book_grow(work.book, 1);
        lasts_grow(&work.lasts, 1);
        work.want = (struct last){0};
        const uint64_t wild = 1 + random_below(&work.seed, 40);
        for (int i = 0; i < SAMPLES; i++) {
            struct store_row row = any_row(&work, wild);
            take(&work, &row);
            told[book_order(work.book, 0)->newest]++;
            if (chance(&work, 100)) {
                load_again(&work);
            }
        }
        book_free(work.book);
        lasts_done(&work.lasts);
    }
    assert_true(told[NEWEST_FOLLOWS] > 1000 && told[NEWEST_APART] > 1000); /* both were tried */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_the_same_wherever_it_stands)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
