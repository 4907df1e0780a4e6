/* The shard between its rings: order, room, marks, the end, the clock. */
#include "tests/unit/rules/rig.h"

#include "base/clock.h"
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 2, OUT_MAX = 4096 };

/* A shard with rings of the smallest useful size. */
struct line {
    struct site *site;
    struct rules *rules;
    struct shard *shard;
    struct agent agent;
    struct ring *inputs[INPUTS];
    struct ring *store, *verdicts;
    struct counters *counters;
    struct verdict said[OUT_MAX];
    struct sample stored[OUT_MAX];
    size_t said_count, stored_count;
};

static struct line line;
static struct rig rig;

#define POINTS                                                                                                         \
    "{\"site\":{\"id\":\"s\"},\"points\":[{\"id\":\"a\",\"stale\":\"10s\",\"tags\":{\"x\":\"g\"}},{\"id\":\"b\","      \
    "\"stale\":\"10s\",\"tags\":{\"x\":\"g\"}},"                                                                       \
    "{\"id\":\"c\",\"stale\":\"10s\"}],\"rules\":["
#define PLAIN POINTS "{\"id\":\"r\",\"levels\":[{\"level\":\"red\",\"when\":\"value >= 1\"}]}]}"

/* Every sample of `a` moves 18 alarms with four levels each, some at once, some after delays. */
#define BUSY_LEVELS(delay)                                                                                             \
    "\"on_delay\":\"" delay "\",\"levels\":[{\"level\":\"blue\",\"when\":\"point('a') >= 1\"},"                        \
    "{\"level\":\"yellow\",\"when\":\"point('a') >= 2\"},{\"level\":\"orange\",\"when\":\"point('a') >= 3\"},"         \
    "{\"level\":\"red\",\"when\":\"point('a') >= 4 && !pstatus('a','stale')\"}]}"
#define BUSY                                                                                                           \
    POINTS "{\"id\":\"r1\"," BUSY_LEVELS("0s") ",{\"id\":\"r2\"," BUSY_LEVELS("3s") ",{\"id\":\"r3\"," BUSY_LEVELS(    \
        "1s") ",{\"id\":\"r4\"," BUSY_LEVELS("0s") ",{\"id\":\"r5\"," BUSY_LEVELS("3s") ","                            \
                                                                                        "{\"id\":\"r6\",\"vote\":{"    \
                                                                                        "\"by\":\"tags.x\",\"at_"      \
                                                                                        "least\":1}," BUSY_LEVELS(     \
                                                                                            "1s") "]}"

static void open_line(const char *json, size_t input_room, size_t store_room, size_t verdict_room, bool keep)
{
    line = (struct line){.counters = counters_new(32)};
    rig_load(json, &line.site, &line.rules);
    for (int w = 0; w < INPUTS; w++) {
        assert_int_equal(ring_open(sizeof(struct sample), input_room, 0, &line.inputs[w], NULL), ERR_NONE);
    }
    assert_int_equal(ring_open(sizeof(struct sample), store_room, 0, &line.store, NULL), ERR_NONE);
    assert_int_equal(ring_open(sizeof(struct verdict), verdict_room, 0, &line.verdicts, NULL), ERR_NONE);
    struct shard_config config = {
        .site = line.site,
        .rules = line.rules,
        .count = 1,
        .inputs = line.inputs,
        .input_count = INPUTS,
        .store = line.store,
        .verdicts = line.verdicts,
        .counters = line.counters,
        .keep = keep,
    };
    assert_int_equal(shard_new(&config, &line.shard, NULL), ERR_NONE);
    line.agent = shard_agent(line.shard);
}

static void close_line(void)
{
    shard_free(line.shard);
    for (int w = 0; w < INPUTS; w++) {
        ring_free(line.inputs[w]);
    }
    ring_free(line.store);
    ring_free(line.verdicts);
    counters_free(line.counters);
    rules_free(line.rules);
    site_free(line.site);
}

static bool give(int input, uint32_t point, int64_t time_ms, int64_t seen_ms, double value)
{
    struct sample sample = {
        .time_ns = time_ms * NS_PER_MS, .seen_ns = seen_ms * NS_PER_MS, .value = value, .point = point};
    return ring_push(line.inputs[input], &sample);
}

/* One with bits for the way to the shard. */
static bool give_bits(int input, uint32_t point, int64_t time_ms, double value, unsigned bits)
{
    struct sample sample = {.time_ns = time_ms * NS_PER_MS,
                            .seen_ns = time_ms * NS_PER_MS,
                            .value = value,
                            .point = point,
                            .status = (uint16_t)bits};
    return ring_push(line.inputs[input], &sample);
}

static bool give_mark(int input, int64_t ticket, uint16_t source, int64_t seen_ms)
{
    struct sample mark = {.time_ns = ticket, .seen_ns = seen_ms * NS_PER_MS, .point = POINT_MARK, .status = source};
    return ring_push(line.inputs[input], &mark);
}

static int work(int64_t now_ms)
{
    return line.agent.do_work(line.agent.self, now_ms * NS_PER_MS);
}

/* Takes at most n verdicts and n stored samples out. */
static void take_out(size_t n)
{
    size_t there = 0;
    for (size_t i = 0; i < n; i++) {
        const struct verdict *verdict = ring_peek(line.verdicts, &there);
        if (verdict != NULL) {
            assert_true(line.said_count < OUT_MAX);
            line.said[line.said_count++] = *verdict;
            ring_release(line.verdicts, 1);
        }
        const struct sample *sample = ring_peek(line.store, &there);
        if (sample != NULL) {
            assert_true(line.stored_count < OUT_MAX);
            line.stored[line.stored_count++] = *sample;
            ring_release(line.store, 1);
        }
    }
}

static uint64_t counted(const char *name)
{
    for (size_t i = 0; i < counters_count(line.counters); i++) {
        if (strcmp(counter_name(counters_at(line.counters, i)), name) == 0) {
            return counter_get(counters_at(line.counters, i));
        }
    }
    fail_msg("no counter %s", name);
    return 0;
}

static void test_inputs_are_merged_by_time_of_receipt(void **state)
{
    (void)state;
    open_line(PLAIN, 16, 16, 16, false);
    for (int64_t i = 0; i < 4; i++) {
        assert_true(give(0, 0, 100 * i, 100 * i, 0.0));
        assert_true(give(1, 1, 100 * i + 50, 100 * i + 50, 0.0));
    }
    assert_int_equal(work(500), 8);
    take_out(16);
    assert_int_equal(line.stored_count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(line.stored[i].seen_ns, (int64_t)i * 50 * NS_PER_MS);
    }
    assert_int_equal(ring_room(line.inputs[0]), 16);
    assert_int_equal(counted("rules.0.samples"), 8);
    close_line();
}

static void test_delays_end_between_two_waiting_samples(void **state)
{
    (void)state;
    open_line(POINTS "{\"id\":\"r\",\"levels\":[{\"level\":\"red\",\"when\":\"value >= 1\"}],\"on_delay\":\"1s\"}]}",
              16, 16, 16, false);
    assert_true(give(0, 0, 1000, 1000, 1.0));
    assert_true(give(0, 1, 2500, 2500, 1.0));
    assert_true(give(0, 0, 3000, 3000, 0.0));
    assert_true(give(0, 1, 3100, 3100, 0.0));
    assert_int_equal(work(3200), 4);
    take_out(16);
    char text[128];
    assert_int_equal(line.said_count, 2);
    (void)rig_print(line.site, &line.said[0], text, sizeof text);
    assert_string_equal(text, "2000 r:a none>red");
    (void)rig_print(line.site, &line.said[1], text, sizeof text);
    assert_string_equal(text, "3000 r:a red>none");
    close_line();
}

static void test_the_clock_alone_ends_delays_and_makes_stale(void **state)
{
    (void)state;
    open_line(POINTS "{\"id\":\"r\",\"levels\":[{\"level\":\"red\",\"when\":\"value >= 1\"}],\"on_delay\":\"1s\"}]}",
              16, 16, 16, false);
    assert_true(give(0, 0, 1000, 1000, 1.0));
    assert_int_equal(work(1000), 1);
    assert_int_equal(line.agent.next_due(line.agent.self), 2000 * NS_PER_MS);
    (void)work(1999);
    assert_int_equal(ring_fill(line.verdicts), 0);
    (void)work(2000);
    assert_int_equal(ring_fill(line.verdicts), 1);
    assert_true(line.agent.next_due(line.agent.self) <= 11000 * NS_PER_MS); /* it may look sooner … */
    (void)work(10999);
    assert_int_equal(ring_fill(line.verdicts), 1); /* … but does nothing sooner */
    assert_int_equal(line.agent.next_due(line.agent.self), 11000 * NS_PER_MS);
    (void)work(11000);
    assert_int_equal(ring_fill(line.verdicts), 2);
    assert_int_equal(line.agent.next_due(line.agent.self), TIME_NEVER);
    close_line();
}

/* What the same rows say by hand, where there is always room. */
static void play_by_hand(const char *json)
{
    rig_open(&rig, json, (struct rig_options){.keep = true});
    for (int64_t i = 0; i < 60; i++) {
        rig_received(&rig, "a", 700 * i, 700 * i + 100, (double)(i * 7 % 11) / 2);
        if (i % 4 == 0) {
            rig_sample(&rig, "b", 700 * i + 200, (double)(i % 5));
        }
    }
    rig_clock(&rig, 700 * 60 + 20000);
}

static bool feed(int64_t *i, int *part)
{
    if (*i == 60) {
        return false;
    }
    bool done = *part == 0 ? give(0, 0, 700 * *i, 700 * *i + 100, (double)(*i * 7 % 11) / 2)
                           : *i % 4 != 0 || give(0, 1, 700 * *i + 200, 700 * *i + 200, (double)(*i % 5));
    if (done) {
        *i += *part;
        *part = 1 - *part;
    }
    return done;
}

static void assert_same_as_by_hand(void)
{
    assert_int_equal(line.said_count, rig.said_count);
    for (size_t i = 0; i < rig.said_count; i++) {
        char a[256];
        char b[256];
        (void)rig_print(rig.site, &rig.said[i], a, sizeof a);
        (void)rig_print(line.site, &line.said[i], b, sizeof b);
        assert_string_equal(a, b);
        assert_int_equal(rig.said[i].step, line.said[i].step);
    }
    assert_int_equal(line.stored_count, rig.stored_count);
    for (size_t i = 0; i < rig.stored_count; i++) {
        assert_memory_equal(&line.stored[i], &rig.stored[i], sizeof *rig.stored);
    }
}

/* Feeds all rows while the outputs are emptied `pace` records a cycle; true when the shard had to wait. */
static bool play_through(size_t store_room, size_t verdict_room, size_t pace)
{
    open_line(BUSY, 8, store_room, verdict_room, true);
    int64_t i = 0;
    int part = 0;
    int64_t clock_ms = 0;
    size_t quiet = 0;
    while (quiet < 3) {
        while (feed(&i, &part)) {
        }
        size_t before = line.said_count + line.stored_count;
        clock_ms = i == 60 && ring_fill(line.inputs[0]) == 0 ? 700 * 60 + 20000 : clock_ms;
        int done = work(clock_ms);
        take_out(pace);
        quiet = done == 0 && line.said_count + line.stored_count == before && clock_ms > 0 ? quiet + 1 : 0;
    }
    return counted("rules.0.waits") > 0;
}

static void test_a_full_verdict_ring_stops_the_shard_and_loses_nothing(void **state)
{
    (void)state;
    play_by_hand(BUSY);
    assert_true(rig.said_count > 1000);
    for (size_t pace = 1; pace <= 13; pace += 4) {
        assert_true(play_through(64, 16, pace));
        assert_same_as_by_hand();
        close_line();
    }
    rig_close(&rig);
}

static void test_a_full_store_ring_stops_the_shard_and_loses_nothing(void **state)
{
    (void)state;
    play_by_hand(BUSY);
    assert_true(play_through(1, 1024, 40));
    while (ring_fill(line.verdicts) > 0) {
        take_out(64);
    }
    assert_same_as_by_hand();
    close_line();
    rig_close(&rig);
}

static void test_while_it_waits_for_room_nothing_more_is_taken(void **state)
{
    (void)state;
    open_line(PLAIN, 16, 2, 16, false);
    for (int64_t i = 1; i <= 5; i++) {
        assert_true(give(0, 0, i, i, 0.0));
    }
    assert_int_equal(work(10), 2);
    assert_int_equal(ring_fill(line.inputs[0]), 3);
    assert_true(ring_is_awaited(line.store)); /* so that the writer wakes it */
    assert_int_equal(work(10), 0);
    assert_true(ring_is_awaited(line.store));
    assert_int_equal(counted("rules.0.waits"), 2);
    take_out(1);
    assert_int_equal(work(10), 1);
    close_line();
}

static void test_a_mark_passes_behind_all_before_it_on_both_outputs(void **state)
{
    (void)state;
    open_line(PLAIN, 16, 16, 64, false);
    assert_true(give_bits(0, 0, 1000, 1.0, SAMPLE_OPEN));
    assert_true(give_mark(0, 77, 5, 1000));
    assert_true(give_bits(0, 1, 2000, 1.0, SAMPLE_OPEN));
    assert_true(give_mark(0, 78, 5, 2000));
    (void)work(2500);
    take_out(16);
    assert_int_equal(line.stored_count, 4);
    assert_int_equal(line.stored[0].status, 0);
    assert_int_equal(line.stored[0].point, 0);
    assert_int_equal(line.stored[1].point, POINT_MARK);
    assert_int_equal(line.stored[1].time_ns, 77);
    assert_int_equal(line.stored[1].status, 5);
    assert_int_equal(line.stored[3].time_ns, 78);
    assert_int_equal(line.said_count, 4);
    assert_int_equal(line.said[0].kind, VERDICT_STEP);
    assert_int_equal(line.said[1].kind, VERDICT_MARK);
    assert_int_equal(line.said[1].time_ns, 77);
    assert_int_equal(line.said[1].alarm, 5);
    assert_int_equal(line.said[2].kind, VERDICT_STEP);
    assert_int_equal(line.said[0].open + line.said[2].open, 2);
    assert_int_equal(line.said[3].time_ns, 78);
    close_line();
}

static void test_of_marks_nobody_waits_for_the_last_is_enough(void **state)
{
    (void)state;
    open_line(PLAIN, 16, 16, 64, false);
    for (int i = 1; i <= 3; i++) {
        assert_true(give_bits(0, 0, i * 1000, 0.5, SAMPLE_OPEN));
        assert_true(give_mark(0, i, 5, i * 1000));
    }
    (void)work(3500);
    take_out(16);
    assert_int_equal(line.stored_count, 4); /* three samples, one mark */
    assert_int_equal(line.said_count, 1);
    assert_int_equal(line.said[0].time_ns, 3);
    close_line();
}

/* What is said while its own mark is to come stands behind the mark in hand, not before it. */
static void test_a_mark_in_hand_goes_before_an_open_verdict(void **state)
{
    (void)state;
    open_line(PLAIN, 16, 16, 64, false);
    assert_true(give_bits(0, 0, 1000, 0.5, SAMPLE_OPEN));
    assert_true(give_mark(0, 1, 5, 1000));
    assert_true(give_bits(0, 0, 2000, 1.5, SAMPLE_OPEN)); /* raises; its mark is not there yet */
    (void)work(2500);
    take_out(16);
    assert_int_equal(line.said_count, 2);
    assert_int_equal(line.said[0].kind, VERDICT_MARK);
    assert_int_equal(line.said[0].time_ns, 1);
    assert_int_equal(line.said[1].open, 1);
    assert_true(give_mark(0, 2, 5, 2000));
    assert_true(give_bits(0, 0, 3000, 0.5, SAMPLE_OPEN)); /* clears */
    (void)work(3500);
    take_out(16);
    assert_int_equal(line.said_count, 4);
    assert_int_equal(line.said[2].time_ns, 2);
    assert_int_equal(line.said[3].kind, VERDICT_STEP);
    assert_int_equal(line.stored_count, 5);
    assert_int_equal(line.stored[2].time_ns, 1); /* for the store it may come later, never earlier */
    assert_int_equal(line.stored[3].time_ns, 2);
    assert_int_equal(line.stored[4].point, 0);
    close_line();
}

static void test_what_was_judged_before_is_stored_and_known_but_says_nothing(void **state)
{
    (void)state;
    open_line(PLAIN, 16, 16, 64, false);
    assert_true(give_bits(0, 0, 1000, 1.5, SAMPLE_OPEN | SAMPLE_JUDGED));
    assert_true(give_mark(0, 1, 5, 1000));
    (void)work(1500);
    take_out(16);
    assert_int_equal(line.stored_count, 2);
    assert_int_equal(line.stored[0].status, 0);
    assert_int_equal(line.said_count, 1);
    assert_int_equal(line.said[0].kind, VERDICT_MARK);
    assert_true(give(0, 0, 900, 2000, 2.0)); /* older than what is known now */
    (void)work(2500);
    take_out(16);
    assert_int_equal(line.stored[2].status, ST_LATE);
    assert_int_equal(line.said_count, 1);
    close_line();
}

static void test_a_mark_waits_for_room_on_both_outputs(void **state)
{
    (void)state;
    open_line(PLAIN, 16, 1, 64, false);
    assert_true(give(0, 0, 1000, 1000, 1.0));
    assert_true(give_mark(0, 77, 5, 1000));
    (void)work(1500);
    assert_int_equal(ring_fill(line.verdicts), 1); /* not told as judged before it could be told as stored */
    take_out(1);
    (void)work(1500);
    assert_int_equal(ring_fill(line.verdicts), 1);
    assert_int_equal(ring_fill(line.store), 1);
    close_line();
}

static void test_the_end_of_all_inputs_ends_both_outputs(void **state)
{
    (void)state;
    open_line(PLAIN, 16, 1, 16, false);
    assert_true(give(0, 0, 1000, 1000, 1.0));
    assert_true(give(0, 1, 1001, 1001, 1.0));
    ring_close(line.inputs[0]);
    assert_int_equal(work(2000), 1);
    take_out(1);
    assert_int_equal(work(2000), 1);
    assert_int_equal(work(2000), 0); /* the other input is open */
    ring_close(line.inputs[1]);
    assert_int_equal(work(2000), AGENT_FINISHED);
    assert_false(ring_ended(line.store));
    take_out(4);
    assert_true(ring_ended(line.store));
    assert_true(ring_ended(line.verdicts));
    assert_int_equal(line.stored_count, 2);
    assert_int_equal(line.said_count, 2);
    close_line();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inputs_are_merged_by_time_of_receipt),
        cmocka_unit_test(test_delays_end_between_two_waiting_samples),
        cmocka_unit_test(test_the_clock_alone_ends_delays_and_makes_stale),
        cmocka_unit_test(test_a_full_verdict_ring_stops_the_shard_and_loses_nothing),
        cmocka_unit_test(test_a_full_store_ring_stops_the_shard_and_loses_nothing),
        cmocka_unit_test(test_while_it_waits_for_room_nothing_more_is_taken),
        cmocka_unit_test(test_a_mark_passes_behind_all_before_it_on_both_outputs),
        cmocka_unit_test(test_of_marks_nobody_waits_for_the_last_is_enough),
        cmocka_unit_test(test_a_mark_in_hand_goes_before_an_open_verdict),
        cmocka_unit_test(test_what_was_judged_before_is_stored_and_known_but_says_nothing),
        cmocka_unit_test(test_a_mark_waits_for_room_on_both_outputs),
        cmocka_unit_test(test_the_end_of_all_inputs_ends_both_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
