/*
 * The exact bytes of events and retained states.
 */
#include "alerting/alarm_book.h"
#include "fixture.h"
#include <math.h>
#include <string.h>

static struct event event_of(enum event_kind kind, enum fixture_alarm alarm)
{
    return (struct event){
        .time_ns = at(30) + 1999999,
        .seq = 42,
        .value = 1.02,
        .alarm = alarm,
        .occurrence = 1,
        .kind = (uint8_t)kind,
        .level = LEVEL_YELLOW,
        .state_level = LEVEL_YELLOW,
    };
}

static void prints(const struct event *event, const struct act *act, enum run_status status, const char *json)
{
    struct buf out = {0};
    event_format(&out, fixture_site(), event, act, status);
    assert_string_equal(out.data, json);
    buf_done(&out);
}

static void raised_has_every_key_in_order(void **state)
{
    (void)state;
    struct event event = event_of(EV_RAISED, A_LIMIT_T1);
    event.when_level = LEVEL_YELLOW;
    prints(&event, NULL, RUN_ACTUAL,
           "{\"v\":1,\"site\":\"jx-mine\",\"seq\":42,\"event\":\"raised\",\"alarm\":\"limit:t1\",\"occurrence\":1,"
           "\"level\":\"yellow\",\"rule\":\"limit\",\"point\":\"t1\",\"hazard\":\"face\",\"kind\":\"ch4\","
           "\"value\":1.02,\"unit\":\"%CH4\",\"when\":\"value >= 1.0\",\"time\":\"2026-01-05T00:00:30.001Z\","
           "\"message\":\"501面T1甲烷: 1.02 %CH4\",\"advice\":\"停电撤人\",\"status\":\"actual\"}");
}

static void cleared_names_the_clear_condition_of_the_level_left(void **state)
{
    (void)state;
    struct event event = event_of(EV_CLEARED, A_LATCH);
    event.when_level = event.level = LEVEL_ORANGE;
    event.value = -0.0;
    prints(&event, NULL, RUN_TEST,
           "{\"v\":1,\"site\":\"jx-mine\",\"seq\":42,\"event\":\"cleared\",\"alarm\":\"latch:t1\",\"occurrence\":1,"
           "\"level\":\"orange\",\"rule\":\"latch\",\"point\":\"t1\",\"hazard\":\"face\",\"kind\":\"ch4\","
           "\"value\":0,\"unit\":\"%CH4\",\"when\":\"value < 1.0\",\"time\":\"2026-01-05T00:00:30.001Z\","
           "\"status\":\"test\"}");
    event.when_level = event.level = LEVEL_RED; /* has no clear of its own: no key */
    event.value = 1e21;
    prints(&event, NULL, RUN_TEST,
           "{\"v\":1,\"site\":\"jx-mine\",\"seq\":42,\"event\":\"cleared\",\"alarm\":\"latch:t1\",\"occurrence\":1,"
           "\"level\":\"red\",\"rule\":\"latch\",\"point\":\"t1\",\"hazard\":\"face\",\"kind\":\"ch4\","
           "\"value\":1e+21,\"unit\":\"%CH4\",\"time\":\"2026-01-05T00:00:30.001Z\",\"status\":\"test\"}");
}

static void absent_keys_are_left_out(void **state)
{
    (void)state;
    struct event event = event_of(EV_SHELVED, A_LIMIT_FREE);
    event.occurrence = 0;
    event.level = LEVEL_NONE;
    event.value = NAN;
    event.until_ns = at(90);
    struct act act = act_of(ACT_SHELVE, A_LIMIT_FREE, 30);
    (void)strcpy(act.comment, "a \"new\"\nsensor");
    prints(&event, &act, RUN_EXERCISE,
           "{\"v\":1,\"site\":\"jx-mine\",\"seq\":42,\"event\":\"shelved\",\"alarm\":\"limit:free\",\"rule\":\"limit\","
           "\"point\":\"free\",\"time\":\"2026-01-05T00:00:30.001Z\",\"by\":\"li\","
           "\"comment\":\"a \\\"new\\\"\\nsensor\",\"message\":\"free: – –\",\"advice\":\"停电撤人\","
           "\"status\":\"exercise\"}");
}

static void closed_carries_cause_and_measure_after_the_comment(void **state)
{
    (void)state;
    struct event event = event_of(EV_CLOSED, A_LATCH);
    struct act act = act_of(ACT_CLOSE, A_LATCH, 30);
    (void)strcpy(act.comment, "done");
    (void)strcpy(act.cause, "local fan stopped");
    (void)strcpy(act.measure, "restarted");
    prints(&event, &act, RUN_ACTUAL,
           "{\"v\":1,\"site\":\"jx-mine\",\"seq\":42,\"event\":\"closed\",\"alarm\":\"latch:t1\",\"occurrence\":1,"
           "\"level\":\"yellow\",\"rule\":\"latch\",\"point\":\"t1\",\"hazard\":\"face\",\"kind\":\"ch4\","
           "\"value\":1.02,\"unit\":\"%CH4\",\"time\":\"2026-01-05T00:00:30.001Z\",\"by\":\"li\",\"comment\":\"done\","
           "\"cause\":\"local fan stopped\",\"measure\":\"restarted\",\"status\":\"actual\"}");
}

static void a_group_has_no_point_value_or_unit(void **state)
{
    (void)state;
    struct event event = event_of(EV_RAISED, A_GROUP);
    event.when_level = LEVEL_YELLOW;
    event.value = NAN; /* as the book gives it */
    prints(&event, NULL, RUN_ACTUAL,
           "{\"v\":1,\"site\":\"jx-mine\",\"seq\":42,\"event\":\"raised\",\"alarm\":\"group:A\",\"occurrence\":1,"
           "\"level\":\"yellow\",\"rule\":\"group\",\"hazard\":\"face\",\"kind\":\"ch4\",\"when\":\"value >= 1.0\","
           "\"time\":\"2026-01-05T00:00:30.001Z\",\"message\":\"A – – – yellow group face\",\"status\":\"actual\"}");
}

static void message_of(const char *template, enum level level, const char *message)
{
    struct site *site = fixture_copy();
    site->rules[site->alarms[A_LIMIT_T1].rule].message = template;
    struct event event = event_of(EV_COMMENTED, A_LIMIT_T1);
    event.level = (uint8_t)level;
    struct buf out = {0}, wanted = {0};
    event_format(&out, site, &event, NULL, RUN_ACTUAL);
    buf_text(&wanted, "\"message\":");
    buf_json_string(&wanted, message);
    buf_text(&wanted, ",\"advice\"");
    if (strstr(out.data, wanted.data) == NULL) {
        fail_msg("%s\n not in %s", wanted.data, out.data);
    }
    buf_done(&out);
    buf_done(&wanted);
    fixture_free(site);
}

static void the_message_is_filled_in(void **state)
{
    (void)state;
    static const struct {
        const char *template;
        enum level level;
        const char *message;
    } cases[] = {
        {"{name}|{value}|{unit}|{level}|{point}|{rule}|{hazard}", LEVEL_RED, "501面T1甲烷|1.02|%CH4|red|t1|limit|face"},
        {"{level}", LEVEL_NONE, "–"},
        {"", LEVEL_RED, ""},
        {"{", LEVEL_RED, "{"},
        {"{}", LEVEL_RED, "{}"},
        {"{{value}}", LEVEL_RED, "{1.02}"},
        {"{nam", LEVEL_RED, "{nam"},
        {"{colour} {Value} %d", LEVEL_RED, "{colour} {Value} %d"},
        {"a\"b\\{unit}", LEVEL_RED, "a\"b\\%CH4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        message_of(cases[i].template, cases[i].level, cases[i].message);
    }
}

static void state_prints(const struct event *event, const char *json)
{
    struct buf out = {0};
    buf_text(&out, "");
    event_format_state(&out, fixture_site(), event, RUN_ACTUAL);
    assert_string_equal(out.data, json);
    buf_done(&out);
}

static void the_retained_state_says_how_the_alarm_is(void **state)
{
    (void)state;
    struct event event = event_of(EV_RAISED, A_LIMIT_T1);
    state_prints(&event,
                 "{\"v\":1,\"site\":\"jx-mine\",\"alarm\":\"limit:t1\",\"occurrence\":1,\"level\":\"yellow\","
                 "\"state\":\"active\",\"acked\":false,\"seq\":42,\"time\":\"2026-01-05T00:00:30.001Z\",\"value\":1.02,"
                 "\"message\":\"501面T1甲烷: 1.02 %CH4\"}");
    event = event_of(EV_CLEARED, A_LATCH);
    event.state_level = LEVEL_NONE;
    state_prints(&event, "{\"v\":1,\"site\":\"jx-mine\",\"alarm\":\"latch:t1\",\"occurrence\":1,"
                         "\"state\":\"returned\",\"acked\":false,\"seq\":42,"
                         "\"time\":\"2026-01-05T00:00:30.001Z\",\"value\":1.02}");
    event.acked = 1;
    state_prints(&event, "");
}

static void the_retained_state_goes_by_what_weighs_most(void **state)
{
    (void)state;
    static const struct {
        uint8_t level, acked, shelved, suppressed, out;
        const char *word;
    } cases[] = {
        {LEVEL_RED, 0, 0, 0, 0, "active"},
        {LEVEL_RED, 1, 0, 0, 0, "active"},
        {LEVEL_RED, 0, 0, 1, 0, "suppressed"},
        {LEVEL_RED, 0, 0, 1, 1, "out_of_service"},
        {LEVEL_RED, 0, 1, 1, 1, "shelved"},
        {LEVEL_NONE, 1, 1, 0, 0, "shelved"},
        {LEVEL_NONE, 1, 0, 0, 1, "out_of_service"},
        {LEVEL_NONE, 0, 0, 0, 0, "returned"},
        {LEVEL_NONE, 1, 0, 0, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct event event = event_of(EV_COMMENTED, A_LIMIT_T1);
        event.state_level = cases[i].level;
        event.acked = cases[i].acked;
        event.shelved = cases[i].shelved;
        event.suppressed = cases[i].suppressed;
        event.out_of_service = cases[i].out;
        struct buf out = {0}, word = {0};
        event_format_state(&out, fixture_site(), &event, RUN_ACTUAL);
        if (cases[i].word == NULL) {
            assert_int_equal(out.len, 0);
        } else {
            buf_printf(&word, "\"state\":\"%s\",\"acked\":%s,", cases[i].word, cases[i].acked ? "true" : "false");
            assert_non_null(strstr(out.data, word.data));
        }
        buf_done(&out);
        buf_done(&word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raised_has_every_key_in_order),
        cmocka_unit_test(cleared_names_the_clear_condition_of_the_level_left),
        cmocka_unit_test(absent_keys_are_left_out),
        cmocka_unit_test(closed_carries_cause_and_measure_after_the_comment),
        cmocka_unit_test(a_group_has_no_point_value_or_unit),
        cmocka_unit_test(the_message_is_filled_in),
        cmocka_unit_test(the_retained_state_says_how_the_alarm_is),
        cmocka_unit_test(the_retained_state_goes_by_what_weighs_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
