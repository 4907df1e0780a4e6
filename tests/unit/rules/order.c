/* Late, equal and skewed samples, the alarm's time, and any number of shards. */
#include "tests/unit/rules/rig.h"

#include "base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static struct rig other;

#define SITE(rules)                                                                                                    \
    "{\"site\":{\"id\":\"s\"},\"points\":[{\"id\":\"a\",\"stale\":\"1h\"},{\"id\":\"b\"}],\"rules\":[" rules "]}"
#define ON_A(when, more)                                                                                               \
    SITE("{\"id\":\"r\",\"where\":{\"id\":\"a\"},\"levels\":[{\"level\":\"red\",\"when\":\"" when "\"}]" more "}")

static void test_a_late_sample_is_stored_and_judges_nothing(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 1 || count(1h) >= 2", ""), (struct rig_options){0});
    rig_sample(&rig, "a", 2000, 0.0);
    rig_received(&rig, "a", 1000, 2500, 5.0);
    rig_says(&rig, NULL);
    assert_int_equal(rig.stored_count, 2);
    assert_int_equal(rig.stored[0].status, 0);
    assert_int_equal(rig.stored[1].status, ST_LATE);
    rig_close(&rig);
}

/* A gateway's history, an export: what comes as late is so, whatever its time. */
static void test_a_sample_that_comes_as_late_judges_nothing(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 1 || count(1h) >= 3", ""), (struct rig_options){0});
    rig_flagged(&rig, "a", 1000, 5.0, ST_LATE); /* the first of all */
    rig_says(&rig, NULL);
    rig_sample(&rig, "a", 2000, 0.0);
    rig_flagged(&rig, "a", 9000, 5.0, ST_LATE); /* newer than all */
    rig_says(&rig, NULL);
    rig_sample(&rig, "a", 10000, 1.0);
    rig_says(&rig, "10000 r:a none>red");
    assert_int_equal(rig.stored_count, 4);
    assert_int_equal(rig.stored[0].status, ST_LATE);
    assert_int_equal(rig.stored[2].status, ST_LATE);
    rig_close(&rig);
}

static void test_a_sample_of_equal_time_is_stored_and_judges_nothing(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 1 || count(1h) >= 2", ""), (struct rig_options){0});
    rig_sample(&rig, "a", 2000, 0.0);
    rig_received(&rig, "a", 2000, 2500, 5.0);
    rig_says(&rig, NULL);
    assert_int_equal(rig.stored_count, 2);
    assert_int_equal(rig.stored[1].status, 0);
    rig_close(&rig);
}

static void test_a_sample_far_ahead_happens_and_counts_at_its_receipt(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 1", ""), (struct rig_options){0});
    rig_received(&rig, "a", 61001, 1000, 1.0);
    rig_says(&rig, "1000 r:a none>red");
    assert_int_equal(rig.stored[0].status, ST_SKEW);
    assert_int_equal(rig.stored[0].time_ns, INT64_C(61001) * NS_PER_MS);
    rig_received(&rig, "a", 1500, 2000, 0.0); /* newer than its receipt */
    rig_says(&rig, "1500 r:a red>none");
    rig_received(&rig, "a", 63000, 3000, 1.0); /* 60 s ahead is not too far */
    rig_says(&rig, "63000 r:a none>red");
    assert_int_equal(rig.stored[2].status, 0);
    rig_received(&rig, "a", 4000, 4000, 0.0);
    assert_int_equal(rig.stored[3].status, ST_LATE);
    rig_close(&rig);
}

static void test_a_delay_runs_from_the_samples_own_time(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 1", ",\"on_delay\":\"5s\""), (struct rig_options){0});
    rig_received(&rig, "a", 1000, 3000, 1.0); /* two seconds on the way: its time is the clock's less 2 s */
    rig_clock(&rig, 7999);
    rig_says(&rig, NULL);
    rig_clock(&rig, 8000);
    rig_says(&rig, "6000 r:a none>red");
    rig_close(&rig);
}

static void test_a_delay_over_by_the_alarms_time_ends_before_a_sample_that_is_not_earlier(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 1", ",\"on_delay\":\"5s\""), (struct rig_options){0});
    rig_received(&rig, "a", 1000, 3000, 1.0);
    rig_received(&rig, "a", 7000, 7500, 0.0); /* the clock would say 8000 */
    rig_says(&rig, "6000 r:a none>red", "7000 r:a red>none");
    rig_close(&rig);
}

static void test_what_ended_before_a_sample_speaks_of_the_reading_before_it(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 1", ",\"on_delay\":\"5s\""), (struct rig_options){0});
    rig_received(&rig, "a", 1000, 3000, 1.0);
    rig_received(&rig, "a", 7000, 7500, 0.25);
    rig_says(&rig, "6000 r:a none>red", "7000 r:a red>none");
    assert_true(rig.said[0].value == 1.0);
    assert_true(rig.said[1].value == 0.25);
    rig_close(&rig);
}

static void test_an_alarms_time_does_not_run_backwards(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 1 && point('b') >= 1", ""), (struct rig_options){0});
    rig_sample(&rig, "a", 5000, 1.0);
    rig_received(&rig, "b", 2000, 6000, 1.0); /* older than the alarm's latest happening */
    rig_says(&rig, "5000 r:a none>red");
    rig_close(&rig);
}

static void test_a_delay_ends_before_a_sample_whose_time_is_ahead_of_the_clock(void **state)
{
    (void)state;
    rig_open(&rig, ON_A("value >= 1", ",\"on_delay\":\"5s\""), (struct rig_options){0});
    rig_sample(&rig, "a", 1000, 1.0);
    rig_received(&rig, "a", 9000, 2000, 0.0);
    rig_says(&rig, "6000 r:a none>red", "9000 r:a red>none");
    rig_close(&rig);
}

static void test_many_delays_can_end_before_one_sample(void **state)
{
    (void)state;
    rig_open(&rig,
             SITE("{\"id\":\"r\",\"where\":{\"id\":\"a\"},\"on_delay\":\"1s\",\"off_delay\":\"1s\",\"levels\":["
                  "{\"level\":\"red\",\"when\":\"value > 0\",\"clear\":\"value > 0\"}]}"),
             (struct rig_options){0});
    rig_received(&rig, "a", 1000, 2000000, 1.0);
    rig_received(&rig, "a", 1001500, 2000100, 1.0); /* 1000 delays, many more than the verdict ring holds */
    assert_int_equal(rig.said_count, 1000);
    for (size_t i = 0; i < rig.said_count; i++) {
        assert_int_equal(rig.said[i].time_ns, ((int64_t)i + 2) * NS_PER_S);
        assert_int_equal(rig.said[i].level, i % 2 == 0 ? LEVEL_RED : LEVEL_NONE);
    }
    rig_close(&rig);
}

/* ---- shards ---- */

enum { MANY = 40 };

/* Rules of every kind over many points. */
static char *many_points(void)
{
    static char json[16384];
    size_t n = (size_t)snprintf(json, sizeof json, "{\"site\":{\"id\":\"s\"},\"points\":[");
    for (int i = 0; i < MANY; i++) {
        n += (size_t)snprintf(json + n, sizeof json - n,
                              "%s{\"id\":\"p%d\",\"every\":\"%ds\",\"tags\":{\"area\":\"x%d\"}}", i > 0 ? "," : "", i,
                              1 + i % 5, i % 7);
    }
    (void)snprintf(json + n, sizeof json - n,
                   "],\"rules\":["
                   "{\"id\":\"limit\",\"on_delay\":\"2s\",\"levels\":[{\"level\":\"red\",\"when\":\"value >= 8\"},"
                   "{\"level\":\"blue\",\"when\":\"value >= 4\",\"clear\":\"value < 3\",\"off_delay\":\"1500ms\"}]},"
                   "{\"id\":\"group\",\"vote\":{\"by\":\"tags.area\",\"at_least\":2},"
                   "\"levels\":[{\"level\":\"yellow\",\"when\":\"value >= 6\"}]},"
                   "{\"id\":\"beside\",\"levels\":[{\"level\":\"orange\",\"when\":\"value > point('p3')\"}],"
                   "\"unless\":\"pstatus('p4','comm')\"},"
                   "{\"id\":\"window\",\"levels\":[{\"level\":\"yellow\",\"when\":\"mean(10s) > mean('p5', 10s)\"}]},"
                   "{\"id\":\"quiet\",\"levels\":[{\"level\":\"blue\",\"when\":\"age > 3 || unchanged() > 20\"}]}"
                   "]}");
    return json;
}

/* The same days for every rig: samples of random points, now and then late, skewed, flagged or on the way for long. */
static void play(struct rig *to, unsigned seed)
{
    srandom(seed);
    int64_t clock_ms = 0;
    for (int i = 0; i < 600; i++) {
        clock_ms += random() % 300;
        char id[16];
        (void)snprintf(id, sizeof id, "p%ld", random() % MANY);
        double value = (double)(random() % 11);
        int64_t way_ms = random() % 4 == 0 ? random() % 6000 : 0;
        switch (random() % 16) {
        case 0:
            rig_flagged(to, id, clock_ms, NAN, ST_COMM);
            break;
        case 1:
            rig_received(to, id, clock_ms + 70000, clock_ms, value);
            break;
        default:
            rig_received(to, id, clock_ms - way_ms, clock_ms, value);
            break;
        }
    }
    rig_clock(to, clock_ms + 30000);
}

static void compare_text(const struct rig *one, const struct rig *many)
{
    assert_int_equal(one->said_count, many->said_count);
    for (size_t i = 0; i < one->said_count; i++) {
        char a[512];
        char b[512];
        (void)rig_print(one->site, &one->said[i], a, sizeof a);
        (void)rig_print(many->site, &many->said[i], b, sizeof b);
        assert_string_equal(a, b);
    }
}

static void test_any_number_of_shards_says_the_same(void **state)
{
    (void)state;
    const char *json = many_points();
    for (unsigned seed = 1; seed <= 5; seed++) {
        rig_open(&rig, json, (struct rig_options){0});
        play(&rig, seed);
        assert_true(rig.said_count > 200);
        for (unsigned shards = 2; shards <= RIG_SHARDS_MAX; shards += 3) {
            rig_open(&other, json, (struct rig_options){.shards = shards});
            play(&other, seed);
            compare_text(&rig, &other);
            assert_int_equal(rig.stored_count, other.stored_count); /* each sample once, by its home */
            rig_close(&other);
        }
        rig_close(&rig);
    }
}

static void test_every_alarm_is_judged_in_one_shard_that_gets_all_it_reads(void **state)
{
    (void)state;
    rig_open(&rig, many_points(), (struct rig_options){.shards = 5});
    size_t room = 0;
    for (unsigned m = 0; m < 5; m++) {
        room += shard_fan_out(rig.rules, m, 5);
    }
    assert_int_equal(room, shard_fan_out(rig.rules, 0, 1));
    for (int p = 0; p < MANY; p++) {
        assert_true((rig.masks[p] >> rig.homes[p] & 1) != 0);
    }
    assert_int_equal(rig.masks[3] & 0x1f, 0x1f); /* read by all */
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_late_sample_is_stored_and_judges_nothing),
        cmocka_unit_test(test_a_sample_that_comes_as_late_judges_nothing),
        cmocka_unit_test(test_a_sample_of_equal_time_is_stored_and_judges_nothing),
        cmocka_unit_test(test_a_sample_far_ahead_happens_and_counts_at_its_receipt),
        cmocka_unit_test(test_a_delay_runs_from_the_samples_own_time),
        cmocka_unit_test(test_a_delay_over_by_the_alarms_time_ends_before_a_sample_that_is_not_earlier),
        cmocka_unit_test(test_what_ended_before_a_sample_speaks_of_the_reading_before_it),
        cmocka_unit_test(test_an_alarms_time_does_not_run_backwards),
        cmocka_unit_test(test_a_delay_ends_before_a_sample_whose_time_is_ahead_of_the_clock),
        cmocka_unit_test(test_many_delays_can_end_before_one_sample),
        cmocka_unit_test(test_any_number_of_shards_says_the_same),
        cmocka_unit_test(test_every_alarm_is_judged_in_one_shard_that_gets_all_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
