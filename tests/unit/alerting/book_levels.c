/*
 * What verdicts make of alarms: levels, latch, unless, blind, unacked.
 */
#include "fixture.h"
#include <math.h>

static struct alarm_book *book;

static int open_book(void **state)
{
    (void)state;
    book = alarm_book_new(fixture_site(), 0);
    return 0;
}

static int close_book(void **state)
{
    (void)state;
    alarm_book_free(book);
    return 0;
}

static void ack(enum fixture_alarm alarm, int64_t s)
{
    const struct act act = act_of(ACT_ACK, alarm, s);
    assert_int_equal(alarm_book_act(book, &act, act.time_ns, 1.0, NULL), ERR_NONE);
}

static void goes_up_and_down_through_its_levels(void **state)
{
    (void)state;
    judge(book, A_LIMIT_T1, 0, LEVEL_YELLOW, 0);
    expect(book, "raised limit:t1#1 yellow");
    judge(book, A_LIMIT_T1, 1, LEVEL_RED, 0);
    expect(book, "worsened limit:t1#1 red");
    judge(book, A_LIMIT_T1, 2, LEVEL_RED, 0);
    expect(book, "");
    judge(book, A_LIMIT_T1, 3, LEVEL_ORANGE, 0);
    expect(book, "eased limit:t1#1 orange");
    judge(book, A_LIMIT_T1, 4, LEVEL_NONE, 0);
    expect(book, "cleared limit:t1#1 orange");
    judge(book, A_LIMIT_T1, 5, LEVEL_NONE, 0);
    expect(book, "");
    judge(book, A_LIMIT_T1, 6, LEVEL_BLUE, 0);
    expect(book, "raised limit:t1#2 blue");
}

static void the_condition_is_that_of_the_level_entered_or_left(void **state)
{
    (void)state;
    judge(book, A_LIMIT_T1, 0, LEVEL_YELLOW, 0);
    judge(book, A_LIMIT_T1, 1, LEVEL_RED, VERDICT_BLIND);
    judge(book, A_LIMIT_T1, 2, LEVEL_ORANGE, VERDICT_BLIND);
    judge(book, A_LIMIT_T1, 3, LEVEL_NONE, 0);
    static const struct {
        enum event_kind kind;
        enum level when;
    } expected[] = {{EV_RAISED, LEVEL_YELLOW}, {EV_WORSENED, LEVEL_RED}, {EV_BLIND, LEVEL_NONE},
                    {EV_EASED, LEVEL_RED},     {EV_SIGHTED, LEVEL_NONE}, {EV_CLEARED, LEVEL_ORANGE}};
    size_t count;
    const struct event *events = alarm_book_events(book, &count);
    assert_int_equal(count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(events[i].kind, expected[i].kind);
        assert_int_equal(events[i].when_level, expected[i].when);
        assert_int_equal(events[i].seq, i + 1);
    }
}

static void unless_holds_back_the_raise_only(void **state)
{
    (void)state;
    judge(book, A_LIMIT_T1, 0, LEVEL_YELLOW, VERDICT_UNLESS);
    judge(book, A_LIMIT_T1, 1, LEVEL_ORANGE, VERDICT_UNLESS);
    expect(book, "");
    judge(book, A_LIMIT_T1, 2, LEVEL_ORANGE, 0); /* it turned false: raised at that moment */
    expect(book, "raised limit:t1#1 orange");
    judge(book, A_LIMIT_T1, 3, LEVEL_RED, VERDICT_UNLESS);
    judge(book, A_LIMIT_T1, 4, LEVEL_YELLOW, VERDICT_UNLESS);
    judge(book, A_LIMIT_T1, 5, LEVEL_NONE, VERDICT_UNLESS);
    expect(book, "worsened limit:t1#1 red; eased limit:t1#1 yellow; cleared limit:t1#1 yellow");
    judge(book, A_LIMIT_T1, 6, LEVEL_YELLOW, VERDICT_UNLESS);
    judge(book, A_LIMIT_T1, 7, LEVEL_NONE, VERDICT_UNLESS);
    judge(book, A_LIMIT_T1, 8, LEVEL_NONE, 0);
    expect(book, "");
}

static void tells_the_loss_of_sight_of_an_active_alarm(void **state)
{
    (void)state;
    judge(book, A_LIMIT_T1, 0, LEVEL_NONE, VERDICT_BLIND);
    expect(book, ""); /* not active: nothing to say */
    judge(book, A_LIMIT_T1, 1, LEVEL_YELLOW, VERDICT_BLIND);
    expect(book, "raised limit:t1#1 yellow; blind limit:t1#1 yellow");
    judge(book, A_LIMIT_T1, 2, LEVEL_ORANGE, VERDICT_BLIND);
    expect(book, "worsened limit:t1#1 orange");
    judge(book, A_LIMIT_T1, 3, LEVEL_RED, 0);
    expect(book, "sighted limit:t1#1 orange; worsened limit:t1#1 red");
    judge(book, A_LIMIT_T1, 4, LEVEL_YELLOW, VERDICT_BLIND);
    expect(book, "eased limit:t1#1 yellow; blind limit:t1#1 yellow");
    judge(book, A_LIMIT_T1, 5, LEVEL_NONE, 0);
    expect(book, "sighted limit:t1#1 yellow; cleared limit:t1#1 yellow");
}

static void cleared_while_blind_says_only_cleared(void **state)
{
    (void)state;
    judge(book, A_LIMIT_T1, 0, LEVEL_YELLOW, VERDICT_BLIND);
    judge(book, A_LIMIT_T1, 1, LEVEL_NONE, VERDICT_BLIND);
    expect(book, "raised limit:t1#1 yellow; blind limit:t1#1 yellow; cleared limit:t1#1 yellow");
    judge(book, A_LIMIT_T1, 2, LEVEL_NONE, 0);
    expect(book, "");
    judge(book, A_LIMIT_T1, 3, LEVEL_YELLOW, VERDICT_BLIND); /* a new occurrence says it anew */
    expect(book, "raised limit:t1#2 yellow; blind limit:t1#2 yellow");
}

static void unacked_follows_only_when_the_acknowledged_level_is_passed(void **state)
{
    (void)state;
    judge(book, A_LIMIT_T1, 0, LEVEL_BLUE, 0);
    judge(book, A_LIMIT_T1, 1, LEVEL_YELLOW, 0);
    expect(book, "raised limit:t1#1 blue; worsened limit:t1#1 yellow"); /* nothing was acknowledged */
    ack(A_LIMIT_T1, 2);
    judge(book, A_LIMIT_T1, 3, LEVEL_ORANGE, VERDICT_BLIND);
    expect(book, "acked limit:t1#1 yellow; worsened limit:t1#1 orange; unacked limit:t1#1 orange; "
                 "blind limit:t1#1 orange");
    judge(book, A_LIMIT_T1, 4, LEVEL_RED, VERDICT_BLIND); /* it was unacknowledged already */
    judge(book, A_LIMIT_T1, 5, LEVEL_YELLOW, VERDICT_BLIND);
    expect(book, "worsened limit:t1#1 red; eased limit:t1#1 yellow");
    judge(book, A_LIMIT_T1, 6, LEVEL_ORANGE, VERDICT_BLIND); /* eased to what was acknowledged, and up again */
    expect(book, "worsened limit:t1#1 orange; unacked limit:t1#1 orange");
}

static void a_new_occurrence_is_unacknowledged(void **state)
{
    (void)state;
    judge(book, A_LIMIT_T1, 0, LEVEL_YELLOW, 0);
    ack(A_LIMIT_T1, 1);
    judge(book, A_LIMIT_T1, 2, LEVEL_NONE, 0);
    judge(book, A_LIMIT_T1, 3, LEVEL_YELLOW, 0);
    size_t count;
    const struct event *events = alarm_book_events(book, &count);
    assert_int_equal(count, 4);
    static const uint8_t acked[] = {0, 1, 1, 0};
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(events[i].acked, acked[i]);
    }
    alarm_book_clear_events(book);
    judge(book, A_LIMIT_T1, 4, LEVEL_ORANGE, 0);
    expect(book, "worsened limit:t1#2 orange");
}

static void a_latched_alarm_waits_for_its_acknowledgement(void **state)
{
    (void)state;
    judge(book, A_LATCH, 0, LEVEL_ORANGE, 0);
    judge(book, A_LATCH, 1, LEVEL_NONE, 0);
    expect(book, "raised latch:t1#1 orange");
    ack(A_LATCH, 2);
    expect(book, "acked latch:t1#1 orange; cleared latch:t1#1 orange");
    judge(book, A_LATCH, 3, LEVEL_YELLOW, 0);
    ack(A_LATCH, 4);
    judge(book, A_LATCH, 5, LEVEL_NONE, 0); /* acknowledged before: nothing to wait for */
    expect(book, "raised latch:t1#2 yellow; acked latch:t1#2 yellow; cleared latch:t1#2 yellow");
}

static void a_condition_that_comes_back_to_a_latched_alarm_is_the_same_occurrence(void **state)
{
    static const struct {
        enum level back;
        const char *events;
    } cases[] = {{LEVEL_YELLOW, "eased latch:t1#1 yellow"}, {LEVEL_ORANGE, ""}, {LEVEL_RED, "worsened latch:t1#1 red"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        judge(book, A_LATCH, 0, LEVEL_ORANGE, 0);
        judge(book, A_LATCH, 1, LEVEL_NONE, 0);
        expect(book, "raised latch:t1#1 orange");
        judge(book, A_LATCH, 2, cases[i].back, VERDICT_UNLESS);
        expect(book, cases[i].events);
        ack(A_LATCH, 3); /* no longer latched: it does not clear by this */
        size_t count;
        assert_int_equal(alarm_book_events(book, &count)->state_level, cases[i].back);
        assert_int_equal(count, 1);
        (void)close_book(state);
        (void)open_book(state);
    }
}

static void a_latch_goes_by_the_level_the_alarm_has(void **state)
{
    (void)state;
    judge(book, A_LATCH, 0, LEVEL_YELLOW, 0);
    ack(A_LATCH, 1);
    judge(book, A_LATCH, 2, LEVEL_RED, 0);
    judge(book, A_LATCH, 3, LEVEL_NONE, 0);
    expect(book, "raised latch:t1#1 yellow; acked latch:t1#1 yellow; worsened latch:t1#1 red; unacked latch:t1#1 red");
    struct act act = act_of(ACT_ACK, A_LATCH, 4);
    act.level = LEVEL_ORANGE;
    assert_int_equal(alarm_book_act(book, &act, act.time_ns, NAN, NULL), ERR_NONE);
    expect(book, "acked latch:t1#1 orange"); /* red is still open */
    judge(book, A_LATCH, 5, LEVEL_ORANGE, 0);
    judge(book, A_LATCH, 6, LEVEL_NONE, 0);
    expect(book, "eased latch:t1#1 orange; cleared latch:t1#1 orange");
}

static void blind_and_sighted_are_said_of_a_latched_alarm(void **state)
{
    (void)state;
    judge(book, A_LATCH, 0, LEVEL_YELLOW, 0);
    judge(book, A_LATCH, 1, LEVEL_NONE, 0);
    judge(book, A_LATCH, 2, LEVEL_NONE, VERDICT_BLIND);
    judge(book, A_LATCH, 3, LEVEL_NONE, 0);
    expect(book, "raised latch:t1#1 yellow; blind latch:t1#1 yellow; sighted latch:t1#1 yellow");
}

static void keeps_and_marks_say_nothing(void **state)
{
    (void)state;
    struct verdict verdict = step(A_LIMIT_T1, 0, LEVEL_RED, 0, 1.0);
    verdict.kind = VERDICT_KEEP;
    alarm_book_verdict(book, &verdict);
    verdict.kind = 255;
    verdict.alarm = UINT32_MAX;
    alarm_book_verdict(book, &verdict);
    expect(book, "");
}

static void an_alarms_time_never_runs_backwards(void **state)
{
    (void)state;
    judge(book, A_LIMIT_T1, 10, LEVEL_YELLOW, 0);
    judge(book, A_LIMIT_T1, 5, LEVEL_RED, 0);
    judge(book, A_LIMIT_T2, 3, LEVEL_RED, 0); /* another alarm has its own time */
    size_t count;
    const struct event *events = alarm_book_events(book, &count);
    assert_int_equal(count, 3);
    assert_int_equal(events[0].time_ns, at(10));
    assert_int_equal(events[1].time_ns, at(10));
    assert_int_equal(events[2].time_ns, at(3));
}

static void a_group_has_no_value(void **state)
{
    (void)state;
    judge(book, A_GROUP, 0, LEVEL_YELLOW, 0);
    judge(book, A_LIMIT_T1, 0, LEVEL_YELLOW, 0);
    size_t count;
    const struct event *events = alarm_book_events(book, &count);
    assert_true(isnan(events[0].value));
    assert_true(events[1].value == 1.0);
}

static void numbers_go_on_from_the_last_one(void **state)
{
    (void)state;
    struct alarm_book *later = alarm_book_new(fixture_site(), UINT64_MAX - 1);
    judge(later, A_LIMIT_T1, 0, LEVEL_YELLOW, 0);
    size_t count;
    assert_true(alarm_book_events(later, &count)->seq == UINT64_MAX);
    alarm_book_free(later);
    alarm_book_free(NULL);
}

#define story(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)

int main(void)
{
    const struct CMUnitTest tests[] = {
        story(goes_up_and_down_through_its_levels),
        story(the_condition_is_that_of_the_level_entered_or_left),
        story(unless_holds_back_the_raise_only),
        story(tells_the_loss_of_sight_of_an_active_alarm),
        story(cleared_while_blind_says_only_cleared),
        story(unacked_follows_only_when_the_acknowledged_level_is_passed),
        story(a_new_occurrence_is_unacknowledged),
        story(a_latched_alarm_waits_for_its_acknowledgement),
        story(a_condition_that_comes_back_to_a_latched_alarm_is_the_same_occurrence),
        story(a_latch_goes_by_the_level_the_alarm_has),
        story(blind_and_sighted_are_said_of_a_latched_alarm),
        story(keeps_and_marks_say_nothing),
        story(an_alarms_time_never_runs_backwards),
        story(a_group_has_no_value),
        story(numbers_go_on_from_the_last_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
