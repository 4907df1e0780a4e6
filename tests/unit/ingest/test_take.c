/*
 * Taking a message without a broker: rings, marks, room, repeats, topics, and
 * the payloads of other systems.
 */
#include "base/log.h"
#include "field.h"
#include "ingest/mqtt_take.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char topic[] = "davy/v1/test/telemetry";

struct bench {
    struct field *field;
    struct safe_source safe[1];
    struct cell stop;
    struct arena arena;
    struct take_shared shared;
    struct mqtt_take take;
    /* the far end */
    pthread_t thread;
    struct cell confirm;
    struct cell end;
    struct sample samples[4096];
    size_t count;
    uint64_t marks;
};

static void *far_end(void *arg)
{
    struct bench *bench = arg;
    struct sample sample;
    while (cell_get(&bench->end) == 0 || ring_fill(bench->field->rings[0]) > 0) {
        if (!field_take(bench->field, &sample)) {
            (void)usleep(100);
        } else if (sample.point != POINT_MARK) {
            bench->samples[bench->count++ % 4096] = sample;
        } else {
            bench->marks++;
            if (cell_get(&bench->confirm) != 0) {
                cell_set(&bench->safe[0].stored[0], (uint64_t)sample.time_ns);
                cell_set(&bench->safe[0].judged[0], (uint64_t)sample.time_ns);
            }
        }
    }
    return NULL;
}

static void start(struct bench *bench, enum mqtt_format format, const char *const *keys, size_t n, size_t ring)
{
    memset(bench, 0, sizeof *bench);
    bench->field = field_new(ring);
    field_add_mqtt(bench->field, "mqtt://h", NULL, 0)->format = format;
    for (size_t i = 0; i < n; i++) {
        (void)field_add_key(bench->field, keys[i]);
    }
    const struct mqtt_config config = {.site = &bench->field->site,
                                       .router = &bench->field->router,
                                       .safe = bench->safe,
                                       .shard_count = 1,
                                       .counters = bench->field->counters};
    arena_init(&bench->arena);
    take_shared_init(&bench->shared, &config, &bench->stop, &bench->arena);
    mqtt_take_init(&bench->take, &bench->shared, &config, 0, &bench->arena);
    cell_set(&bench->confirm, 1);
    assert_int_equal(pthread_create(&bench->thread, NULL, far_end, bench), 0);
}

/* Ends the far end; its samples can then be looked at. */
static void settle(struct bench *bench)
{
    cell_set(&bench->end, 1);
    (void)pthread_join(bench->thread, NULL);
}

static void stop(struct bench *bench)
{
    mqtt_take_done(&bench->take);
    arena_done(&bench->arena);
    field_free(bench->field);
}

static enum take_result take(struct bench *bench, const char *text)
{
    return mqtt_take_message(&bench->take, topic, sizeof topic - 1, text, strlen(text));
}

static void a_message_is_taken_with_one_mark_behind_it(void **state)
{
    static const char *const keys[] = {"a", "b"};
    struct bench bench;
    (void)state;
    start(&bench, FORMAT_DAVY, keys, 2, 64);
    assert_int_equal(take(&bench, "{\"time\":1000,\"values\":{\"a\":1,\"b\":2}}"), TAKE_SAFE);
    assert_int_equal(take(&bench, "{\"time\":2000,\"values\":{\"a\":3}}"), TAKE_SAFE);
    settle(&bench);
    assert_int_equal(bench.count, 3);
    assert_int_equal(bench.marks, 2);
    assert_true(bench.samples[2].time_ns == 2 * NS_PER_S && bench.samples[2].value == 3);
    assert_int_equal(bench.samples[0].seq, 0);
    assert_int_equal(bench.samples[2].seq, 1); /* the second of its point */
    assert_int_equal(field_count(bench.field, "samples"), 3);
    stop(&bench);
}

static void a_message_larger_than_the_ring_goes_in_parts(void **state)
{
    static const char *const keys[] = {"a"};
    static char text[65536];
    struct bench bench;
    size_t len = 0;
    (void)state;
    start(&bench, FORMAT_DAVY, keys, 1, 16);
    for (int i = 0; i < 1000; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s{\"point\":\"a\",\"time\":%d,\"value\":%d}",
                                i == 0 ? "[" : ",", 1000 + i, i);
    }
    text[len++] = ']';
    text[len] = '\0';
    assert_int_equal(take(&bench, text), TAKE_SAFE);
    settle(&bench);
    assert_int_equal(bench.count, 1000);
    assert_int_equal(bench.marks, 1);
    for (int i = 0; i < 1000; i++) {
        assert_true(bench.samples[i].value == i);
    }
    stop(&bench);
}

static void what_is_not_safe_in_time_is_refused_and_no_repeat_later(void **state)
{
    static const char *const keys[] = {"a"};
    static const char text[] = "{\"time\":1000,\"seq\":1,\"values\":{\"a\":1}}";
    struct bench bench;
    (void)state;
    start(&bench, FORMAT_DAVY, keys, 1, 64);
    cell_set(&bench.confirm, 0);
    assert_int_equal(take(&bench, text), TAKE_REFUSED);
    cell_set(&bench.confirm, 1);
    assert_int_equal(take(&bench, text), TAKE_SAFE); /* it came again */
    assert_int_equal(field_count(bench.field, "repeats"), 0);
    assert_int_equal(field_count(bench.field, "refused"), 1);
    assert_int_equal(take(&bench, text), TAKE_SAFE); /* now it is one */
    assert_int_equal(field_count(bench.field, "repeats"), 1);
    settle(&bench);
    assert_int_equal(bench.count, 2);
    stop(&bench);
}

static void without_room_a_message_is_refused(void **state)
{
    static const char *const keys[] = {"a"};
    struct bench bench;
    (void)state;
    start(&bench, FORMAT_DAVY, keys, 1, 4);
    settle(&bench); /* nobody takes */
    const int64_t before_ns = clock_mono_ns();
    assert_int_equal(take(&bench, "[{\"point\":\"a\",\"value\":1},{\"point\":\"a\",\"value\":2},{\"point\":\"a\","
                                  "\"value\":3},{\"point\":\"a\",\"value\":4},{\"point\":\"a\",\"value\":5}]"),
                     TAKE_REFUSED);
    assert_true(clock_mono_ns() - before_ns >= TAKE_PATIENCE_NS);
    cell_set(&bench.stop, 1); /* told to stop, it does not even try */
    assert_int_equal(take(&bench, "[]"), TAKE_REFUSED);
    stop(&bench);
}

static void nothing_to_take_is_safe_at_once(void **state)
{
    static const char *const keys[] = {"a"};
    struct bench bench;
    (void)state;
    start(&bench, FORMAT_DAVY, keys, 1, 64);
    cell_set(&bench.confirm, 0);
    assert_int_equal(take(&bench, "not json"), TAKE_SAFE);
    assert_int_equal(take(&bench, "{\"values\":{\"other\":1}}"), TAKE_SAFE);
    assert_int_equal(field_count(bench.field, "set_aside"), 2);
    settle(&bench);
    assert_int_equal(bench.count + bench.marks, 0);
    stop(&bench);
}

static void repeats_are_known_by_topic_seq_and_time(void **state)
{
    struct arena arena;
    struct mqtt_repeats repeats;
    char name[32];
    (void)state;
    arena_init(&arena);
    mqtt_repeats_init(&repeats, &arena);
    assert_false(mqtt_repeats_known(&repeats, "t", 1, 1, 10));
    mqtt_repeats_note(&repeats, "t", 1, 1, 10);
    assert_true(mqtt_repeats_known(&repeats, "t", 1, 1, 10));
    assert_false(mqtt_repeats_known(&repeats, "t", 1, 1, 11));
    assert_false(mqtt_repeats_known(&repeats, "t", 1, 2, 10));
    assert_false(mqtt_repeats_known(&repeats, "u", 1, 1, 10));
    for (int i = 2; i <= REPEATS_DEPTH; i++) {
        mqtt_repeats_note(&repeats, "t", 1, i, 10);
    }
    assert_true(mqtt_repeats_known(&repeats, "t", 1, 1, 10)); /* 64 back */
    mqtt_repeats_note(&repeats, "t", 1, 1000, 10);
    assert_false(mqtt_repeats_known(&repeats, "t", 1, 1, 10)); /* 65 back */
    for (int i = 0; i < 10000; i++) {                          /* more topics than there is room for */
        const int len = snprintf(name, sizeof name, "topic/%d", i);
        mqtt_repeats_note(&repeats, name, (size_t)len, 1, 1);
        assert_true(mqtt_repeats_known(&repeats, name, (size_t)len, 1, 1));
    }
    arena_done(&arena);
}

static void subscriptions_match_as_mqtt_says(void **state)
{
    static const struct {
        const char *filter, *topic;
        bool matches;
    } table[] = {
        {"a/b", "a/b", true},     {"a/b", "a/bc", false},    {"a/b", "a", false},        {"a/b", "a/b/c", false},
        {"a/+", "a/b", true},     {"a/+", "a/b/c", false},   {"a/+", "a/", true},        {"a/+", "a", false},
        {"+/b", "a/b", true},     {"+", "a", true},          {"+/+", "/a", true},        {"/+", "/a", true},
        {"+", "/a", false},       {"a/#", "a", true},        {"a/#", "a/b/c", true},     {"#", "a/b", true},
        {"#", "$SYS/x", false},   {"+/x", "$SYS/x", false},  {"$SYS/#", "$SYS/x", true}, {"a/#", "ab", false},
        {"a/+/c", "a/b/c", true}, {"a/+/c", "a/b/d", false}, {"", "a", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(mqtt_topic_matches(table[i].filter, table[i].topic, strlen(table[i].topic)), table[i].matches);
    }
}

static void a_topic_cannot_break_a_log_line(void **state)
{
    char text[TOPIC_PRINT_MAX];
    char longer[400];
    (void)state;
    mqtt_topic_print("a\nb\"c\x7f", 6, text);
    assert_string_equal(text, "a?b?c?");
    longer[0] = 'x';
    for (size_t i = 1; i < sizeof longer; i++) {
        longer[i] = i % 2 == 1 ? '\xC3' : '\xA4'; /* ä */
    }
    mqtt_topic_print(longer, sizeof longer, text);
    assert_int_equal(strlen(text), 199); /* x and 99 whole letters */
}

/* ---- other systems ---- */

struct row {
    const char *text;
    struct {
        uint32_t point;
        double value;
        int64_t time_ms;
        uint16_t status;
    } samples[3];
    size_t count;
    uint64_t aside;
};

static void check(enum mqtt_format format, const char *const *keys, size_t n, const struct site_map *map, size_t maps,
                  const struct row *row)
{
    struct bench bench;
    start(&bench, format, keys, n, 64);
    bench.field->sources[0].map = map;
    bench.field->sources[0].map_count = maps;
    assert_int_equal(take(&bench, row->text), TAKE_SAFE);
    settle(&bench);
    assert_int_equal(bench.count, row->count);
    assert_int_equal(field_count(bench.field, "set_aside"), row->aside);
    for (size_t i = 0; i < bench.count; i++) {
        assert_int_equal(bench.samples[i].point, row->samples[i].point);
        assert_int_equal(bench.samples[i].status, row->samples[i].status);
        assert_true(bench.samples[i].time_ns ==
                    (row->samples[i].time_ms != 0 ? row->samples[i].time_ms * NS_PER_MS : bench.samples[i].seen_ns));
        assert_true(isnan(row->samples[i].value) ? isnan(bench.samples[i].value)
                                                 : bench.samples[i].value == row->samples[i].value);
    }
    stop(&bench);
}

static void json_goes_by_its_map(void **state)
{
    static const char *const keys[] = {"temp", "level"};
    static const struct site_map map[] = {
        {"temp", "/data/0/t~1x"}, {"level", "/data/1"}, {"time", "/at"}, {"seq", "/n"}};
    static const struct row rows[] = {
        {"{\"at\":5000,\"n\":1,\"data\":[{\"t/x\":21.5},7]}", {{0, 21.5, 5000, 0}, {1, 7, 5000, 0}}, 2, 0},
        {"{\"at\":\"1970-01-01T00:00:05Z\",\"data\":[{},true]}", {{1, 1, 5000, 0}}, 1, 1},
        {"{\"data\":[{\"t/x\":\"21\"},null]}", {{1, NAN, 0, ST_SENSOR}}, 1, 1},
        {"{\"at\":[],\"data\":[{\"t/x\":1},2]}", {{0, 0, 0, 0}}, 0, 1},
        {"{\"at\"", {{0, 0, 0, 0}}, 0, 1},
        {"[]", {{0, 0, 0, 0}}, 0, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(FORMAT_JSON, keys, 2, map, 4, &rows[i]);
    }
}

static void neuron_telemetry_is_read(void **state)
{
    static const char *const keys[] = {"tag0", "tag1", "tag2"};
    static const struct row rows[] = {
        {"{\"node\":\"modbus\",\"group\":\"g\",\"timestamp\":5000,\"values\":{\"tag0\":42,\"tag1\":1.5},\"errors\":{"
         "\"tag2\":2014}}",
         {{0, 42, 5000, 0}, {1, 1.5, 5000, 0}, {2, NAN, 5000, ST_COMM}},
         3,
         0},
        {"{\"node\":\"m\",\"group\":\"g\",\"timestamp\":5000,\"tags\":[{\"name\":\"tag0\",\"value\":42},{\"name\":"
         "\"tag1\",\"error\":2014},{\"value\":1},{\"name\":\"tag2\"}]}",
         {{0, 42, 5000, 0}, {1, NAN, 5000, ST_COMM}},
         2,
         2},
        {"[1]", {{0, 0, 0, 0}}, 0, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(FORMAT_NEURON, keys, 3, NULL, 0, &rows[i]);
    }
}

static void thingsboard_telemetry_is_read(void **state)
{
    static const char *const keys[] = {"temp", "hum", "Device A/temp"};
    static const struct row rows[] = {
        {"{\"temp\":1,\"hum\":2}", {{0, 1, 0, 0}, {1, 2, 0, 0}}, 2, 0},
        {"{\"ts\":5000,\"values\":{\"temp\":1,\"other\":2}}", {{0, 1, 5000, 0}}, 1, 1},
        {"[{\"temp\":1},{\"ts\":6000,\"values\":{\"hum\":\"x\"}}]", {{0, 1, 0, 0}}, 1, 1},
        {"{\"Device A\":[{\"ts\":5000,\"values\":{\"temp\":1}},{\"ts\":6000,\"values\":{\"temp\":2}}]}",
         {{2, 1, 5000, 0}, {2, 2, 6000, 0}},
         2,
         0},
        {"[7]", {{0, 0, 0, 0}}, 0, 1},
        {"{}", {{0, 0, 0, 0}}, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(FORMAT_THINGSBOARD, keys, 3, NULL, 0, &rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_taken_with_one_mark_behind_it),
        cmocka_unit_test(a_message_larger_than_the_ring_goes_in_parts),
        cmocka_unit_test(what_is_not_safe_in_time_is_refused_and_no_repeat_later),
        cmocka_unit_test(without_room_a_message_is_refused),
        cmocka_unit_test(nothing_to_take_is_safe_at_once),
        cmocka_unit_test(repeats_are_known_by_topic_seq_and_time),
        cmocka_unit_test(subscriptions_match_as_mqtt_says),
        cmocka_unit_test(a_topic_cannot_break_a_log_line),
        cmocka_unit_test(json_goes_by_its_map),
        cmocka_unit_test(neuron_telemetry_is_read),
        cmocka_unit_test(thingsboard_telemetry_is_read),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
