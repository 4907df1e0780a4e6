/*
 * The courier, with a trade that does as it is told: order, patience, and what
 * a kill or a stop leaves.
 */
#include "alerting/courier.h"
#include "base/clock.h"
#include "fake_store.h"
#include "fixture.h"
#include <string.h>

enum { HEARD_MAX = 400 };

static struct bench {
    struct store *store;
    struct counters *counters;
    struct site_sink site_sink;
    struct sink_config sink;
    struct courier courier;
    uint64_t heard[HEARD_MAX]; /* seqs that were brought */
    size_t heard_count;
    uint64_t at_hand;
    unsigned failing; /* the next so many tries fail */
    unsigned opened;  /* go_on says OPEN so many times before it is done */
    unsigned open_left, broken_off, kept;
    uint64_t skip; /* events whose seq is a multiple of it are of no concern; 0: none */
} b;

static bool prepare(void *self, struct courier_event at)
{
    (void)self;
    b.at_hand = at.event->seq;
    const uint64_t left = store_last_seq(b.store) - at.event->seq;
    assert_true(at.behind >= (left < AHEAD_SIGHT ? left : AHEAD_SIGHT)); /* what follows at once is in sight */
    for (size_t i = 0; i <= at.behind; i++) {
        assert_int_equal(at.event[i].seq, at.event->seq + i);
        assert_memory_equal(at.event[i].json, fake_store_json(b.store, at.event->seq + i - 1), at.event[i].json_len);
    }
    return b.skip == 0 || at.event->seq % b.skip != 0;
}

static void begin(void *self, int64_t now_ns)
{
    (void)self;
    (void)now_ns;
    b.open_left = b.opened;
}

static enum courier_step go_on(void *self, int64_t now_ns, struct err *err)
{
    (void)self;
    (void)now_ns;
    if (b.open_left > 0) {
        b.open_left--;
        return COURIER_OPEN;
    }
    if (b.failing > 0) {
        b.failing--;
        (void)err_set(err, ERR_ENV, "no");
        return COURIER_FAILED;
    }
    assert_true(b.heard_count < HEARD_MAX);
    b.heard[b.heard_count++] = b.at_hand;
    return COURIER_DONE;
}

static void break_off(void *self)
{
    (void)self;
    b.broken_off++;
}

static void keep(void *self, struct store_batch *batch)
{
    (void)self;
    b.kept++;
    store_batch_put(batch, "beside", &b.courier.cursor.seq, sizeof b.courier.cursor.seq);
}

static const struct courier_trade trade = {
    .prepare = prepare, .begin = begin, .go_on = go_on, .break_off = break_off, .keep = keep};

static void start(void)
{
    const struct courier_config config = {
        .sink = &b.sink, .cursor = CURSOR_SINK, .name = "sink.out", .goal = "there", .trade = &trade};
    assert_int_equal(courier_open(&b.courier, &config, NULL), ERR_NONE);
}

static int open_bench(void **state)
{
    (void)state;
    memset(&b, 0, sizeof b);
    b.store = fake_store_new();
    b.counters = counters_new(16);
    b.site_sink = (struct site_sink){.id = "out", .type = SINK_WEBHOOK};
    b.sink =
        (struct sink_config){.site = fixture_site(), .sink = &b.site_sink, .store = b.store, .counters = b.counters};
    start();
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    courier_done(&b.courier);
    counters_free(b.counters);
    fake_store_free(b.store);
    return 0;
}

static void add_events(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        fake_store_add(b.store, "limit:t1", "red", false);
    }
}

static void work(int64_t s)
{
    while (courier_work(&b.courier, at(s))) {
    }
}

static uint64_t counted(const char *name)
{
    const struct counter *counter = counter_find(b.counters, name);
    assert_non_null(counter);
    return counter_get(counter);
}

static void heard_all(uint64_t from, uint64_t to)
{
    assert_int_equal(b.heard_count, to - from + 1);
    for (size_t i = 0; i < b.heard_count; i++) {
        assert_int_equal(b.heard[i], from + i);
    }
}

static void events_are_brought_in_order(void **state)
{
    (void)state;
    work(0);
    add_events(300); /* more than is read ahead */
    work(1);
    heard_all(1, 300);
    add_events(2);
    work(2);
    heard_all(1, 302);
    assert_int_equal(counted("sink.out.events"), 302);
    assert_int_equal(counted("sink.out.behind"), 0);
}

static void what_is_of_no_concern_is_passed_over(void **state)
{
    (void)state;
    b.skip = 1;
    add_events(200);
    work(0);
    assert_int_equal(b.heard_count, 0);
    b.skip = 3;
    add_events(3);
    work(1);
    assert_int_equal(b.heard_count, 2);
    assert_int_equal(b.heard[1], 203);
    assert_int_equal(counted("sink.out.delivered"), 2);
    assert_int_equal(counted("sink.out.events"), 203);
}

static void a_failure_is_tried_again_before_anything_newer(void **state)
{
    (void)state;
    b.failing = 3;
    add_events(2);
    work(0);
    work(0);
    assert_int_equal(counted("sink.out.failures"), 1); /* not again at once */
    assert_true(courier_due(&b.courier) > at(0));
    assert_true(courier_due(&b.courier) <= at(0) + NS_PER_S / 2);
    for (int64_t s = 1; s < 20; s++) {
        work(s);
    }
    heard_all(1, 2);
    assert_int_equal(counted("sink.out.failures"), 3);
}

static void pauses_grow_to_half_a_minute_and_keep_a_third_to_chance(void **state)
{
    (void)state;
    static const int64_t longest_ms[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
    uint32_t jitter = 7;
    int64_t least = INT64_MAX, most = 0;
    for (unsigned failed = 0; failed < sizeof longest_ms / sizeof longest_ms[0]; failed++) {
        for (int i = 0; i < 1000; i++) {
            const int64_t pause_ns = courier_pause_ns(failed, &jitter);
            assert_true(pause_ns <= longest_ms[failed] * NS_PER_MS);
            assert_true(pause_ns >= longest_ms[failed] * NS_PER_MS / 3 * 2);
            least = failed == 8 && pause_ns < least ? pause_ns : least;
            most = failed == 8 && pause_ns > most ? pause_ns : most;
        }
    }
    assert_true(most - least > 8 * NS_PER_S);
    assert_true(courier_pause_ns(4000000000u, &jitter) <= 30 * NS_PER_S);
}

static void a_kill_brings_the_last_ones_again(void **state)
{
    (void)state;
    add_events(1);
    work(0); /* the place is kept: 1 */
    add_events(2);
    work(0);
    heard_all(1, 3);
    courier_done(&b.courier); /* as kill -9 leaves it */
    b.heard_count = 0;
    start();
    work(1);
    heard_all(2, 3);
}

static void what_belongs_to_the_place_is_kept_with_it(void **state)
{
    (void)state;
    add_events(5);
    work(0);
    work(1);
    struct buf bytes = {0};
    assert_int_equal(store_get(b.store, "beside", &bytes, NULL), ERR_NONE);
    uint64_t seq;
    assert_int_equal(bytes.len, sizeof seq);
    memcpy(&seq, bytes.data, sizeof seq);
    assert_int_equal(seq, b.courier.cursor.kept_seq);
    buf_done(&bytes);
    const unsigned kept = b.kept;
    work(2);
    assert_int_equal(b.kept, kept); /* nothing new, nothing kept */
}

static void a_stop_brings_what_is_there_and_keeps_the_place(void **state)
{
    (void)state;
    add_events(100);
    int n = 0;
    while (courier_stop(&b.courier, at(0), at(5))) {
        assert_true(++n < 1000);
    }
    heard_all(1, 100);
    assert_int_equal(b.courier.cursor.kept_seq, 100);
    assert_int_equal(b.broken_off, 0);
}

static void a_stop_waits_for_what_is_under_way_until_its_deadline(void **state)
{
    (void)state;
    b.opened = 1000000;
    add_events(1);
    work(0);
    assert_true(courier_stop(&b.courier, at(1), at(5)));
    assert_false(courier_stop(&b.courier, at(5), at(5)));
    assert_int_equal(b.broken_off, 1);
    assert_int_equal(b.courier.cursor.seq, 0);
}

static void a_stop_does_not_wait_for_one_that_is_away(void **state)
{
    (void)state;
    b.failing = 1000;
    add_events(1);
    work(0);
    assert_false(courier_stop(&b.courier, at(60), at(65)));
    assert_int_equal(counted("sink.out.failures"), 1);
}

static void a_place_that_cannot_be_kept_is_kept_later(void **state)
{
    (void)state;
    fake_store_add(b.store, "limit:t1", "red", false);
    fake_store_fail(b.store, 2);
    work(0);
    assert_int_equal(b.courier.cursor.kept_seq, 0);
    work(1);
    work(2);
    assert_int_equal(b.courier.cursor.kept_seq, 1);
    heard_all(1, 1);
}

#define story(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        story(events_are_brought_in_order),
        story(what_is_of_no_concern_is_passed_over),
        story(a_failure_is_tried_again_before_anything_newer),
        story(pauses_grow_to_half_a_minute_and_keep_a_third_to_chance),
        story(a_kill_brings_the_last_ones_again),
        story(what_belongs_to_the_place_is_kept_with_it),
        story(a_stop_brings_what_is_there_and_keeps_the_place),
        story(a_stop_waits_for_what_is_under_way_until_its_deadline),
        story(a_stop_does_not_wait_for_one_that_is_away),
        story(a_place_that_cannot_be_kept_is_kept_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
