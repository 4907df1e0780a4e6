/*
 * The MQTT sink against a real broker: order, restarts, retained states, last
 * will, good-bye.
 */
#include "alerting/sink.h"
#include "base/clock.h"
#include "broker.h"
#include "fake_store.h"
#include "fixture.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* paho leaks what was queued and not yet written when a connection is lost (see alerting/sink_mqtt.c). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libpaho-mqtt3as";
}

/* One running sink with everything it needs. */
struct running {
    char url[64];
    struct site_sink config;
    struct store *store;
    struct counters *counters;
    struct doorbell *bell;
    struct cell stop;
    struct sink *sink;
    struct runner *runner;
};

static struct broker broker;
static struct observer observer;
static struct running r;

static void begin(uint16_t port)
{
    (void)snprintf(r.url, sizeof r.url, "mqtt://127.0.0.1:%u", (unsigned)port);
    r.config = (struct site_sink){.id = "centre", .type = SINK_MQTT, .url = r.url};
    cell_set(&r.stop, 0);
    r.counters = counters_new(16);
    assert_int_equal(doorbell_open(&r.bell, NULL), ERR_NONE);
    const struct sink_config config = {.site = fixture_site(),
                                       .sink = &r.config,
                                       .store = r.store,
                                       .bell = r.bell,
                                       .counters = r.counters,
                                       .stop = &r.stop};
    struct err err;
    if (sink_new(&config, &r.sink, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    const struct agent agent = sink_agent(r.sink);
    assert_int_equal(runner_start("sink", &agent, 1, r.bell, &r.runner, NULL), ERR_NONE);
}

/* Ends it as a pipeline does, with a deadline `s` seconds ahead; gives how long that took. */
static int64_t end(int64_t s)
{
    struct clock clock;
    clock_init(&clock);
    const int64_t before_ns = clock_mono_ns();
    cell_set(&r.stop, (uint64_t)(clock_now_ns(&clock) + s * NS_PER_S));
    doorbell_ring(r.bell);
    runner_join(r.runner);
    const int64_t took_ns = clock_mono_ns() - before_ns;
    sink_free(r.sink);
    doorbell_free(r.bell);
    counters_free(r.counters);
    r.sink = NULL;
    return took_ns;
}

static int open_bench(void **state)
{
    (void)state;
    memset(&r, 0, sizeof r);
    r.store = fake_store_new();
    broker_open(&broker);
    begin(broker.port);
    observer_open(&observer, &broker, "observer");
    (void)observer_until(&observer, "|davy/v1/jx-mine/status|{\"v\":1,\"site\":\"jx-mine\",\"state\":\"online\"");
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    if (r.sink != NULL) {
        (void)end(1);
    }
    observer_close(&observer);
    broker_close(&broker);
    fake_store_free(r.store);
    return 0;
}

static void add_event(const char *alarm, const char *level, bool all_well)
{
    fake_store_add(r.store, alarm, level, all_well);
    doorbell_ring(r.bell);
}

static uint64_t seq_in(const char *line)
{
    const char *at = strstr(line, "\"seq\":");
    return at == NULL ? 0 : strtoull(at + 6, NULL, 10);
}

/* Asserts that the observer sees the journal's events from..to in order; an event may come again, but only as it was.
 */
static void sees_events(uint64_t from, uint64_t to)
{
    uint64_t next = from;
    while (next <= to) {
        const char *line = observer_until(&observer, "|davy/v1/jx-mine/events/");
        const uint64_t seq = seq_in(line);
        if (seq > next) {
            fail_msg("event %llu came before event %llu", (unsigned long long)seq, (unsigned long long)next);
        }
        assert_string_equal(strchr(strchr(line, '|') + 1, '|') + 1, fake_store_json(r.store, seq - 1));
        next = seq == next ? next + 1 : next;
    }
}

static void events_arrive_in_order_under_their_levels(void **state)
{
    (void)state;
    add_event("limit:t1", "red", false);
    assert_string_equal(observer_next(&observer), "0|davy/v1/jx-mine/events/red|"
                                                  "{\"v\":1,\"site\":\"jx-mine\",\"seq\":1,\"alarm\":\"limit:t1\","
                                                  "\"level\":\"red\"}");
    assert_string_equal(observer_next(&observer), "0|davy/v1/jx-mine/alarms/limit:t1|"
                                                  "{\"v\":1,\"site\":\"jx-mine\",\"alarm\":\"limit:t1\",\"seq\":1}");
    add_event("group:A+B#50%", NULL, true);
    (void)observer_until(&observer, "|davy/v1/jx-mine/events/none|{");
    assert_string_equal(observer_next(&observer), "0|davy/v1/jx-mine/alarms/group:A%2BB%2350%25|");
    static const char *const levels[] = {"blue", "yellow", "orange", "red", NULL};
    for (size_t i = 0; i < 1000; i++) { /* many windows full */
        add_event("limit:t1", levels[i % 5], i % 7 == 0);
    }
    sees_events(3, 1002);
}

static void a_broker_that_restarts_misses_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        add_event("limit:t1", "red", false);
    }
    sees_events(1, 100);
    broker_stop(&broker, SIGTERM); /* in the middle of it */
    for (int i = 0; i < 300; i++) {
        add_event("limit:t2", "yellow", false);
    }
    broker_start(&broker);
    sees_events(101, 600);
}

static void a_sink_that_restarts_goes_on_behind_its_place(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        add_event("limit:t1", "red", false);
    }
    sees_events(1, 100);
    (void)end(10);
    (void)observer_until(&observer, "|davy/v1/jx-mine/status|{\"v\":1,\"site\":\"jx-mine\",\"state\":\"offline\"");
    fake_store_add(r.store, "limit:t1", "red", false);
    begin(broker.port);
    const char *line = observer_until(&observer, "|davy/v1/jx-mine/events/");
    assert_int_equal(seq_in(line), 101); /* an orderly end repeats nothing */
}

static void the_retained_state_appears_and_vanishes(void **state)
{
    (void)state;
    add_event("limit:t1", "red", false);
    add_event("limit:t2", "red", false);
    add_event("limit:t1", "red", true);
    sees_events(1, 3);
    assert_string_equal(observer_next(&observer), "0|davy/v1/jx-mine/alarms/limit:t1|"); /* empty: all is well */
    struct observer late;
    observer_open(&late, &broker, "late");
    bool t1 = false, t2 = false, status = false;
    for (int i = 0; i < 2; i++) { /* what is retained: two topics */
        const char *line = observer_next(&late);
        t1 = t1 || strstr(line, "1|davy/v1/jx-mine/alarms/limit:t1|") != NULL;
        t2 = t2 || strstr(line, "1|davy/v1/jx-mine/alarms/limit:t2|{") != NULL;
        status = status || strstr(line, "1|davy/v1/jx-mine/status|{") != NULL;
    }
    assert_true(t2 && status && !t1);
    add_event("limit:t1", "red", true);
    assert_int_equal(seq_in(observer_next(&late)), 4); /* nothing else was retained */
    observer_close(&late);
}

static void a_broker_that_forgot_is_told_the_states_anew(void **state)
{
    (void)state;
    add_event("limit:t1", "red", false);
    add_event("limit:t2", "red", true);
    sees_events(1, 2);
    broker_stop(&broker, SIGKILL);
    broker_forget(&broker);
    broker_start(&broker);
    struct observer late;
    observer_open(&late, &broker, "late");
    (void)observer_until(&late, "|davy/v1/jx-mine/alarms/limit:t1|{\"v\":1");
    observer_close(&late);
}

static void the_last_will_says_offline(void **state)
{
    (void)state;
    (void)end(10);
    (void)observer_until(&observer, "\"state\":\"offline\"");
    char port[8], self[] = "/proc/self/exe", option[] = "--sink";
    (void)snprintf(port, sizeof port, "%u", (unsigned)broker.port);
    char *const argv[] = {self, option, port, NULL};
    const pid_t child = child_start(argv, NULL);
    (void)observer_until(&observer, "\"state\":\"online\"");
    child_end(child, SIGKILL);
    const char *line = observer_until(&observer, "|davy/v1/jx-mine/status|");
    while (strstr(line, "online") != NULL) { /* a heartbeat may have been on its way */
        line = observer_until(&observer, "|davy/v1/jx-mine/status|");
    }
    assert_non_null(strstr(line, "\"state\":\"offline\",\"seq\":0,\"time\":\""));
}

static void the_heartbeat_carries_the_newest_number(void **state)
{
    (void)state;
    add_event("limit:t1", "red", false);
    sees_events(1, 1);
    const char *line = observer_until(&observer, "|davy/v1/jx-mine/status|");
    assert_non_null(strstr(line, "\"state\":\"online\",\"seq\":1,"));
}

static void a_stop_without_a_broker_takes_no_time(void **state)
{
    (void)state;
    broker_stop(&broker, SIGTERM);
    add_event("limit:t1", "red", false);
    const int64_t deadline_ns = clock_mono_ns() + 20 * NS_PER_S;
    const struct counter *failures = NULL;
    for (size_t i = 0; i < counters_count(r.counters); i++) {
        if (strcmp(counter_name(counters_at(r.counters, i)), "sink.centre.failures") == 0) {
            failures = counters_at(r.counters, i);
        }
    }
    assert_non_null(failures);
    while (counter_get(failures) == 0) {
        assert_true(clock_mono_ns() < deadline_ns);
        (void)poll(NULL, 0, 5);
    }
    assert_true(end(30) < 10 * NS_PER_S);
    broker_start(&broker);
}

static void what_names_no_broker_is_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://x",       "mqtt://",    "mqtt://h:0",
                                       "mqtt://h:70000", "mqtt://h:x", "mqtt://[::1"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        const struct site_sink sink = {.id = "centre", .type = SINK_MQTT, .url = urls[i]};
        const struct sink_config config = {
            .site = fixture_site(), .sink = &sink, .store = r.store, .bell = r.bell, .counters = r.counters};
        struct sink *made;
        struct err err;
        if (sink_new(&config, &made, &err) != ERR_INPUT) {
            fail_msg("%s was taken", urls[i]);
        }
    }
}

/* The same program as a child with a sink, until it is killed. */
static int run_sink(const char *port)
{
    r.store = fake_store_new();
    begin((uint16_t)strtoul(port, NULL, 10));
    runner_join(r.runner); /* never */
    return 1;
}

#define story(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--sink") == 0) {
        return run_sink(argv[2]);
    }
    if (!broker_is_possible()) {
        (void)fprintf(stderr, "skipped: no mosquitto here\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        story(events_arrive_in_order_under_their_levels),
        story(a_broker_that_restarts_misses_nothing),
        story(a_sink_that_restarts_goes_on_behind_its_place),
        story(the_retained_state_appears_and_vanishes),
        story(a_broker_that_forgot_is_told_the_states_anew),
        story(the_last_will_says_offline),
        story(the_heartbeat_carries_the_newest_number),
        story(a_stop_without_a_broker_takes_no_time),
        story(what_names_no_broker_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
