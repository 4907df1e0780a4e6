/*
 * Open samples: whatever is put into a strand comes out of it, as rows and as a
 * block made from columns, which is, byte for byte, the one made from rows (32-bit
 * floats aside, where rows may find some other decimals).
 */
#include "base/clock.h"
#include "base/memory.h"
#include "cmocka_all.h"
#include "rig.h"
#include "store/chunk.h"
#include "store/columns.h"
#include "store/decimal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3000 };

struct work {
    struct store_row in[BOOK_BLOCK_ROWS], out[BOOK_BLOCK_ROWS], decoded[CHUNK_ROWS_MAX];
    struct columns columns;
    struct chunk_scratch scratch;
    uint8_t by_rows[CHUNK_BYTES_MAX], by_columns[CHUNK_BYTES_MAX];
};

/* What a strand is like: how often something out of the ordinary comes. */
struct nature {
    unsigned decimals;                      /* of its values */
    unsigned jitter_ms, jitter_ns;          /* of its times */
    unsigned lag, status, more, odd, again; /* one in so many; 0 never */
    bool f32;
};

static bool chance(uint64_t *seed, unsigned one_in)
{
    return one_in != 0 && random_below(seed, one_in) == 0;
}

static double value_of(const struct nature *nature, uint64_t *seed, int64_t *level)
{
    static const double powers[] = {1, 10, 100, 1000, 1e4, 1e5, 1e9, 1e14};
    if (chance(seed, nature->odd)) {
        static const double odd[] = {NAN, -0.0, INFINITY, 1.0 / 3, 1e300};
        return odd[random_below(seed, sizeof odd / sizeof *odd)];
    }
    *level += (int64_t)random_below(seed, 9) - 4;
    const double power = powers[nature->decimals + (chance(seed, nature->more) ? 1 : 0)];
    const double value = (double)*level / power;
    return nature->f32 ? (double)(float)value : value;
}

static struct nature any_nature(uint64_t *seed)
{
    return (struct nature){
        .decimals = (unsigned)random_below(seed, 7),
        .jitter_ms = chance(seed, 3) ? 5 : 0,
        .jitter_ns = chance(seed, 3) ? 3000000 : 0,
        .lag = chance(seed, 3) ? 2 + (unsigned)random_below(seed, 50) : 0,
        .status = chance(seed, 4) ? 40 : 0,
        .more = chance(seed, 3) ? 30 : 0,
        .odd = chance(seed, 4) ? 60 : 0,
        .again = chance(seed, 4) ? 100 : 0,
        .f32 = chance(seed, 3),
    };
}

/* Fills a strand; now and then it begins anew in the log, as one does that was kept. */
static struct strand *fill(struct work *work, struct book *book, const struct nature *nature, size_t n, uint64_t *seed)
{
    int64_t time_ns = (int64_t)random_below(seed, 1000) * NS_PER_S;
    int64_t level = (int64_t)random_below(seed, 100000) - 50000;
    int64_t lag_ns = 0;
    struct strand *strand = NULL;
    for (size_t i = 0; i < n; i++) {
        time_ns += NS_PER_S + (nature->jitter_ms != 0 ? (int64_t)random_below(seed, nature->jitter_ms) * NS_PER_MS : 0);
        time_ns += nature->jitter_ns != 0 ? (int64_t)random_below(seed, nature->jitter_ns) : 0;
        lag_ns = chance(seed, nature->lag) ? (int64_t)random_below(seed, 1000000) - 1000 : lag_ns;
        struct store_row *const row = &work->in[i];
        *row = (struct store_row){.time_ns = time_ns, .seen_ns = time_ns + lag_ns};
        row->value = value_of(nature, seed, &level);
        row->status = chance(seed, nature->status) ? ST_SENSOR : 0;
        strand = book_place(book, 0, row);
        if (i > 0 && chance(seed, nature->again)) {
            book_keep(book, strand, 1);
        }
        struct op op;
        book_append(book, strand, row, 1, 0, &op);
        assert_in_range(op.len, 1, OP_BYTES_MAX);
    }
    return strand;
}

static void assert_rows_equal(const struct store_row *rows, const struct store_row *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(rows[i].time_ns, want[i].time_ns);
        assert_int_equal(rows[i].seen_ns, want[i].seen_ns);
        assert_int_equal(double_bits(rows[i].value), double_bits(want[i].value));
        assert_int_equal(rows[i].status, want[i].status);
    }
}

static bool compare(struct work *work, struct book *book, const struct strand *strand, size_t n)
{
    assert_int_equal(book_rows(book, strand, work->out), n);
    assert_rows_equal(work->out, work->in, n);
    struct columns *const columns = &work->columns;
    if (!columns_take(book, strand, columns)) {
        return false;
    }
    assert_int_equal(columns->count, n);
    const size_t len = chunk_encode_columns(3, columns->times, columns->any_lag ? columns->lags : NULL, columns->k,
                                            columns->scale, n, &work->scratch, work->by_columns);
    if (len == 0) {
        return false;
    }
    if ((columns->scale & DECIMAL_F32) == 0) {
        assert_int_equal(chunk_encode(3, false, work->in, n, &work->scratch, work->by_rows), len);
        assert_memory_equal(work->by_columns, work->by_rows, len);
    }
    struct chunk_head head;
    assert_true(chunk_decode(3, work->by_columns, len, &work->scratch, &head, work->decoded));
    assert_int_equal(head.count, n);
    assert_rows_equal(work->decoded, work->in, n);
    return true;
}

static void strands_give_back_what_was_put_in(void **state)
{
    struct work *const work = memory_new(1, sizeof *work);
    uint64_t seed = 11;
    int by_columns = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct book *const book = book_new(64 * 1024);
        book_grow(book, 1);
        const struct nature nature = any_nature(&seed);
        const size_t n = 1 + random_below(&seed, round % 4 == 0 ? BOOK_BLOCK_ROWS : 40);
        const struct strand *const strand = fill(work, book, &nature, n, &seed);
        by_columns += compare(work, book, strand, n);
        book_free(book);
    }
    assert_in_range(by_columns, ROUNDS / 4, ROUNDS - ROUNDS / 10); /* both ways are taken */
    free(work);
}

/* Numbers that would pass 2^53 at the larger scale go by rows. */
static void large_numbers_are_not_scaled_up(void **state)
{
    static const double values[] = {9007199254740991.0, 0.5, 4503599627370495.5};
    struct work *const work = memory_new(1, sizeof *work);
    struct book *const book = book_new(64 * 1024);
    struct strand *strand = NULL;
    struct op op;
    (void)state;
    book_grow(book, 1);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        work->in[i] = (struct store_row){.time_ns = (int64_t)i, .seen_ns = (int64_t)i, .value = values[i]};
        strand = book_place(book, 0, &work->in[i]);
        book_append(book, strand, &work->in[i], 1, 0, &op);
    }
    assert_false(compare(work, book, strand, sizeof values / sizeof *values));
    book_free(book);
    free(work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strands_give_back_what_was_put_in),
        cmocka_unit_test(large_numbers_are_not_scaled_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
