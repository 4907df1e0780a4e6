/*
 * The intake without a broker: what paho's callback may do while the rings are
 * full and the intake waits for room.
 */
#include "base/log.h"
#include "field.h"
#include "ingest/mqtt_intake.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RING = 64, WAITING = 200 };
static const char topic[] = "davy/v1/test/telemetry";

struct bench {
    struct field *field;
    struct safe_source safe[FIELD_SOURCES];
    char folder[64], spool[96];
    struct mqtt_intake *intake;
    struct doorbell *bell;
    struct runner *runner;
};

static void open_intake(struct bench *bench, int64_t sync_ns)
{
    struct err err;
    memset(bench, 0, sizeof *bench);
    (void)snprintf(bench->folder, sizeof bench->folder, "/tmp/davy-intake-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    (void)snprintf(bench->spool, sizeof bench->spool, "%s/mqtt.spool", bench->folder);
    bench->field = field_new(RING);
    (void)field_add_mqtt(bench->field, "mqtt://h", NULL, 0);
    (void)field_add_key(bench->field, "a");
    assert_int_equal(doorbell_open(&bench->bell, &err), ERR_NONE);
    const struct mqtt_config config = {.site = &bench->field->site,
                                       .router = &bench->field->router,
                                       .bell = bench->bell,
                                       .safe = bench->safe,
                                       .shard_count = 1,
                                       .sync_ns = sync_ns,
                                       .spool_path = bench->spool,
                                       .counters = bench->field->counters};
    assert_int_equal(mqtt_intake_new(&config, &bench->intake, &err), ERR_NONE);
}

static void start(struct bench *bench)
{
    struct err err;
    open_intake(bench, NS_PER_S);
    const struct agent agent = mqtt_intake_agent(bench->intake);
    assert_int_equal(runner_start("intake", &agent, 1, bench->bell, &bench->runner, &err), ERR_NONE);
}

static void stop(struct bench *bench)
{
    runner_join(bench->runner);
    mqtt_intake_free(bench->intake);
    doorbell_free(bench->bell);
    field_free(bench->field);
    (void)unlink(bench->spool);
    (void)rmdir(bench->folder);
}

static void put(struct bench *bench, const char *payload, size_t len)
{
    assert_true(mqtt_intake_put(bench->intake, 0, 1, topic, sizeof topic - 1, payload, len));
}

/* Takes everything until the intake has closed its ring; gives how many samples there were. */
static size_t drain(struct bench *bench)
{
    size_t count = 0;
    struct sample sample;
    while (!ring_ended(bench->field->rings[0])) {
        if (!field_take(bench->field, &sample)) {
            (void)usleep(200);
        } else {
            count += sample.point != POINT_MARK;
        }
    }
    return count;
}

/* paho's callback holds what all its clients need: it may wait only so long, and for this it need not wait at all. */
static void a_message_too_large_for_the_spool_does_not_wait_for_the_rings(void **state)
{
    static const char payload[] = "{\"values\":{\"a\":1}}";
    const size_t large = SPOOL_BYTES / 2 + 1;
    char *text = calloc(1, large);
    struct bench bench;
    (void)state;
    assert_non_null(text);
    start(&bench);
    for (int i = 0; i < WAITING; i++) { /* more than the ring holds: the intake waits, holding its lock */
        put(&bench, payload, sizeof payload - 1);
    }
    while (ring_fill(bench.field->rings[0]) < RING - 1) { /* a message takes two, its mark included */
        (void)usleep(200);
    }
    put(&bench, text, large);
    assert_true(ring_fill(bench.field->rings[0]) >= RING - 1);
    mqtt_intake_end(bench.intake);
    assert_int_equal(drain(&bench), WAITING);
    assert_int_equal(field_count(bench.field, "set_aside"), 1);
    stop(&bench);
    free(text);
}

/* The far end takes all there is and confirms it; the intake releases it. */
static void confirm(struct bench *bench)
{
    const struct agent agent = mqtt_intake_agent(bench->intake);
    struct sample sample;
    while (field_take(bench->field, &sample)) {
        if (sample.point == POINT_MARK) {
            cell_set(&bench->safe[0].stored[0], (uint64_t)sample.time_ns);
            cell_set(&bench->safe[0].judged[0], (uint64_t)sample.time_ns);
        }
    }
    (void)agent.do_work(agent.self, 1);
}

static uint64_t syncs(const struct bench *bench)
{
    return counter_get(counter_find(bench->field->counters, "ingest.spool.syncs"));
}

/* Syncing costs a disk its time and each page of the spool a fault; a stream that flows is safe by the store. */
static void only_what_lies_in_the_spool_for_long_is_synced(void **state)
{
    static const char payload[] = "{\"values\":{\"a\":1}}";
    struct bench bench;
    (void)state;
    open_intake(&bench, 1);
    for (int i = 0; i < 20; i++) { /* there is always something, but each time something else */
        put(&bench, payload, sizeof payload - 1);
        mqtt_intake_sync(bench.intake);
        confirm(&bench);
        put(&bench, payload, sizeof payload - 1);
        mqtt_intake_sync(bench.intake);
        confirm(&bench);
    }
    assert_int_equal(syncs(&bench), 0);
    put(&bench, payload, sizeof payload - 1);
    mqtt_intake_sync(bench.intake);
    put(&bench, payload, sizeof payload - 1);
    mqtt_intake_sync(bench.intake); /* the first of them waits for longer than a nanosecond */
    assert_int_equal(syncs(&bench), 1);
    mqtt_intake_sync(bench.intake); /* both are on the disk */
    mqtt_intake_sync(bench.intake);
    assert_int_equal(syncs(&bench), 1);
    stop(&bench);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_too_large_for_the_spool_does_not_wait_for_the_rings),
        cmocka_unit_test(only_what_lies_in_the_spool_for_long_is_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
