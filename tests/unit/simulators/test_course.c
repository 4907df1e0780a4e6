/* What a point shows at its ticks: ramps, steps, freezes, flags. */
#include "base/clock.h"
#include "model/sample.h"
#include "simulators/course.h"
#include "tests/unit/simulators/field.h"
#include <math.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char SITE[] = "{\"site\":{\"id\":\"s\"},\"points\":["
                           "{\"id\":\"a\",\"every\":\"1s\",\"range\":[0,10]},{\"id\":\"b\",\"every\":\"2s\"}]}";

static struct sim_reading shown(const struct site *site, const struct scenario *scenario, uint32_t point, int64_t tick)
{
    return course_reading(&scenario->points[point], &site->points[point], tick);
}

struct want {
    uint32_t point;
    int64_t tick;
    double value; /* NaN: none */
    uint16_t status;
};

static void check(const char *json, const struct want *wants, size_t count)
{
    struct site *site = field_site(SITE);
    struct scenario *scenario = field_scenario(site, json);
    for (size_t i = count; i-- > 0;) { /* backwards: the order of asking must not matter */
        const struct sim_reading got = shown(site, scenario, wants[i].point, wants[i].tick);
        if (!(fabs(got.value - wants[i].value) < 1e-9 || (isnan(got.value) && isnan(wants[i].value)))) {
            fail_msg("point %u tick %lld: %g instead of %g", wants[i].point, (long long)wants[i].tick, got.value,
                     wants[i].value);
        }
        assert_int_equal(got.status, wants[i].status);
    }
    scenario_free(scenario);
    site_free(site);
}

#define HEAD "{\"start\":\"2026-01-05T00:00:00Z\",\"length\":\"10m\",\"points\":{\"*\":{\"base\":1}},\"events\":["
#define CHECK(json, ...)                                                                                               \
    do {                                                                                                               \
        static const struct want wants[] = {__VA_ARGS__};                                                              \
        check(json, wants, sizeof wants / sizeof wants[0]);                                                            \
    } while (0)

static void a_ramp_ends_at_its_target_and_stays(void **state)
{
    (void)state;
    CHECK(HEAD "{\"at\":\"10s\",\"point\":\"a\",\"ramp\":{\"to\":3,\"over\":\"4s\"}}]}", {0, 9, 1, 0}, {0, 10, 1, 0},
          {0, 11, 1.5, 0}, {0, 13, 2.5, 0}, {0, 14, 3, 0}, {0, 500, 3, 0}, {1, 10, 1, 0});
}

static void a_ramp_starts_where_the_one_before_has_come_to(void **state)
{
    (void)state;
    CHECK(HEAD "{\"at\":\"12s\",\"point\":\"a\",\"ramp\":{\"to\":0,\"over\":\"2s\"}},"
               "{\"at\":\"10s\",\"point\":\"a\",\"ramp\":{\"to\":3,\"over\":\"4s\"}}]}",
          {0, 12, 2, 0}, {0, 13, 1, 0}, {0, 14, 0, 0}, {0, 15, 0, 0});
}

static void set_and_release_are_steps(void **state)
{
    (void)state;
    CHECK(HEAD "{\"at\":\"5s\",\"point\":\"*\",\"set\":4},{\"at\":\"9s\",\"point\":\"a\",\"release\":true}]}",
          {0, 4, 1, 0}, {0, 5, 4, 0}, {0, 9, 1, 0}, {1, 2, 1, 0}, {1, 3, 4, 0}, {1, 50, 4, 0});
}

static void a_freeze_holds_the_value_while_the_signal_moves_on(void **state)
{
    (void)state;
    CHECK(HEAD "{\"at\":\"10s\",\"point\":\"a\",\"ramp\":{\"to\":5,\"over\":\"4s\"}},"
               "{\"at\":\"11500ms\",\"point\":\"a\",\"freeze\":\"10s\"}]}",
          {0, 11, 2, 0}, {0, 12, 2, 0}, {0, 21, 2, 0}, {0, 22, 5, 0});
}

static void a_freeze_within_a_freeze_holds_the_older_value(void **state)
{
    (void)state;
    CHECK(HEAD
          "{\"at\":\"10s\",\"point\":\"a\",\"ramp\":{\"to\":5,\"over\":\"4s\"}},"
          "{\"at\":\"11s\",\"point\":\"a\",\"freeze\":\"2s\"},{\"at\":\"12s\",\"point\":\"a\",\"freeze\":\"8s\"}]}",
          {0, 12, 2, 0}, {0, 13, 2, 0}, {0, 19, 2, 0}, {0, 20, 5, 0});
}

static void flags_take_the_value_only_when_there_is_none(void **state)
{
    (void)state;
    CHECK(HEAD "{\"at\":\"3s\",\"point\":\"a\",\"status\":{\"flag\":\"sensor\",\"for\":\"2s\"}},"
               "{\"at\":\"4s\",\"point\":\"b\",\"status\":{\"flag\":\"calibrating+manual\"}},"
               "{\"at\":\"20s\",\"point\":\"b\",\"release\":true}]}",
          {0, 2, 1, 0}, {0, 3, NAN, ST_SENSOR}, {0, 4, NAN, ST_SENSOR}, {0, 5, 1, 0}, {1, 1, 1, 0},
          {1, 2, 1, ST_CALIBRATING | ST_MANUAL}, {1, 9, 1, ST_CALIBRATING | ST_MANUAL}, {1, 10, 1, 0});
}

static void drift_goes_on_from_the_end_of_the_last_ramp(void **state)
{
    (void)state;
    CHECK("{\"start\":\"2026-01-05T00:00:00Z\",\"length\":\"2h\",\"points\":{\"a\":{\"base\":1,\"drift_per_h\":3.6}},"
          "\"events\":[{\"at\":\"100s\",\"point\":\"a\",\"ramp\":{\"to\":5,\"over\":\"0s\"}}]}",
          {0, 0, 1, 0}, {0, 50, 1.05, 0}, {0, 100, 5, 0}, {0, 1100, 6, 0});
}

static void a_sine_swings_around_its_mean_and_around_a_new_base(void **state)
{
    (void)state;
    CHECK("{\"start\":\"2026-01-05T00:00:00Z\",\"length\":\"10m\",\"points\":"
          "{\"b\":{\"sine\":{\"mean\":6,\"amplitude\":2,\"period\":\"40s\"}}},"
          "\"events\":[{\"at\":\"80s\",\"point\":\"b\",\"set\":10}]}",
          {1, 0, 6, 0}, {1, 5, 8, 0}, {1, 10, 6, 0}, {1, 15, 4, 0}, {1, 45, 12, 0});
}

static void noise_does_not_carry_a_value_out_of_its_range(void **state)
{
    (void)state;
    struct site *site = field_site(SITE);
    struct scenario *scenario = field_scenario(
        site, "{\"start\":\"2026-01-05T00:00:00Z\",\"length\":\"10m\",\"points\":"
              "{\"a\":{\"base\":0.1,\"noise\":1}},\"events\":[{\"at\":\"300s\",\"point\":\"a\",\"set\":12}]}");
    bool moved = false;
    for (int64_t tick = 0; tick < 300; tick++) {
        const double value = shown(site, scenario, 0, tick).value;
        assert_true(value >= 0 && value <= 1.1);
        moved = moved || value > 0.3;
    }
    assert_true(moved);
    assert_true(shown(site, scenario, 0, 301).value > 10); /* but an event does */
    scenario_free(scenario);
    site_free(site);
}

static void an_id_wins_over_a_pattern_and_a_later_pattern_over_an_earlier(void **state)
{
    (void)state;
    CHECK("{\"start\":\"2026-01-05T00:00:00Z\",\"length\":\"10m\",\"points\":"
          "{\"a\":{\"base\":1},\"*\":{\"base\":2},\"?\":{\"base\":3}}}",
          {0, 0, 1, 0}, {1, 0, 3, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ramp_ends_at_its_target_and_stays),
        cmocka_unit_test(a_ramp_starts_where_the_one_before_has_come_to),
        cmocka_unit_test(set_and_release_are_steps),
        cmocka_unit_test(a_freeze_holds_the_value_while_the_signal_moves_on),
        cmocka_unit_test(a_freeze_within_a_freeze_holds_the_older_value),
        cmocka_unit_test(flags_take_the_value_only_when_there_is_none),
        cmocka_unit_test(drift_goes_on_from_the_end_of_the_last_ramp),
        cmocka_unit_test(a_sine_swings_around_its_mean_and_around_a_new_base),
        cmocka_unit_test(noise_does_not_carry_a_value_out_of_its_range),
        cmocka_unit_test(an_id_wins_over_a_pattern_and_a_later_pattern_over_an_earlier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
