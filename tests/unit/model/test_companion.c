/*
 * Companions: what a register beside a value makes of it, and the way back; scales stay exact in decimal sense.
 */
#include "model/companion.h"
#include "model/sample.h"
#include "model/scaling.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct site_case states[] = {
    {.raw = 0, .status = 0}, {.raw = 3, .status = ST_SENSOR}, {.raw = 8, .status = ST_CALIBRATING | ST_RANGE}};
static const struct site_case faults[] = {
    {.raw = 3, .status = ST_SENSOR}, {.raw = 7, .status = ST_RANGE}, {.raw = 8, .status = ST_COMM}};

static uint16_t status_of(const struct site_companion *companion, double raw)
{
    struct site_from from = {.scale = 1};
    uint16_t status = 0;
    assert_true(companion_apply(companion, raw, &from, &status));
    return status;
}

static void a_code_means_its_flags_and_an_unknown_one_is_not_good(void **state)
{
    (void)state;
    const struct site_companion companion = {
        .use = COMPANION_STATUS, .cases = states, .case_count = 3, .other = ST_SENSOR};
    assert_int_equal(status_of(&companion, 0), 0);
    assert_int_equal(status_of(&companion, 3), ST_SENSOR);
    assert_int_equal(status_of(&companion, 8), ST_CALIBRATING | ST_RANGE);
    assert_int_equal(status_of(&companion, 4), ST_SENSOR);
}

static void flags_of_all_bits_that_are_set_add_up(void **state)
{
    (void)state;
    const struct site_companion companion = {
        .use = COMPANION_STATUS, .as = COMPANION_FLAGS, .cases = faults, .case_count = 3};
    assert_int_equal(status_of(&companion, 0), 0);
    assert_int_equal(status_of(&companion, 1 << 3), ST_SENSOR);
    assert_int_equal(status_of(&companion, 1 << 7 | 1 << 8 | 1 << 2), ST_RANGE | ST_COMM);
}

/* A status word may be read as a signed number: its highest bit makes it negative. */
static void the_highest_bit_of_a_signed_word_is_a_flag_too(void **state)
{
    (void)state;
    static const struct site_case bits[] = {{.raw = 0, .status = ST_CALIBRATING}, {.raw = 15, .status = ST_SENSOR}};
    const struct site_companion companion = {
        .use = COMPANION_STATUS, .as = COMPANION_FLAGS, .cases = bits, .case_count = 2};
    assert_int_equal(status_of(&companion, -32768), ST_SENSOR);
    assert_int_equal(status_of(&companion, -32767), ST_SENSOR | ST_CALIBRATING);
    assert_int_equal(status_of(&companion, -1), ST_SENSOR | ST_CALIBRATING);
}

static void what_is_not_finite_tells_no_scale(void **state)
{
    (void)state;
    const struct site_companion divisor = {.use = COMPANION_SCALE, .as = COMPANION_DIVISOR};
    struct site_from from = {.scale = 1};
    uint16_t status = 0;
    assert_false(companion_apply(&divisor, INFINITY, &from, &status)); /* else every value would be 0, and good */
}

static void a_status_is_shown_by_the_number_that_means_it(void **state)
{
    (void)state;
    const struct site_companion codes = {.use = COMPANION_STATUS, .cases = states, .case_count = 3};
    const struct site_companion flags = {
        .use = COMPANION_STATUS, .as = COMPANION_FLAGS, .cases = faults, .case_count = 3};
    double raw = -1;
    assert_true(companion_raw(&codes, ST_SENSOR, &raw) && raw == 3);
    assert_true(companion_raw(&codes, 0, &raw) && raw == 0);
    assert_false(companion_raw(&codes, ST_COMM, &raw));
    assert_true(companion_raw(&flags, ST_SENSOR | ST_COMM, &raw) && raw == (1 << 3 | 1 << 8));
    assert_true(companion_raw(&flags, 0, &raw) && raw == 0);
    assert_false(companion_raw(&flags, ST_PAUSED, &raw));
}

/* The value that a raw number has under a scale companion; NaN: none. */
static double scaled(struct site_companion companion, double told, struct site_from from, double raw)
{
    uint16_t status = 0;
    companion.use = COMPANION_SCALE;
    scaling_prepare(&from);
    return companion_apply(&companion, told, &from, &status) ? scaling_value(&from, raw) : (double)NAN;
}

static void scales_told_by_a_register_stay_decimal(void **state)
{
    (void)state;
    const struct site_case cases[] = {
        {.raw = 32, .factor = 1}, {.raw = 33, .factor = 5.0 / 9, .add = -160.0 / 9}, {.raw = 2, .factor = 0.01}};
    const struct site_companion map = {.cases = cases, .case_count = 3};
    const struct site_from plain = {.scale = 1};
    const struct site_from tenths = {.scale = 0.1, .offset = -10};
    assert_true(scaled(map, 32, tenths, 1200) == 110);
    assert_true(scaled(map, 2, plain, 41) == 0.41);
    assert_true(scaled(map, 2, (struct site_from){.scale = 0.1}, 41) == 0.041);
    assert_true(fabs(scaled(map, 33, plain, 212) - 100) < 1e-12);
    assert_true(isnan(scaled(map, 7, plain, 1)));
    const struct site_companion decimals = {.as = COMPANION_DECIMALS};
    assert_true(scaled(decimals, 3, plain, 1234) == 1.234);
    assert_true(scaled(decimals, 1, tenths, 1234) == 11.34);
    assert_true(isnan(scaled(decimals, 1.5, plain, 1)) && isnan(scaled(decimals, -1, plain, 1)));
    const struct site_companion divisor = {.as = COMPANION_DIVISOR};
    assert_true(scaled(divisor, 4095, (struct site_from){.scale = 12}, 4095) == 12);
    assert_true(scaled(divisor, -2, plain, 5) == -2.5);
    assert_true(isnan(scaled(divisor, 0, plain, 5)));
    const struct site_companion factor = {.as = COMPANION_FACTOR};
    assert_true(scaled(factor, 0.1, plain, 3) == 0.3);
    assert_true(isnan(scaled(factor, 0, plain, 3)));
    assert_true(isnan(scaled(factor, NAN, plain, 3)));
}

static void an_enumeration_has_only_its_numbers(void **state)
{
    (void)state;
    const struct site_value values[] = {{0, 0}, {1, 50.5}};
    const struct site_extra extra = {.values = values, .value_count = 2};
    double value = -1;
    assert_true(companion_value(&extra, 1, &value) && value == 50.5);
    assert_false(companion_value(&extra, 2, &value));
    assert_true(value == 50.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_means_its_flags_and_an_unknown_one_is_not_good),
        cmocka_unit_test(flags_of_all_bits_that_are_set_add_up),
        cmocka_unit_test(the_highest_bit_of_a_signed_word_is_a_flag_too),
        cmocka_unit_test(what_is_not_finite_tells_no_scale),
        cmocka_unit_test(a_status_is_shown_by_the_number_that_means_it),
        cmocka_unit_test(scales_told_by_a_register_stay_decimal),
        cmocka_unit_test(an_enumeration_has_only_its_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
