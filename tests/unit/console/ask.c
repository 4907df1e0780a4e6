/* What parameters mean, and what each mistake in them says. */
#include "console/ask.h"
#include "base/clock.h"
#include "tests/unit/console/unit.h"
#include <stdio.h>
#include <string.h>

#define NOW_NS (INT64_C(1767571200) * NS_PER_S)

static struct err err;

static bool asks(enum route_kind kind, const char *params, struct ask *ask)
{
    static char room[512];
    struct target target;
    (void)snprintf(room, sizeof room, "/a?%s", params);
    assert_true(target_parse(room, strlen(room), &target));
    err = (struct err){0};
    return ask_read(kind, &target, NOW_NS, ask, &err) == ERR_NONE;
}

static void without_parameters_the_last_hour_is_meant(void **state)
{
    (void)state;
    struct ask ask;
    assert_true(asks(ROUTE_SAMPLES, "", &ask));
    assert_true(ask.from_ns == NOW_NS - 3600 * NS_PER_S && ask.to_ns == NOW_NS && ask.every_ns == 0);
    assert_true(ask.limit == UINT64_MAX && ask.after == 0 && !ask.has_after);
    assert_int_equal(ask.states, 1U << STATE_ACTIVE | 1U << STATE_RETURNED);
}

static void times_and_buckets_are_read(void **state)
{
    (void)state;
    struct ask ask;
    assert_true(asks(ROUTE_SAMPLES, "from=now-2h&to=1767571200000&every=10m&agg=max,status,mean&limit=7", &ask));
    assert_true(ask.from_ns == NOW_NS - 7200 * NS_PER_S && ask.to_ns == NOW_NS && ask.every_ns == 600 * NS_PER_S);
    assert_int_equal(ask.agg_count, 3);
    assert_int_equal(ask.aggs[0], AGG_MAX);
    assert_int_equal(ask.aggs[1], ASK_STATUS);
    assert_int_equal(ask.aggs[2], AGG_MEAN);
    assert_int_equal(ask.limit, 7);
    assert_true(asks(ROUTE_SAMPLES, "every=1m", &ask));
    assert_int_equal(ask.agg_count, AGG_KINDS); /* all but the status, as of davy query */
    assert_true(asks(ROUTE_SAMPLES, "from=2026-01-05T08:00:00+08:00", &ask));
    assert_true(ask.from_ns == NOW_NS);
}

static void lists_are_narrowed(void **state)
{
    (void)state;
    struct ask ask;
    assert_true(asks(ROUTE_POINTS, "id=face-*&kind=ch4&hazard=face-501", &ask));
    assert_string_equal(ask.id, "face-*");
    assert_string_equal(ask.kind, "ch4");
    assert_string_equal(ask.hazard, "face-501");
    assert_true(asks(ROUTE_ALARMS, "all=1&level=red", &ask));
    assert_int_equal(ask.states, (1U << STATE_COUNT) - 1);
    assert_int_equal(ask.level, LEVEL_RED);
    assert_true(asks(ROUTE_ALARMS, "state=shelved,suppressed", &ask));
    assert_int_equal(ask.states, 1U << STATE_SHELVED | 1U << STATE_SUPPRESSED);
    assert_true(asks(ROUTE_EVENTS, "after=18446744073709551615&alarm=r:a/b", &ask));
    assert_true(ask.after == UINT64_MAX && ask.has_after);
}

static void mistakes_name_their_parameter(void **state)
{
    (void)state;
    const struct {
        enum route_kind kind;
        const char *params, *says;
    } cases[] = {
        {ROUTE_SAMPLES, "evry=1m", "\"evry\" is not a known parameter; did you mean \"every\"?"},
        {ROUTE_POINTS, "nonsense=1", "known here: id, kind, hazard"},
        {ROUTE_METRICS, "x=1", "there are none here"},
        {ROUTE_SAMPLES, "from=yesterday", "from: \"yesterday\""},
        {ROUTE_SAMPLES, "to=", "to: \"\""},
        {ROUTE_SAMPLES, "every=0s", "every: \"0s\""},
        {ROUTE_SAMPLES, "every=10", "every: \"10\""},
        {ROUTE_SAMPLES, "every=86400001ms", "whole minutes"},
        {ROUTE_SAMPLES, "every=1m&agg=median", "agg: \"median\""},
        {ROUTE_SAMPLES, "every=1m&agg=max,max", "each once"},
        {ROUTE_SAMPLES, "every=1m&agg=", "agg: \"\""},
        {ROUTE_SAMPLES, "agg=mean", "every"},
        {ROUTE_SAMPLES, "limit=-1", "limit: \"-1\""},
        {ROUTE_EVENTS, "after=18446744073709551616", "after: "},
        {ROUTE_EVENTS, "after=", "after: "},
        {ROUTE_ALARMS, "state=sleeping", "state: \"sleeping\""},
        {ROUTE_ALARMS, "all=maybe", "all: \"maybe\""},
        {ROUTE_ALARMS, "level=none", "level: \"none\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ask ask;
        if (asks(cases[i].kind, cases[i].params, &ask) || strstr(err.text, cases[i].says) == NULL) {
            fail_msg("%s: %s", cases[i].params, err.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_parameters_the_last_hour_is_meant),
        cmocka_unit_test(times_and_buckets_are_read),
        cmocka_unit_test(lists_are_narrowed),
        cmocka_unit_test(mistakes_name_their_parameter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
