/* What was kept over a restart: conditions, delays, levels, sight, readings. */
#include "tests/unit/rules/rig.h"

#include "base/clock.h"

static struct rig before;
static struct rig after;

#define SITE(rules)                                                                                                    \
    "{\"site\":{\"id\":\"s\"},\"points\":[{\"id\":\"a\",\"tags\":{\"area\":\"x\"}},"                                   \
    "{\"id\":\"b\",\"tags\":{\"area\":\"x\"}},{\"id\":\"c\",\"tags\":{\"area\":\"x\"}}],\"rules\":[" rules "]}"
#define ON_A(levels, more) SITE("{\"id\":\"r\",\"where\":{\"id\":\"a\"},\"levels\":[" levels "]" more "}")
#define DELAYED            ON_A("{\"level\":\"red\",\"when\":\"value >= 1\"}", ",\"on_delay\":\"10s\",\"off_delay\":\"10s\"")
#define VOTE(more)                                                                                                     \
    SITE("{\"id\":\"r\",\"levels\":[{\"level\":\"red\",\"when\":\"value >= 1\"}],"                                     \
         "\"vote\":{\"by\":\"tags.area\",\"at_least\":2}" more "}")

enum carried { ALL, STEPS_ONLY };

/* Stops the site and starts it (or another) at a later time with what was kept, the way the pipeline does. */
static void restart(const char *json, int64_t start_ms, enum carried carried)
{
    rig_open(&after, json, (struct rig_options){.live = true, .keep = true, .start_ms = start_ms, .shards = 2});
    for (size_t i = 0; i < before.said_count; i++) {
        for (unsigned m = 0; m < after.count; m++) {
            if (carried == ALL || before.said[i].kind == VERDICT_STEP) {
                shard_restore(after.shards[m], &before.said[i]);
            }
        }
    }
    for (uint32_t p = 0; p < after.site->point_count; p++) {
        struct board_entry entry;
        board_read(before.board, p, &entry);
        for (unsigned m = 0; m < after.count; m++) {
            if ((after.masks[p] >> m & 1) != 0) {
                shard_restore_point(after.shards[m], p, &entry);
            }
        }
    }
    rig_close(&before);
}

/* What is left when kept conditions are passed over. */
static void steps_of(struct rig *rig)
{
    size_t kept = rig->told;
    for (size_t i = rig->told; i < rig->said_count; i++) {
        if (rig->said[i].kind == VERDICT_STEP) {
            rig->said[kept++] = rig->said[i];
        }
    }
    rig->said_count = kept;
}

static void start(const char *json)
{
    rig_open(&before, json, (struct rig_options){.live = true, .keep = true});
}

static void test_every_change_of_a_condition_is_kept(void **state)
{
    (void)state;
    start(DELAYED);
    rig_sample(&before, "a", 1000, 0.0);
    rig_says(&before, "1000 r:a red keep clear");
    rig_sample(&before, "a", 2000, 1.0);
    rig_says(&before, "2000 r:a red keep when since 2000");
    rig_sample(&before, "a", 3000, 2.0);
    rig_says(&before, NULL);
    rig_clock(&before, 20000);
    rig_says(&before, "12000 r:a red keep when,entered", "12000 r:a none>red");
    rig_sample(&before, "a", 21000, 0.0);
    rig_says(&before, "21000 r:a red keep clear,entered since 21000");
    rig_close(&before);
}

static void test_a_pending_delay_goes_on_after_a_restart(void **state)
{
    (void)state;
    start(DELAYED);
    rig_sample(&before, "a", 2000, 1.0);
    restart(DELAYED, 5000, ALL);
    rig_clock(&after, 11999);
    rig_says(&after, NULL);
    rig_clock(&after, 12000);
    rig_says(&after, "12000 r:a red keep when,entered", "12000 r:a none>red");
    rig_close(&after);
}

static void test_a_delay_that_ended_meanwhile_fires_at_once_with_its_own_time(void **state)
{
    (void)state;
    start(DELAYED);
    rig_sample(&before, "a", 2000, 1.0);
    restart(DELAYED, 50000, ALL);
    assert_true(shard_next_due(after.shards[0]) <= 50000 * NS_PER_MS ||
                shard_next_due(after.shards[1]) <= 50000 * NS_PER_MS);
    rig_clock(&after, 50000);
    rig_says(&after, "12000 r:a red keep when,entered", "12000 r:a none>red");
    assert_int_equal(after.said[1].seen_ns, 50000 * NS_PER_MS);
    assert_true(after.said[1].value == 1.0);
    rig_close(&after);
}

static void test_a_condition_that_held_is_not_said_again(void **state)
{
    (void)state;
    start(ON_A("{\"level\":\"red\",\"when\":\"value >= 1\"}", ""));
    rig_sample(&before, "a", 2000, 1.0);
    restart(ON_A("{\"level\":\"red\",\"when\":\"value >= 1\"}", ""), 5000, ALL);
    rig_sample(&after, "a", 6000, 1.0);
    rig_says(&after, NULL);
    rig_sample(&after, "a", 7000, 0.0);
    steps_of(&after);
    rig_says(&after, "7000 r:a red>none");
    rig_close(&after);
}

static void test_hysteresis_remembers_over_a_restart(void **state)
{
    (void)state;
    const char *json = ON_A("{\"level\":\"red\",\"when\":\"value >= 2\",\"clear\":\"value < 1\"}", "");
    start(json);
    rig_sample(&before, "a", 2000, 2.0);
    rig_sample(&before, "a", 3000, 1.5);
    restart(json, 5000, ALL);
    rig_sample(&after, "a", 6000, 1.5);
    rig_says(&after, NULL);
    rig_sample(&after, "a", 7000, 0.5);
    steps_of(&after);
    rig_says(&after, "7000 r:a red>none");
    rig_close(&after);
}

static void test_a_changed_rules_alarm_eases_by_its_first_judgement(void **state)
{
    (void)state;
    start(ON_A("{\"level\":\"red\",\"when\":\"value >= 1\"}", ""));
    rig_sample(&before, "a", 2000, 1.0);
    restart(ON_A("{\"level\":\"red\",\"when\":\"value >= 2\",\"clear\":\"value < 0.5\"}", ""), 5000, STEPS_ONLY);
    rig_clock(&after, 5500);
    rig_says(&after, NULL);
    rig_sample(&after, "a", 6000, 1.0); /* neither of the new conditions is true */
    steps_of(&after);
    rig_says(&after, "6000 r:a red>none");
    rig_close(&after);
}

static void test_a_changed_rules_group_eases_by_its_first_judgement(void **state)
{
    (void)state;
    start(VOTE(""));
    rig_sample(&before, "a", 1000, 1.0);
    rig_sample(&before, "b", 2000, 1.0);
    restart(SITE("{\"id\":\"r\",\"levels\":[{\"level\":\"red\",\"when\":\"value >= 2\",\"clear\":\"value < 0.5\"}],"
                 "\"vote\":{\"by\":\"tags.area\",\"at_least\":2}}"),
            5000, STEPS_ONLY);
    rig_sample(&after, "c", 6000, 1.0);
    steps_of(&after);
    rig_says(&after, "6000 r:x red>none");
    rig_close(&after);
}

static void test_a_group_counts_what_its_points_held(void **state)
{
    (void)state;
    start(VOTE(",\"off_delay\":\"10s\""));
    rig_sample(&before, "a", 1000, 1.0);
    rig_sample(&before, "b", 2000, 1.0);
    rig_sample(&before, "b", 3000, 0.0);
    restart(VOTE(",\"off_delay\":\"10s\""), 5000, ALL);
    rig_sample(&after, "c", 6000, 0.0);
    steps_of(&after);
    rig_says(&after, NULL);
    rig_clock(&after, 20000);
    steps_of(&after);
    rig_says(&after, "13000 r:x red>none");
    rig_close(&after);
}

static void test_what_was_blind_is_sighted_by_the_first_good_sample(void **state)
{
    (void)state;
    start(DELAYED);
    rig_sample(&before, "a", 1000, 1.0);
    rig_flagged(&before, "a", 2000, NAN, ST_COMM);
    restart(DELAYED, 5000, ALL);
    rig_clock(&after, 12000);
    steps_of(&after);
    rig_says(&after, "11000 r:a none>red blind"); /* still so */
    rig_sample(&after, "a", 13000, 1.0);
    steps_of(&after);
    rig_says(&after, "13000 r:a red>red");
    rig_close(&after);
}

static void test_what_was_blind_and_is_not_any_more_is_said_by_the_first_judgement(void **state)
{
    (void)state;
    start(ON_A("{\"level\":\"red\",\"when\":\"value >= 1\"}", ""));
    rig_sample(&before, "a", 1000, 0.0);
    rig_flagged(&before, "a", 2000, NAN, ST_COMM);
    board_write(before.board, 0, &(struct board_entry){.time_ns = 3000 * NS_PER_MS, .value = 0.0, .good = 0.0});
    restart(ON_A("{\"level\":\"red\",\"when\":\"value >= 1\"}", ""), 5000, ALL);
    rig_sample(&after, "a", 6000, 0.0);
    rig_says(&after, "6000 r:a none>none");
    rig_close(&after);
}

static void test_unless_keeps_its_truth(void **state)
{
    (void)state;
    const char *json =
        ON_A("{\"level\":\"red\",\"when\":\"value >= 1\"}", ",\"unless\":\"mean('b', 5s) > 0\",\"on_delay\":\"10s\"");
    start(json);
    rig_sample(&before, "b", 1000, 1.0);
    rig_sample(&before, "a", 2000, 1.0);
    restart(json, 50000, ALL);
    rig_clock(&after, 50000);
    steps_of(&after);
    rig_says(&after, "12000 r:a none>red unless");
    rig_close(&after);
}

static void test_a_reading_from_before_the_restart_makes_an_older_sample_late(void **state)
{
    (void)state;
    start(DELAYED);
    rig_sample(&before, "a", 2000, 1.0);
    restart(DELAYED, 5000, ALL);
    rig_received(&after, "a", 1999, 6000, 0.0);
    rig_says(&after, NULL);
    assert_int_equal(after.stored[0].status, ST_LATE);
    rig_close(&after);
}

static void test_what_does_not_fit_the_site_is_passed_over(void **state)
{
    (void)state;
    start(ON_A("{\"level\":\"red\",\"when\":\"value >= 1\"}", ""));
    shard_restore(before.shards[0], &(struct verdict){.kind = VERDICT_KEEP, .alarm = 7, .point = 0});
    shard_restore(before.shards[0], &(struct verdict){.kind = VERDICT_KEEP, .alarm = 0, .point = 0, .keep_level = 3});
    shard_restore(before.shards[0], &(struct verdict){.kind = VERDICT_KEEP, .alarm = 0, .point = 2});
    rig_sample(&before, "a", 1000, 1.0);
    steps_of(&before);
    rig_says(&before, "1000 r:a none>red");
    rig_close(&before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_change_of_a_condition_is_kept),
        cmocka_unit_test(test_a_pending_delay_goes_on_after_a_restart),
        cmocka_unit_test(test_a_delay_that_ended_meanwhile_fires_at_once_with_its_own_time),
        cmocka_unit_test(test_a_condition_that_held_is_not_said_again),
        cmocka_unit_test(test_hysteresis_remembers_over_a_restart),
        cmocka_unit_test(test_a_changed_rules_alarm_eases_by_its_first_judgement),
        cmocka_unit_test(test_a_changed_rules_group_eases_by_its_first_judgement),
        cmocka_unit_test(test_a_group_counts_what_its_points_held),
        cmocka_unit_test(test_what_was_blind_is_sighted_by_the_first_good_sample),
        cmocka_unit_test(test_what_was_blind_and_is_not_any_more_is_said_by_the_first_judgement),
        cmocka_unit_test(test_unless_keeps_its_truth),
        cmocka_unit_test(test_a_reading_from_before_the_restart_makes_an_older_sample_late),
        cmocka_unit_test(test_what_does_not_fit_the_site_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
