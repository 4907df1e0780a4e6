/*
 * Keeping: the exact bytes of a record, what is refused, and that a book
 * restored at any moment goes on exactly like one that never stopped.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "fixture.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void save_is_these_bytes(void **state)
{
    (void)state;
    struct alarm_book *book = alarm_book_new(fixture_site(), 0);
    judge(book, A_POWER_T1, 0, LEVEL_RED, 0);
    judge(book, A_LIMIT_T1, 0, LEVEL_ORANGE, VERDICT_BLIND | VERDICT_UNLESS);
    judge(book, A_LIMIT_T1, 1, LEVEL_ORANGE, VERDICT_BLIND);
    struct act act = act_of(ACT_ACK, A_LIMIT_T1, 2);
    act.level = LEVEL_BLUE;
    assert_int_equal(alarm_book_act(book, &act, at(2), 1.5, NULL), ERR_NONE);
    act = act_of(ACT_OUT_OF_SERVICE, A_LIMIT_T1, 2);
    assert_int_equal(alarm_book_act(book, &act, at(2), 1.5, NULL), ERR_NONE);
    act = act_of(ACT_SHELVE, A_LIMIT_T1, 2);
    act.until_ns = at(3);
    assert_int_equal(alarm_book_act(book, &act, at(2), 1.5, NULL), ERR_NONE);
    static const uint8_t bytes[] = {
        1,    3,    3,    0,    1,    3,                /* judged, level, left, acked, peak */
        0x36,                                           /* blind, said, suppressed, out */
        0,    0,    0,    1,                            /* occurrence */
        0x18, 0x87, 0xac, 0xa4, 0xaa, 0x6b, 0x94, 0x00, /* 00:00:02 */
        0x18, 0x87, 0xac, 0xa4, 0x6e, 0xd0, 0xca, 0x00, /* 00:00:01 */
        0x18, 0x87, 0xac, 0xa4, 0xe6, 0x06, 0x5e, 0x00, /* 00:00:03 */
        0x3f, 0xf8, 0,    0,    0,    0,    0,    0,    /* 1.5 */
    };
    struct buf out = {0};
    alarm_book_save(book, A_LIMIT_T1, &out);
    assert_int_equal(out.len, sizeof bytes);
    assert_memory_equal(out.data, bytes, sizeof bytes);
    buf_clear(&out);
    alarm_book_save(book, A_LIMIT_T2, &out);
    static const uint8_t fresh[43] = {[0] = 1, [11] = 0x80, [35] = 0x7f, [36] = 0xf8};
    assert_int_equal(out.len, sizeof fresh);
    assert_memory_equal(out.data, fresh, sizeof fresh);
    buf_done(&out);
    alarm_book_free(book);
}

/* A good record of limit:t1: active at yellow. */
static void good_record(struct buf *out)
{
    struct alarm_book *book = alarm_book_new(fixture_site(), 0);
    judge(book, A_LIMIT_T1, 0, LEVEL_YELLOW, 0);
    alarm_book_save(book, A_LIMIT_T1, out);
    alarm_book_free(book);
}

static void damaged_records_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        uint8_t byte;
        const char *reason;
    } cases[] = {
        {0, 2, "version 2"},      {1, 5, "out of range"},      {2, 9, "out of range"},  {3, 5, "out of range"},
        {4, 255, "out of range"}, {5, 7, "out of range"},      {5, 1, "the highest"},   {4, 3, "the highest"},
        {1, 3, "the one judged"}, {3, 1, "has left"},          {10, 0, "never raised"}, {6, 8, "latched"},
        {2, 0, "left no level"},  {6, 0x40, "cannot be read"}, {27, 0x80, "shelf"},
    };
    struct buf good = {0};
    good_record(&good);
    struct alarm_book *book = alarm_book_new(fixture_site(), 0);
    struct err err;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[43];
        memcpy(bytes, good.data, sizeof bytes);
        bytes[cases[i].offset] = cases[i].byte;
        assert_int_equal(alarm_book_load(book, A_LIMIT_T1, bytes, sizeof bytes, &err), ERR_INPUT);
        if (strstr(err.text, cases[i].reason) == NULL) {
            fail_msg("case %zu: %s", i, err.text);
        }
        assert_true(alarm_book_is_fresh(book, A_LIMIT_T1));
    }
    for (size_t len = 0; len < good.len; len++) {
        assert_int_equal(alarm_book_load(book, A_LIMIT_T1, good.data, len, &err), ERR_INPUT);
    }
    buf_add(&good, "x", 1);
    assert_int_equal(alarm_book_load(book, A_LIMIT_T1, good.data, good.len, &err), ERR_INPUT);
    assert_int_equal(alarm_book_load(book, A_LIMIT_T1, good.data, good.len - 1, &err), ERR_NONE);
    assert_false(alarm_book_is_fresh(book, A_LIMIT_T1));
    buf_done(&good);
    alarm_book_free(book);
}

/* Gives a new book that was handed every record of the old one. */
static struct alarm_book *restored(const struct alarm_book *old, const struct site *site, uint64_t last_seq)
{
    struct alarm_book *book = alarm_book_new(site, last_seq);
    struct buf record = {0};
    for (uint32_t i = 0; i < A_COUNT; i++) {
        buf_clear(&record);
        alarm_book_save(old, i, &record);
        struct err err;
        if (alarm_book_load(book, i, record.data, record.len, &err) != ERR_NONE) {
            fail_msg("alarm %u: %s", (unsigned)i, err.text);
        }
    }
    buf_done(&record);
    return book;
}

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % sides;
}

/* Does the same random thing to a book; returns whether an act was refused. */
static int random_thing(struct alarm_book *book, uint32_t *seed, int64_t s)
{
    const enum fixture_alarm alarm = dice(seed, A_COUNT);
    if (dice(seed, 4) > 0) {
        const struct verdict verdict =
            step(alarm, s - (int64_t)dice(seed, 3), dice(seed, LEVEL_COUNT), dice(seed, 4), dice(seed, 100));
        alarm_book_verdict(book, &verdict);
        alarm_book_end_step(book);
        return 0;
    }
    if (dice(seed, 4) == 0) {
        alarm_book_due(book, at(s), NULL);
        return 0;
    }
    struct act act = act_of(dice(seed, ACT_COUNT), alarm, s);
    act.level = (uint8_t)dice(seed, LEVEL_COUNT);
    act.occurrence = dice(seed, 3) == 0 ? dice(seed, 4) : 0;
    act.for_ns = (int64_t)dice(seed, 50) * NS_PER_S;
    return alarm_book_act(book, &act, at(s), dice(seed, 100), NULL);
}

static void same_events(const struct alarm_book *a, const struct alarm_book *b)
{
    size_t count_a, count_b;
    const struct event *events_a = alarm_book_events(a, &count_a), *events_b = alarm_book_events(b, &count_b);
    assert_int_equal(count_a, count_b);
    for (size_t i = 0; i < count_a; i++) {
        struct event x = events_a[i], y = events_b[i];
        assert_true(isnan(x.value) ? isnan(y.value) : x.value == y.value);
        x.value = y.value = 0;
        assert_memory_equal(&x, &y, sizeof x);
    }
}

static void a_restored_book_goes_on_like_one_that_never_stopped(void **state)
{
    (void)state;
    struct alarm_book *steady = alarm_book_new(fixture_site(), 0);
    struct alarm_book *stopped = alarm_book_new(fixture_site(), 0);
    uint32_t seed = 7;
    uint64_t seq = 0;
    size_t events = 0;
    for (int64_t s = 1; s < 4000; s++) {
        uint32_t again = seed;
        assert_int_equal(random_thing(steady, &seed, s), random_thing(stopped, &again, s));
        same_events(steady, stopped);
        size_t count;
        (void)alarm_book_events(steady, &count);
        seq += count;
        events += count;
        alarm_book_clear_events(steady);
        struct alarm_book *next = restored(stopped, fixture_site(), seq);
        alarm_book_free(stopped);
        stopped = next;
        alarm_book_settle(stopped, at(s)); /* nothing changed, so nothing to say */
        expect(stopped, "");
        assert_true(alarm_book_next_due(steady) == alarm_book_next_due(stopped));
    }
    assert_true(events > 1000);
    alarm_book_free(steady);
    alarm_book_free(stopped);
}

static void a_changed_rule_starts_judging_anew(void **state)
{
    (void)state;
    struct alarm_book *book = alarm_book_new(fixture_site(), 0);
    judge(book, A_LIMIT_T1, 0, LEVEL_YELLOW, VERDICT_UNLESS); /* held back */
    judge(book, A_LIMIT_T2, 0, LEVEL_RED, VERDICT_BLIND);
    alarm_book_restart(book, A_LIMIT_T1);
    alarm_book_restart(book, A_LIMIT_T2);
    const struct verdict back = alarm_book_standing(book, A_LIMIT_T1), active = alarm_book_standing(book, A_LIMIT_T2);
    assert_int_equal(back.level, LEVEL_NONE);
    assert_int_equal(back.flags, 0);
    assert_int_equal(active.kind, VERDICT_STEP);
    assert_int_equal(active.level, LEVEL_RED); /* stays until the shard says otherwise */
    assert_int_equal(active.flags, VERDICT_BLIND);
    assert_true(active.time_ns == at(0));
    assert_int_equal(active.point, P_T2);
    alarm_book_free(book);
}

static void a_changed_site_is_settled_at_once(void **state)
{
    (void)state;
    struct alarm_book *book = alarm_book_new(fixture_site(), 0);
    judge(book, A_LATCH, 0, LEVEL_RED, 0);
    judge(book, A_POWER_T1, 0, LEVEL_RED, 0);
    judge(book, A_TWICE, 1, LEVEL_YELLOW, 0);
    judge(book, A_LIMIT_T1, 1, LEVEL_YELLOW, 0);
    judge(book, A_LATCH, 2, LEVEL_NONE, 0);
    judge(book, A_POWER_T1, 2, LEVEL_NONE, 0);
    expect(book, "raised latch:t1#1 red; raised power:t1#1 red; raised twice:t1#1 yellow; "
                 "suppressed twice:t1#1 yellow; raised limit:t1#1 yellow; suppressed limit:t1#1 yellow; "
                 "cleared power:t1#1 red; unsuppressed limit:t1#1 yellow");
    struct site *site = fixture_copy();
    struct site_rule *rules = site->rules;
    static const uint32_t by_twice[] = {4};
    rules[2].latch = false;            /* the latch ends, and with it the suppression of twice */
    rules[1].suppressed_by = by_twice; /* limit has a new, active cause */
    struct alarm_book *later = restored(book, site, 8);
    alarm_book_settle(later, at(10));
    expect(later, "cleared latch:t1#1 red; suppressed limit:t1#1 yellow; unsuppressed twice:t1#1 yellow");
    alarm_book_free(later);
    fixture_free(site);
    alarm_book_free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(save_is_these_bytes),
        cmocka_unit_test(damaged_records_are_refused),
        cmocka_unit_test(a_restored_book_goes_on_like_one_that_never_stopped),
        cmocka_unit_test(a_changed_rule_starts_judging_anew),
        cmocka_unit_test(a_changed_site_is_settled_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
