/*
 * What operators do: what each act says, when it is refused, and shelves that
 * end by themselves.
 */
#include "base/clock.h"
#include "fixture.h"
#include "model/board.h"
#include <math.h>
#include <string.h>

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

static void done(const struct act *act)
{
    struct err err;
    if (alarm_book_act(book, act, act->time_ns, 2.5, &err) != ERR_NONE) {
        fail_msg("refused: %s", err.text);
    }
}

static void refused(const struct act *act, const char *reason)
{
    struct err err;
    size_t before, after;
    (void)alarm_book_events(book, &before);
    assert_int_equal(alarm_book_act(book, act, act->time_ns, 2.5, &err), ERR_NO);
    (void)alarm_book_events(book, &after);
    assert_int_equal(before, after);
    if (strstr(err.text, reason) == NULL) {
        fail_msg("refused with \"%s\", not \"%s\"", err.text, reason);
    }
}

static void ack_is_refused_where_there_is_nothing_to_acknowledge(void **state)
{
    (void)state;
    struct act ack = act_of(ACT_ACK, A_LIMIT_T1, 0);
    refused(&ack, "never raised");
    judge(book, A_LIMIT_T1, 1, LEVEL_YELLOW, 0);
    ack.occurrence = 2;
    refused(&ack, "occurrence 1, not 2");
    ack.occurrence = 1;
    done(&ack);
    refused(&ack, "already acknowledged at yellow");
    ack.level = LEVEL_BLUE;
    refused(&ack, "already acknowledged at yellow");
    expect(book, "raised limit:t1#1 yellow; acked limit:t1#1 yellow");
    judge(book, A_LIMIT_T1, 2, LEVEL_NONE, 0);
    ack.level = LEVEL_NONE;
    refused(&ack, "already acknowledged");
    judge(book, A_LIMIT_T1, 3, LEVEL_YELLOW, 0);
    refused(&ack, "occurrence 2, not 1");
    expect(book, "cleared limit:t1#1 yellow; raised limit:t1#2 yellow");
}

static void ack_of_a_level_that_was_never_reached_is_refused(void **state)
{
    (void)state;
    judge(book, A_LIMIT_T1, 0, LEVEL_ORANGE, 0);
    judge(book, A_LIMIT_T1, 1, LEVEL_YELLOW, 0);
    struct act ack = act_of(ACT_ACK, A_LIMIT_T1, 2);
    ack.level = LEVEL_RED;
    refused(&ack, "at most orange; red was never seen");
    ack.level = LEVEL_ORANGE; /* it was that high */
    done(&ack);
    judge(book, A_LIMIT_T1, 3, LEVEL_ORANGE, 0);
    expect(book,
           "raised limit:t1#1 orange; eased limit:t1#1 yellow; acked limit:t1#1 orange; worsened limit:t1#1 orange");
}

static void ack_of_a_lower_level_leaves_the_higher_one_open(void **state)
{
    (void)state;
    judge(book, A_LIMIT_T1, 0, LEVEL_YELLOW, 0);
    judge(book, A_LIMIT_T1, 1, LEVEL_RED, 0);
    struct act ack = act_of(ACT_ACK, A_LIMIT_T1, 2);
    ack.level = LEVEL_YELLOW; /* the level seen, before it worsened */
    done(&ack);
    size_t count;
    const struct event *events = alarm_book_events(book, &count);
    assert_false(events[count - 1].acked);
    ack.level = LEVEL_NONE;
    done(&ack);
    events = alarm_book_events(book, &count);
    assert_true(events[count - 1].acked);
    expect(book, "raised limit:t1#1 yellow; worsened limit:t1#1 red; acked limit:t1#1 yellow; acked limit:t1#1 red");
}

static void ack_of_a_returned_alarm_is_about_the_level_left(void **state)
{
    (void)state;
    judge(book, A_LIMIT_T1, 0, LEVEL_ORANGE, 0);
    judge(book, A_LIMIT_T1, 1, LEVEL_NONE, 0);
    const struct act ack = act_of(ACT_ACK, A_LIMIT_T1, 2);
    done(&ack);
    size_t count;
    const struct event *events = alarm_book_events(book, &count);
    assert_false(events[1].acked);
    assert_true(events[2].acked);
    assert_int_equal(events[2].state_level, LEVEL_NONE);
    assert_true(events[2].value == 2.5);
    expect(book, "raised limit:t1#1 orange; cleared limit:t1#1 orange; acked limit:t1#1 orange");
}

static void an_act_keeps_its_words_beside_its_own_event(void **state)
{
    (void)state;
    judge(book, A_LATCH, 0, LEVEL_RED, 0);
    judge(book, A_LATCH, 1, LEVEL_NONE, 0);
    struct act ack = act_of(ACT_ACK, A_LATCH, 2);
    (void)strcpy(ack.comment, "seen on site");
    done(&ack);
    const struct act *lent = alarm_book_event_act(book, 1);
    for (int i = 0; i < 40; i++) { /* more acts than there was room for */
        const struct act comment = act_of(ACT_COMMENT, A_LIMIT_T1, 3);
        done(&comment);
    }
    assert_ptr_equal(lent, alarm_book_event_act(book, 1));
    assert_string_equal(lent->by, "li");
    assert_string_equal(lent->comment, "seen on site");
    assert_null(alarm_book_event_act(book, 0));
    assert_null(alarm_book_event_act(book, 2)); /* cleared: the latch's end, not the operator's */
    assert_string_equal(alarm_book_event_act(book, 42)->comment, "");
}

static void a_shelf_needs_an_end_in_the_future(void **state)
{
    (void)state;
    struct act shelve = act_of(ACT_SHELVE, A_LIMIT_T1, 10);
    refused(&shelve, "end in the future");
    shelve.for_ns = -1;
    refused(&shelve, "end in the future");
    shelve.for_ns = INT64_MAX;
    refused(&shelve, "end in the future");
    shelve.until_ns = at(10);
    refused(&shelve, "end in the future");
    const struct act unshelve = act_of(ACT_UNSHELVE, A_LIMIT_T1, 10);
    refused(&unshelve, "not shelved");
    assert_true(alarm_book_next_due(book) == TIME_NEVER);
    shelve = act_of(ACT_SHELVE, A_LIMIT_T1, 10);
    shelve.until_ns = at(20) + 999; /* cut to the millisecond, as all times */
    done(&shelve);
    assert_true(alarm_book_next_due(book) == at(20));
    size_t count;
    const struct event *events = alarm_book_events(book, &count);
    assert_true(events[0].until_ns == at(20));
    assert_int_equal(events[0].shelved, 1);
    done(&unshelve);
    events = alarm_book_events(book, &count);
    assert_int_equal(events[1].shelved, 0);
    expect(book, "shelved limit:t1; unshelved limit:t1");
    assert_true(alarm_book_next_due(book) == TIME_NEVER);
}

static void shelving_again_replaces_the_end(void **state)
{
    (void)state;
    struct act shelve = act_of(ACT_SHELVE, A_LIMIT_T1, 0);
    shelve.for_ns = 60 * NS_PER_S;
    done(&shelve);
    shelve.for_ns = 10 * NS_PER_S;
    done(&shelve);
    assert_true(alarm_book_next_due(book) == at(10));
    alarm_book_due(book, at(100), NULL);
    expect(book, "shelved limit:t1; shelved limit:t1; unshelved limit:t1");
}

static void shelves_end_by_themselves_in_the_order_of_their_ends(void **state)
{
    (void)state;
    static const struct {
        enum fixture_alarm alarm;
        int64_t end;
    } shelves[] = {{A_LIMIT_T2, 30}, {A_LATCH, 20}, {A_LIMIT_T1, 20}, {A_GROUP, 40}};
    judge(book, A_LIMIT_T1, 0, LEVEL_RED, 0);
    for (size_t i = 0; i < sizeof shelves / sizeof shelves[0]; i++) {
        struct act shelve = act_of(ACT_SHELVE, shelves[i].alarm, 1);
        shelve.until_ns = at(shelves[i].end);
        done(&shelve);
    }
    alarm_book_clear_events(book);
    alarm_book_due(book, at(19), NULL);
    expect(book, "");
    alarm_book_due(book, at(20), NULL);
    size_t count;
    const struct event *events = alarm_book_events(book, &count);
    assert_true(events[0].time_ns == at(20));
    assert_null(alarm_book_event_act(book, 0));
    expect(book, "unshelved limit:t1#1 red; unshelved latch:t1");
    alarm_book_due(book, at(1000), NULL); /* called late: still at their own time */
    events = alarm_book_events(book, &count);
    assert_true(events[0].time_ns == at(30));
    assert_true(events[1].time_ns == at(40));
    expect(book, "unshelved limit:t2; unshelved group:A");
    alarm_book_due(book, INT64_MAX, NULL);
    expect(book, "");
}

static void the_end_of_a_shelf_asks_the_board(void **state)
{
    (void)state;
    struct board *board = board_new(P_COUNT);
    struct act shelve = act_of(ACT_SHELVE, A_LIMIT_T1, 0);
    shelve.until_ns = at(1);
    done(&shelve);
    alarm_book_due(book, at(1), board); /* not heard of: no value */
    done(&shelve);
    const struct board_entry entry = {.time_ns = at(1), .seen_ns = at(1), .value = 7, .good = 7};
    board_write(board, P_T1, &entry);
    alarm_book_due(book, at(1), board);
    size_t count;
    const struct event *events = alarm_book_events(book, &count);
    assert_int_equal(count, 4);
    assert_true(isnan(events[1].value));
    assert_true(events[3].value == 7);
    board_free(board);
}

static void service_is_taken_and_given_once(void **state)
{
    (void)state;
    const struct act out = act_of(ACT_OUT_OF_SERVICE, A_LIMIT_T1, 0), in = act_of(ACT_IN_SERVICE, A_LIMIT_T1, 1);
    refused(&in, "already in service");
    done(&out);
    refused(&out, "already out of service");
    judge(book, A_LIMIT_T1, 1, LEVEL_YELLOW, 0); /* judged and journalled all the same */
    done(&in);
    expect(book, "out_of_service limit:t1; raised limit:t1#1 yellow; in_service limit:t1#1 yellow");
}

static void comment_and_close_are_paperwork(void **state)
{
    (void)state;
    struct act comment = act_of(ACT_COMMENT, A_LIMIT_T1, 0), close = act_of(ACT_CLOSE, A_LIMIT_T1, 0);
    done(&comment);
    refused(&close, "never raised");
    judge(book, A_LIMIT_T1, 1, LEVEL_YELLOW, 0);
    close.occurrence = 7;
    refused(&close, "occurrence 1, not 7");
    close.occurrence = 1;
    done(&close);
    judge(book, A_LIMIT_T1, 2, LEVEL_NONE, 0);
    done(&close);
    done(&comment);
    expect(book, "commented limit:t1; raised limit:t1#1 yellow; closed limit:t1#1 yellow; cleared limit:t1#1 yellow; "
                 "closed limit:t1#1; commented limit:t1#1");
}

static void nonsense_is_no_act(void **state)
{
    (void)state;
    struct act act = act_of(ACT_COMMENT, A_COUNT, 0);
    assert_int_equal(alarm_book_act(book, &act, at(0), NAN, NULL), ERR_INPUT);
    act = act_of(ACT_COUNT, A_LIMIT_T1, 0);
    assert_int_equal(alarm_book_act(book, &act, at(0), NAN, NULL), ERR_INPUT);
    act = act_of(ACT_ACK, A_LIMIT_T1, 0);
    act.level = LEVEL_COUNT;
    assert_int_equal(alarm_book_act(book, &act, at(0), NAN, NULL), ERR_INPUT);
    expect(book, "");
}

#define story(name) cmocka_unit_test_setup_teardown(name, open_book, close_book)

int main(void)
{
    const struct CMUnitTest tests[] = {
        story(ack_is_refused_where_there_is_nothing_to_acknowledge),
        story(ack_of_a_level_that_was_never_reached_is_refused),
        story(ack_of_a_lower_level_leaves_the_higher_one_open),
        story(ack_of_a_returned_alarm_is_about_the_level_left),
        story(an_act_keeps_its_words_beside_its_own_event),
        story(a_shelf_needs_an_end_in_the_future),
        story(shelving_again_replaces_the_end),
        story(shelves_end_by_themselves_in_the_order_of_their_ends),
        story(the_end_of_a_shelf_asks_the_board),
        story(service_is_taken_and_given_once),
        story(comment_and_close_are_paperwork),
        story(nonsense_is_no_act),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
