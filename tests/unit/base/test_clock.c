/* clock: what is made of a system clock that steps forward and back. */
#include "base/clock.h"
#include "tests/unit/base/unit.h"

static const int64_t start_ns = INT64_C(1767571200) * NS_PER_S;

static struct clock at_start(void)
{
    return (struct clock){.last_ns = start_ns, .last_mono_ns = 1000};
}

static void test_follows_time_and_forward_steps_at_once(void **state)
{
    (void)state;
    struct clock clock = at_start();
    assert_int_equal(clock_advance(&clock, start_ns + 5, 1005), start_ns + 5);
    assert_int_equal(clock_advance(&clock, start_ns + 3600 * NS_PER_S, 1006), start_ns + 3600 * NS_PER_S);
    assert_int_equal(clock.back_steps, 0);
}

static void test_after_a_backward_step_goes_on_at_a_quarter_until_caught_up(void **state)
{
    (void)state;
    struct clock clock = at_start();
    const int64_t step_ns = 8 * NS_PER_S; /* back by eight seconds */
    int64_t now_ns = 0;
    for (int64_t passed_ns = NS_PER_S; passed_ns <= 8 * NS_PER_S; passed_ns += NS_PER_S) {
        now_ns = clock_advance(&clock, start_ns - step_ns + passed_ns, 1000 + passed_ns);
        if (passed_ns < 8 * NS_PER_S) {
            assert_int_equal(now_ns, start_ns + passed_ns / 4);
        }
    }
    assert_int_equal(now_ns, start_ns + 2 * NS_PER_S); /* true time is at start: not caught up */
    now_ns = clock_advance(&clock, start_ns + 2 * NS_PER_S + 700 * NS_PER_MS, 1000 + 10 * NS_PER_S + 700 * NS_PER_MS);
    assert_int_equal(now_ns, start_ns + 2 * NS_PER_S + 700 * NS_PER_MS); /* caught up: the system's time again */
    assert_int_equal(clock.back_steps, 1);
}

static void test_slow_progress_loses_no_fraction(void **state)
{
    (void)state;
    struct clock clock = at_start();
    for (int64_t mono_ns = 1000; mono_ns <= 2000; mono_ns++) { /* a nanosecond a call */
        (void)clock_advance(&clock, start_ns - NS_PER_S, mono_ns);
    }
    assert_int_equal(clock.last_ns, start_ns + 250);
}

static void test_counts_each_step_once_and_not_the_jitter(void **state)
{
    (void)state;
    struct clock clock = at_start();
    (void)clock_advance(&clock, start_ns - NS_PER_MS, 1001);
    assert_int_equal(clock.back_steps, 0);
    (void)clock_advance(&clock, start_ns - 2 * NS_PER_MS, 1002);
    (void)clock_advance(&clock, start_ns - 2 * NS_PER_MS, 1003);
    assert_int_equal(clock.back_steps, 1);
    (void)clock_advance(&clock, start_ns + NS_PER_S, 1004);
    (void)clock_advance(&clock, start_ns, 1005);
    assert_int_equal(clock.back_steps, 2);
}

static void test_the_machines_clock_does_not_go_back(void **state)
{
    (void)state;
    struct clock clock;
    clock_init(&clock);
    assert_true(clock.last_ns > start_ns - 366 * 86400 * NS_PER_S);
    int64_t last_ns = 0;
    int64_t last_mono_ns = 0;
    for (int i = 0; i < 100000; i++) {
        const int64_t now_ns = clock_now_ns(&clock);
        const int64_t mono_ns = clock_mono_ns();
        assert_true(now_ns >= last_ns && mono_ns >= last_mono_ns);
        last_ns = now_ns;
        last_mono_ns = mono_ns;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_time_and_forward_steps_at_once),
        cmocka_unit_test(test_after_a_backward_step_goes_on_at_a_quarter_until_caught_up),
        cmocka_unit_test(test_slow_progress_loses_no_fraction),
        cmocka_unit_test(test_counts_each_step_once_and_not_the_jitter),
        cmocka_unit_test(test_the_machines_clock_does_not_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
