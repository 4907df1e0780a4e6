/*
 * The payloads of others: what is taken of them, and for each part set aside,
 * where in the text it stands: an @ in front of it, which the decoder does not
 * get to see.
 */
#include "field.h"
#include "ingest/mqtt_decode.h"
#include "ingest/mqtt_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"a", "b/c", "dev/a"};
static const struct site_map map[] = {{"time", "/t"}, {"seq", "/n"}, {"a", "/d/0/v"}, {"b/c", "/d/1/x~1y"}};
enum { NAMES = 3, ROOM = 4, MARKS = 8 };

struct heard {
    size_t samples;
    size_t aside;
    size_t offsets[MARKS];
};

static bool drop(void *self, struct mqtt_batch *batch)
{
    struct heard *heard = self;
    heard->samples += batch->count;
    batch->count = 0;
    return true;
}

static void hear(void *self, const char *reason, size_t offset)
{
    struct heard *heard = self;
    assert_non_null(reason);
    assert_true(heard->aside < MARKS);
    heard->offsets[heard->aside++] = offset;
}

/* Takes the marks out; gives the text, the caller's, of exactly its length. */
static char *unmark(const char *marked, size_t *ret_len, size_t ret_marks[MARKS], size_t *ret_count)
{
    char *text = malloc(strlen(marked) + 1);
    assert_non_null(text);
    *ret_len = *ret_count = 0;
    for (const char *at = marked; *at != '\0'; at++) {
        if (*at == '@') {
            ret_marks[(*ret_count)++] = *ret_len;
        } else {
            text[(*ret_len)++] = *at;
        }
    }
    return realloc(text, *ret_len + (*ret_len == 0));
}

static const struct row {
    enum mqtt_format format;
    size_t samples;
    const char *text;
} rows[] = {
    {FORMAT_NEURON, 1, "{\"timestamp\": 5, \"values\": {\"a\": 1, \"x\": @2}}"},
    {FORMAT_NEURON, 2,
     "{\"values\" :{\"a\":1,\"b/c\" : @\"text\",\"x\":@[{\"a\":1}] , \"y\":@null},\"errors\":{\"a\":3,\"z\":@4}}"},
    {FORMAT_NEURON, 0, "{\"values\": {\"a\": 1}, \"timestamp\": @\"noon\"}"},
    {FORMAT_NEURON, 1,
     "{\"tags\": [@{\"value\": 1}, {\"name\": \"a\", \"value\": 2}, @{\"name\": \"a\"}, @7, "
     "@{\"name\":\"q\",\"value\":1}]}"},
    {FORMAT_NEURON, 0, "  @[1]"},
    {FORMAT_NEURON, 1, "{\"values\": {\"\\u0061\": 1, \"q\\\"\\\\\": @3}}"},
    {FORMAT_THINGSBOARD, 1, "{\"a\": 1, \"q\": @2}"},
    {FORMAT_THINGSBOARD, 1,
     "[{\"ts\": 5, \"values\": {\"a\": 1}}, {\"ts\": @\"noon\", \"values\": {\"a\": 1}}, @3, {\"q\": @true}]"},
    {FORMAT_THINGSBOARD, 2,
     "{\"dev\": [{\"ts\": 1, \"values\": {\"a\": 1, \"q\": 2}}], \"two\": [{\"a\": @1}], \"dev2\":[], "
     "\"dev\": [{\"a\": 3}, {\"a\": 4}]}"}, /* a name twice: the last counts */
    {FORMAT_JSON, 2, "{\"t\": 5, \"d\": [{\"v\": 1}, {\"x/y\": 2}]}"},
    {FORMAT_JSON, 1, "{\"t\": 5, \"d\": [{\"v\": @\"high\"}, {\"x/y\": 2}]}"},
    {FORMAT_JSON, 1, "{\"d\": [{\"v\": 1}, @{\"x~1y\": 2}]}"},
    {FORMAT_JSON, 0, "{\"d\": @@[]}"},
    {FORMAT_JSON, 0, "{\"t\": @[5], \"d\": [{\"v\": 1}]}"},
};

static void each_part_is_told_with_its_place(void **state)
{
    struct field *field = field_new(16);
    struct arena arena;
    struct mqtt_keys keys;
    (void)state;
    struct site_source *source = field_add_mqtt(field, "mqtt://h", NULL, 0);
    source->map = map;
    source->map_count = sizeof map / sizeof *map;
    for (int i = 0; i < NAMES; i++) {
        (void)field_add_key(field, names[i]);
    }
    arena_init(&arena);
    mqtt_keys_init(&keys, &field->site, 0, &arena);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len, marks[MARKS], count;
        char *text = unmark(rows[i].text, &len, marks, &count);
        for (int told = 0; told < 2; told++) {
            struct sample samples[ROOM];
            struct heard heard = {0};
            struct mqtt_batch batch = {
                .samples = samples, .room = ROOM, .full = drop, .told = told ? hear : NULL, .self = &heard};
            mqtt_decoder(rows[i].format)(&keys, &(struct mqtt_message){.payload = text, .len = len}, &batch);
            if (heard.samples + batch.count != rows[i].samples || batch.aside != count ||
                (count > 0 && batch.offset != marks[0]) ||
                (told && memcmp(heard.offsets, marks, count * sizeof *marks) != 0)) {
                fail_msg("%s: %zu samples, %llu aside, the first at %zu", rows[i].text, heard.samples + batch.count,
                         (unsigned long long)batch.aside, batch.offset);
            }
        }
        free(text);
    }
    mqtt_keys_done(&keys);
    arena_done(&arena);
    field_free(field);
}

/* A hundred thousand parts are told in a moment: the text is passed once, not once for each. */
static void many_parts_are_found_in_one_pass(void **state)
{
    enum { PARTS = 100000, EACH = 16 };
    char *text = malloc((size_t)PARTS * EACH + 2);
    size_t len = 0;
    (void)state;
    assert_non_null(text);
    for (int i = 0; i < PARTS; i++) {
        len += (size_t)sprintf(text + len, "%c\"k%06d\": 1", i == 0 ? '{' : ',', i);
    }
    text[len++] = '}';
    struct place whole = {0};
    for (int i = 0; i < PARTS; i++) {
        char key[EACH];
        const size_t key_len = (size_t)snprintf(key, sizeof key, "k%06d", i);
        struct place place = PLACE_KEY(&whole, key, key_len);
        assert_int_equal(place_offset(text, len, &place), 12 + (size_t)i * 13);
    }
    struct place none = PLACE_KEY(&whole, "none", 4);
    assert_int_equal(place_offset(text, len, &none), 0);
    struct place again = PLACE_KEY(&whole, "k000000", 7); /* from the beginning once more */
    assert_int_equal(place_offset(text, len, &again), 12);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_is_told_with_its_place),
        cmocka_unit_test(many_parts_are_found_in_one_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
