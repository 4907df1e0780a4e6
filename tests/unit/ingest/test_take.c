/*
 * Taking a message without a broker: rings, room, repeats, lag, topics, and the
 * payloads of other systems.
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
    struct arena arena;
    struct take_shared shared;
    struct mqtt_take take;
    uint64_t judged[1];
    uint64_t number;
    /* the far end */
    pthread_t thread;
    struct cell end;
    struct sample samples[4096];
    size_t count;
};

static void *far_end(void *arg)
{
    struct bench *bench = arg;
    struct sample sample;
    while (cell_get(&bench->end) == 0 || ring_fill(bench->field->rings[0]) > 0) {
        if (!field_take(bench->field, &sample)) {
            (void)usleep(100);
        } else {
            bench->samples[bench->count++ % 4096] = sample;
        }
    }
    return NULL;
}

static void start(struct bench *bench, enum mqtt_format format, const char *const *keys, size_t n, size_t ring)
{
    memset(bench, 0, sizeof *bench);
    bench->judged[0] = 2;
    bench->field = field_new(ring);
    field_add_mqtt(bench->field, "mqtt://h", NULL, 0)->format = format;
    for (size_t i = 0; i < n; i++) {
        (void)field_add_key(bench->field, keys[i]);
    }
    const struct mqtt_config config = {.site = &bench->field->site,
                                       .router = &bench->field->router,
                                       .shard_count = 1,
                                       .judged = bench->judged,
                                       .counters = bench->field->counters};
    arena_init(&bench->arena);
    take_shared_init(&bench->shared, &config, &bench->arena);
    mqtt_take_init(&bench->take, &bench->shared, &config, 0, &bench->arena);
    bench->number = 10;
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

static struct spool_record record_of(struct bench *bench, const char *text)
{
    return (struct spool_record){.number = bench->number++,
                                 .seen_ns = 5 * NS_PER_S,
                                 .topic = topic,
                                 .topic_len = sizeof topic - 1,
                                 .payload = text,
                                 .payload_len = strlen(text)};
}

static void take(struct bench *bench, const char *text)
{
    const struct spool_record record = record_of(bench, text);
    assert_true(mqtt_take_message(&bench->take, &record, true));
}

static void a_message_becomes_samples_that_a_mark_will_follow(void **state)
{
    static const char *const keys[] = {"a", "b"};
    struct bench bench;
    (void)state;
    start(&bench, FORMAT_DAVY, keys, 2, 64);
    take(&bench, "{\"time\":1000,\"values\":{\"a\":1,\"b\":2}}");
    take(&bench, "{\"time\":2000,\"values\":{\"a\":3}}");
    settle(&bench);
    assert_int_equal(bench.count, 3);
    assert_true(bench.samples[2].time_ns == 2 * NS_PER_S && bench.samples[2].value == 3);
    assert_int_equal(bench.samples[0].status, SAMPLE_OPEN);
    assert_int_equal(bench.samples[0].seen_ns, 5 * NS_PER_S); /* received then, whenever it is taken */
    assert_int_equal(bench.samples[0].seq, 0);
    assert_int_equal(bench.samples[2].seq, 1); /* the second of its point */
    assert_int_equal(field_count(bench.field, "samples"), 3);
    stop(&bench);
}

static void what_was_judged_before_the_start_says_so(void **state)
{
    static const char *const keys[] = {"a"};
    struct bench bench;
    (void)state;
    start(&bench, FORMAT_DAVY, keys, 1, 64);
    bench.number = 2;
    take(&bench, "{\"time\":1000,\"values\":{\"a\":1}}");
    take(&bench, "{\"time\":2000,\"values\":{\"a\":1}}");
    settle(&bench);
    assert_int_equal(bench.samples[0].status, SAMPLE_OPEN | SAMPLE_JUDGED);
    assert_int_equal(bench.samples[1].status, SAMPLE_OPEN);
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
    take(&bench, text);
    settle(&bench);
    assert_int_equal(bench.count, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_true(bench.samples[i].value == i);
    }
    stop(&bench);
}

static void without_certain_room_nothing_is_done_where_it_may_not_wait(void **state)
{
    static const char *const keys[] = {"a"};
    struct bench bench;
    (void)state;
    start(&bench, FORMAT_DAVY, keys, 1, 4);
    const struct spool_record large =
        record_of(&bench, "[{\"point\":\"a\",\"value\":1},{\"point\":\"a\",\"value\":2}]");
    assert_false(mqtt_take_message(&bench.take, &large, false));
    const struct spool_record small = record_of(&bench, "[]");
    assert_true(mqtt_take_message(&bench.take, &small, false));
    settle(&bench);
    assert_int_equal(bench.count, 0);
    assert_int_equal(field_count(bench.field, "messages"), 1);
    stop(&bench);
}

static void what_cannot_be_read_is_set_aside(void **state)
{
    static const char *const keys[] = {"a"};
    struct bench bench;
    (void)state;
    start(&bench, FORMAT_DAVY, keys, 1, 64);
    take(&bench, "not json");
    take(&bench, "{\"values\":{\"other\":1}}");
    assert_int_equal(field_count(bench.field, "set_aside"), 2);
    settle(&bench);
    assert_int_equal(bench.count, 0);
    stop(&bench);
}

static void a_repeat_is_not_taken_also_of_a_message_from_before_the_start(void **state)
{
    static const char *const keys[] = {"a"};
    static const char before[] = "{\"time\":1000,\"seq\":1,\"values\":{\"a\":1}}";
    static const char now[] = "{\"time\":2000,\"seq\":2,\"values\":{\"a\":1}}";
    struct bench bench;
    (void)state;
    start(&bench, FORMAT_DAVY, keys, 1, 64);
    const struct spool_record known = record_of(&bench, before);
    mqtt_take_known(&bench.take, &known);
    take(&bench, before);
    take(&bench, now);
    take(&bench, now);
    take(&bench, "{\"time\":2000,\"seq\":3,\"values\":{\"a\":1}}"); /* another seq */
    settle(&bench);
    assert_int_equal(bench.count, 2);
    assert_int_equal(field_count(bench.field, "repeats"), 2);
    assert_int_equal(field_count(bench.field, "messages"), 2);
    stop(&bench);
}

static void the_least_lag_of_a_while_tells_the_clock(void **state)
{
    struct mqtt_lag lag;
    (void)state;
    mqtt_lag_init(&lag);
    assert_true(mqtt_lag_least(&lag, 0) == LAG_UNKNOWN);
    mqtt_lag_add(&lag, 100 * NS_PER_S, 100 * NS_PER_S); /* stamped at its receipt: says nothing */
    assert_true(mqtt_lag_least(&lag, 100 * NS_PER_S) == LAG_UNKNOWN);
    mqtt_lag_add(&lag, 97 * NS_PER_S, 101 * NS_PER_S);
    mqtt_lag_add(&lag, 100 * NS_PER_S, 102 * NS_PER_S);
    mqtt_lag_add(&lag, 90 * NS_PER_S, 103 * NS_PER_S); /* held up on its way */
    assert_true(mqtt_lag_least(&lag, 103 * NS_PER_S) == 2 * NS_PER_S);
    mqtt_lag_add(&lag, 127 * NS_PER_S, 101 * NS_PER_S + LAG_WINDOW_NS); /* the next window */
    assert_true(mqtt_lag_least(&lag, 132 * NS_PER_S) == 2 * NS_PER_S);
    mqtt_lag_add(&lag, 165 * NS_PER_S, 163 * NS_PER_S); /* and the next: ahead */
    assert_true(mqtt_lag_least(&lag, 163 * NS_PER_S) == -2 * NS_PER_S);
    assert_true(mqtt_lag_least(&lag, 163 * NS_PER_S + 2 * LAG_WINDOW_NS) == LAG_UNKNOWN);
    mqtt_lag_add(&lag, INT64_MIN, INT64_MAX); /* no difference that fits */
    assert_true(mqtt_lag_least(&lag, 163 * NS_PER_S) == -2 * NS_PER_S);
}

static void repeats_are_known_by_topic_seq_and_time(void **state)
{
    struct arena arena;
    struct mqtt_repeats repeats;
    char name[32];
    (void)state;
    arena_init(&arena);
    mqtt_repeats_init(&repeats, &arena);
    assert_false(mqtt_repeats_known(&repeats, mqtt_repeats_topic("t", 1), 1, 10));
    mqtt_repeats_note(&repeats, mqtt_repeats_topic("t", 1), 1, 10);
    assert_true(mqtt_repeats_known(&repeats, mqtt_repeats_topic("t", 1), 1, 10));
    assert_false(mqtt_repeats_known(&repeats, mqtt_repeats_topic("t", 1), 1, 11));
    assert_false(mqtt_repeats_known(&repeats, mqtt_repeats_topic("t", 1), 2, 10));
    assert_false(mqtt_repeats_known(&repeats, mqtt_repeats_topic("u", 1), 1, 10));
    for (int i = 2; i <= REPEATS_DEPTH; i++) { /* of any topics */
        const int len = snprintf(name, sizeof name, "topic/%d", i % 1000);
        mqtt_repeats_note(&repeats, mqtt_repeats_topic(name, (size_t)len), i, 10);
        assert_true(mqtt_repeats_known(&repeats, mqtt_repeats_topic(name, (size_t)len), i, 10));
    }
    assert_true(mqtt_repeats_known(&repeats, mqtt_repeats_topic("t", 1), 1, 10)); /* as far back as it goes */
    mqtt_repeats_note(&repeats, mqtt_repeats_topic("t", 1), 100000, 10);
    assert_false(mqtt_repeats_known(&repeats, mqtt_repeats_topic("t", 1), 1, 10));
    for (int i = 0; i < 3 * REPEATS_DEPTH; i++) { /* round and round */
        mqtt_repeats_note(&repeats, mqtt_repeats_topic("u", 1), i % 5000, i / 5000);
        assert_true(mqtt_repeats_known(&repeats, mqtt_repeats_topic("u", 1), i % 5000, i / 5000));
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
    take(&bench, row->text);
    settle(&bench);
    assert_int_equal(bench.count, row->count);
    assert_int_equal(field_count(bench.field, "set_aside"), row->aside);
    for (size_t i = 0; i < bench.count; i++) {
        assert_int_equal(bench.samples[i].point, row->samples[i].point);
        assert_int_equal(bench.samples[i].status, row->samples[i].status | SAMPLE_OPEN);
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
        cmocka_unit_test(a_message_becomes_samples_that_a_mark_will_follow),
        cmocka_unit_test(what_was_judged_before_the_start_says_so),
        cmocka_unit_test(a_message_larger_than_the_ring_goes_in_parts),
        cmocka_unit_test(without_certain_room_nothing_is_done_where_it_may_not_wait),
        cmocka_unit_test(what_cannot_be_read_is_set_aside),
        cmocka_unit_test(a_repeat_is_not_taken_also_of_a_message_from_before_the_start),
        cmocka_unit_test(the_least_lag_of_a_while_tells_the_clock),
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
