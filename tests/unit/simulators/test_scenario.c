/* Mistakes of a scenario file: all of them in one run, each with its place and a hint. */
#include "tests/unit/simulators/field.h"
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char SITE[] =
    "{\"site\":{\"id\":\"s\"},\"sources\":{\"plc\":{\"type\":\"modbus-tcp\",\"host\":\"127.0.0.1\",\"port\":1502},"
    "\"gw\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:1883\",\"topics\":[\"t\"],\"format\":\"davy\"}},"
    "\"points\":[{\"id\":\"a\",\"from\":{\"source\":\"plc\",\"unit\":1,\"table\":\"input\",\"address\":0,\"type\":"
    "\"u16\"}},"
    "{\"id\":\"b\",\"from\":{\"source\":\"plc\",\"unit\":2,\"table\":\"input\",\"address\":0,\"type\":\"f32\"}},"
    "{\"id\":\"c\",\"from\":{\"source\":\"gw\",\"key\":\"c\"}}]}";

#define HEAD "{\"start\":\"2026-01-05T00:00:00Z\",\"length\":\"60s\""

struct row {
    const char *json;
    const char *mistake; /* of the only line: its beginning after "scenario.json: " */
};

static const struct row rows[] = {
    {"{\"start\":\"2026-01-05T00:00:00Z\",}", "line 1 column "},
    {"[]", ""},
    {HEAD ",\"sead\":1}", "sead: "},
    {"{\"length\":\"60s\"}", ""},
    {"{\"start\":\"yesterday\",\"length\":\"60s\"}", "start: is not a time"},
    {"{\"start\":\"1969-01-01T00:00:00Z\",\"length\":\"60s\"}", "start: is not a time"},
    {"{\"start\":0,\"length\":\"60 s\"}", "length: "},
    {HEAD ",\"points\":{\"face\":{\"base\":1}}}", "points.face: point \"face\" is not in the site"},
    {HEAD ",\"points\":{\"x*\":{\"base\":1}}}", "points.x*: point \"x*\" is not in the site"},
    {HEAD ",\"points\":{\"a\":{\"base\":\"1\"}}}", "points.a.base: "},
    {HEAD ",\"points\":{\"a\":{\"nois\":1}}}", "points.a.nois: "},
    {HEAD ",\"points\":{\"a\":{\"noise\":-1}}}", "points.a.noise: "},
    {HEAD ",\"points\":{\"a\":{\"base\":1,\"sine\":{\"mean\":1,\"amplitude\":1,\"period\":\"1s\"}}}}",
     "points.a: has both"},
    {HEAD ",\"points\":{\"a\":{\"sine\":{\"amplitude\":1}}}}", "points.a.sine"},
    {HEAD ",\"points\":{\"a\":{\"sine\":{\"amplitude\":1,\"period\":\"0s\"}}}}", "points.a.sine.period: "},
    {HEAD ",\"events\":[{\"point\":\"a\",\"set\":1}]}", "events[0]"},
    {HEAD ",\"events\":[{\"at\":\"61s\",\"point\":\"a\",\"set\":1}]}", "events[0].at: is after the scenario's end"},
    {HEAD ",\"events\":[{\"at\":\"1s\"}]}", "events[0]: names neither"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"point\":\"a\",\"source\":\"plc\"}]}", "events[0]: names both"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"point\":\"a\"}]}", "events[0]: says nothing"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"point\":\"a\",\"set\":1,\"release\":true}]}", "events[0]: says several"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"point\":\"a\",\"release\":false}]}", "events[0].release: "},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"point\":\"a\",\"set\":1,\"for\":\"1s\"}]}", "events[0].for: belongs"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"point\":\"z\",\"set\":1}]}", "events[0].point: point \"z\""},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"point\":\"a\",\"set\":1e300}]}", "events[0].set: "},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"point\":\"a\",\"ramp\":{\"to\":1}}]}", "events[0].ramp"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"point\":\"a\",\"freeze\":\"0s\"}]}", "events[0].freeze: "},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"point\":\"c\",\"status\":{\"flag\":\"stale\"}}]}",
     "events[0].status: flag is none"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"point\":\"a\",\"status\":{\"flag\":\"sensor\"}}]}",
     "events[0].point: point \"a\" cannot"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"point\":\"b\",\"status\":{\"flag\":\"calibrating\"}}]}",
     "events[0].point: point \"b\" cannot"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"plc\"}]}", "events[0]: says nothing"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"pcl\",\"fault\":\"timeout\"}]}", "events[0].source: "},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"plc\",\"fault\":\"timout\"}]}",
     "events[0].fault: fault is not known; it can have timeout, silent, "},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"gw\",\"fault\":\"flood\"}]}",
     "events[0].fault: needs a number from 1 to 1000"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"gw\",\"fault\":\"flood:1001\"}]}",
     "events[0].fault: needs a number from 1 to 1000"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"gw\",\"fault\":\"clock:1h\"}]}", "events[0].fault: needs a sign"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"gw\",\"fault\":\"clock:-0s\"}]}", "events[0].fault: needs a sign"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"plc\",\"fault\":\"clock:+1h\"}]}",
     "events[0].fault: is none that this"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"gw\",\"fault\":\"half-open\"}]}",
     "events[0].fault: is none that this"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"plc\",\"unit\":1,\"fault\":\"half-open\"}]}",
     "events[0].unit: this fault strikes"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"plc\",\"fault\":\"exception:300\"}]}", "events[0].fault: "},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"plc\",\"fault\":\"delay:fast\"}]}", "events[0].fault: "},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"plc\",\"fault\":\"timeout:1\"}]}", "events[0].fault: "},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"plc\",\"fault\":\"malformed\"}]}",
     "events[0].fault: is none that this"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"gw\",\"fault\":\"timeout\"}]}",
     "events[0].fault: is none that this"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"plc\",\"unit\":9,\"fault\":\"timeout\"}]}",
     "events[0].unit: no point"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"plc\",\"unit\":1,\"fault\":\"reset\"}]}",
     "events[0].unit: this fault strikes"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"plc\",\"fault\":\"reset\",\"set\":1}]}", "events[0].set: belongs"},
    {HEAD ",\"events\":[{\"at\":\"1s\",\"source\":\"plc\",\"fault\":\"reset\",\"for\":\"0s\"}]}", "events[0].for: "},
    {"{\"start\":0,\"start\":0,\"length\":\"60s\"}", ""},
};

static void every_mistake_is_told_with_its_place(void **state)
{
    (void)state;
    struct site *site = field_site(SITE);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static const char file[] = "scenario.json: ";
        struct mistakes mistakes;
        struct scenario *scenario = NULL;
        mistakes_init(&mistakes);
        const enum err_code code = scenario_parse(rows[i].json, "scenario.json", site, &mistakes, &scenario, NULL);
        if (code != ERR_INPUT || mistakes.total != 1 || strncmp(mistakes.lines[0], file, strlen(file)) != 0 ||
            strncmp(mistakes.lines[0] + strlen(file), rows[i].mistake, strlen(rows[i].mistake)) != 0) {
            mistakes_print(&mistakes, stderr);
            fail_msg("%s: code %d, %zu mistakes", rows[i].json, (int)code, mistakes.total);
        }
        assert_null(scenario);
        mistakes_done(&mistakes);
    }
    site_free(site);
}

static void all_mistakes_come_in_one_run(void **state)
{
    (void)state;
    struct site *site = field_site(SITE);
    struct mistakes mistakes;
    struct scenario *scenario = NULL;
    mistakes_init(&mistakes);
    assert_int_equal(
        scenario_parse("{\"start\":\"never\",\"length\":\"x\",\"points\":{\"q\":{},\"a\":{\"bas\":1}},"
                       "\"events\":[{\"at\":\"1s\",\"source\":\"plc\",\"fault\":\"bang\"},{\"at\":\"2s\"}]}",
                       "scenario.json", site, &mistakes, &scenario, NULL),
        ERR_INPUT);
    assert_int_equal(mistakes.total, 6);
    mistakes_done(&mistakes);
    site_free(site);
}

static void a_file_that_is_not_there_is_a_mistake(void **state)
{
    (void)state;
    struct site *site = field_site(SITE);
    struct mistakes mistakes;
    struct scenario *scenario = NULL;
    mistakes_init(&mistakes);
    assert_int_equal(scenario_load("/nowhere/scenario.json", site, &mistakes, &scenario, NULL), ERR_INPUT);
    assert_int_equal(mistakes.total, 1);
    mistakes_done(&mistakes);
    site_free(site);
}

static void what_is_right_is_taken(void **state)
{
    (void)state;
    struct site *site = field_site(SITE);
    struct scenario *scenario =
        field_scenario(site, HEAD ",\"seed\":9,\"points\":{\"a\":{\"base\":2,\"noise\":0.5,\"step\":1}},\"events\":["
                                  "{\"at\":\"20s\",\"source\":\"plc\",\"fault\":\"delay:800ms\",\"unit\":2},"
                                  "{\"at\":\"30s\",\"source\":\"gw\",\"fault\":\"clock:-10m\"},"
                                  "{\"at\":\"31s\",\"source\":\"gw\",\"fault\":\"flood:100\"},"
                                  "{\"at\":\"10s\",\"source\":\"plc\",\"fault\":\"exception:4\",\"for\":\"5s\"},"
                                  "{\"at\":\"60s\",\"point\":\"*\",\"set\":7}]}");
    assert_int_equal(scenario->seed, 9);
    assert_int_equal(scenario->length_ns, INT64_C(60000000000));
    assert_int_equal(scenario->fault_count, 4);
    assert_int_equal(scenario->faults[2].value, INT64_C(-600000000000));
    assert_int_equal(scenario->faults[3].value, 100);
    assert_int_equal(scenario->faults[0].kind, FAULT_EXCEPTION);
    assert_int_equal(scenario->faults[0].value, 4);
    assert_int_equal(scenario->faults[0].unit, FAULT_ANY_UNIT);
    assert_int_equal(scenario->faults[1].unit, 2);
    assert_int_equal(scenario->faults[1].value, INT64_C(800000000));
    assert_true(scenario->faults[1].end_ns == INT64_MAX);
    assert_int_equal(scenario->points[2].leg_count, 2);
    scenario_free(scenario);
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_told_with_its_place),
        cmocka_unit_test(all_mistakes_come_in_one_run),
        cmocka_unit_test(a_file_that_is_not_there_is_a_mistake),
        cmocka_unit_test(what_is_right_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
