/* A 32-bit float as the decimal it stands for. */
#include "model/real32.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_float_means_its_shortest_decimal(void **state)
{
    (void)state;
    static const double decimals[] = {1.06, 0.1, 0.02, -3.7, 12.34, 50.5, 99999.9, 0.0001, 123456.7, 1e-7, 16777216, -9999.9};
    for (size_t i = 0; i < sizeof decimals / sizeof *decimals; i++) {
        assert_true(real32_value((float)decimals[i]) == decimals[i]);
    }
}

static void every_float_reads_back_the_same(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int i = 0; i < 300000; i++) {
        seed = seed * 1664525u + 1013904223u;
        float value;
        memcpy(&value, &seed, sizeof value);
        if (isfinite(value)) {
            assert_true((float)real32_value(value) == value);
        }
    }
}

/* Against the library's own search: the first number of digits that reads back the same. */
static void no_shorter_decimal_reads_back(void **state)
{
    (void)state;
    for (int i = 1; i < 20000; i++) {
        float value = (float)i * 0.0137f;
        char text[64];
        for (int digits = 1; digits <= 9; digits++) {
            (void)snprintf(text, sizeof text, "%.*g", digits, (double)value);
            if (strtof(text, NULL) == value) {
                break;
            }
        }
        assert_true(real32_value(value) == strtod(text, NULL));
    }
}

static void the_ends_stay_what_they_are(void **state)
{
    (void)state;
    assert_true(isnan(real32_value(NAN)));
    assert_true(isinf(real32_value(-INFINITY)));
    assert_true(real32_value(FLT_MAX) == (double)FLT_MAX);
    assert_true(real32_value(FLT_TRUE_MIN) == (double)FLT_TRUE_MIN);
    assert_true(signbit(real32_value(-0.0f)) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_float_means_its_shortest_decimal),
        cmocka_unit_test(every_float_reads_back_the_same),
        cmocka_unit_test(no_shorter_decimal_reads_back),
        cmocka_unit_test(the_ends_stay_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
