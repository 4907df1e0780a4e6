/* Noise, rounding and usual values. */
#include "simulators/wave.h"
#include "tests/unit/simulators/field.h"
#include <math.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void noise_is_a_pure_function_of_key_and_tick(void **state)
{
    (void)state;
    const uint64_t key = wave_key(1, "face-501/t1/ch4");
    const double at_seven = wave_noise(key, 7);
    for (int64_t tick = 100; tick >= 0; tick--) {
        (void)wave_noise(key, tick);
    }
    assert_true(wave_noise(key, 7) == at_seven);
    assert_true(wave_key(1, "face-501/t1/ch4") == key);
}

static void seed_id_and_tick_each_change_the_noise(void **state)
{
    (void)state;
    const double noise = wave_noise(wave_key(1, "a"), 5);
    assert_true(noise != wave_noise(wave_key(2, "a"), 5));
    assert_true(noise != wave_noise(wave_key(1, "b"), 5));
    assert_true(noise != wave_noise(wave_key(1, "a"), 6));
}

static void noise_stays_within_one_and_is_centred(void **state)
{
    (void)state;
    const uint64_t key = wave_key(42, "x");
    double sum = 0, square = 0, low = 0, high = 0;
    const int n = 20000;
    for (int64_t tick = 0; tick < n; tick++) {
        const double noise = wave_noise(key, tick);
        sum += noise;
        square += noise * noise;
        low = fmin(low, noise);
        high = fmax(high, noise);
    }
    assert_true(low > -1 && high < 1);
    assert_true(low < -0.9 && high > 0.9);
    assert_true(fabs(sum / n) < 0.02);
    assert_true(fabs(square / n - 1.0 / 6) < 0.01); /* variance of the triangle on (-1, 1) */
}

static void rounding_gives_the_decimal_one_expects(void **state)
{
    (void)state;
    static const struct {
        double value, step, want;
    } rows[] = {
        {0.352, 0.01, 0.35}, {1.005, 0.1, 1.0},       {7.4, 1, 7},        {-0.26, 0.1, -0.3},
        {12.3, 5, 10},       {0.123456, 0, 0.123456}, {0.37, 0.25, 0.25},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(wave_round(rows[i].value, rows[i].step) == rows[i].want);
    }
}

static void a_point_without_entry_shows_what_its_kind_usually_does(void **state)
{
    (void)state;
    struct site_point gas = {.id = "g", .kind = "ch4", .from = {.source = SITE_NONE}};
    assert_true(wave_default(&gas).base == 0.3);
    struct site_point level = {
        .id = "l", .kind = "level", .has_range = true, .range_lo = 0, .range_hi = 12, .from = {.source = SITE_NONE}};
    assert_true(wave_default(&level).base == 6);
    struct site_point nothing = {.id = "n", .from = {.source = SITE_NONE}};
    assert_true(wave_default(&nothing).base == 0 && wave_default(&nothing).noise == 0);
    struct site_point fan = {.id = "f", .kind = "fan", .from = {.source = 0, .table = TABLE_COIL}};
    assert_true(wave_default(&fan).base == 1 && wave_default(&fan).noise == 0);
    struct site_point bit = {.id = "b", .from = {.source = 0, .table = TABLE_DISCRETE}};
    assert_true(wave_default(&bit).base == 0);
    struct site_point fine = {.id = "r", .kind = "ch4", .resolution = 0.005, .from = {.source = SITE_NONE}};
    assert_true(wave_default(&fine).step == 0.005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_a_pure_function_of_key_and_tick),
        cmocka_unit_test(seed_id_and_tick_each_change_the_noise),
        cmocka_unit_test(noise_stays_within_one_and_is_centred),
        cmocka_unit_test(rounding_gives_the_decimal_one_expects),
        cmocka_unit_test(a_point_without_entry_shows_what_its_kind_usually_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
