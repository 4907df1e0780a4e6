/* Steps and delays of one alarm's levels. */
#include "tests/unit/rules/rig.h"

static struct rig rig;

#define SITE(rule)           "{\"site\":{\"id\":\"s\"},\"points\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"rules\":[" rule "]}"
#define LEVELS(levels, more) SITE("{\"id\":\"r\",\"where\":{\"id\":\"a\"},\"levels\":[" levels "]" more "}")

#define DELAYED    LEVELS("{\"level\":\"yellow\",\"when\":\"value >= 1\"}", ",\"on_delay\":\"5s\",\"off_delay\":\"3s\"")
#define HYSTERESIS LEVELS("{\"level\":\"yellow\",\"when\":\"value >= 2\",\"clear\":\"value < 1\"}", "")
#define FOUR                                                                                                           \
    LEVELS("{\"level\":\"red\",\"when\":\"value >= 4\"},{\"level\":\"blue\",\"when\":\"value >= 1\"},"                 \
           "{\"level\":\"orange\",\"when\":\"value >= 3\"},{\"level\":\"yellow\",\"when\":\"value >= 2\"}",            \
           "")

static void test_without_delay_a_level_is_entered_and_left_within_the_judgement(void **state)
{
    (void)state;
    rig_open(&rig, LEVELS("{\"level\":\"yellow\",\"when\":\"value >= 1\"}", ""), (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 0.5);
    rig_says(&rig, NULL);
    rig_sample(&rig, "a", 2000, 1.0);
    rig_says(&rig, "2000 r:a none>yellow");
    rig_sample(&rig, "a", 3000, 1.5);
    rig_says(&rig, NULL);
    rig_sample(&rig, "a", 4000, 0.9);
    rig_says(&rig, "4000 r:a yellow>none");
    rig_close(&rig);
}

static void test_between_when_and_clear_a_level_stays_as_it_is(void **state)
{
    (void)state;
    rig_open(&rig, HYSTERESIS, (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.5);
    rig_says(&rig, NULL);
    rig_sample(&rig, "a", 2000, 2.0);
    rig_says(&rig, "2000 r:a none>yellow");
    rig_sample(&rig, "a", 3000, 1.0);
    rig_says(&rig, NULL);
    rig_sample(&rig, "a", 4000, 0.9);
    rig_says(&rig, "4000 r:a yellow>none");
    rig_close(&rig);
}

static void test_a_delay_ends_at_its_moment_without_a_sample(void **state)
{
    (void)state;
    rig_open(&rig, DELAYED, (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_clock(&rig, 5999);
    rig_says(&rig, NULL);
    rig_clock(&rig, 60000);
    rig_says(&rig, "6000 r:a none>yellow");
    rig_sample(&rig, "a", 61000, 0.0);
    rig_clock(&rig, 63999);
    rig_says(&rig, NULL);
    rig_clock(&rig, 64000);
    rig_says(&rig, "64000 r:a yellow>none");
    rig_close(&rig);
}

static void test_a_break_starts_the_delay_anew(void **state)
{
    (void)state;
    rig_open(&rig, DELAYED, (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_sample(&rig, "a", 5000, 0.9);
    rig_sample(&rig, "a", 5500, 1.0);
    rig_clock(&rig, 10499);
    rig_says(&rig, NULL);
    rig_clock(&rig, 10500);
    rig_says(&rig, "10500 r:a none>yellow");
    rig_close(&rig);
}

static void test_samples_that_say_the_same_do_not_move_the_delay(void **state)
{
    (void)state;
    rig_open(&rig, DELAYED, (struct rig_options){0});
    for (int64_t ms = 1000; ms < 6000; ms += 500) {
        rig_sample(&rig, "a", ms, 2.0);
    }
    rig_says(&rig, NULL);
    rig_sample(&rig, "a", 6000, 2.0);
    rig_says(&rig, "6000 r:a none>yellow");
    rig_close(&rig);
}

static void test_a_delay_that_ends_with_a_row_ends_before_it(void **state)
{
    (void)state;
    rig_open(&rig, DELAYED, (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_sample(&rig, "a", 6000, 0.0); /* too late to break it */
    rig_says(&rig, "6000 r:a none>yellow");
    rig_clock(&rig, 9000);
    rig_says(&rig, "9000 r:a yellow>none");
    rig_close(&rig);
}

static void test_one_sample_gives_one_step_over_several_levels(void **state)
{
    (void)state;
    rig_open(&rig, FOUR, (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 3.5);
    rig_says(&rig, "1000 r:a none>orange");
    rig_sample(&rig, "a", 2000, 9.0);
    rig_says(&rig, "2000 r:a orange>red");
    rig_sample(&rig, "a", 3000, 1.0);
    rig_says(&rig, "3000 r:a red>blue");
    rig_sample(&rig, "a", 4000, 0.0);
    rig_says(&rig, "4000 r:a blue>none");
    rig_close(&rig);
}

static void test_delays_that_end_in_one_instant_give_one_step(void **state)
{
    (void)state;
    rig_open(&rig,
             LEVELS("{\"level\":\"yellow\",\"when\":\"value >= 1\"},{\"level\":\"red\",\"when\":\"value >= 2\"},"
                    "{\"level\":\"orange\",\"when\":\"value >= 2\",\"on_delay\":\"1s\"}",
                    ",\"on_delay\":\"3s\""),
             (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 2.0);
    rig_clock(&rig, 60000);
    rig_says(&rig, "2000 r:a none>orange", "4000 r:a orange>red");
    rig_close(&rig);
}

static void test_the_level_is_the_highest_entered_whatever_stands_below(void **state)
{
    (void)state;
    rig_open(&rig,
             LEVELS("{\"level\":\"yellow\",\"when\":\"value >= 1\",\"off_delay\":\"10s\"},"
                    "{\"level\":\"red\",\"when\":\"value >= 2\"}",
                    ""),
             (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 2.0);
    rig_sample(&rig, "a", 2000, 0.0);
    rig_clock(&rig, 60000);
    rig_says(&rig, "1000 r:a none>red", "2000 r:a red>yellow", "12000 r:a yellow>none");
    rig_close(&rig);
}

static void test_when_and_clear_both_true_take_one_step_a_judgement(void **state)
{
    (void)state;
    rig_open(&rig, LEVELS("{\"level\":\"yellow\",\"when\":\"value > 0\",\"clear\":\"value > 0\"}", ""),
             (struct rig_options){0});
    for (int64_t ms = 1000; ms <= 4000; ms += 1000) {
        rig_sample(&rig, "a", ms, 1.0);
    }
    rig_says(&rig, "1000 r:a none>yellow", "2000 r:a yellow>none", "3000 r:a none>yellow", "4000 r:a yellow>none");
    rig_close(&rig);
}

static void test_the_next_delay_starts_no_earlier_than_the_last_step(void **state)
{
    (void)state;
    rig_open(&rig,
             LEVELS("{\"level\":\"yellow\",\"when\":\"value > 0\",\"clear\":\"value > 0\"}",
                    ",\"on_delay\":\"5s\",\"off_delay\":\"3s\""),
             (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_clock(&rig, 15000);
    rig_says(&rig, "6000 r:a none>yellow", "9000 r:a yellow>none", "14000 r:a none>yellow");
    rig_close(&rig);
}

static void test_an_unknown_condition_keeps_its_truth_and_delays_go_on(void **state)
{
    (void)state;
    rig_open(&rig, DELAYED, (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_flagged(&rig, "a", 2000, NAN, ST_COMM);
    rig_clock(&rig, 10000);
    rig_says(&rig, "2000 r:a none>none blind", "6000 r:a none>yellow blind");
    rig_flagged(&rig, "a", 11000, 0.0, ST_CALIBRATING);
    rig_clock(&rig, 20000);
    rig_says(&rig, NULL);
    rig_sample(&rig, "a", 21000, 1.0);
    rig_says(&rig, "21000 r:a yellow>yellow");
    rig_close(&rig);
}

static void test_before_the_first_known_truth_a_condition_is_false(void **state)
{
    (void)state;
    rig_open(&rig, LEVELS("{\"level\":\"yellow\",\"when\":\"!(point('b') > 0)\"}", ""), (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_says(&rig, NULL);
    rig_sample(&rig, "b", 2000, 0.0);
    rig_says(&rig, "2000 r:a none>yellow");
    rig_close(&rig);
}

static void test_unless_is_told_with_the_level_and_alone(void **state)
{
    (void)state;
    rig_open(&rig, LEVELS("{\"level\":\"yellow\",\"when\":\"value >= 1\"}", ",\"unless\":\"point('b') > 0\""),
             (struct rig_options){0});
    rig_sample(&rig, "b", 500, 1.0);
    rig_says(&rig, "500 r:a none>none unless");
    rig_sample(&rig, "a", 1000, 1.0);
    rig_says(&rig, "1000 r:a none>yellow unless");
    rig_flagged(&rig, "b", 1500, NAN, ST_COMM); /* unknown is not false */
    rig_says(&rig, NULL);
    rig_sample(&rig, "b", 2000, 0.0);
    rig_says(&rig, "2000 r:a yellow>yellow");
    rig_close(&rig);
}

static void test_one_sample_is_told_in_the_order_of_the_site(void **state)
{
    (void)state;
    rig_open(&rig,
             SITE("{\"id\":\"z\",\"levels\":[{\"level\":\"red\",\"when\":\"point('a') > 0\"}]},"
                  "{\"id\":\"y\",\"where\":{\"id\":\"a\"},\"levels\":[{\"level\":\"blue\",\"when\":\"value > 0\"}]}"),
             (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_says(&rig, "1000 z:a none>red", "1000 z:b none>red", "1000 y:a none>blue");
    rig_close(&rig);
}

static void test_delays_of_one_instant_are_told_in_the_order_of_the_site(void **state)
{
    (void)state;
    rig_open(&rig,
             SITE("{\"id\":\"z\",\"levels\":[{\"level\":\"red\",\"when\":\"value > 0\"}],\"on_delay\":\"1s\"},"
                  "{\"id\":\"y\",\"levels\":[{\"level\":\"blue\",\"when\":\"value > 0\"}],\"on_delay\":\"2s\"}"),
             (struct rig_options){0});
    rig_sample(&rig, "b", 1000, 1.0);
    rig_sample(&rig, "a", 2000, 1.0);
    rig_clock(&rig, 10000);
    rig_says(&rig, "2000 z:b none>red", "3000 z:a none>red", "3000 y:b none>blue", "4000 y:a none>blue");
    rig_close(&rig);
}

static void test_a_verdict_carries_the_last_good_value_and_when_it_was_seen(void **state)
{
    (void)state;
    rig_open(&rig, DELAYED, (struct rig_options){0});
    rig_received(&rig, "a", 1000, 1200, 1.5);
    rig_flagged(&rig, "a", 2000, NAN, ST_SENSOR);
    rig_clock(&rig, 9000);
    rig_says(&rig, "2000 r:a none>none blind", "6000 r:a none>yellow blind");
    assert_true(rig.said[1].value == 1.5);
    assert_int_equal(rig.said[1].seen_ns, INT64_C(6000) * 1000000);
    rig_close(&rig);
}

static void test_a_delay_longer_than_time_itself_never_ends(void **state)
{
    (void)state;
    rig_open(&rig, LEVELS("{\"level\":\"yellow\",\"when\":\"value >= 1\"}", ",\"on_delay\":\"290y\""),
             (struct rig_options){0});
    rig_sample(&rig, "a", INT64_C(1800000000000), 1.0);
    rig_clock(&rig, INT64_C(9000000000000));
    rig_says(&rig, NULL);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_delay_a_level_is_entered_and_left_within_the_judgement),
        cmocka_unit_test(test_between_when_and_clear_a_level_stays_as_it_is),
        cmocka_unit_test(test_a_delay_ends_at_its_moment_without_a_sample),
        cmocka_unit_test(test_a_break_starts_the_delay_anew),
        cmocka_unit_test(test_samples_that_say_the_same_do_not_move_the_delay),
        cmocka_unit_test(test_a_delay_that_ends_with_a_row_ends_before_it),
        cmocka_unit_test(test_one_sample_gives_one_step_over_several_levels),
        cmocka_unit_test(test_delays_that_end_in_one_instant_give_one_step),
        cmocka_unit_test(test_the_level_is_the_highest_entered_whatever_stands_below),
        cmocka_unit_test(test_when_and_clear_both_true_take_one_step_a_judgement),
        cmocka_unit_test(test_the_next_delay_starts_no_earlier_than_the_last_step),
        cmocka_unit_test(test_an_unknown_condition_keeps_its_truth_and_delays_go_on),
        cmocka_unit_test(test_before_the_first_known_truth_a_condition_is_false),
        cmocka_unit_test(test_unless_is_told_with_the_level_and_alone),
        cmocka_unit_test(test_one_sample_is_told_in_the_order_of_the_site),
        cmocka_unit_test(test_delays_of_one_instant_are_told_in_the_order_of_the_site),
        cmocka_unit_test(test_a_verdict_carries_the_last_good_value_and_when_it_was_seen),
        cmocka_unit_test(test_a_delay_longer_than_time_itself_never_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
