/* Paths and the answers they stand for. */
#include "console/route.h"
#include "tests/unit/console/unit.h"
#include <stdio.h>
#include <string.h>

static struct route find(const char *text)
{
    static char room[256];
    struct target target;
    (void)snprintf(room, sizeof room, "%s", text);
    assert_true(target_parse(room, strlen(room), &target));
    return route_find(&target);
}

static void each_path_has_its_answer(void **state)
{
    (void)state;
    const struct {
        const char *path;
        enum route_kind kind;
        const char *id;
    } cases[] = {
        {"/api/v1/points", ROUTE_POINTS, NULL},
        {"/api/v1/points/a%2Fb", ROUTE_POINT, "a/b"},
        {"/api/v1/points/samples", ROUTE_POINT, "samples"}, /* a point may be called so */
        {"/api/v1/points/a/samples", ROUTE_SAMPLES, "a"},
        {"/api/v1/alarms", ROUTE_ALARMS, NULL},
        {"/api/v1/alarms/r:a%2Fb", ROUTE_ALARM, "r:a/b"},
        {"/api/v1/alarms/r:a/ack", ROUTE_ACT, "r:a"},
        {"/api/v1/events", ROUTE_EVENTS, NULL},
        {"/api/v1/stream", ROUTE_STREAM, NULL},
        {"/metrics", ROUTE_METRICS, NULL},
        {"/healthz", ROUTE_HEALTH, NULL},
        {"/api/v1/site", ROUTE_SITE, NULL},
        {"/", ROUTE_PAGE, NULL},
        {"/main.js", ROUTE_PAGE, NULL},
        {"/page/main.js", ROUTE_NONE, NULL},
        {"/..%2Fmain.js", ROUTE_NONE, NULL},
        {"/api", ROUTE_NONE, NULL},
        {"/api/v2/points", ROUTE_NONE, NULL},
        {"/api/v1/points/a/b", ROUTE_NONE, NULL},
        {"/api/v1/alarms/r:a/dance", ROUTE_NONE, NULL},
        {"/api/v1/alarms/r:a/ack/now", ROUTE_NONE, NULL},
        {"/1/2/3/4/5/6/7/8", ROUTE_NONE, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct route route = find(cases[i].path);
        if (route.kind != cases[i].kind || (route.id == NULL) != (cases[i].id == NULL)) {
            fail_msg("%s: kind %d", cases[i].path, (int)route.kind);
        }
        if (cases[i].id != NULL) {
            assert_string_equal(route.id, cases[i].id);
        }
    }
}

static void acts_are_known_by_their_names(void **state)
{
    (void)state;
    assert_int_equal(find("/api/v1/alarms/a/ack").act, ACT_ACK);
    assert_int_equal(find("/api/v1/alarms/a/shelve").act, ACT_SHELVE);
    assert_int_equal(find("/api/v1/alarms/a/unshelve").act, ACT_UNSHELVE);
    assert_int_equal(find("/api/v1/alarms/a/comment").act, ACT_COMMENT);
    assert_int_equal(find("/api/v1/alarms/a/close").act, ACT_CLOSE);
    assert_int_equal(find("/api/v1/alarms/a/out-of-service").act, ACT_OUT_OF_SERVICE);
    assert_int_equal(find("/api/v1/alarms/a/in-service").act, ACT_IN_SERVICE);
}

static void methods_are_as_allowed(void **state)
{
    (void)state;
    assert_true(route_allows(ROUTE_POINTS, "GET"));
    assert_true(route_allows(ROUTE_POINTS, "HEAD"));
    assert_false(route_allows(ROUTE_POINTS, "POST"));
    assert_false(route_allows(ROUTE_POINTS, "get"));
    assert_true(route_allows(ROUTE_ACT, "POST"));
    assert_false(route_allows(ROUTE_ACT, "GET"));
    assert_string_equal(route_allow(ROUTE_ACT), "POST");
    assert_string_equal(route_allow(ROUTE_STREAM), "GET, HEAD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path_has_its_answer),
        cmocka_unit_test(acts_are_known_by_their_names),
        cmocka_unit_test(methods_are_as_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
