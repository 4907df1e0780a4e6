/* trace_quick_test: the quick reader of a line takes what is usual, and where it takes one the full reader agrees. */
#include "base/clock.h"
#include "model/trace.h"
#include "model/trace_reader.h"
#include "tests/unit/model/files.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { LINE_MAX_BYTES = 512, MUTATED = 60000 };

struct scene {
    struct files files;
    struct site *site;
    struct trace_reader *csv, *ndjson;
};

static const char site_text[] =
    "{\"site\": {\"id\": \"x\"}, \"points\": [{\"id\": \"a\"}, {\"id\": \"b/2\"}, {\"id\": \"面/c\"}],"
    "\"rules\": [{\"id\": \"r\", \"levels\": [{\"level\": \"red\", \"when\": \"value > 1\"}]}]}";

static struct trace_reader *open_reader(struct scene *scene, const char *text)
{
    struct trace_reader *reader = NULL;
    const char *path = files_text(&scene->files, "trace", text);
    assert_int_equal(trace_open(path, scene->site, NULL, NULL, &reader, NULL), ERR_NONE);
    return reader;
}

static int set_up(void **state)
{
    static struct scene scene;
    scene = (struct scene){0};
    struct mistakes mistakes;
    mistakes_init(&mistakes);
    files_init(&scene.files);
    enum err_code code = site_load(files_text(&scene.files, "site.json", site_text), &mistakes, &scene.site, NULL);
    mistakes_done(&mistakes);
    scene.csv = open_reader(&scene, "time,point,value,note,status,seen\n");
    scene.ndjson = open_reader(&scene, "{}\n");
    *state = &scene;
    return code;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    trace_close(scene->csv);
    trace_close(scene->ndjson);
    site_free(scene->site);
    files_done(&scene->files);
    return 0;
}

/* The line with its end, and room to look behind it. */
static const char *quick(struct trace_reader *reader, char *line, size_t len, struct trace_row *ret_row)
{
    line[len] = '\n';
    line[len + 1] = '\0';
    return (reader->ndjson ? trace_json_quick : trace_csv_quick)(reader, line, ret_row);
}

static bool full(struct trace_reader *reader, char *line, size_t len, struct trace_row *ret_row)
{
    len -= len > 0 && line[len - 1] == '\r' ? 1 : 0;
    return (reader->ndjson ? trace_json_row(reader, line, len, ret_row) : trace_csv_row(reader, line, len, ret_row));
}

static void assert_same(const struct trace_row *one, const struct trace_row *other, const char *line)
{
    const bool same = one->kind == other->kind && one->time_ns == other->time_ns && one->seen_ns == other->seen_ns &&
                      one->sample.point == other->sample.point && one->sample.status == other->sample.status &&
                      (one->sample.value == other->sample.value ||
                       (isnan(one->sample.value) && isnan(other->sample.value))) &&
                      signbit(one->sample.value) == signbit(other->sample.value);
    if (!same) {
        fail_msg("read in two ways: %s", line);
    }
}

static const char *const csv_lines[] = {
    "1767571200000,a,1.5,,good,",
    "0,b/2,-0.25,x y,,",
    "1767571200001,面/c,,,comm+late,1767571200009",
    "2026-01-05T00:00:00Z,b/2,12345.678,,good,2026-01-05T00:00:00.012Z",
    "2026-01-05T23:59:59.999Z,a,-0,note,range,2026-01-06T00:00:00.5Z",
    "2026-01-05T00:00:01+08:00,a,1e-3,,good,",
    "2026-01-05T00:00:01.123456789Z,a,0.30000001192092896,,good,",
    "1767571200000.25,a,9007199254740993,,manual,\r",
};

static const char *const json_lines[] = {
    "{\"time\": 1767571200000, \"point\": \"a\", \"value\": 1.02, \"status\": \"good\"}",
    "{\"time\":1767571200001,\"point\":\"b/2\",\"value\":-3}",
    "{\"point\": \"面/c\", \"time\": \"2026-01-05T00:00:00.5Z\", \"value\": null, \"status\": \"comm+stale\"}\r",
    "  {\"time\" : 1767571202000 , \"point\" : \"b/2\" , \"value\" : true , \"seen\" : 1767571202001 }  ",
    "{\"time\": 1767571203000}",
    "{\"value\":1.7976931348623157e308,\"time\":\"2026-01-05T00:00:00.5+00:30\",\"point\":\"a\",\"seen\":0}",
    "{\"time\":5,\"point\":\"a\",\"value\":false,\"status\":\"\"}",
    "{\"site\":\"x y\",\"time\":5,\"point\":\"a\",\"n\":-1.5e3,\"value\":4,\"ok\":true,\"none\":null,\"\":\"\"}",
};

static void expect_taken(struct trace_reader *reader, const char *const *lines, size_t count)
{
    static struct trace_row one;
    static struct trace_row other;
    for (size_t i = 0; i < count; i++) {
        char line[LINE_MAX_BYTES + TRACE_SLACK];
        const size_t len = strlen(lines[i]);
        memcpy(line, lines[i], len);
        const char *end = quick(reader, line, len, &one);
        if (end != line + len + 1) {
            fail_msg("not taken by the quick reader: %s", lines[i]);
        }
        assert_true(full(reader, line, len, &other));
        assert_same(&one, &other, lines[i]);
    }
}

static void usual_lines_are_taken(void **state)
{
    struct scene *scene = *state;
    expect_taken(scene->csv, csv_lines, sizeof csv_lines / sizeof csv_lines[0]);
    expect_taken(scene->ndjson, json_lines, sizeof json_lines / sizeof json_lines[0]);
}

static void unusual_lines_are_left_to_the_full_reader(void **state)
{
    struct scene *scene = *state;
    static const char *const csv[] = {
        "",
        "1767571200000",
        "1767571200000,a,1,,good",
        "1767571200000,a,1,,good,,",
        "1767571200000,,,,,",
        " 1767571200000,a,1,,good,",
        "1767571200000,\"a\",1,,good,",
        "1767571200000,nobody,1,,good,",
        "1767571200000,a,true,,good,",
        "1767571200000,a,1.,,good,",
        "1767571200000,a,1,,goods,",
        "01,a,1,,good,",
        "9999999999999,a,1,,good,",
        "2026-02-30T00:00:00Z,a,1,,good,",
        "2026-01-05T24:00:00Z,a,1,,good,",
        "2026-01-05T00:00:00.Z,a,1,,good,",
        "1767571200000,a,1,\"x,y\",good,",
    };
    static const char *const json[] = {
        "{}",
        "[1]",
        "{\"time\":1,\"time\":2}",
        "{\"time\":1,\"value\":2}",
        "{\"time\":1,\"point\":\"a\",\"value\":\"2\"}",
        "{\"time\":1,\"point\":\"a\",\"value\":01}",
        "{\"time\":1,\"point\":\"a\",\"value\":1,\"unit\":\"\\u006d\"}",
        "{\"time\":1,\"point\":\"a\",\"value\":1,\"unit\":\"\xc2\xb0\"}",
        "{\"time\":1,\"point\":\"a\",\"value\":1,\"x\":{}}",
        "{\"time\":1,\"point\":\"a\",\"value\":1,\"x\":1,\"y\":2,\"x\":1}",
        "{\"time\":1,\"point\":\"a\",\"value\":1,\"x\":1e999}",
        "{\"time\":1,\"point\":\"a\",\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}",
        "{\"time\":1,\"point\":\"\\u0061\",\"value\":1}",
        "{\"time\":1e3,\"point\":\"a\"}",
        "{\"time\":1.5,\"point\":\"a\"}",
        "{\"time\":1,\"point\":\"a\",}",
        "{\"time\":1,\"point\":\"a\"} x",
        "{\"time\":1,\"point\":\"a\"",
        "{\"time\":1,\"do\":\"ack\",\"alarm\":\"r:a\"}",
    };
    static struct trace_row row;
    char line[LINE_MAX_BYTES + TRACE_SLACK];
    for (size_t i = 0; i < sizeof csv / sizeof csv[0]; i++) {
        memcpy(line, csv[i], strlen(csv[i]));
        assert_null(quick(scene->csv, line, strlen(csv[i]), &row));
    }
    for (size_t i = 0; i < sizeof json / sizeof json[0]; i++) {
        memcpy(line, json[i], strlen(json[i]));
        assert_null(quick(scene->ndjson, line, strlen(json[i]), &row));
    }
}

/* A small generator of its own, so that a failure can be seen again. */
static uint32_t draw(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*random >> 33);
}

/* Changes a few bytes to others that mean something to a reader, or leaves some out. */
static size_t mutate(char *line, size_t len, uint64_t *random)
{
    static const char bytes[] = "0123456789.-+eEZTt:,\"\\{} \t\r\nabtnull";
    for (uint32_t n = draw(random) % 3 + 1; n > 0 && len > 1; n--) {
        const size_t at = draw(random) % len;
        if (draw(random) % 4 == 0) {
            memmove(line + at, line + at + 1, --len - at);
        } else {
            line[at] = bytes[draw(random) % sizeof bytes]; /* the NUL too */
        }
    }
    return len;
}

static void what_the_quick_reader_takes_the_full_one_reads_alike(void **state)
{
    struct scene *scene = *state;
    static struct trace_row one;
    static struct trace_row other;
    uint64_t random = 7;
    uint64_t taken = 0;
    for (int i = 0; i < MUTATED; i++) {
        const bool csv = draw(&random) % 2 == 0;
        struct trace_reader *reader = csv ? scene->csv : scene->ndjson;
        const char *seed = csv ? csv_lines[draw(&random) % (sizeof csv_lines / sizeof csv_lines[0])]
                               : json_lines[draw(&random) % (sizeof json_lines / sizeof json_lines[0])];
        char line[LINE_MAX_BYTES + TRACE_SLACK];
        memcpy(line, seed, strlen(seed));
        const size_t len = mutate(line, strlen(seed), &random);
        const char *end = quick(reader, line, len, &one);
        if (end == NULL) {
            continue;
        }
        taken++;
        const size_t line_len = (size_t)(end - line) - 1; /* a changed byte may have been a newline */
        assert_true(line_len <= len);
        if (!full(reader, line, line_len, &other)) {
            fail_msg("taken by the quick reader only: %.*s", (int)line_len, line);
        }
        assert_same(&one, &other, seed);
    }
    assert_in_range(taken, MUTATED / 50, MUTATED); /* it was tried at all */
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(usual_lines_are_taken),
        SCENE_TEST(unusual_lines_are_left_to_the_full_reader),
        SCENE_TEST(what_the_quick_reader_takes_the_full_one_reads_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
