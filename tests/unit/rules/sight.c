/* Lost and stale readings, groups, and what time alone changes. */
#include "tests/unit/rules/rig.h"

static struct rig rig;

#define POINTS                                                                                                         \
    "{\"site\":{\"id\":\"s\"},\"points\":["                                                                            \
    "{\"id\":\"a\",\"every\":\"1s\",\"range\":[0,10],\"tags\":{\"area\":\"x\"}},"                                      \
    "{\"id\":\"b\",\"tags\":{\"area\":\"x\"}},{\"id\":\"c\",\"tags\":{\"area\":\"x\"}},"                               \
    "{\"id\":\"d\",\"tags\":{\"area\":\"y\"}},{\"id\":\"e\"}],\"rules\":["
#define RULE(levels, more) POINTS "{\"id\":\"r\",\"levels\":[" levels "]" more "}]}"
#define ON_A(when, more)   RULE("{\"level\":\"red\",\"when\":\"" when "\"}", ",\"where\":{\"id\":\"a\"}" more)
#define VOTE(more)                                                                                                     \
    RULE("{\"level\":\"blue\",\"when\":\"value >= 1\"},{\"level\":\"red\",\"when\":\"value >= 2\"}",                   \
         ",\"vote\":{\"by\":\"tags.area\",\"at_least\":2}" more)

/* ---- blind ---- */

static void test_a_lost_reading_makes_blind_and_a_good_one_sighted(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 1", ""), (struct rig_options){0});
    rig_flagged(&rig, "a", 1000, NAN, ST_COMM);
    rig_says(&rig, "1000 r:a none>none blind");
    rig_flagged(&rig, "a", 2000, NAN, ST_COMM | ST_SENSOR);
    rig_says(&rig, NULL);
    rig_flagged(&rig, "a", 2500, 0.5, ST_MANUAL | ST_MERGED);
    rig_says(&rig, "2500 r:a none>none");
    rig_close(&rig);
}

static void test_a_point_not_heard_of_makes_nobody_blind(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 1 && mean('b', 5s) > 0", ""), (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_says(&rig, NULL);
    rig_flagged(&rig, "b", 1100, NAN, ST_PAUSED);
    rig_says(&rig, "1100 r:a none>none blind");
    rig_close(&rig);
}

static void test_what_is_read_by_point_status_or_age_makes_nobody_blind(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("point('b') > 5 || pstatus('b','comm') || status('range') || age > 1000", ""),
             (struct rig_options){0});
    rig_sample(&rig, "b", 1000, 1.0);
    rig_flagged(&rig, "a", 1500, NAN, ST_COMM);
    rig_says(&rig, NULL);
    rig_flagged(&rig, "b", 2000, NAN, ST_COMM);
    rig_says(&rig, "2000 r:a none>red");
    rig_close(&rig);
}

static void test_unless_makes_nobody_blind(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("point('b') > 5", ",\"unless\":\"value > 3 || mean('c', 1s) > 3\""), (struct rig_options){0});
    rig_flagged(&rig, "a", 1000, NAN, ST_COMM);
    rig_flagged(&rig, "c", 1000, NAN, ST_COMM);
    rig_says(&rig, NULL);
    rig_close(&rig);
}

static void test_above_the_range_a_reading_counts_below_it_is_lost(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 9", ""), (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 11.0);
    rig_says(&rig, "1000 r:a none>red");
    rig_sample(&rig, "a", 2000, -0.1);
    rig_says(&rig, "2000 r:a red>red blind");
    rig_sample(&rig, "a", 3000, 10.0);
    rig_says(&rig, "3000 r:a red>red");
    assert_int_equal(rig.stored[0].status, ST_RANGE);
    assert_int_equal(rig.stored[1].status, ST_RANGE);
    assert_int_equal(rig.stored[2].status, 0);
    rig_close(&rig);
}

/* ---- staleness ---- */

static void test_three_times_every_without_a_sample_is_stale_at_that_moment(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 9", ""), (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_sample(&rig, "a", 2500, 1.0);
    rig_clock(&rig, 5499);
    rig_says(&rig, NULL);
    rig_clock(&rig, 60000);
    rig_says(&rig, "5500 r:a none>none blind");
    struct board_entry entry;
    board_read(rig.board, 0, &entry);
    assert_int_equal(entry.status, ST_STALE);
    assert_true(isnan(entry.value) && entry.good == 1.0);
    assert_int_equal(rig.stored_count, 2); /* staleness gives no sample of its own */
    rig_sample(&rig, "a", 61000, 1.0);
    rig_says(&rig, "61000 r:a none>none");
    rig_close(&rig);
}

static void test_a_sample_without_value_puts_staleness_off(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("status('stale')", ""), (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_flagged(&rig, "a", 3000, NAN, ST_COMM);
    rig_clock(&rig, 5999);
    rig_says(&rig, NULL);
    rig_clock(&rig, 6000);
    rig_says(&rig, "6000 r:a none>red");
    rig_close(&rig);
}

static void test_a_late_sample_ends_no_staleness(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("status('stale')", ""), (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_received(&rig, "a", 500, 3500, 1.0);
    rig_clock(&rig, 4000);
    rig_says(&rig, "4000 r:a none>red");
    rig_received(&rig, "a", 900, 5000, 1.0);
    rig_says(&rig, NULL);
    rig_close(&rig);
}

static void test_a_point_without_every_never_becomes_stale(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("pstatus('b','stale')", ""), (struct rig_options){0});
    rig_sample(&rig, "b", 1000, 1.0);
    rig_clock(&rig, 86400000);
    rig_says(&rig, NULL);
    rig_close(&rig);
}

static void test_a_replay_waits_for_the_first_sample_a_live_run_does_not(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("status('stale')", ""), (struct rig_options){.start_ms = 5000});
    rig_clock(&rig, 60000);
    rig_says(&rig, NULL);
    rig_close(&rig);
    rig_open(&rig, ON_A("status('stale')", ""), (struct rig_options){.start_ms = 5000, .live = true});
    rig_clock(&rig, 60000);
    rig_says(&rig, "8000 r:a none>red");
    rig_close(&rig);
}

static void test_points_that_become_stale_together_judge_an_alarm_once(void **state)
{
    (void)state;
    rig_open(
        &rig,
        "{\"site\":{\"id\":\"s\"},\"points\":[{\"id\":\"a\",\"every\":\"1s\"},{\"id\":\"b\",\"every\":\"1s\"}],"
        "\"rules\":[{\"id\":\"r\",\"levels\":[{\"level\":\"red\",\"when\":\"mean('a',9s) + mean('b',9s) > 9\"}]}]}",
        (struct rig_options){.keep = true});
    rig_sample(&rig, "b", 1000, 1.0);
    rig_received(&rig, "a", 900, 1000, 1.0);
    rig.told = rig.said_count;
    rig_clock(&rig, 4000);
    rig_says(&rig, "4000 r:a none>none blind", "4000 r:b none>none blind");
    rig_close(&rig);
}

/* ---- votes ---- */

static void test_a_group_holds_a_level_that_enough_of_its_points_hold(void **state)
{
    (void)state;
    rig_open(&rig, VOTE(""), (struct rig_options){0});
    rig_sample(&rig, "b", 1000, 2.0);
    rig_sample(&rig, "d", 1000, 2.0); /* alone in its group */
    rig_sample(&rig, "e", 1000, 2.0); /* of no group */
    rig_says(&rig, NULL);
    rig_sample(&rig, "c", 2000, 1.0); /* red holds blue too */
    rig_says(&rig, "2000 r:x none>blue");
    rig_sample(&rig, "a", 2500, 2.0);
    rig_says(&rig, "2500 r:x blue>red");
    rig_sample(&rig, "b", 3000, 0.0);
    rig_says(&rig, "3000 r:x red>blue");
    rig_sample(&rig, "c", 3500, 0.0);
    rig_says(&rig, "3500 r:x blue>none");
    assert_true(isnan(rig.said[0].value));
    rig_close(&rig);
}

static void test_the_delays_of_a_group_run_per_point(void **state)
{
    (void)state;
    rig_open(&rig, VOTE(",\"on_delay\":\"5s\""), (struct rig_options){0});
    rig_sample(&rig, "b", 1000, 1.0);
    rig_sample(&rig, "c", 3000, 1.0);
    rig_clock(&rig, 20000);
    rig_says(&rig, "8000 r:x none>blue");
    rig_close(&rig);
}

static void test_a_group_says_one_thing_of_what_happens_to_its_points_at_once(void **state)
{
    (void)state;
    rig_open(&rig,
             RULE("{\"level\":\"red\",\"when\":\"point('e') > 0\"}", ",\"vote\":{\"by\":\"tags.area\",\"at_least\":1}"),
             (struct rig_options){0});
    rig_sample(&rig, "e", 1000, 1.0);
    rig_says(&rig, "1000 r:x none>red", "1000 r:y none>red");
    rig_sample(&rig, "e", 2000, 0.0);
    rig_says(&rig, "2000 r:x red>none", "2000 r:y red>none");
    rig_close(&rig);
}

static void test_a_group_is_blind_while_one_of_its_points_is(void **state)
{
    (void)state;
    rig_open(&rig, VOTE(""), (struct rig_options){0});
    rig_flagged(&rig, "b", 1000, NAN, ST_COMM);
    rig_says(&rig, "1000 r:x none>none blind");
    rig_flagged(&rig, "c", 2000, NAN, ST_COMM);
    rig_sample(&rig, "b", 3000, 0.0);
    rig_says(&rig, NULL);
    rig_sample(&rig, "c", 4000, 0.0);
    rig_says(&rig, "4000 r:x none>none");
    rig_close(&rig);
}

static void test_unless_holds_a_group_back_while_it_is_true_at_all_its_points(void **state)
{
    (void)state;
    rig_open(&rig, VOTE(",\"unless\":\"status('manual')\""), (struct rig_options){0});
    rig_flagged(&rig, "b", 1000, 0.0, ST_MANUAL);
    rig_flagged(&rig, "c", 1000, 0.0, ST_MANUAL);
    rig_says(&rig, NULL);
    rig_flagged(&rig, "a", 1000, 0.0, ST_MANUAL);
    rig_says(&rig, "1000 r:x none>none unless");
    rig_sample(&rig, "a", 2000, 0.0);
    rig_says(&rig, "2000 r:x none>none");
    rig_close(&rig);
}

/* ---- time alone ---- */

static void test_age_is_judged_at_whole_seconds(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("age >= 2.2", ""), (struct rig_options){0});
    rig_sample(&rig, "a", 1500, 1.0);
    rig_clock(&rig, 3999);
    rig_says(&rig, NULL);
    rig_clock(&rig, 4000); /* 3.7 would do, but nobody looks */
    rig_says(&rig, "4000 r:a none>red");
    rig_sample(&rig, "a", 4100, 1.0);
    rig_says(&rig, "4100 r:a red>none");
    rig_close(&rig);
}

static void test_age_counts_on_over_bad_samples_and_unchanged_is_lost_with_the_reading(void **state)
{
    (void)state;
    rig_open(&rig,
             RULE("{\"level\":\"blue\",\"when\":\"unchanged() >= 3\"},{\"level\":\"red\",\"when\":\"age >= 3\"}",
                  ",\"where\":{\"id\":\"b\"}"),
             (struct rig_options){0});
    rig_sample(&rig, "b", 1000, 1.0);
    rig_flagged(&rig, "b", 2500, NAN, ST_COMM);
    rig_clock(&rig, 6000);
    rig_says(&rig, "2500 r:b none>none blind", "4000 r:b none>red blind");
    rig_sample(&rig, "b", 6500, 1.0);
    rig_says(&rig, "6500 r:b red>blue");
    rig_sample(&rig, "b", 7500, 1.5);
    rig_says(&rig, "7500 r:b blue>none");
    rig_close(&rig);
}

static void test_one_instant_runs_delays_then_staleness_then_seconds(void **state)
{
    (void)state;
    rig_open(&rig,
             POINTS
             "{\"id\":\"q\",\"where\":{\"id\":\"a\"},\"levels\":[{\"level\":\"red\",\"when\":\"age >= 3\"}]},"
             "{\"id\":\"r\",\"where\":{\"id\":\"a\"},\"levels\":[{\"level\":\"red\",\"when\":\"status('stale')\"}]},"
             "{\"id\":\"t\",\"where\":{\"id\":\"a\"},\"levels\":[{\"level\":\"red\",\"when\":\"value > 0\"}],"
             "\"on_delay\":\"3s\"}]}",
             (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_clock(&rig, 4000);
    /* the rule of age reads its point, so its staleness is a judgement of it as well */
    rig_says(&rig, "4000 t:a none>red", "4000 q:a none>red", "4000 r:a none>red", "4000 t:a red>red blind");
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lost_reading_makes_blind_and_a_good_one_sighted),
        cmocka_unit_test(test_a_point_not_heard_of_makes_nobody_blind),
        cmocka_unit_test(test_what_is_read_by_point_status_or_age_makes_nobody_blind),
        cmocka_unit_test(test_unless_makes_nobody_blind),
        cmocka_unit_test(test_above_the_range_a_reading_counts_below_it_is_lost),
        cmocka_unit_test(test_three_times_every_without_a_sample_is_stale_at_that_moment),
        cmocka_unit_test(test_a_sample_without_value_puts_staleness_off),
        cmocka_unit_test(test_a_late_sample_ends_no_staleness),
        cmocka_unit_test(test_a_point_without_every_never_becomes_stale),
        cmocka_unit_test(test_a_replay_waits_for_the_first_sample_a_live_run_does_not),
        cmocka_unit_test(test_points_that_become_stale_together_judge_an_alarm_once),
        cmocka_unit_test(test_a_group_holds_a_level_that_enough_of_its_points_hold),
        cmocka_unit_test(test_the_delays_of_a_group_run_per_point),
        cmocka_unit_test(test_a_group_says_one_thing_of_what_happens_to_its_points_at_once),
        cmocka_unit_test(test_a_group_is_blind_while_one_of_its_points_is),
        cmocka_unit_test(test_unless_holds_a_group_back_while_it_is_true_at_all_its_points),
        cmocka_unit_test(test_age_is_judged_at_whole_seconds),
        cmocka_unit_test(test_age_counts_on_over_bad_samples_and_unchanged_is_lost_with_the_reading),
        cmocka_unit_test(test_one_instant_runs_delays_then_staleness_then_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
