/* The figures of operator load, by stretches small enough to count by hand. */
#include "alerting/load_figures.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define START (INT64_C(1767571200) * NS_PER_S)

static int64_t at(int64_t seconds)
{
    return START + seconds * NS_PER_S;
}

static void raise(struct load *load, const char *alarm, int64_t seconds)
{
    load_event(load, alarm, EV_RAISED, LEVEL_YELLOW, at(seconds));
}

static void clear(struct load *load, const char *alarm, int64_t seconds)
{
    load_event(load, alarm, EV_CLEARED, LEVEL_YELLOW, at(seconds));
}

static void nothing_is_no_load(void **state)
{
    (void)state;
    struct load *load = load_new();
    struct load_figures figures;
    load_figures(load, at(0), at(0), &figures);
    assert_int_equal(figures.raised, 0);
    assert_int_equal(figures.periods, 0);
    assert_true(load_rate(&figures, LOAD_DAY_NS) == 0.0);
    load_figures(load, at(0), at(86400), &figures);
    assert_int_equal(figures.periods, 144);
    assert_int_equal(figures.hours, 24);
    assert_int_equal(figures.worst, 0);
    load_free(load);
}

static void only_what_was_raised_counts(void **state)
{
    (void)state;
    struct load *load = load_new();
    raise(load, "a", 10);
    load_event(load, "a", EV_WORSENED, LEVEL_RED, at(11));
    load_event(load, "a", EV_ACKED, LEVEL_RED, at(12));
    clear(load, "a", 20);
    load_event(load, "b", EV_RAISED, LEVEL_RED, at(30));
    struct load_figures figures;
    load_figures(load, at(0), at(3600), &figures);
    assert_int_equal(figures.raised, 2);
    assert_int_equal(figures.by_level[LEVEL_YELLOW], 1);
    assert_int_equal(figures.by_level[LEVEL_RED], 1);
    assert_int_equal(figures.standing, 1);
    assert_true(load_rate(&figures, LOAD_DAY_NS) == 48.0);
    load_free(load);
}

static void a_stretch_takes_its_beginning_and_not_its_end(void **state)
{
    (void)state;
    struct load *load = load_new();
    raise(load, "before", -1);
    raise(load, "first", 0);
    raise(load, "last", 599);
    raise(load, "after", 600);
    struct load_figures figures;
    load_figures(load, at(0), at(600), &figures);
    assert_int_equal(figures.raised, 2);
    assert_int_equal(figures.periods, 1);
    assert_int_equal(figures.standing, 3); /* what was raised before still stands */
    assert_int_equal(figures.top_count, 2);
    load_free(load);
}

static void a_flood_begins_over_ten_and_ends_under_five(void **state)
{
    (void)state;
    static const int per_period[] = {10, 11, 5, 4, 5, 12, 0, 6, 11};
    struct load *load = load_new();
    for (int period = 0; period < 9; period++) {
        for (int i = 0; i < per_period[period]; i++) {
            raise(load, "a", period * 600 + i * 40);
            clear(load, "a", period * 600 + i * 40 + 20);
        }
    }
    struct load_figures figures;
    load_figures(load, at(0), at(9 * 600), &figures);
    assert_int_equal(figures.periods, 9);
    assert_int_equal(figures.periods_over, 3);
    assert_int_equal(figures.floods, 3);           /* from period 1, 5 and 8 */
    assert_int_equal(figures.periods_in_flood, 4); /* 1 2, 5, 8 */
    assert_int_equal(figures.worst, 12);
    assert_true(figures.worst_ns == at(5 * 600));
    assert_int_equal(figures.hours, 2);
    assert_int_equal(figures.hours_over, 1); /* 47 in the first, 17 in the rest */
    load_free(load);
}

static void a_period_without_alarms_ends_a_flood(void **state)
{
    (void)state;
    struct load *load = load_new();
    for (int i = 0; i < 11; i++) {
        raise(load, "a", i);
    }
    for (int i = 0; i < 6; i++) {
        raise(load, "a", 1200 + i);
    }
    struct load_figures figures;
    load_figures(load, at(0), at(1800), &figures);
    assert_int_equal(figures.floods, 1);
    assert_int_equal(figures.periods_in_flood, 1);
    load_free(load);
}

static void chattering_is_three_within_a_minute(void **state)
{
    (void)state;
    struct load *load = load_new();
    for (int i = 0; i < 3; i++) {
        raise(load, "chatters", i * 30);
        clear(load, "chatters", i * 30 + 10);
        raise(load, "slow", i * 30 + (i == 2));
        clear(load, "slow", i * 30 + 10);
    }
    raise(load, "twice", 0);
    raise(load, "twice", 1);
    struct load_figures figures;
    load_figures(load, at(0), at(600), &figures);
    assert_int_equal(figures.chattering, 1);
    load_free(load);
}

static void fleeting_is_less_than_five_seconds(void **state)
{
    (void)state;
    struct load *load = load_new();
    raise(load, "a", 0);
    clear(load, "a", 5);
    raise(load, "b", 0);
    load_event(load, "b", EV_CLEARED, LEVEL_YELLOW, at(5) - NS_PER_MS);
    struct load_figures figures;
    load_figures(load, at(0), at(600), &figures);
    assert_int_equal(figures.fleeting, 1);
    load_free(load);
}

static void stale_is_more_than_a_day(void **state)
{
    (void)state;
    struct load *load = load_new();
    raise(load, "long", 0);
    raise(load, "a day", 1);
    struct load_figures figures;
    load_figures(load, at(0), at(86401), &figures);
    assert_int_equal(figures.standing, 2);
    assert_int_equal(figures.stale, 1);
    load_free(load);
}

static void the_most_frequent_come_first(void **state)
{
    (void)state;
    static const char *const names[] = {"k", "j", "i", "h", "g", "f", "e", "d", "c", "b", "a"};
    struct load *load = load_new();
    for (int name = 0; name < 11; name++) {
        for (int i = 0; i < (name == 4 ? 3 : name == 7 ? 2 : 1); i++) {
            raise(load, names[name], i * 100);
        }
    }
    struct load_figures figures;
    load_figures(load, at(0), at(600), &figures);
    assert_int_equal(figures.top_count, LOAD_TOP);
    assert_string_equal(figures.top[0].alarm, "g");
    assert_int_equal(figures.top[0].raised, 3);
    assert_string_equal(figures.top[1].alarm, "d");
    assert_string_equal(figures.top[2].alarm, "a");
    assert_string_equal(figures.top[9].alarm, "j"); /* "k" is one too many */
    assert_int_equal(figures.top_raised, 13);
    load_free(load);
}

static void absurd_times_do_no_harm(void **state)
{
    (void)state;
    struct load *load = load_new();
    load_event(load, "a", EV_RAISED, LEVEL_RED, INT64_MIN);
    load_event(load, "a", EV_CLEARED, LEVEL_RED, INT64_MAX - 1);
    load_event(load, "b", EV_RAISED, LEVEL_RED, INT64_MAX - 1);
    struct load_figures figures;
    load_figures(load, INT64_MIN, INT64_MAX, &figures);
    assert_int_equal(figures.raised, 2);
    assert_int_equal(figures.standing, 1);
    load_free(load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_no_load),
        cmocka_unit_test(only_what_was_raised_counts),
        cmocka_unit_test(a_stretch_takes_its_beginning_and_not_its_end),
        cmocka_unit_test(a_flood_begins_over_ten_and_ends_under_five),
        cmocka_unit_test(a_period_without_alarms_ends_a_flood),
        cmocka_unit_test(chattering_is_three_within_a_minute),
        cmocka_unit_test(fleeting_is_less_than_five_seconds),
        cmocka_unit_test(stale_is_more_than_a_day),
        cmocka_unit_test(the_most_frequent_come_first),
        cmocka_unit_test(absurd_times_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
