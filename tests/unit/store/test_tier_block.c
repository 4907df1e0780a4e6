/*
 * Exact sums, buckets and blocks of them: what is put together from parts is to
 * the last bit what is put together at once, and comes back from its bytes.
 */
#include "base/memory.h"
#include "cmocka_all.h"
#include "rig.h"
#include "store/tier_block.h"
#include <stdlib.h>

static double any_double(uint64_t *random)
{
    double value;
    do {
        value = bits_double(random_next(random));
    } while (!isfinite(value));
    return value;
}

/* Sums of whole numbers in units of 2^-20 are known from 64-bit arithmetic. */
static void sums_are_exact(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int round = 0; round < 200; round++) {
        struct sum sum = {0};
        int64_t expected = 0;
        const uint64_t n = random_below(&random, 500);
        for (uint64_t i = 0; i < n; i++) {
            const int64_t k = (int64_t)(random_next(&random) >> (12 + random_below(&random, 50))) *
                              (random_below(&random, 2) == 0 ? 1 : -1);
            sum_add(&sum, ldexp((double)k, -20));
            expected += k;
        }
        assert_true(sum_value(&sum) == ldexp((double)expected, -20));
    }
}

static void sums_know_each_bit(void **state)
{
    (void)state;
    static const struct {
        double values[5];
        double sum, mean;
    } table[] = {
        {{1e300, 1, -1e300, 0, 0}, 1, 0.2},
        {{1e-320, 1e300, -1e300, 0, 1e-320}, 2e-320, 4e-321},
        {{1, 0x1p-53, 0, 0, 0}, 1, 0.2},               /* halfway: to the even one */
        {{1, 0x1p-53, 0x1p-200, 0, 0}, 1 + 0x1p-52, (1 + 0x1p-52) / 5}, /* a hair above halfway */
        {{-1, -0x1p-53, -0x1p-200, 0, 0}, -1 - 0x1p-52, (-1 - 0x1p-52) / 5},
        {{0.1, 0.2, 0.3, 0.4, 0.5}, 1.5, 0.3},
        {{1.7e308, 1.7e308, 1.7e308, 1.7e308, 1.7e308}, INFINITY, 1.7e308}, /* only the sum is too large */
        {{-5, 4.5, 0, 0, 0}, -0.5, -0.1},
        {{-0.0, -0.0, 0, 0, 0}, 0, 0},
        {{INFINITY, 1, 2, 3, 4}, INFINITY, INFINITY},
        {{0x1p-1074, 0x1p-1074, 0x1p-1074, 0, 0}, 3 * 0x1p-1074, 0x1p-1074},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct sum sum = {0};
        for (int k = 0; k < 5; k++) {
            sum_add(&sum, table[i].values[k]);
        }
        assert_true(sum_value(&sum) == table[i].sum);
        assert_true(sum_mean(&sum, 5) == table[i].mean);
    }
    struct sum both = {0};
    sum_add(&both, (double)INFINITY);
    sum_add(&both, -(double)INFINITY);
    assert_true(isnan(sum_value(&both)) && isnan(sum_mean(&both, 2)));
}

static void sums_do_not_depend_on_order_or_grouping(void **state)
{
    (void)state;
    enum { VALUES = 300, GROUPS = 7 };
    uint64_t random = 2;
    for (int round = 0; round < 50; round++) {
        struct sum all = {0};
        struct sum groups[GROUPS] = {0};
        struct sum merged = {0};
        for (int i = 0; i < VALUES; i++) {
            const double value = any_double(&random);
            sum_add(&all, value);
            sum_add(&groups[random_below(&random, GROUPS)], value);
        }
        for (int i = GROUPS - 1; i >= 0; i--) {
            sum_merge(&merged, &groups[i]);
        }
        uint8_t expected[SUM_BYTES_MAX];
        uint8_t came[SUM_BYTES_MAX];
        const size_t len = (size_t)(sum_put(expected, &all) - expected);
        assert_int_equal(sum_put(came, &merged) - came, len);
        assert_memory_equal(came, expected, len);
        struct cursor cursor = cursor_over(expected, len);
        struct sum back = {0};
        assert_true(sum_get(&cursor, &back) && cursor_left(&cursor) == 0);
        assert_int_equal(sum_put(came, &back) - came, len);
        assert_memory_equal(came, expected, len);
        sum_clear(&merged);
        assert_true(sum_value(&merged) == 0);
    }
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static struct store_row random_row(uint64_t *random, int kind)
{
    static const uint16_t statuses[] = {0, 0, 0, 0, ST_COMM, ST_LATE, ST_SENSOR, ST_RANGE};
    struct store_row row = {.status = statuses[random_below(random, 8)]};
    switch (kind) {
    case 0:
        row.value = (double)random_below(random, 1000) / 100;
        break;
    case 1:
        row.value = (double)(float)((double)random_below(random, 100000) / 1000);
        break;
    case 2:
        row.value = any_double(random);
        break;
    default:
        row.value = random_below(random, 4) == 0 ? (double)NAN
                    : random_below(random, 9) == 0
                        ? (double)INFINITY
                        : ldexp((double)random_below(random, 99), (int)random_below(random, 300) - 150);
        break;
    }
    return row;
}

static void fill(struct tier_block *block, const struct tier_key *key, uint64_t *random, int kind)
{
    block->count = 0;
    const uint64_t most = 1 + random_below(random, 60);
    for (int i = 0; i < TIER_BUCKETS; i++) {
        if (random_below(random, 8) == 0 && !(i == TIER_BUCKETS - 1 && block->count == 0)) {
            continue;
        }
        struct bucket *const bucket = &block->buckets[block->count++];
        bucket_begin(bucket, key->block * TIER_BUCKETS + i);
        for (uint64_t k = 1 + random_below(random, most); k > 0; k--) {
            const struct store_row row = random_row(random, kind);
            bucket_add(bucket, &row);
        }
    }
}

static void equal_buckets(const struct bucket *came, const struct bucket *expected)
{
    uint8_t sums[2][SUM_BYTES_MAX];
    assert_int_equal(came->index, expected->index);
    assert_int_equal(came->count, expected->count);
    assert_int_equal(came->status, expected->status);
    assert_int_equal(double_bits(came->min), double_bits(expected->min));
    assert_int_equal(double_bits(came->max), double_bits(expected->max));
    assert_int_equal(double_bits(came->first), double_bits(expected->first));
    assert_int_equal(double_bits(came->last), double_bits(expected->last));
    const size_t len = (size_t)(sum_put(sums[0], &expected->sum) - sums[0]);
    assert_int_equal(sum_put(sums[1], &came->sum) - sums[1], len);
    assert_memory_equal(sums[0], sums[1], len);
}

static void blocks_come_back_from_their_bytes(void **state)
{
    (void)state;
    struct tier_block *const block = memory_new(1, sizeof *block);
    struct tier_block *const back = memory_new(1, sizeof *back);
    uint8_t *const bytes = memory_new(TIER_BYTES_MAX, 1);
    uint64_t random = 3;
    for (int round = 0; round < 200; round++) {
        const struct tier_key key = {.series = 7, .tier = (enum tier)(round % 2), .block = round - 100};
        fill(block, &key, &random, round % 4);
        const size_t len = tier_block_encode(block, &key, bytes);
        assert_true(len <= TIER_BYTES_MAX);
        assert_true(tier_block_decode(back, &key, bytes, len));
        assert_int_equal(back->count, block->count);
        for (size_t i = 0; i < block->count; i++) {
            equal_buckets(&back->buckets[i], &block->buckets[i]);
        }
        bytes[random_below(&random, len)] ^= (uint8_t)(1 << random_below(&random, 8));
        assert_false(tier_block_decode(back, &key, bytes, len));
    }
    free(bytes);
    free(back);
    free(block);
}

/* Decimals by the second: what a site mostly has must stay small. */
static void decimals_by_the_second_take_few_bytes(void **state)
{
    (void)state;
    struct tier_block *const block = memory_new(1, sizeof *block);
    uint8_t *const bytes = memory_new(TIER_BYTES_MAX, 1);
    const struct tier_key key = {.tier = TIER_MINUTE};
    uint64_t random = 4;
    for (int i = 0; i < TIER_BUCKETS; i++) {
        bucket_begin(&block->buckets[i], i);
        for (int k = 0; k < 60; k++) {
            const struct store_row row = {.value = (double)(40 + random_below(&random, 10)) / 100};
            bucket_add(&block->buckets[i], &row);
        }
    }
    block->count = TIER_BUCKETS;
    const size_t len = tier_block_encode(block, &key, bytes);
    print_message("%.2f bytes a minute\n", (double)len / TIER_BUCKETS);
    assert_true(len < TIER_BUCKETS * 7);
    free(bytes);
    free(block);
}

static void stretches_reach_the_ends_of_time(void **state)
{
    (void)state;
    const int64_t hour = tier_length(TIER_HOUR);
    assert_int_equal(stretch_floor(-1, hour), -hour);
    assert_int_equal(stretch_floor(0, hour), 0);
    assert_int_equal(stretch_ceil(1, hour), hour);
    assert_int_equal(stretch_ceil(hour, hour), hour);
    assert_int_equal(stretch_floor(INT64_MIN, hour), INT64_MIN);
    assert_int_equal(stretch_ceil(INT64_MIN, hour), INT64_MIN);
    assert_int_equal(stretch_ceil(INT64_MAX, hour), INT64_MAX);
    assert_true(stretch_floor(INT64_MAX, hour) > INT64_MAX - hour);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact),
        cmocka_unit_test(sums_know_each_bit),
        cmocka_unit_test(sums_do_not_depend_on_order_or_grouping),
        cmocka_unit_test(blocks_come_back_from_their_bytes),
        cmocka_unit_test(decimals_by_the_second_take_few_bytes),
        cmocka_unit_test(stretches_reach_the_ends_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
