/*
 * The block codec: whatever rows go in come out, bit for bit; ordinary data is
 * small; a damaged block is refused.
 */
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "cmocka_all.h"
#include "rig.h"
#include "store/bytes.h"
#include "store/chunk.h"
#include "store/column.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES = 77, ROUNDS = 20000 };

struct bench {
    struct chunk_scratch scratch;
    struct store_row in[CHUNK_ROWS_MAX], out[CHUNK_ROWS_MAX];
    uint8_t bytes[CHUNK_BYTES_MAX];
};

static size_t round_trip(struct bench *bench, size_t n, bool late)
{
    struct chunk_head head;
    const size_t len = chunk_encode(SERIES, late, bench->in, n, &bench->scratch, bench->bytes);
    assert_true(len <= CHUNK_BYTES_MAX);
    assert_true(chunk_decode(SERIES, bench->bytes, len, &bench->scratch, &head, bench->out));
    assert_int_equal(head.count, n);
    assert_int_equal(head.late, late);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(bench->out[i].time_ns, bench->in[i].time_ns);
        assert_int_equal(bench->out[i].seen_ns, bench->in[i].seen_ns);
        assert_int_equal(bench->out[i].status, bench->in[i].status);
        assert_int_equal(double_bits(bench->out[i].value), double_bits(bench->in[i].value));
    }
    return len;
}

static double hard_value(uint64_t *seed)
{
    static const double values[] = {0.0,      -0.0, NAN,  INFINITY, -INFINITY, DBL_MAX, -DBL_MAX, DBL_MIN,
                                    4.9e-324, 0.1,  1e15, 1e16 + 2, 0.3,       1.0 / 3, 1e-15,    9007199254740992.0};
    switch (random_below(seed, 8)) {
    case 0:
        return values[random_below(seed, sizeof values / sizeof values[0])];
    case 1:
        return bits_double(random_next(seed));
    case 2:
        return (double)(float)((double)random_below(seed, 1000) / 10);
    default:
        return (double)(int64_t)random_below(seed, 20000) / 100 - 50;
    }
}

static int64_t hard_time(uint64_t *seed, int64_t before_ns)
{
    switch (random_below(seed, 10)) {
    case 0:
        return (int64_t)random_next(seed);
    case 1:
        return INT64_MIN + (int64_t)random_below(seed, 3);
    case 2:
        return INT64_MAX - (int64_t)random_below(seed, 3);
    case 3:
        return before_ns;
    default:
        return (int64_t)((uint64_t)before_ns + random_below(seed, 5) * NS_PER_S - NS_PER_S);
    }
}

static void any_rows_come_back_bit_for_bit(void **state)
{
    struct bench *const bench = memory_new(1, sizeof *bench);
    uint64_t seed = 1;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t longest = round % 50 == 0 ? CHUNK_ROWS_MAX : 40;
        const size_t n = 1 + (size_t)random_below(&seed, longest);
        const uint64_t ways = random_next(&seed); /* which columns are hard this time */
        int64_t time_ns = 1700000000 * NS_PER_S;
        for (size_t i = 0; i < n; i++) {
            time_ns = (ways & 1) != 0 ? hard_time(&seed, time_ns) : time_ns + NS_PER_S;
            bench->in[i] = (struct store_row){
                .time_ns = time_ns,
                .seen_ns = (ways & 2) != 0 ? (int64_t)random_next(&seed) : time_ns,
                .value = (ways & 4) != 0 ? hard_value(&seed) : (double)(i % 7) / 10,
                .status = (ways & 8) != 0 ? (uint16_t)random_next(&seed) : 0,
            };
        }
        (void)round_trip(bench, n, (ways & 16) != 0);
    }
    free(bench);
}

/* One encoding at a time, so that none is left out by chance. */
static void each_way_of_keeping_values_is_exact(void **state)
{
    struct bench *const bench = memory_new(1, sizeof *bench);
    uint64_t seed = 2;
    (void)state;
    for (int way = 0; way < 6; way++) {
        for (size_t i = 0; i < CHUNK_ROWS_MAX; i++) {
            const double noise = (double)random_below(&seed, 1000);
            const double values[6] = {
                noise / 1000,                         /* decimals */
                (double)(float)(noise / 1000),        /* decimals through a float */
                (double)(i / 8) / 3,                  /* XOR */
                bits_double(random_next(&seed)),      /* plain */
                i % 100 < 50 ? NAN : noise,           /* runs of exceptions */
                i % 97 == 0 ? -0.0 : 20 + noise / 10, /* single exceptions */
            };
            const int64_t time_ns = (int64_t)i * NS_PER_S;
            bench->in[i] = (struct store_row){.time_ns = time_ns, .seen_ns = time_ns, .value = values[way]};
        }
        const size_t len = round_trip(bench, CHUNK_ROWS_MAX, false);
        static const size_t limits[6] = {1400, 1500, 2000, 8400, 1400, 1500};
        print_message("way %d: %.2f bytes a sample\n", way, (double)len / CHUNK_ROWS_MAX);
        assert_true(len <= limits[way]);
    }
    free(bench);
}

/* Methane at a working face: two decimals, moving by a hundredth now and then. */
static void slow_decimals_take_less_than_a_byte(void **state)
{
    struct bench *const bench = memory_new(1, sizeof *bench);
    uint64_t seed = 3;
    int64_t hundredths = 35;
    (void)state;
    for (size_t i = 0; i < 512; i++) {
        const uint64_t dice = random_below(&seed, 10);
        hundredths += dice == 0 ? 1 : dice == 1 ? -1 : 0;
        const int64_t time_ns = 1700000000 * NS_PER_S + (int64_t)i * NS_PER_S;
        bench->in[i] = (struct store_row){.time_ns = time_ns, .seen_ns = time_ns, .value = (double)hundredths / 100};
    }
    const size_t len = round_trip(bench, 512, false);
    print_message("%.3f bytes a sample\n", (double)len / 512);
    assert_true(len < 512 / 3);
    free(bench);
}

static void a_flipped_bit_is_noticed(void **state)
{
    struct bench *const bench = memory_new(1, sizeof *bench);
    struct chunk_head head;
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        bench->in[i] = (struct store_row){.time_ns = (int64_t)i, .seen_ns = (int64_t)i * 2, .value = (double)i};
    }
    const size_t len = chunk_encode(SERIES, false, bench->in, 100, &bench->scratch, bench->bytes);
    for (size_t bit = 0; bit < len * 8; bit++) {
        bench->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(chunk_decode(SERIES, bench->bytes, len, &bench->scratch, &head, bench->out));
        bench->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_false(chunk_decode(SERIES + 1, bench->bytes, len, &bench->scratch, &head, bench->out));
    for (size_t shorter = 0; shorter < len; shorter++) {
        assert_false(chunk_decode(SERIES, bench->bytes, shorter, &bench->scratch, &head, bench->out));
    }
    free(bench);
}

static void columns_of_extremes_survive(void **state)
{
    enum { N = 200 };
    uint64_t seed = 4;
    (void)state;
    for (int round = 0; round < 5000; round++) {
        static const int64_t extremes[] = {INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN + 1, 1000000000, -1000};
        int64_t in[N], x[N], out[N];
        uint64_t scratch[N];
        uint8_t bytes[COLUMN_HEAD + N * COLUMN_EACH];
        const size_t n = 1 + (size_t)random_below(&seed, N);
        const unsigned shift = (unsigned)random_below(&seed, 64);
        for (size_t i = 0; i < n; i++) {
            in[i] =
                random_below(&seed, 4) == 0 ? extremes[random_below(&seed, 8)] : (int64_t)(random_next(&seed) >> shift);
        }
        memcpy(x, in, sizeof x);
        uint8_t *const end = column_encode(bytes, x, n, scratch);
        assert_true((size_t)(end - bytes) <= COLUMN_HEAD + n * COLUMN_EACH);
        struct cursor cursor = cursor_over(bytes, (size_t)(end - bytes));
        assert_true(column_decode(&cursor, n, out));
        assert_int_equal(cursor_left(&cursor), 0);
        assert_memory_equal(in, out, n * sizeof in[0]);
    }
}

/* RFC 3720, B.4, and the usual check value. */
static void checksums_are_those_of_the_standard(void **state)
{
    uint8_t zeros[32] = {0};
    uint8_t rising[32];
    (void)state;
    for (int i = 0; i < 32; i++) {
        rising[i] = (uint8_t)i;
    }
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa);
    assert_int_equal(crc32c(0, rising, 32), 0x46dd794e);
    assert_int_equal(crc32c(crc32c(0, rising, 7), rising + 7, 25), 0x46dd794e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_rows_come_back_bit_for_bit),      cmocka_unit_test(each_way_of_keeping_values_is_exact),
        cmocka_unit_test(slow_decimals_take_less_than_a_byte), cmocka_unit_test(a_flipped_bit_is_noticed),
        cmocka_unit_test(columns_of_extremes_survive),         cmocka_unit_test(checksums_are_those_of_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
