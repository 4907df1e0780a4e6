/* Who is free, who pays for a full house, whose time is over. */
#include "console/calls.h"
#include "tests/unit/console/unit.h"
#include <stdlib.h>

static struct calls calls;

static int begin(void **state)
{
    (void)state;
    calls = (struct calls){.items = calloc(HTTP_CALLS, sizeof *calls.items)};
    return calls.items == NULL;
}

static int end(void **state)
{
    (void)state;
    free(calls.items);
    return 0;
}

static void a_house_fills_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < HTTP_CALLS; i++) {
        assert_int_equal(calls_count(&calls), i);
        struct http_call *one = calls_free_one(&calls);
        assert_ptr_equal(one, &calls.items[i]);
        call_set(one, CALL_IDLE, 1, 0);
    }
    assert_null(calls_free_one(&calls));
    assert_int_equal(calls.used, HTTP_CALLS);
    call_set(&calls.items[7], CALL_CUT, 2,
             0); /* on its way out: its place is not free yet, but it is no guest any more */
    assert_int_equal(calls_count(&calls), HTTP_CALLS - 1);
    assert_null(calls_free_one(&calls));
}

static void an_empty_house_is_looked_through_quickly(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        call_set(calls_free_one(&calls), CALL_IDLE, 1, 0);
    }
    calls_free(&calls, &calls.items[1]);
    assert_int_equal(calls.used, 5);
    calls_free(&calls, &calls.items[4]);
    assert_int_equal(calls.used, 4);
    assert_ptr_equal(calls_free_one(&calls), &calls.items[1]); /* the lowest */
    call_set(&calls.items[1], CALL_IDLE, 1, 0);
    for (size_t i = 0; i < 4; i++) {
        calls_free(&calls, &calls.items[i]);
    }
    assert_int_equal(calls.used, 0);
}

static void who_owes_longest_pays(void **state)
{
    (void)state;
    calls.used = 8;
    assert_null(calls_longest_owing(&calls));
    call_set(&calls.items[0], CALL_SENDING, 1, 0);
    call_set(&calls.items[1], CALL_RESTING, 1, 0);
    call_set(&calls.items[2], CALL_THINKING, 1, 0);
    call_set(&calls.items[3], CALL_CUT, 1, 0);
    assert_null(calls_longest_owing(&calls)); /* all are being answered */
    call_set(&calls.items[4], CALL_IDLE, 5, 0);
    call_set(&calls.items[5], CALL_IDLE, 3, 0);
    assert_ptr_equal(calls_longest_owing(&calls), &calls.items[5]);
    call_set(&calls.items[5], CALL_HEAD, 9, 0); /* a head that drips makes nobody younger */
    call_set(&calls.items[5], CALL_BODY, 10, 0);
    assert_ptr_equal(calls_longest_owing(&calls), &calls.items[5]);
    call_set(&calls.items[5], CALL_SENDING, 11, 0);
    call_set(&calls.items[5], CALL_IDLE, 12, 0);
    assert_ptr_equal(calls_longest_owing(&calls), &calls.items[4]);
}

static void time_runs_out(void **state)
{
    (void)state;
    calls.used = 8;
    assert_true(calls_due(&calls) == TIME_NEVER);
    call_set(&calls.items[2], CALL_HEAD, 100, 50);
    call_set(&calls.items[3], CALL_RESTING, 100, 0); /* as long as it takes */
    call_set(&calls.items[4], CALL_SENDING, 100, 40);
    assert_true(calls_due(&calls) == 140);
    assert_null(calls_overdue(&calls, 139));
    assert_ptr_equal(calls_overdue(&calls, 140), &calls.items[4]);
    call_set(&calls.items[4], CALL_CUT, 140, 0);
    assert_null(calls_overdue(&calls, 149));
    assert_ptr_equal(calls_overdue(&calls, 1000), &calls.items[2]);
}

static void a_request_leaves_nothing_behind(void **state)
{
    (void)state;
    struct http_call *call = &calls.items[0];
    int connection = 0;
    call->connection = &connection;
    call_set(call, CALL_SENDING, 5, 10);
    buf_text(&call->target_text, "/x");
    buf_text(&call->body_text, "{}");
    buf_text(&call->reply.out, "[]");
    call->ticket = 3;
    call->ended = call->acted = true;
    call_clear(call);
    assert_ptr_equal(call->connection, &connection);
    assert_true(call->phase == CALL_SENDING && call->deadline_ns == 15 && call->since_ns == 5);
    assert_true(call->ticket == 0 && !call->ended && !call->acted);
    assert_null(call->target_text.data);
    assert_null(call->body_text.data);
    assert_null(call->reply.out.data);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(a_house_fills_up), STORY(an_empty_house_is_looked_through_quickly), STORY(who_owes_longest_pays),
        STORY(time_runs_out),    STORY(a_request_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
