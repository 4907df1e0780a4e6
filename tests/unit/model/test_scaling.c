/* raw x scale + offset, rounded once. */
#include "model/scaling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static double value_of(double scale, double offset, double raw)
{
    struct site_from from = {.scale = scale, .offset = offset};
    scaling_prepare(&from);
    return scaling_value(&from, raw);
}

static void whole_registers_give_the_decimal(void **state)
{
    (void)state;
    assert_true(value_of(0.01, 0, 41) == 0.41); /* 0.41000000000000003 with two roundings */
    assert_true(value_of(0.001, 0, 103) == 0.103);
    assert_true(value_of(0.1, -40, 623) == 22.3);
    assert_true(value_of(0.25, 0.005, 3) == 0.755);
    assert_true(value_of(10, 0, -7) == -70);
    assert_true(value_of(1, 0, 65535) == 65535);
}

static void every_register_of_a_scale_is_the_nearest_double(void **state)
{
    (void)state;
    for (int raw = -32768; raw < 65536; raw++) {
        assert_true(value_of(0.01, 0, raw) == raw / 100.0);
        assert_true(value_of(0.1, 2.5, raw) == (raw + 25) / 10.0);
    }
}

static void what_is_no_short_decimal_is_taken_as_it_is(void **state)
{
    (void)state;
    const double third = 1.0 / 3.0;
    assert_true(value_of(third, 0, 5) == 5 * third);
    assert_true(value_of(0.01, 0, 0.5) == 0.5 * 0.01);       /* no whole number */
    assert_true(value_of(0.01, 0, 1e17) == 1e17 * 0.01);     /* beyond 2^53 */
    assert_true(value_of(1e-12, 0, 3) == 3 * 1e-12);
    const struct site_from bare = {.scale = 0.01};           /* not prepared */
    assert_true(scaling_value(&bare, 41) == 41 * 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_registers_give_the_decimal),
        cmocka_unit_test(every_register_of_a_scale_is_the_nearest_double),
        cmocka_unit_test(what_is_no_short_decimal_is_taken_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
