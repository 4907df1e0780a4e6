/* The gauges of operator load, second by second. */
#include "alerting/load_now.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int64_t at(int64_t seconds)
{
    return (INT64_C(1767571200) + seconds) * NS_PER_S;
}

static void raises_count_for_ten_minutes(void **state)
{
    (void)state;
    struct load_now *load = load_now_new(4);
    assert_true(load_now_due(load) == TIME_NEVER);
    load_now_raised(load, 0, at(0));
    load_now_raised(load, 1, at(1));
    load_now_raised(load, 2, at(1) + NS_PER_S - 1);
    assert_int_equal(load_now_raised_10min(load), 3);
    assert_true(load_now_due(load) == at(2));
    load_now_pass(load, at(600) - 1);
    assert_int_equal(load_now_raised_10min(load), 3);
    load_now_pass(load, at(600));
    assert_int_equal(load_now_raised_10min(load), 2);
    load_now_pass(load, at(601));
    assert_int_equal(load_now_raised_10min(load), 0);
    assert_true(load_now_due(load) == TIME_NEVER);
    load_now_free(load);
}

static void a_long_silence_leaves_nothing(void **state)
{
    (void)state;
    struct load_now *load = load_now_new(1);
    load_now_raised(load, 0, at(0));
    load_now_raised(load, 0, at(86400));
    assert_int_equal(load_now_raised_10min(load), 1);
    load_now_free(load);
}

static void three_raises_in_a_minute_chatter(void **state)
{
    (void)state;
    struct load_now *load = load_now_new(2);
    load_now_raised(load, 0, at(0));
    load_now_raised(load, 1, at(0));
    load_now_raised(load, 0, at(30));
    load_now_raised(load, 1, at(30));
    load_now_raised(load, 0, at(60));
    load_now_raised(load, 1, at(60) + 1);
    assert_int_equal(load_now_chattering(load), 0); /* the first is past by now, the second never was within a minute */
    load_now_raised(load, 0, at(61));
    load_now_raised(load, 0, at(62));
    assert_int_equal(load_now_chattering(load), 1);
    load_now_pass(load, at(120));
    assert_int_equal(load_now_chattering(load), 1);
    load_now_pass(load, at(121));
    assert_int_equal(load_now_chattering(load), 0);
    load_now_free(load);
}

static void standing_follows_each_alarm(void **state)
{
    (void)state;
    struct load_now *load = load_now_new(3);
    load_now_active(load, 0, true);
    load_now_active(load, 0, true);
    load_now_active(load, 2, true);
    assert_int_equal(load_now_standing(load), 2);
    load_now_active(load, 0, false);
    load_now_active(load, 1, false);
    assert_int_equal(load_now_standing(load), 1);
    load_now_free(load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raises_count_for_ten_minutes),
        cmocka_unit_test(a_long_silence_leaves_nothing),
        cmocka_unit_test(three_raises_in_a_minute_chatter),
        cmocka_unit_test(standing_follows_each_alarm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
