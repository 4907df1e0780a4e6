/* Which events of two rule sets belong together. */
#include "app/event_match.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct told {
    int seconds;
    uint32_t alarm, occurrence;
    enum event_kind kind;
    enum level level;
};

static struct match_list list_of(const struct told *told, size_t count)
{
    struct match_list list = {0};
    for (size_t i = 0; i < count; i++) {
        const struct event event = {
            .time_ns = told[i].seconds * NS_PER_S,
            .occurrence = told[i].occurrence,
            .kind = (uint8_t)told[i].kind,
            .level = (uint8_t)told[i].level,
        };
        match_add(&list, &event, told[i].alarm);
    }
    return list;
}

static struct match_result match(const struct told *first, size_t n, const struct told *second, size_t m)
{
    struct match_list a = list_of(first, n);
    struct match_list b = list_of(second, m);
    struct match_result result;
    event_match(&a, &b, &result);
    match_list_done(&a);
    match_list_done(&b);
    return result;
}

#define MATCH(first, second) match(first, sizeof(first) / sizeof *(first), second, sizeof(second) / sizeof *(second))

static void the_same_events_do_not_differ(void **state)
{
    (void)state;
    static const struct told events[] = {
        {0, 0, 0, EV_SHELVED, LEVEL_NONE},
        {5, 0, 1, EV_RAISED, LEVEL_YELLOW},
        {5, 1, 1, EV_RAISED, LEVEL_RED},
        {7, 0, 1, EV_CLEARED, LEVEL_YELLOW},
    };
    struct match_result result = MATCH(events, events);
    assert_int_equal(result.count, 0);
    assert_int_equal(result.same, 4);
    match_result_done(&result);
}

static void a_lost_occurrence_does_not_move_the_later_ones(void **state)
{
    (void)state;
    static const struct told first[] = {
        {10, 0, 1, EV_RAISED, LEVEL_YELLOW},  {20, 0, 1, EV_CLEARED, LEVEL_YELLOW}, {30, 0, 2, EV_RAISED, LEVEL_YELLOW},
        {40, 0, 2, EV_CLEARED, LEVEL_YELLOW}, {50, 0, 3, EV_RAISED, LEVEL_YELLOW},
    };
    static const struct told second[] = {
        {13, 0, 1, EV_RAISED, LEVEL_YELLOW},
        {20, 0, 1, EV_CLEARED, LEVEL_YELLOW},
        {49, 0, 2, EV_RAISED, LEVEL_YELLOW},
    };
    struct match_result result = MATCH(first, second);
    assert_int_equal(result.count, 4);
    assert_int_equal(result.same, 1);
    assert_int_equal(result.items[0].kind, MATCH_LATER);
    assert_true(result.items[0].by_ns == 3 * NS_PER_S);
    assert_int_equal(result.items[1].kind, MATCH_LOST);
    assert_int_equal(result.items[1].event.kind, EV_RAISED);
    assert_int_equal(result.items[2].kind, MATCH_LOST);
    assert_int_equal(result.items[2].event.kind, EV_CLEARED);
    assert_int_equal(result.items[3].kind, MATCH_EARLIER);
    assert_true(result.items[3].by_ns == NS_PER_S);
    match_result_done(&result);
}

static void many_short_occurrences_against_a_long_one(void **state)
{
    (void)state;
    static const struct told first[] = {
        {10, 0, 1, EV_RAISED, LEVEL_YELLOW},
        {11, 0, 1, EV_CLEARED, LEVEL_YELLOW},
        {12, 0, 2, EV_RAISED, LEVEL_YELLOW},
        {13, 0, 2, EV_CLEARED, LEVEL_YELLOW},
    };
    static const struct told second[] = {
        {10, 0, 1, EV_RAISED, LEVEL_YELLOW},
        {13, 0, 1, EV_CLEARED, LEVEL_YELLOW},
    };
    struct match_result result = MATCH(first, second);
    assert_int_equal(result.same, 1);
    assert_int_equal(result.sums[MATCH_LATER], 1);
    assert_int_equal(result.sums[MATCH_LOST], 2);
    match_result_done(&result);
}

static void the_second_of_a_kind_is_the_second(void **state)
{
    (void)state;
    static const struct told first[] = {
        {1, 0, 1, EV_RAISED, LEVEL_YELLOW}, {2, 0, 1, EV_BLIND, LEVEL_YELLOW},   {3, 0, 1, EV_SIGHTED, LEVEL_YELLOW},
        {4, 0, 1, EV_BLIND, LEVEL_YELLOW},  {5, 0, 1, EV_SIGHTED, LEVEL_YELLOW},
    };
    static const struct told second[] = {
        {1, 0, 1, EV_RAISED, LEVEL_ORANGE},
        {2, 0, 1, EV_BLIND, LEVEL_ORANGE},
        {3, 0, 1, EV_SIGHTED, LEVEL_ORANGE},
        {9, 0, 1, EV_BLIND, LEVEL_ORANGE},
    };
    struct match_result result = MATCH(first, second);
    assert_int_equal(result.sums[MATCH_LEVEL], 3);
    assert_int_equal(result.sums[MATCH_LATER], 1);
    assert_int_equal(result.sums[MATCH_LOST], 1);
    assert_int_equal(result.count, 5);
    match_result_done(&result);
}

static void alarms_of_one_side_are_added_or_lost(void **state)
{
    (void)state;
    static const struct told first[] = {{1, 0, 1, EV_RAISED, LEVEL_RED}, {2, 2, 1, EV_RAISED, LEVEL_RED}};
    static const struct told second[] = {{3, 1, 1, EV_RAISED, LEVEL_RED}, {2, 2, 1, EV_RAISED, LEVEL_RED}};
    struct match_result result = MATCH(first, second);
    assert_int_equal(result.same, 1);
    assert_int_equal(result.count, 2);
    assert_int_equal(result.items[0].kind, MATCH_LOST);
    assert_int_equal(result.items[1].kind, MATCH_ADDED);
    assert_int_equal(result.items[1].event.alarm, 1);
    match_result_done(&result);
}

static void nothing_against_something_is_all_added(void **state)
{
    (void)state;
    static const struct told some[] = {{0, 0, 0, EV_SHELVED, LEVEL_NONE}, {1, 0, 1, EV_RAISED, LEVEL_RED}};
    struct match_result result = match(NULL, 0, some, 2);
    assert_int_equal(result.sums[MATCH_ADDED], 2);
    match_result_done(&result);
    result = match(NULL, 0, NULL, 0);
    assert_int_equal(result.count, 0);
    match_result_done(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_events_do_not_differ),
        cmocka_unit_test(a_lost_occurrence_does_not_move_the_later_ones),
        cmocka_unit_test(many_short_occurrences_against_a_long_one),
        cmocka_unit_test(the_second_of_a_kind_is_the_second),
        cmocka_unit_test(alarms_of_one_side_are_added_or_lost),
        cmocka_unit_test(nothing_against_something_is_all_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
