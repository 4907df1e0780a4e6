/*
 * The manager, driven by hand: what is written before what is told, what a
 * failing store means, and what is taken up after a restart by a site that may
 * have changed.
 */
#include "alerting/alarm_record.h"
#include "alerting/manager.h"
#include "base/clock.h"
#include "fake_store.h"
#include "fixture.h"
#include <math.h>
#include <string.h>

enum { SHARDS = 2 };

static struct bench {
    struct store *store;
    struct site *site;
    struct board *board;
    struct counters *counters;
    struct ring *verdicts[SHARDS], *commands, *answers;
    struct ring *web_commands, *web_answers; /* a second desk */
    struct doorbell *none[SHARDS];
    struct doorbell *sink_bell;
    struct safe_source safe;
    struct told told;
    struct alarmed alarmed;
    struct cell active[2]; /* [hazard] */
    struct doorbell *field_bell;
    struct manager *manager;
    struct agent agent;
} b;

static uint64_t counter_of(const char *name)
{
    for (size_t i = 0; i < counters_count(b.counters); i++) {
        if (strcmp(counter_name(counters_at(b.counters, i)), name) == 0) {
            return counter_get(counters_at(b.counters, i));
        }
    }
    fail_msg("no counter %s", name);
    return 0;
}

static void start(void)
{
    for (int m = 0; m < SHARDS; m++) {
        assert_int_equal(ring_open(sizeof(struct verdict), 2048, 0, &b.verdicts[m], NULL), ERR_NONE);
    }
    assert_int_equal(ring_open(sizeof(struct act), 8, 0, &b.commands, NULL), ERR_NONE);
    assert_int_equal(ring_open(sizeof(struct answer), 2, 0, &b.answers, NULL), ERR_NONE);
    assert_int_equal(ring_open(sizeof(struct act), 8, 0, &b.web_commands, NULL), ERR_NONE);
    assert_int_equal(ring_open(sizeof(struct answer), 8, 0, &b.web_answers, NULL), ERR_NONE);
    assert_int_equal(doorbell_open(&b.sink_bell, NULL), ERR_NONE);
    b.counters = counters_new(100);
    memset(b.active, 0, sizeof b.active);
    b.alarmed.active = b.active;
    assert_int_equal(doorbell_open(&b.field_bell, NULL), ERR_NONE);
    const struct manager_config config = {
        .site = b.site,
        .store = b.store,
        .board = b.board,
        .verdicts = b.verdicts,
        .verdict_bells = b.none,
        .shard_count = SHARDS,
        .desks = {{.commands = b.commands, .answers = b.answers},
                  {.commands = b.web_commands, .answers = b.web_answers}},
        .sink_bells = &b.sink_bell,
        .sink_count = 1,
        .told = &b.told,
        .safe = &b.safe,
        .alarmed = &b.alarmed,
        .alarmed_bell = b.field_bell,
        .counters = b.counters,
        .status = RUN_ACTUAL,
    };
    struct err err;
    if (manager_new(&config, &b.manager, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    b.agent = manager_agent(b.manager);
}

static void stop(void)
{
    manager_free(b.manager);
    for (int m = 0; m < SHARDS; m++) {
        ring_free(b.verdicts[m]);
    }
    ring_free(b.commands);
    ring_free(b.answers);
    ring_free(b.web_commands);
    ring_free(b.web_answers);
    doorbell_free(b.sink_bell);
    doorbell_free(b.field_bell);
    counters_free(b.counters);
}

static int open_bench(void **state)
{
    (void)state;
    memset(&b, 0, sizeof b);
    b.store = fake_store_new();
    b.site = fixture_copy();
    b.board = board_new(P_COUNT);
    start();
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    stop();
    board_free(b.board);
    fixture_free(b.site);
    fake_store_free(b.store);
    return 0;
}

static int work(int64_t s)
{
    return b.agent.do_work(b.agent.self, at(s));
}

static void say(unsigned shard, const struct verdict *verdict)
{
    assert_true(ring_push(b.verdicts[shard], verdict));
}

static void say_step(unsigned shard, enum fixture_alarm alarm, int64_t s, enum level level, unsigned flags)
{
    const struct verdict verdict = step(alarm, s, level, flags, 1.5);
    say(shard, &verdict);
}

static void has(const char *json, const char *part)
{
    if (json == NULL || strstr(json, part) == NULL) {
        fail_msg("%s\n  does not have %s", json == NULL ? "(none)" : json, part);
    }
}

static void events_are_written_in_order_of_receipt_with_state_and_record(void **state)
{
    (void)state;
    say_step(0, A_LIMIT_T1, 3, LEVEL_YELLOW, 0);
    say_step(0, A_LIMIT_T1, 5, LEVEL_NONE, 0);
    say_step(1, A_LIMIT_TANK, 2, LEVEL_RED, 0);
    say_step(1, A_LIMIT_TANK, 4, LEVEL_NONE, 0);
    doorbell_park(b.sink_bell);
    assert_true(work(6) > 0);
    static const char *const order[] = {
        "\"event\":\"raised\",\"alarm\":\"limit:tank\"", "\"event\":\"raised\",\"alarm\":\"limit:t1\"",
        "\"event\":\"cleared\",\"alarm\":\"limit:tank\"", "\"event\":\"cleared\",\"alarm\":\"limit:t1\""};
    for (size_t i = 0; i < 4; i++) {
        has(fake_store_json(b.store, i), order[i]);
    }
    assert_null(fake_store_json(b.store, 4));
    has(fake_store_state(b.store, 3), "\"state\":\"returned\"");
    assert_int_equal(fake_store_commits(b.store), 1); /* one batch for all of it */
    assert_int_equal(fake_store_syncs(b.store), 1);
    assert_int_equal(fake_store_records(b.store, "alarm/"), 2);
    assert_int_equal(fake_store_records(b.store, "shown/"), 2);
    assert_int_equal(counter_of("alerting.events.raised"), 2);
    assert_int_equal(counter_of("alerting.raised.red"), 1);
    assert_true(counter_of("alerting.judged_p50_us") >= 1000000);
    assert_true(counter_of("alerting.latency_p50_us") >= counter_of("alerting.judged_p50_us"));
    int64_t since_ns;
    assert_true(told_get(&b.told, 4, &since_ns));
    assert_true(since_ns <= clock_mono_ns() && since_ns > clock_mono_ns() - 60 * NS_PER_S);
    assert_false(told_get(&b.told, 3, &since_ns)); /* of the newest only */
    assert_int_equal(work(7), 0);
}

static void what_is_only_kept_is_not_synced(void **state)
{
    (void)state;
    (void)work(0);
    struct verdict keep = step(A_LIMIT_T1, 1, LEVEL_NONE, 0, 1.0);
    keep.kind = VERDICT_KEEP;
    keep.keep_level = 1;
    keep.keep = KEEP_WHEN;
    keep.since_ns = at(1);
    say(0, &keep);
    say_step(0, A_LIMIT_T1, 1, LEVEL_YELLOW, VERDICT_UNLESS); /* held back: no event */
    assert_true(work(1) > 0);
    assert_int_equal(fake_store_commits(b.store), 1);
    assert_int_equal(fake_store_syncs(b.store), 0);
    assert_int_equal(fake_store_records(b.store, "keep/limit:t1/orange/t1"), 1);
    keep.keep = 0; /* as before the first judgement: no record needed */
    keep.since_ns = TIME_NEVER;
    say(0, &keep);
    (void)work(2);
    assert_int_equal(fake_store_records(b.store, "keep/"), 0);
}

static void marks_are_safe_only_after_the_commit(void **state)
{
    (void)state;
    (void)work(0);
    const struct verdict mark = {.kind = VERDICT_MARK, .time_ns = 17, .alarm = 0};
    say_step(1, A_LIMIT_T1, 1, LEVEL_YELLOW, 0);
    say(1, &mark);
    fake_store_fail(b.store, 1);
    (void)work(1);
    assert_int_equal(cell_get(&b.safe.judged[1]), 0);
    (void)work(10);
    assert_int_equal(cell_get(&b.safe.judged[1]), 17);
    assert_int_equal(cell_get(&b.safe.judged[0]), 0);
    const unsigned commits = fake_store_commits(b.store);
    const struct verdict alone = {.kind = VERDICT_MARK, .time_ns = 18, .alarm = 0};
    say(0, &alone);
    (void)work(11);
    assert_int_equal(cell_get(&b.safe.judged[0]), 18);
    assert_int_equal(fake_store_commits(b.store), commits); /* nothing to write */
}

static void say_open(unsigned shard, enum fixture_alarm alarm, int64_t s, enum level level)
{
    struct verdict verdict = step(alarm, s, level, 0, 1.5);
    verdict.open = 1;
    say(shard, &verdict);
}

static void say_mark(unsigned shard, int64_t ticket)
{
    const struct verdict mark = {.kind = VERDICT_MARK, .time_ns = ticket, .alarm = 0};
    say(shard, &mark);
}

static void open_verdicts_are_committed_with_their_mark(void **state)
{
    (void)state;
    (void)work(0);
    const unsigned commits = fake_store_commits(b.store);
    say_open(0, A_LIMIT_T1, 1, LEVEL_YELLOW);
    assert_int_equal(work(1), 0); /* left where it is */
    assert_int_equal(fake_store_commits(b.store), commits);
    say_open(0, A_LIMIT_TANK, 1, LEVEL_RED);
    say_mark(0, 30);
    while (work(1) > 0) {
    }
    assert_int_equal(fake_store_commits(b.store), commits + 1);
    has(fake_store_json(b.store, 1), "limit:tank");
    assert_int_equal(fake_store_records(b.store, "taken"), 1);
    say_mark(1, 29);
    (void)work(1);
    assert_int_equal(fake_store_commits(b.store), commits + 1); /* a mark alone is not worth a write */
    say_open(1, A_LIMIT_TANK, 2, LEVEL_NONE);
    say_mark(1, 31);
    (void)work(2);
    stop();
    start();
    assert_int_equal(manager_taken(b.manager)[0], 30);
    assert_int_equal(manager_taken(b.manager)[1], 31);
    (void)work(3);
    say_mark(0, 12); /* of what is taken again: the alarms have seen more */
    say_open(1, A_LIMIT_TANK, 3, LEVEL_RED);
    say_mark(1, 32);
    while (work(3) > 0) {
    }
    stop();
    start();
    assert_int_equal(manager_taken(b.manager)[0], 30);
    assert_int_equal(manager_taken(b.manager)[1], 32);
    assert_int_equal(counter_of("alerting.cut"), 0);
}

static void what_stands_before_a_mark_is_not_held_up_by_what_stands_behind(void **state)
{
    (void)state;
    (void)work(0);
    say_open(0, A_LIMIT_T1, 1, LEVEL_YELLOW);
    say_mark(0, 7);
    say_open(0, A_LIMIT_T1, 2, LEVEL_NONE); /* its mark is to come */
    say_step(1, A_LIMIT_TANK, 2, LEVEL_RED, 0);
    (void)work(2);
    assert_non_null(fake_store_json(b.store, 1));
    assert_null(fake_store_json(b.store, 2));
    assert_int_equal(ring_fill(b.verdicts[0]), 1);
    say_mark(0, 8);
    while (work(2) > 0) {
    }
    has(fake_store_json(b.store, 2), "\"event\":\"cleared\"");
    assert_int_equal(counter_of("alerting.cut"), 0);
}

/* More open verdicts than half a ring holds: they are taken, but not for ever kept from the disk. */
static void a_mark_that_does_not_come_holds_nothing_up_for_ever(void **state)
{
    (void)state;
    (void)work(0);
    for (int i = 0; i < 1100; i++) {
        say_open(0, A_LIMIT_T1, 4 + i, i % 2 == 0 ? LEVEL_YELLOW : LEVEL_NONE);
    }
    (void)work(2000);
    assert_null(fake_store_json(b.store, 0));
    assert_true(b.agent.next_due(b.agent.self) <= at(2001));
    (void)work(2002);
    assert_non_null(fake_store_json(b.store, 1000));
    assert_int_equal(counter_of("alerting.cut"), 1);
    assert_int_equal(fake_store_records(b.store, "taken"), 0);
    say_mark(0, 9); /* it came after all */
    (void)work(2003);
    assert_int_equal(cell_get(&b.safe.judged[0]), 9);
}

static void tickets_of_another_number_of_shards_are_taken_carefully(void **state)
{
    static const uint64_t written[] = {7, 5, 9};
    struct buf bytes = {0};
    struct err err;
    uint64_t read[4] = {0};
    (void)state;
    taken_record_write(&bytes, written, 3);
    assert_int_equal(taken_record_read(bytes.data, bytes.len, 3, read, &err), ERR_NONE);
    assert_int_equal(read[2], 9);
    assert_int_equal(taken_record_read(bytes.data, bytes.len, 4, read, &err), ERR_NONE);
    assert_true(read[0] == 5 && read[1] == 5 && read[2] == 5 && read[3] == 5);
    assert_int_equal(taken_record_read(bytes.data, bytes.len - 1, 3, read, &err), ERR_INPUT);
    bytes.data[0] = 2;
    assert_int_equal(taken_record_read(bytes.data, bytes.len, 3, read, &err), ERR_INPUT);
    buf_done(&bytes);
}

static void while_the_store_refuses_nothing_is_taken_and_nothing_lost(void **state)
{
    (void)state;
    (void)work(0);
    fake_store_fail(b.store, 3);
    say_step(0, A_LIMIT_T1, 1, LEVEL_YELLOW, 0);
    (void)work(1);
    say_step(0, A_LIMIT_T1, 2, LEVEL_RED, 0);
    struct act ack = act_of(ACT_ACK, A_LIMIT_T1, 2);
    assert_true(ring_push(b.commands, &ack));
    assert_int_equal(work(1), 0); /* not before the next try */
    assert_true(b.agent.next_due(b.agent.self) > at(1));
    assert_int_equal(ring_fill(b.verdicts[0]), 1);
    assert_int_equal(ring_fill(b.commands), 1);
    int64_t s = 2;
    while (counter_of("alerting.commit_failures") < 3) {
        assert_int_equal(work(s++), 0);
        assert_true(s < 60);
    }
    while (fake_store_json(b.store, 0) == NULL) {
        (void)work(s++);
        assert_true(s < 60);
    }
    (void)work(s);
    has(fake_store_json(b.store, 0), "\"seq\":1,\"event\":\"raised\"");
    has(fake_store_json(b.store, 1), "\"seq\":2,\"event\":\"acked\"");
    has(fake_store_json(b.store, 2), "\"seq\":3,\"event\":\"worsened\"");
    has(fake_store_json(b.store, 3), "\"seq\":4,\"event\":\"unacked\"");
    assert_null(fake_store_json(b.store, 4));
}

static void acts_are_answered_after_they_are_written(void **state)
{
    (void)state;
    (void)work(0);
    say_step(0, A_LIMIT_T1, 1, LEVEL_YELLOW, 0);
    (void)work(1);
    const struct board_entry entry = {.time_ns = at(2), .value = 9, .good = 9};
    board_write(b.board, P_T1, &entry);
    struct act ack = act_of(ACT_ACK, A_LIMIT_T1, 2);
    ack.ticket = 5;
    assert_true(ring_push(b.commands, &ack));
    ack.ticket = 6;
    assert_true(ring_push(b.commands, &ack)); /* a second time: refused */
    ack.ticket = 7;
    assert_true(ring_push(b.commands, &ack)); /* no room for its answer: waits */
    (void)work(3);
    has(fake_store_json(b.store, 1), "\"event\":\"acked\"");
    has(fake_store_json(b.store, 1), "\"value\":9");
    has(fake_store_json(b.store, 1), "\"time\":\"2026-01-05T00:00:02.000Z\",\"by\":\"li\"");
    size_t n;
    const struct answer *answer = ring_peek(b.answers, &n);
    assert_int_equal(n, 2);
    assert_int_equal(answer[0].ticket, 5);
    assert_int_equal(answer[0].code, ERR_NONE);
    assert_int_equal(answer[0].seq, 2);
    assert_int_equal(answer[1].ticket, 6);
    assert_int_equal(answer[1].code, ERR_NO);
    has(answer[1].text, "already acknowledged");
    assert_int_equal(ring_fill(b.commands), 1);
    ring_release(b.answers, 2);
    (void)work(4);
    answer = ring_peek(b.answers, &n);
    assert_int_equal(answer[0].ticket, 7);
    assert_int_equal(counter_of("alerting.acts_refused"), 2);
}

/* A desk whose answers nobody takes holds up itself, not the other; each is answered at the desk where it was asked. */
static void desks_do_not_wait_for_one_another(void **state)
{
    (void)state;
    (void)work(0);
    say_step(0, A_LIMIT_T1, 1, LEVEL_YELLOW, 0);
    (void)work(1);
    struct act comment = act_of(ACT_COMMENT, A_LIMIT_T1, 2);
    for (uint64_t ticket = 1; ticket <= 3; ticket++) { /* there is room for two answers */
        comment.ticket = ticket;
        assert_true(ring_push(b.commands, &comment));
    }
    comment.ticket = 9;
    assert_true(ring_push(b.web_commands, &comment));
    (void)work(3);
    assert_int_equal(ring_fill(b.commands), 1);
    size_t n;
    const struct answer *answer = ring_peek(b.web_answers, &n);
    assert_int_equal(n, 1);
    assert_int_equal(answer->ticket, 9);
    assert_int_equal(answer->seq, 4);
    answer = ring_peek(b.answers, &n);
    assert_int_equal(n, 2);
    assert_int_equal(answer[1].seq, 3);
    ring_close(b.verdicts[0]);
    ring_close(b.verdicts[1]);
    ring_release(b.answers, 2);
    while (work(4) != AGENT_FINISHED) {
    }
    ring_release(b.web_answers, 1);
    assert_true(ring_ended(b.web_answers));
}

static void shelves_end_on_the_clock(void **state)
{
    (void)state;
    (void)work(0);
    struct act shelve = act_of(ACT_SHELVE, A_LIMIT_T1, 1);
    shelve.for_ns = 5 * NS_PER_S;
    assert_true(ring_push(b.commands, &shelve));
    (void)work(1);
    assert_true(b.agent.next_due(b.agent.self) == at(6));
    has(fake_store_state(b.store, 0), "\"state\":\"shelved\"");
    (void)work(6);
    has(fake_store_json(b.store, 1), "\"event\":\"unshelved\"");
    assert_string_equal(fake_store_state(b.store, 1), "");
    assert_int_equal(fake_store_records(b.store, "shown/"), 0);
}

static void ends_when_every_shard_has_ended(void **state)
{
    (void)state;
    (void)work(0);
    say_step(0, A_LIMIT_T1, 1, LEVEL_YELLOW, 0);
    ring_close(b.verdicts[0]);
    (void)work(1);
    assert_int_equal(work(1), 0);
    ring_close(b.verdicts[1]);
    assert_int_equal(work(2), AGENT_FINISHED);
    assert_int_equal(work(2), AGENT_FINISHED);
    assert_true(ring_ended(b.answers));
    has(fake_store_json(b.store, 0), "raised");
}

/* ---- restart ----------------------------------------------------------------------------------------------------- */

struct kept {
    struct verdict all[16];
    size_t count;
};

static void note_kept(void *self, const struct verdict *verdict)
{
    struct kept *kept = self;
    assert_true(kept->count < 16);
    kept->all[kept->count++] = *verdict;
}

/* Leaves limit:t1 active at yellow and acknowledged, limit:tank returned and not, both with a kept condition. */
static void live_a_little(void)
{
    const struct board_entry entry = {.time_ns = at(1), .value = NAN, .good = 1.5};
    board_write(b.board, P_T1, &entry);
    (void)work(0);
    say_step(0, A_LIMIT_T1, 1, LEVEL_YELLOW, VERDICT_BLIND);
    say_step(0, A_LIMIT_TANK, 1, LEVEL_RED, 0);
    say_step(0, A_LIMIT_TANK, 2, LEVEL_NONE, 0);
    for (int i = 0; i < 2; i++) {
        struct verdict keep = step(i == 0 ? A_LIMIT_T1 : A_LIMIT_TANK, 1, LEVEL_NONE, VERDICT_BLIND, 1.0);
        keep.kind = VERDICT_KEEP;
        keep.keep_level = 2;
        keep.keep = KEEP_WHEN | KEEP_ENTERED;
        keep.since_ns = at(1);
        keep.step_ns = at(0);
        say(0, &keep);
    }
    const struct act ack = act_of(ACT_ACK, A_LIMIT_T1, 3);
    (void)work(3);
    assert_true(ring_push(b.commands, &ack));
    (void)work(3);
    assert_non_null(fake_store_json(b.store, 4));
}

static void a_restart_goes_on_where_it_was(void **state)
{
    (void)state;
    live_a_little();
    stop();
    start();
    struct kept kept = {0};
    manager_kept(b.manager, note_kept, &kept);
    assert_int_equal(kept.count, 4);
    assert_int_equal(kept.all[0].kind, VERDICT_STEP);
    assert_int_equal(kept.all[0].alarm, A_LIMIT_T1);
    assert_int_equal(kept.all[0].level, LEVEL_YELLOW);
    assert_int_equal(kept.all[0].flags, VERDICT_BLIND);
    assert_int_equal(kept.all[1].alarm, A_LIMIT_TANK);
    assert_int_equal(kept.all[1].level, LEVEL_NONE);
    assert_int_equal(kept.all[2].kind, VERDICT_KEEP);
    assert_int_equal(kept.all[2].alarm, A_LIMIT_T1);
    assert_int_equal(kept.all[2].point, P_T1);
    assert_int_equal(kept.all[2].keep_level, 2);
    assert_int_equal(kept.all[2].keep, KEEP_WHEN | KEEP_ENTERED);
    assert_true(kept.all[2].since_ns == at(1) && kept.all[2].step_ns == at(0) && kept.all[2].time_ns == at(1));
    (void)work(10);
    assert_null(fake_store_json(b.store, 5)); /* nothing changed, nothing to say */
    say_step(0, A_LIMIT_T1, 11, LEVEL_RED, VERDICT_BLIND);
    (void)work(11);
    has(fake_store_json(b.store, 5), "\"seq\":6,\"event\":\"worsened\",\"alarm\":\"limit:t1\",\"occurrence\":1");
    has(fake_store_json(b.store, 6), "\"event\":\"unacked\""); /* the acknowledgement was kept */
}

static void a_changed_rule_keeps_its_alarms_but_not_its_conditions(void **state)
{
    (void)state;
    live_a_little();
    stop();
    b.site->rules[1].digest = 12;
    start();
    struct kept kept = {0};
    manager_kept(b.manager, note_kept, &kept);
    assert_int_equal(kept.count, 2); /* STEP only */
    assert_int_equal(kept.all[0].level, LEVEL_YELLOW);
    (void)work(10);
    assert_null(fake_store_json(b.store, 5));
    assert_int_equal(fake_store_records(b.store, "keep/"), 0);
    say_step(0, A_LIMIT_T1, 11, LEVEL_NONE, 0); /* the new rule judges: it clears */
    (void)work(11);
    has(fake_store_json(b.store, 5), "\"event\":\"sighted\"");
    has(fake_store_json(b.store, 6), "\"event\":\"cleared\",\"alarm\":\"limit:t1\",\"occurrence\":1");
}

/* The site loses its last rules from `limit` on; the indices before stay. */
static void drop_rules(void)
{
    b.site->rule_count = 1;
    b.site->alarm_count = A_LIMIT_T1;
    fixture_index(b.site);
}

static void a_removed_rule_closes_its_open_alarms_once(void **state)
{
    (void)state;
    live_a_little();
    stop();
    drop_rules();
    start();
    (void)work(10);
    const char *closed = fake_store_json(b.store, 5);
    has(closed, "{\"v\":1,\"site\":\"jx-mine\",\"seq\":6,\"event\":\"closed\",\"alarm\":\"limit:t1\",\"occurrence\":1,"
                "\"level\":\"yellow\",\"rule\":\"limit\",\"point\":\"t1\",\"hazard\":\"face\",\"kind\":\"ch4\","
                "\"value\":1.5,\"unit\":\"%CH4\",\"time\":\"2026-01-05T00:00:10.000Z\",\"by\":\"davy\","
                "\"comment\":\"rule limit is no longer in the site\",\"message\":\"501面T1甲烷: 1.5 %CH4\"");
    assert_string_equal(fake_store_state(b.store, 5), "");
    has(fake_store_json(b.store, 6), "\"event\":\"closed\",\"alarm\":\"limit:tank\""); /* returned, unacknowledged */
    assert_null(fake_store_json(b.store, 7));
    assert_int_equal(fake_store_records(b.store, "alarm/"), 0);
    assert_int_equal(fake_store_records(b.store, "keep/"), 0);
    assert_int_equal(fake_store_records(b.store, "shown/"), 0);
    say_step(0, A_POWER_T1, 11, LEVEL_RED, 0);
    (void)work(11);
    has(fake_store_json(b.store, 7), "\"seq\":8,\"event\":\"raised\",\"alarm\":\"power:t1\"");
    stop();
    start();
    (void)work(20);
    assert_null(fake_store_json(b.store, 8));
}

static void a_removed_rule_says_nothing_of_alarms_that_are_well(void **state)
{
    (void)state;
    live_a_little();
    say_step(0, A_LIMIT_T1, 4, LEVEL_NONE, 0);
    const struct act ack = act_of(ACT_ACK, A_LIMIT_TANK, 4);
    assert_true(ring_push(b.commands, &ack));
    (void)work(4);
    size_t events = 0;
    while (fake_store_json(b.store, events) != NULL) {
        events++;
    }
    stop();
    drop_rules();
    start();
    (void)work(10);
    assert_null(fake_store_json(b.store, events));
    assert_int_equal(fake_store_records(b.store, "alarm/"), 0);
}

static void a_point_that_is_gone_is_the_reason(void **state)
{
    (void)state;
    live_a_little();
    stop();
    b.site->alarm_count = A_LIMIT_TANK; /* tank and what follows are gone */
    b.site->point_count = P_TANK;
    fixture_index(b.site);
    start();
    (void)work(10);
    has(fake_store_json(b.store, 5), "\"comment\":\"point tank is no longer in the site\"");
    assert_null(fake_store_json(b.store, 6));
}

static void a_record_that_cannot_be_read_is_counted_and_starts_afresh(void **state)
{
    (void)state;
    live_a_little();
    stop();
    struct store_batch *batch = store_batch_new(b.store);
    store_batch_put(batch, "alarm/limit:t1", "nonsense", 8);
    store_batch_put(batch, "keep/limit:t1/red/t1", "nonsense", 8);
    assert_int_equal(store_batch_commit(batch, true, NULL), ERR_NONE);
    store_batch_free(batch);
    start();
    assert_int_equal(counter_of("alerting.records_unreadable"), 2);
    (void)work(10);
    assert_int_equal(fake_store_records(b.store, "keep/limit:t1"), 0);
    say_step(0, A_LIMIT_T1, 11, LEVEL_YELLOW, 0);
    (void)work(11);
    has(fake_store_json(b.store, 5), "\"event\":\"raised\",\"alarm\":\"limit:t1\",\"occurrence\":1");
}

static void hazards_in_alarm_are_told_to_the_field(void **state)
{
    (void)state;
    say_step(0, A_LIMIT_T1, 1, LEVEL_YELLOW, 0);
    (void)work(1);
    assert_int_equal(cell_get(&b.active[0]), 1);
    assert_int_equal(cell_get(&b.active[1]), 0);
    const uint64_t turn = cell_get(&b.alarmed.turn);
    say_step(0, A_LIMIT_T1, 2, LEVEL_RED, 0);
    say_step(0, A_LIMIT_T2, 2, LEVEL_RED, 0);
    (void)work(2);
    assert_int_equal(cell_get(&b.active[0]), 2);
    assert_int_equal(cell_get(&b.alarmed.turn), turn); /* nothing began or ended */
    say_step(0, A_LIMIT_T1, 3, LEVEL_NONE, 0);
    (void)work(3);
    stop();
    start(); /* over a restart */
    assert_int_equal(cell_get(&b.active[0]), 1);
    say_step(0, A_LIMIT_T2, 4, LEVEL_NONE, 0);
    (void)work(4);
    assert_int_equal(cell_get(&b.active[0]), 0);
    fake_store_fail(b.store, 1); /* told without waiting for the disk */
    say_step(1, A_GROUP, 5, LEVEL_YELLOW, 0);
    (void)work(5);
    assert_int_equal(cell_get(&b.active[0]), 2); /* both points of the group */
}

#define story(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        story(hazards_in_alarm_are_told_to_the_field),
        story(events_are_written_in_order_of_receipt_with_state_and_record),
        story(what_is_only_kept_is_not_synced),
        story(marks_are_safe_only_after_the_commit),
        story(open_verdicts_are_committed_with_their_mark),
        story(what_stands_before_a_mark_is_not_held_up_by_what_stands_behind),
        story(a_mark_that_does_not_come_holds_nothing_up_for_ever),
        story(tickets_of_another_number_of_shards_are_taken_carefully),
        story(while_the_store_refuses_nothing_is_taken_and_nothing_lost),
        story(acts_are_answered_after_they_are_written),
        story(desks_do_not_wait_for_one_another),
        story(shelves_end_on_the_clock),
        story(ends_when_every_shard_has_ended),
        story(a_restart_goes_on_where_it_was),
        story(a_changed_rule_keeps_its_alarms_but_not_its_conditions),
        story(a_removed_rule_closes_its_open_alarms_once),
        story(a_removed_rule_says_nothing_of_alarms_that_are_well),
        story(a_point_that_is_gone_is_the_reason),
        story(a_record_that_cannot_be_read_is_counted_and_starts_afresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
