/*
 * The davy format: what each form means, what is set aside and where, and for
 * random messages the same as jansson.
 */
#include "field.h"
#include "oracle_davy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"T7.LVL", "T7.TMP", "a\"b", "煤/甲烷", "x", "twin", "scaled", ""};
enum { NAMES = 8 };
static const int64_t seen_ns = 1767571239 * NS_PER_S;

static struct field *field;
static struct arena arena;
static struct mqtt_keys keys;

static int set_up(void **state)
{
    static const double invalid[] = {-1};
    (void)state;
    field = field_new(16);
    (void)field_add_mqtt(field, "mqtt://h", NULL, 0);
    for (int i = 0; i < NAMES; i++) {
        (void)field_add_key(field, names[i]);
    }
    (void)field_add_key(field, "twin"); /* point 8: the same key again */
    struct site_point *scaled = &field->points[6];
    scaled->from.scale = 0.5;
    scaled->from.offset = 10;
    scaled->from.invalid = invalid;
    scaled->from.invalid_count = 1;
    arena_init(&arena);
    mqtt_keys_init(&keys, &field->site, 0, &arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mqtt_keys_done(&keys);
    arena_done(&arena);
    field_free(field);
    return 0;
}

static struct outcome decode(const char *text)
{
    static struct outcome out;
    /* A copy of exactly its length, so that a step behind the end is seen by the sanitizer. */
    const size_t len = strlen(text);
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    char *exact = realloc(copy, len > 0 ? len : 1);
    const struct mqtt_message message = {.payload = exact, .len = len, .seen_ns = seen_ns};
    scanner_davy(&keys, &message, 64, &out);
    free(exact);
    return out;
}

struct row {
    const char *text;
    struct {
        uint32_t point;
        double value;    /* NAN: none */
        int64_t time_ms; /* 0: the time of receipt */
        uint16_t status;
    } samples[3];
    size_t count;
    uint64_t aside;
};

#define T INT64_C(1767571230000)

static const struct row rows[] = {
    {"{\"time\": 1767571230000, \"seq\": 17, \"values\": {\"T7.LVL\": 3.2, \"T7.TMP\": {\"value\": 41.5, \"status\": "
     "\"calibrating\", \"time\": 1767571229500}}}",
     {{0, 3.2, T, 0}, {1, 41.5, T - 500, ST_CALIBRATING}},
     2,
     0},
    {"[{\"point\": \"T7.LVL\", \"time\": 1767571230000, \"value\": 3.2, \"status\": \"good\"}]",
     {{0, 3.2, T, 0}},
     1,
     0},
    {"{\"values\":{\"x\":1},\"time\":1767571230000}", {{4, 1, T, 0}}, 1, 0}, /* values first */
    {"{\"values\":{\"x\":1}}", {{4, 1, 0, 0}}, 1, 0},
    {"{\"time\":\"2026-01-05T00:00:30Z\",\"values\":{\"x\":1}}", {{4, 1, T, 0}}, 1, 0},
    {"{\"time\":1767571230000,\"values\":{\"x\":true,\"T7.LVL\":false}}", {{4, 1, T, 0}, {0, 0, T, 0}}, 2, 0},
    {"{\"time\":1767571230000,\"values\":{\"x\":null}}", {{4, NAN, T, ST_SENSOR}}, 1, 0},
    {"{\"time\":1767571230000,\"values\":{\"x\":NaN,\"T7.LVL\":-Infinity,\"T7.TMP\":Infinity}}",
     {{4, NAN, T, ST_SENSOR}, {0, NAN, T, ST_SENSOR}, {1, NAN, T, ST_SENSOR}},
     3,
     0},
    {"{\"time\":1767571230000,\"values\":{\"x\":{\"status\":\"comm\"}}}", {{4, NAN, T, ST_COMM}}, 1, 0},
    {"{\"time\":1767571230000,\"values\":{\"x\":{\"value\":2,\"status\":\"manual+merged\",\"quality\":[1,{}]}}}",
     {{4, 2, T, ST_MANUAL | ST_MERGED}},
     1,
     0},
    {"{\"time\":1767571230000,\"values\":{\"twin\":2}}", {{5, 2, T, 0}, {8, 2, T, 0}}, 2, 0},
    {"{\"time\":1767571230000,\"values\":{\"scaled\":4}}", {{6, 12, T, 0}}, 1, 0},
    {"{\"time\":1767571230000,\"values\":{\"scaled\":-1}}", {{6, NAN, T, ST_SENSOR}}, 1, 0},
    {"{\"time\":1767571230000,\"values\":{\"a\\\"b\":1,\"\\u7164\\/\\u7532烷\":2,\"\":3}}",
     {{2, 1, T, 0}, {3, 2, T, 0}, {7, 3, T, 0}},
     3,
     0},
    {"{\"values\":{\"x\":-0.0e-5}}", {{4, 0, 0, 0}}, 1, 0},
    {" [ ] ", {{0, 0, 0, 0}}, 0, 0},
    {"{}", {{0, 0, 0, 0}}, 0, 0},
    {"{\"values\":{}}", {{0, 0, 0, 0}}, 0, 0},
    /* set aside, and the rest is taken */
    {"{\"time\":1767571230000,\"values\":{\"T7.LVL\":\"3.2\",\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":1767571230000,\"values\":{\"nobody\":3.2,\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":1767571230000,\"values\":{\"nobody\":{\"value\":[1,2,\"}\"]},\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":1767571230000,\"values\":{\"T7.LVL\":oops,\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":1767571230000,\"values\":{\"T7.LVL\":01,\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":1767571230000,\"values\":{\"T7.LVL\":1.,\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":1767571230000,\"values\":{\"T7.LVL\":1e999,\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":1767571230000,\"values\":{\"T7.LVL\":[3],\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":1767571230000,\"values\":{T7.LVL:3,\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":1767571230000,\"values\":{\"T7.LVL\" 3,\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":1767571230000,\"values\":{\"T7.LVL\":,\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":1767571230000,\"values\":{\"T7.LVL\":{\"value\":1,\"status\":\"fine\"},\"x\":1}}",
     {{4, 1, T, 0}},
     1,
     1},
    {"{\"time\":1767571230000,\"values\":{\"T7.LVL\":{\"value\":1,\"status\":7},\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":1767571230000,\"values\":{\"T7.LVL\":{\"value\":1,\"time\":\"noon\"},\"x\":1}}", {{4, 1, T, 0}}, 1, 1},
    {"{\"time\":\"noon\",\"values\":{\"T7.LVL\":1,\"x\":{\"value\":1,\"time\":1767571230000}}}", {{4, 1, T, 0}}, 1, 2},
    {"[{\"time\":1,\"value\":1},{\"point\":\"x\",\"value\":1}]", {{4, 1, 0, 0}}, 1, 1},
    {"[7,{\"point\":\"x\",\"value\":1}]", {{4, 1, 0, 0}}, 1, 1},
    {"[{\"point\":\"nobody\",\"value\":1},{\"point\":\"x\",\"value\":1}]", {{4, 1, 0, 0}}, 1, 1},
    /* broken as a whole: what stands before is taken */
    {"{\"time\":1767571230000,\"seq\":1,\"values\":{\"x\":1,\"T7.LVL\":2", {{4, 1, T, 0}}, 1, 3},
    {"{\"time\":1767571230000,\"seq\":1,\"values\":{\"x\":1}} {}", {{4, 1, T, 0}}, 1, 1},
    {"", {{0, 0, 0, 0}}, 0, 1},
    {"7", {{0, 0, 0, 0}}, 0, 1},
    {"\"{\"", {{0, 0, 0, 0}}, 0, 1},
    {"{\"values\":[1]}", {{0, 0, 0, 0}}, 0, 1},
    {"{\"values\"", {{0, 0, 0, 0}}, 0, 2},
    {"{\"values\":{\"x\":1}]", {{4, 1, 0, 0}}, 1, 2},
};

static void each_form_means_what_the_contract_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct outcome out = decode(rows[i].text);
        if (out.count != rows[i].count || out.aside != rows[i].aside) {
            fail_msg("%s: %zu samples, %llu set aside", rows[i].text, out.count, (unsigned long long)out.aside);
        }
        for (size_t k = 0; k < out.count; k++) {
            const int64_t time_ns = rows[i].samples[k].time_ms == 0 ? seen_ns : rows[i].samples[k].time_ms * NS_PER_MS;
            assert_int_equal(out.samples[k].point, rows[i].samples[k].point);
            assert_int_equal(out.samples[k].status, rows[i].samples[k].status);
            assert_true(out.samples[k].time_ns == time_ns);
            assert_true(out.samples[k].seen_ns == seen_ns);
            assert_true(isnan(rows[i].samples[k].value) ? isnan(out.samples[k].value)
                                                        : out.samples[k].value == rows[i].samples[k].value);
        }
    }
}

static void what_is_set_aside_tells_reason_and_offset(void **state)
{
    static const char text[] = "{\"values\":{\"x\":1,\"T7.LVL\": \"3.2\",\"nobody\":1}}";
    struct sample samples[4];
    struct mqtt_batch batch = {.samples = samples, .room = 4};
    const struct mqtt_message message = {.payload = text, .len = sizeof text - 1, .seen_ns = seen_ns};
    (void)state;
    mqtt_decode_davy(&keys, &message, &batch);
    assert_int_equal(batch.count, 1);
    assert_int_equal(batch.aside, 2);
    assert_string_equal(batch.reason, "a text is not a value");
    assert_int_equal(batch.offset, strstr(text, "\"3.2\"") - text);
}

static bool note_heading(void *self, const struct mqtt_heading *heading)
{
    *(struct mqtt_heading *)self = *heading;
    return heading->seq != 99;
}

static void the_heading_is_known_before_the_first_sample(void **state)
{
    static const char *const texts[] = {
        "{\"time\":1767571230000,\"seq\":17,\"values\":{\"x\":1}}",
        "{\"values\":{\"x\":1},\"seq\":17,\"time\":1767571230000}",
        "{\"seq\":17,\"values\":{\"x\":1},\"time\":1767571230000}",
        "{\"time\":1767571230000,\"values\":{\"x\":1},\"seq\":99}",
    };
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct mqtt_heading heading = {0};
        struct sample samples[4];
        struct mqtt_batch batch = {.samples = samples, .room = 4, .begin = note_heading, .self = &heading};
        const struct mqtt_message message = {.payload = texts[i], .len = strlen(texts[i]), .seen_ns = seen_ns};
        mqtt_decode_davy(&keys, &message, &batch);
        assert_true(heading.has_time && heading.time_ns == T * NS_PER_MS);
        assert_true(heading.has_seq && heading.seq == (i == 3 ? 99 : 17));
        assert_int_equal(batch.count, i == 3 ? 0 : 1); /* told to take nothing */
    }
}

/* ---- random messages ---- */

struct writer {
    char text[16384];
    size_t len;
};

static void add(struct writer *writer, const char *text)
{
    const size_t len = strlen(text);
    assert_true(writer->len + len < sizeof writer->text);
    memcpy(writer->text + writer->len, text, len + 1);
    writer->len += len;
}

static const char *pick(const char *const *list, size_t n)
{
    return list[(size_t)rand() % n];
}
#define PICK(list) pick(list, sizeof(list) / sizeof *(list))

static void add_value(struct writer *writer)
{
    static const char *const odd[] = {"true", "false", "null", "\"text\"", "[1,[2]]", "-0", "0", "1e300", "1E-300"};
    char number[64];
    if (rand() % 4 == 0) {
        add(writer, PICK(odd));
        return;
    }
    const double value = ((double)rand() - RAND_MAX / 2.0) / (1 + rand() % 100000);
    (void)snprintf(number, sizeof number, rand() % 2 == 0 ? "%.17g" : "%.3f", value);
    add(writer, number);
}

static void add_time(struct writer *writer)
{
    static const char *const times[] = {
        "1767571230000", "\"2026-01-05T08:00:30.123456789+08:00\"", "\"never\"", "-5", "99999999999999999", "true"};
    add(writer, PICK(times));
}

static void add_space(struct writer *writer)
{
    static const char *const spaces[] = {"", "", "", " ", "\n\t", "\r  "};
    add(writer, PICK(spaces));
}

/* value, status, time, in any order, perhaps a stranger. */
static void add_members(struct writer *writer, bool first)
{
    static const char *const states[] = {"\"good\"", "\"calibrating\"", "\"comm+sensor\"", "\"\"", "\"odd\"", "1"};
    const int order = rand() % 6;
    for (int i = 0; i < 4; i++) {
        const int what = (i + order) % 4;
        if (rand() % 3 == 0) {
            continue;
        }
        add_space(writer);
        add(writer, first ? "" : ",");
        add_space(writer);
        first = false;
        add(writer, what == 0 ? "\"value\":" : what == 1 ? "\"status\" :" : what == 2 ? "\"time\": " : "\"extra\":");
        if (what == 1) {
            add(writer, PICK(states));
        } else if (what == 2) {
            add_time(writer);
        } else {
            add_value(writer);
        }
    }
}

static void add_key(struct writer *writer, unsigned i)
{
    static const char *const spelled[] = {"\"T7.LVL\"", "\"T7\\u002eTMP\"", "\"a\\\"b\"", "\"\\u7164/甲烷\"",
                                          "\"x\"",      "\"twin\"",         "\"scaled\"", "\"\"",
                                          "\"nobody\"", "\"\\n\""};
    add(writer, spelled[i]);
}

static void add_values(struct writer *writer)
{
    bool first = true;
    add(writer, "{");
    for (unsigned i = 0; i < 10; i++) { /* each key once: a name twice has no one meaning */
        if (rand() % 2 == 0) {
            continue;
        }
        add_space(writer);
        add(writer, first ? "" : ",");
        add_space(writer);
        first = false;
        add_key(writer, i);
        add_space(writer);
        add(writer, ":");
        add_space(writer);
        if (rand() % 3 == 0) {
            add(writer, "{");
            add_members(writer, true);
            add(writer, "}");
        } else {
            add_value(writer);
        }
    }
    add_space(writer);
    add(writer, "}");
}

static void write_object(struct writer *writer)
{
    bool first = true;
    const int order = rand() % 4;
    add(writer, "{");
    for (int i = 0; i < 4; i++) {
        const int what = (i + order) % 4;
        if (rand() % 5 == 0) {
            continue;
        }
        add(writer, first ? "" : ",");
        add_space(writer);
        first = false;
        add(writer, what == 0 ? "\"time\":" : what == 1 ? "\"seq\":" : what == 2 ? "\"values\":" : "\"note\":");
        if (what == 0) {
            add_time(writer);
        } else if (what == 2 && rand() % 10 != 0) {
            add_values(writer);
        } else {
            add_value(writer);
        }
    }
    add(writer, "}");
}

static void write_array(struct writer *writer)
{
    const int n = rand() % 6;
    add(writer, "[");
    for (int i = 0; i < n; i++) {
        add(writer, i == 0 ? "" : ",");
        add_space(writer);
        if (rand() % 8 == 0) {
            add_value(writer);
            continue;
        }
        add(writer, "{");
        const bool point = rand() % 6 != 0;
        if (point) {
            add(writer, "\"point\":");
            add_key(writer, (unsigned)rand() % 10);
        }
        add_members(writer, !point);
        add(writer, "}");
    }
    add(writer, "]");
}

static void random_messages_give_what_jansson_gives(void **state)
{
    static struct outcome ours;
    static struct outcome theirs;
    static struct writer writer;
    unsigned compared = 0;
    (void)state;
    srand(6);
    for (int round = 0; round < 20000; round++) {
        writer.len = 0;
        if (rand() % 3 == 0) {
            write_array(&writer);
        } else {
            write_object(&writer);
        }
        const struct mqtt_message message = {.payload = writer.text, .len = writer.len, .seen_ns = seen_ns};
        scanner_davy(&keys, &message, 1 + (size_t)rand() % 64, &ours);
        if (!oracle_davy(&keys, &message, &theirs)) {
            continue;
        }
        compared++;
        if (!outcome_equal(&ours, &theirs)) {
            fail_msg("%s: %zu and %zu samples, %llu and %llu set aside", writer.text, ours.count, theirs.count,
                     (unsigned long long)ours.aside, (unsigned long long)theirs.aside);
        }
    }
    assert_true(compared > 15000);
}

/* As a sender does it: the same keys in the same order, but for a change now and then. */
static void add_sticky_object(struct writer *writer, unsigned order[10])
{
    const bool spaced = rand() % 2 == 0; /* as Python writes JSON */
    if (rand() % 4 == 0) {
        const size_t i = (size_t)rand() % 10;
        const size_t k = (size_t)rand() % 10;
        const unsigned was = order[i];
        order[i] = order[k];
        order[k] = was;
    }
    add(writer, spaced ? "{\"time\": 1767571230000, \"seq\": 3, \"values\": {"
                       : "{\"time\":1767571230000,\"seq\":3,\"values\":{");
    for (int i = 0; i < 10; i++) {
        add(writer, i == 0 ? "" : spaced ? ", " : ",");
        add_key(writer, order[i]);
        add(writer, spaced ? ": " : ":");
        add_value(writer);
    }
    add(writer, "}}");
}

static void keys_in_their_usual_order_give_the_same(void **state)
{
    static struct outcome theirs;
    static struct writer writer;
    unsigned order[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    (void)state;
    srand(8);
    for (int round = 0; round < 5000; round++) {
        writer.len = 0;
        add_sticky_object(&writer, order);
        const struct mqtt_message message = {.payload = writer.text, .len = writer.len, .seen_ns = seen_ns};
        const struct outcome ours = decode(writer.text);
        assert_true(oracle_davy(&keys, &message, &theirs));
        if (!outcome_equal(&ours, &theirs)) {
            fail_msg("%s: %zu and %zu samples, %llu and %llu set aside", writer.text, ours.count, theirs.count,
                     (unsigned long long)ours.aside, (unsigned long long)theirs.aside);
        }
    }
}

static void broken_messages_never_give_wrong_samples(void **state)
{
    static struct outcome whole;
    static struct outcome broken;
    static const char text[] = "{\"time\":1767571230000,\"seq\":1,\"values\":{\"x\":101,\"T7.LVL\":{\"value\":202,"
                               "\"status\":\"manual\"},\"twin\":303,\"T7.TMP\":404}}";
    (void)state;
    const struct mqtt_message message = {.payload = text, .len = sizeof text - 1, .seen_ns = seen_ns};
    scanner_davy(&keys, &message, 64, &whole);
    assert_int_equal(whole.count, 5);
    for (size_t len = 0; len < message.len; len++) { /* cut anywhere */
        const struct mqtt_message cut = {.payload = text, .len = len, .seen_ns = seen_ns};
        scanner_davy(&keys, &cut, 64, &broken);
        assert_true(broken.aside > 0);
        for (size_t i = 0; i < broken.count; i++) { /* a number cut short is none */
            assert_int_equal(broken.samples[i].point, whole.samples[i].point);
            assert_true(broken.samples[i].value == whole.samples[i].value);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_means_what_the_contract_says),
        cmocka_unit_test(what_is_set_aside_tells_reason_and_offset),
        cmocka_unit_test(the_heading_is_known_before_the_first_sample),
        cmocka_unit_test(random_messages_give_what_jansson_gives),
        cmocka_unit_test(keys_in_their_usual_order_give_the_same),
        cmocka_unit_test(broken_messages_never_give_wrong_samples),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
