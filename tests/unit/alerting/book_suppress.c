/*
 * Suppression by cause: who is told, in which order, and what ends it.
 */
#include "fixture.h"
#include "model/board.h"
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

static void a_victim_raised_under_its_cause_is_suppressed_last(void **state)
{
    (void)state;
    judge(book, A_POWER_T2, 0, LEVEL_RED, 0); /* same hazard, another point */
    judge(book, A_LIMIT_T1, 1, LEVEL_YELLOW, VERDICT_BLIND);
    expect(book, "raised power:t2#1 red; raised limit:t1#1 yellow; blind limit:t1#1 yellow; "
                 "suppressed limit:t1#1 yellow");
    judge(book, A_LIMIT_T1, 2, LEVEL_RED, VERDICT_BLIND); /* its own events go on */
    judge(book, A_LIMIT_T1, 3, LEVEL_NONE, 0);            /* cleared ends it without a word */
    expect(book, "worsened limit:t1#1 red; sighted limit:t1#1 red; cleared limit:t1#1 red");
    judge(book, A_POWER_T2, 4, LEVEL_NONE, 0);
    expect(book, "cleared power:t2#1 red");
}

static void active_victims_follow_the_causes_raise_in_order(void **state)
{
    (void)state;
    judge(book, A_TWICE, 0, LEVEL_BLUE, 0);
    judge(book, A_LIMIT_T2, 0, LEVEL_ORANGE, 0);
    judge(book, A_LIMIT_T1, 0, LEVEL_YELLOW, 0);
    judge(book, A_LIMIT_TANK, 0, LEVEL_YELLOW, 0);
    expect(book, "raised twice:t1#1 blue; raised limit:t2#1 orange; raised limit:t1#1 yellow; "
                 "raised limit:tank#1 yellow");
    judge(book, A_POWER_T1, 1, LEVEL_RED, VERDICT_BLIND);
    expect(book, "raised power:t1#1 red; blind power:t1#1 red; suppressed limit:t1#1 yellow; "
                 "suppressed limit:t2#1 orange; suppressed twice:t1#1 blue");
    judge(book, A_POWER_T2, 2, LEVEL_RED, 0); /* a second cause changes nothing */
    judge(book, A_POWER_T1, 3, LEVEL_NONE, 0);
    expect(book, "raised power:t2#1 red; sighted power:t1#1 red; cleared power:t1#1 red");
    judge(book, A_POWER_T2, 4, LEVEL_NONE, 0);
    expect(book, "cleared power:t2#1 red; unsuppressed limit:t1#1 yellow; unsuppressed limit:t2#1 orange; "
                 "unsuppressed twice:t1#1 blue");
}

/* Gives verdicts of one row. */
static void judge_row(const struct verdict *verdicts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        alarm_book_verdict(book, &verdicts[i]);
    }
    alarm_book_end_step(book);
}

static void within_one_row_it_is_told_at_the_victims_place_last_of_all(void **state)
{
    (void)state;
    judge(book, A_LIMIT_T1, 0, LEVEL_YELLOW, 0);
    judge(book, A_LIMIT_T2, 0, LEVEL_YELLOW, 0);
    expect(book, "raised limit:t1#1 yellow; raised limit:t2#1 yellow");
    const struct verdict begins[] = {step(A_POWER_T1, 1, LEVEL_RED, 0, 1), step(A_LIMIT_T1, 1, LEVEL_RED, 0, 1),
                                     step(A_GROUP, 1, LEVEL_BLUE, 0, 1)};
    judge_row(begins, 3);
    expect(book, "raised power:t1#1 red; worsened limit:t1#1 red; suppressed limit:t1#1 red; "
                 "suppressed limit:t2#1 yellow; raised group:A#1 blue");
    const struct verdict ends[] = {step(A_POWER_T1, 2, LEVEL_NONE, 0, 1), step(A_LIMIT_T1, 2, LEVEL_NONE, 0, 1),
                                   step(A_LIMIT_T2, 2, LEVEL_ORANGE, VERDICT_BLIND, 1)};
    judge_row(ends, 3); /* limit:t1 clears without a word about its suppression */
    expect(book, "cleared power:t1#1 red; cleared limit:t1#1 red; worsened limit:t2#1 orange; blind limit:t2#1 orange; "
                 "unsuppressed limit:t2#1 orange");
}

static void a_victim_whose_place_has_passed_is_told_after_all_of_the_cause(void **state)
{
    (void)state;
    struct site *site = fixture_copy();
    static const uint32_t by_twice[] = {4};
    site->rules[1].suppressed_by = by_twice; /* the cause stands behind its victims */
    struct alarm_book *other = alarm_book_new(site, 0);
    judge(other, A_LIMIT_T1, 0, LEVEL_YELLOW, 0);
    judge(other, A_TWICE, 1, LEVEL_RED, VERDICT_BLIND);
    expect(other,
           "raised limit:t1#1 yellow; raised twice:t1#1 red; blind twice:t1#1 red; suppressed limit:t1#1 yellow");
    alarm_book_free(other);
    fixture_free(site);
}

static void a_cause_of_another_rule_still_holds(void **state)
{
    (void)state;
    judge(book, A_LATCH, 0, LEVEL_RED, 0);
    judge(book, A_POWER_T1, 0, LEVEL_RED, 0);
    judge(book, A_TWICE, 1, LEVEL_BLUE, 0);
    expect(book, "raised latch:t1#1 red; raised power:t1#1 red; raised twice:t1#1 blue; suppressed twice:t1#1 blue");
    judge(book, A_POWER_T1, 2, LEVEL_NONE, 0);
    judge(book, A_LATCH, 3, LEVEL_NONE, 0); /* latched: still active */
    expect(book, "cleared power:t1#1 red");
    const struct act ack = act_of(ACT_ACK, A_LATCH, 4);
    assert_int_equal(alarm_book_act(book, &ack, ack.time_ns, NAN, NULL), ERR_NONE);
    expect(book, "acked latch:t1#1 red; cleared latch:t1#1 red; unsuppressed twice:t1#1 blue");
}

static void alarms_without_hazard_are_not_concerned(void **state)
{
    (void)state;
    judge(book, A_POWER_FREE, 0, LEVEL_RED, 0);
    judge(book, A_LIMIT_FREE, 1, LEVEL_YELLOW, 0);
    judge(book, A_POWER_FREE, 2, LEVEL_NONE, 0);
    expect(book, "raised power:free#1 red; raised limit:free#1 yellow; cleared power:free#1 red");
}

static void a_cause_held_back_by_unless_suppresses_nothing(void **state)
{
    (void)state;
    judge(book, A_POWER_T1, 0, LEVEL_RED, VERDICT_UNLESS);
    judge(book, A_LIMIT_T1, 1, LEVEL_YELLOW, 0);
    expect(book, "raised limit:t1#1 yellow");
}

static void a_victim_told_by_its_cause_carries_its_points_value_of_that_moment(void **state)
{
    (void)state;
    struct board *board = board_new(P_COUNT);
    alarm_book_lend_board(book, board);
    judge(book, A_LIMIT_T1, 0, LEVEL_YELLOW, 0);
    const struct board_entry entry = {.time_ns = at(1), .seen_ns = at(1), .value = NAN, .good = 1.25};
    board_write(board, P_T1, &entry);
    judge(book, A_POWER_T2, 1, LEVEL_RED, 0);
    size_t count;
    const struct event *events = alarm_book_events(book, &count);
    assert_int_equal(count, 3);
    assert_true(events[0].value == 1.0);
    assert_int_equal(events[2].kind, EV_SUPPRESSED);
    assert_true(events[2].value == 1.25);
    board_free(board);
}

#define story(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)

int main(void)
{
    const struct CMUnitTest tests[] = {
        story(a_victim_raised_under_its_cause_is_suppressed_last),
        story(active_victims_follow_the_causes_raise_in_order),
        story(within_one_row_it_is_told_at_the_victims_place_last_of_all),
        story(a_victim_whose_place_has_passed_is_told_after_all_of_the_cause),
        story(a_cause_of_another_rule_still_holds),
        story(alarms_without_hazard_are_not_concerned),
        story(a_cause_held_back_by_unless_suppresses_nothing),
        story(a_victim_told_by_its_cause_carries_its_points_value_of_that_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
