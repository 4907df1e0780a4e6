/* A scenario as a trace: faults as a reader sees them, order of arrival, the same bytes. */
#include "simulators/gateway.h"
#include "simulators/sim_trace.h"
#include "tests/unit/simulators/field.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char SITE[] =
    "{\"site\":{\"id\":\"s\"},\"sources\":{"
    "\"plc\":{\"type\":\"modbus-tcp\",\"host\":\"127.0.0.1\",\"port\":1502,\"timeout\":\"500ms\"},"
    "\"gw\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:1883\",\"topics\":[\"davy/+/x/#\"],\"format\":\"davy\"}},"
    "\"points\":["
    "{\"id\":\"p1\",\"every\":\"1s\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"input\",\"address\":0,"
    "\"type\":\"u16\"}},"
    "{\"id\":\"p2\",\"every\":\"2s\",\"from\":{\"source\":\"plc\",\"unit\":2,\"table\":\"input\",\"address\":0,"
    "\"type\":\"f32\"}},"
    "{\"id\":\"g1\",\"every\":\"1s\",\"from\":{\"source\":\"gw\",\"key\":\"K1\"}},"
    "{\"id\":\"g2\",\"every\":\"2s\",\"from\":{\"source\":\"gw\",\"key\":\"K2\"}}]}";

#define HEAD                                                                                                           \
    "{\"start\":\"2026-01-05T00:00:00Z\",\"length\":\"4s\",\"points\":{\"p?\":{\"base\":1},\"g?\":{\"base\":2}},"      \
    "\"events\":["
#define T(s) "2026-01-05T00:00:0" s "Z"

static char *trace_of(const char *site_json, const char *scenario_json)
{
    struct site *site = field_site(site_json);
    struct scenario *scenario = field_scenario(site, scenario_json);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    assert_int_equal(sim_trace_write(site, scenario, out, NULL, NULL), ERR_NONE);
    assert_int_equal(fclose(out), 0);
    scenario_free(scenario);
    site_free(site);
    return text;
}

static void check(const char *events, const char *want)
{
    char *json = NULL;
    assert_true(asprintf(&json, HEAD "%s]}", events) > 0);
    char *got = trace_of(SITE, json);
    assert_string_equal(got, want);
    free(got);
    free(json);
}

static void rows_come_at_the_ticks_of_each_point(void **state)
{
    (void)state;
    check(
        "",
        "time,point,value,status\n" T("0.000") ",p1,1,good\n" T("0.000") ",p2,1,good\n" T("0.000") ",g1,2,good\n" T(
            "0."
            "00"
            "0") ",g2,2,good\n" T("1.000") ",p1,1,good\n" T("1.000") ",g1,2,good\n" T("2.000") ",p1,1,good\n" T("2.000") ",p2,1,good\n" T("2.000") ",g1,2,good\n" T("2.000") ",g2,2,good\n" T("3."
                                                                                                                                                                                              "00"
                                                                                                                                                                                              "0") ",p1,1,good\n" T("3.000") ",g1,2,good\n" T("4.000") ",,,\n");
}

/* All faults that leave no usable answer look the same to a reader. */
static void an_answer_that_does_not_come_is_a_sample_without_value(void **state)
{
    (void)state;
    static const char *const faults[] = {"timeout",   "silent",  "exception:4", "reset",       "disconnect",
                                         "wrong-tid", "garbage", "delay:500ms", "delay:900ms", "half-open"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        char events[128];
        (void)snprintf(events, sizeof events, "{\"at\":\"1s\",\"source\":\"plc\",\"fault\":\"%s\",\"for\":\"2s\"}",
                       faults[i]);
        check(
            events,
            "time,point,value,status\n" T("0.000") ",p1,1,good\n" T("0.000") ",p2,1,good\n" T("0.000") ",g1,2,good\n" T("0.000") ",g2,2,good\n" T("1.000") ",p1,,comm\n" T("1.000") ",g1,2,good\n" T(
                "2.000") ",p1,,comm\n" T("2.000") ",p2,,comm\n" T("2.000") ",g1,2,good\n" T("2.000") ",g2,2,good\n" T("3.000") ",p1,1,good\n" T("3.000") ",g1,2,good\n" T("4.000") ",,,\n");
    }
}

/* What a reader that keeps to its rules does not notice. */
static void floods_repeats_and_taken_places_change_nothing(void **state)
{
    (void)state;
    static const char *const faults[][2] = {
        {"plc", "duplicate"}, {"plc", "busy"},     {"plc", "flood:50"},
        {"gw", "duplicate"},  {"gw", "malformed"}, {"gw", "flood:50"},
    };
    char *quiet = trace_of(SITE, HEAD "]}");
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        char events[128];
        (void)snprintf(events, sizeof events, "{\"at\":\"1s\",\"source\":\"%s\",\"fault\":\"%s\"}", faults[i][0],
                       faults[i][1]);
        check(events, quiet);
    }
    free(quiet);
}

static void a_fault_of_one_unit_leaves_the_other_alone(void **state)
{
    (void)state;
    check(
        "{\"at\":\"0s\",\"source\":\"plc\",\"unit\":2,\"fault\":\"timeout\"}",
        "time,point,value,status\n" T("0.000") ",p1,1,good\n" T("0.000") ",p2,,comm\n" T("0.000") ",g1,2,good\n" T(
            "0."
            "00"
            "0") ",g2,2,good\n" T("1.000") ",p1,1,good\n" T("1.000") ",g1,2,good\n" T("2.000") ",p1,1,good\n" T("2.000") ",p2,,comm\n" T("2.000") ",g1,2,good\n" T("2.000") ",g2,2,good\n" T("3."
                                                                                                                                                                                             "00"
                                                                                                                                                                                             "0") ",p1,1,good\n" T("3.000") ",g1,2,good\n" T("4.000") ",,,\n");
}

static void a_short_delay_and_dribbled_bytes_only_take_time(void **state)
{
    (void)state;
    check(
        "{\"at\":\"3s\",\"source\":\"plc\",\"fault\":\"delay:400ms\"}",
        "time,point,value,status\n" T("0.000") ",p1,1,good\n" T("0.000") ",p2,1,good\n" T("0.000") ",g1,2,good\n" T(
            "0."
            "00"
            "0") ",g2,2,good\n" T("1.000") ",p1,1,good\n" T("1.000") ",g1,2,good\n" T("2.000") ",p1,1,good\n" T("2.000") ",p2,1,good\n" T("2.000") ",g1,2,good\n" T("2.000") ",g2,2,good\n" T("3."
                                                                                                                                                                                              "00"
                                                                                                                                                                                              "0") ",g1,2,good\n" T("3.400") ",p1,1,good\n" T("4.000") ",,,\n");
    /* 9 + 2 bytes of 20 ms each */
    check(
        "{\"at\":\"3s\",\"source\":\"plc\",\"fault\":\"slow-bytes\"}",
        "time,point,value,status\n" T("0.000") ",p1,1,good\n" T("0.000") ",p2,1,good\n" T("0.000") ",g1,2,good\n" T(
            "0."
            "00"
            "0") ",g2,2,good\n" T("1.000") ",p1,1,good\n" T("1.000") ",g1,2,good\n" T("2.000") ",p1,1,good\n" T("2.000") ",p2,1,good\n" T("2.000") ",g1,2,good\n" T("2.000") ",g2,2,good\n" T("3."
                                                                                                                                                                                              "00"
                                                                                                                                                                                              "0") ",g1,2,good\n" T("3.220") ",p1,1,good\n" T("4.000") ",,,\n");
}

static void a_gateway_that_was_cut_off_sends_what_it_kept(void **state)
{
    (void)state;
#define S(s) ",good," T(s) "\n"
    check("{\"at\":\"1s\",\"source\":\"gw\",\"fault\":\"disconnect\",\"for\":\"1500ms\"}",
          "time,point,value,status,seen\n" T("0.000") ",p1,1" S("0.000") T("0.000") ",p2,1" S("0.000")
              T("0.000") ",g1,2" S("0.000") T("0.000") ",g2,2" S("0.000") T("1.000") ",p1,1" S("1.000")
                  T("2.000") ",p1,1" S("2.000") T("2.000") ",p2,1" S("2.000") T("1.000") ",g1,2" S("2.500")
                      T("2.000") ",g1,2" S("2.500") T("2.000") ",g2,2" S("2.500") T("3.000") ",p1,1" S("3.000")
                          T("3.000") ",g1,2" S("3.000") T("4.000") ",,,,\n");
}

static void reordered_messages_arrive_in_swapped_pairs(void **state)
{
    (void)state;
    check("{\"at\":\"1s\",\"source\":\"gw\",\"fault\":\"reorder\"}",
          "time,point,value,status,seen\n" T("0.000") ",p1,1" S("0.000") T("0.000") ",p2,1" S("0.000")
              T("0.000") ",g1,2" S("0.000") T("0.000") ",g2,2" S("0.000") T("1.000") ",p1,1" S("1.000")
                  T("2.000") ",p1,1" S("2.000") T("2.000") ",p2,1" S("2.000") T("2.000") ",g1,2" S("2.000")
                      T("2.000") ",g2,2" S("2.000") T("1.000") ",g1,2" S("2.000") T("3.000") ",p1,1" S("3.000")
                          T("4.000") ",,,,\n");
}

/* A gateway whose clock steps: its samples say so, and come when they come. */
static void a_clock_that_steps_shows_in_the_times(void **state)
{
    (void)state;
    check("{\"at\":\"1s\",\"source\":\"gw\",\"fault\":\"clock:+5s\",\"for\":\"1s\"},"
          "{\"at\":\"3s\",\"source\":\"gw\",\"fault\":\"clock:-2s\"}",
          "time,point,value,status,seen\n" T("0.000") ",p1,1" S("0.000") T("0.000") ",p2,1" S("0.000")
              T("0.000") ",g1,2" S("0.000") T("0.000") ",g2,2" S("0.000") T("1.000") ",p1,1" S("1.000")
                  T("6.000") ",g1,2" S("1.000") T("2.000") ",p1,1" S("2.000") T("2.000") ",p2,1" S("2.000")
                      T("2.000") ",g1,2" S("2.000") T("2.000") ",g2,2" S("2.000") T("3.000") ",p1,1" S("3.000")
                          T("1.000") ",g1,2" S("3.000") T("4.000") ",,,,\n");
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    static const char noisy[] = "{\"seed\":%d,\"start\":\"2026-01-05T00:00:00Z\",\"length\":\"60s\",\"points\":"
                                "{\"*\":{\"base\":5,\"noise\":1,\"step\":0.001}},\"events\":"
                                "[{\"at\":\"10s\",\"source\":\"gw\",\"fault\":\"disconnect\",\"for\":\"5s\"},"
                                "{\"at\":\"20s\",\"source\":\"gw\",\"fault\":\"clock:-1h\",\"for\":\"5s\"},"
                                "{\"at\":\"30s\",\"source\":\"gw\",\"fault\":\"reorder\",\"for\":\"5s\"},"
                                "{\"at\":\"20s\",\"source\":\"plc\",\"fault\":\"half-open\",\"for\":\"5s\"},"
                                "{\"at\":\"30s\",\"source\":\"plc\",\"fault\":\"garbage\",\"for\":\"5s\"}]}";
    char one[1024], two[1024];
    (void)snprintf(one, sizeof one, noisy, 1);
    (void)snprintf(two, sizeof two, noisy, 2);
    char *first = trace_of(SITE, one), *again = trace_of(SITE, one), *other = trace_of(SITE, two);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    free(first);
    free(again);
    free(other);
}

static void payloads_are_what_the_contract_shows(void **state)
{
    (void)state;
    struct site *site = field_site(SITE);
    struct scenario *scenario = field_scenario(
        site, HEAD "{\"at\":\"1s\",\"point\":\"g1\",\"status\":{\"flag\":\"calibrating\",\"for\":\"1s\"}},"
                   "{\"at\":\"2s\",\"point\":\"g1\",\"status\":{\"flag\":\"sensor\"}}]}");
    struct gateway gateway;
    struct gateway_message messages[2];
    struct buf buf = {0};
    assert_int_equal(gateway_init(&gateway, site, scenario, 1, NULL), ERR_NONE);
    static const char *const want[] = {
        "{\"time\":1000,\"seq\":1,\"values\":{\"K1\":2,\"K2\":2}}",
        "{\"time\":2000,\"seq\":2,\"values\":{\"K1\":{\"value\":2,\"status\":\"calibrating\"}}}",
        "{\"time\":3000,\"seq\":3,\"values\":{\"K1\":{\"status\":\"sensor\"},\"K2\":2}}",
    };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(gateway_step(&gateway, messages), 1);
        buf_clear(&buf);
        gateway_payload(&gateway, &messages[0], INT64_C(1000000000), &buf);
        assert_string_equal(buf.data, want[i]);
    }
    buf_clear(&buf);
    gateway_topic(&site->sources[1], &buf);
    assert_string_equal(buf.data, "davy/gw/x/sim");
    buf_done(&buf);
    gateway_done(&gateway);
    scenario_free(scenario);
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_at_the_ticks_of_each_point),
        cmocka_unit_test(an_answer_that_does_not_come_is_a_sample_without_value),
        cmocka_unit_test(floods_repeats_and_taken_places_change_nothing),
        cmocka_unit_test(a_clock_that_steps_shows_in_the_times),
        cmocka_unit_test(a_fault_of_one_unit_leaves_the_other_alone),
        cmocka_unit_test(a_short_delay_and_dribbled_bytes_only_take_time),
        cmocka_unit_test(a_gateway_that_was_cut_off_sends_what_it_kept),
        cmocka_unit_test(reordered_messages_arrive_in_swapped_pairs),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(payloads_are_what_the_contract_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
