/* trace_test: rows of both forms, what is set aside and why, reading from a pipe, writing. */
#include "base/buf.h"
#include "base/clock.h"
#include "model/trace.h"
#include "tests/unit/model/files.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define T0 (INT64_C(1767571200000) * NS_PER_MS) /* 2026-01-05T00:00:00Z */

static const char site_text[] =
    "{\"site\": {\"id\": \"x\"}, \"points\": [{\"id\": \"a\"}, {\"id\": \"b\"}, {\"id\": \"面/c\"}],"
    "\"rules\": [{\"id\": \"r\", \"levels\": [{\"level\": \"red\", \"when\": \"value > 1\"}]}]}";

struct scene {
    struct files files;
    struct site *site;
    struct buf aside; /* "line: reason" lines */
    struct trace_reader *reader;
};

static int set_up(void **state)
{
    static struct scene scene;
    scene = (struct scene){0};
    struct mistakes mistakes;
    mistakes_init(&mistakes);
    files_init(&scene.files);
    const char *path = files_text(&scene.files, "site.json", site_text);
    enum err_code code = site_load(path, &mistakes, &scene.site, NULL);
    mistakes_print(&mistakes, stderr);
    mistakes_done(&mistakes);
    buf_text(&scene.aside, "");
    *state = &scene;
    return code;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    trace_close(scene->reader);
    site_free(scene->site);
    buf_done(&scene->aside);
    files_done(&scene->files);
    return 0;
}

static void note_aside(void *self, const char *file, uint64_t line, const char *reason)
{
    struct scene *scene = self;
    assert_non_null(file);
    buf_printf(&scene->aside, "%llu: %s\n", (unsigned long long)line, reason);
}

static void open_bytes(struct scene *scene, const char *bytes, size_t len)
{
    struct err err = {0};
    const char *path = files_put(&scene->files, "trace", bytes, len);
    enum err_code code = trace_open(path, scene->site, note_aside, scene, &scene->reader, &err);
    if (code != ERR_NONE) {
        fail_msg("%s", err.text);
    }
}

static void open_text(struct scene *scene, const char *text)
{
    open_bytes(scene, text, strlen(text));
}

static void expect_sample(struct scene *scene, int64_t time_ms, uint32_t point, double value, uint16_t status)
{
    struct trace_row row;
    assert_true(trace_next(scene->reader, &row));
    assert_int_equal(row.kind, TRACE_SAMPLE);
    assert_true(row.time_ns == T0 + time_ms * NS_PER_MS);
    assert_true(row.sample.time_ns == row.time_ns && row.sample.seen_ns == row.seen_ns);
    assert_int_equal(row.sample.point, point);
    assert_true(isnan(value) ? isnan(row.sample.value) : row.sample.value == value);
    assert_int_equal(row.sample.status, status);
}

static void expect_clock(struct scene *scene, int64_t time_ms)
{
    struct trace_row row;
    assert_true(trace_next(scene->reader, &row));
    assert_int_equal(row.kind, TRACE_CLOCK);
    assert_true(row.time_ns == T0 + time_ms * NS_PER_MS);
}

static void expect_end(struct scene *scene, uint64_t rows, const char *aside)
{
    struct trace_row row;
    assert_false(trace_next(scene->reader, &row));
    assert_null(trace_error(scene->reader));
    assert_int_equal(trace_rows(scene->reader), rows);
    assert_string_equal(scene->aside.data, aside);
}

static void csv_rows_of_every_sort(void **state)
{
    struct scene *scene = *state;
    open_text(scene, "\xef\xbb\xbftime,point,value,status\r\n"
                     "2026-01-05T00:00:00Z,a,1.5,good\r\n"
                     "1767571200001.5,\"b\",-2e-1,\r\n"
                     "\r\n"
                     "2026-01-05T08:00:02+08:00,面/c,,comm+late\n"
                     "1767571203000,,,\n"
                     "1767571203000,\n"
                     " 1767571204000 , a , 7 , good \n"
                     "1767571205000,a,true,good\n"
                     "1767571206000,a,False,stale\n"
                     "1767571207000,a,NaN,good\n"
                     "1767571208000,a,-Infinity,manual\n"
                     "1767571209000,a,\n"
                     "1767571210000,a,-0");
    expect_sample(scene, 0, 0, 1.5, 0);
    struct trace_row row;
    assert_true(trace_next(scene->reader, &row));
    assert_true(row.time_ns == T0 + 1500 * NS_PER_US && row.seen_ns == TIME_NEVER);
    assert_int_equal(row.sample.point, 1);
    assert_true(row.sample.value == -0.2);
    expect_sample(scene, 2000, 2, NAN, ST_COMM | ST_LATE);
    expect_clock(scene, 3000);
    expect_clock(scene, 3000);
    expect_sample(scene, 4000, 0, 7, 0);
    expect_sample(scene, 5000, 0, 1, 0);
    expect_sample(scene, 6000, 0, 0, ST_STALE);
    expect_sample(scene, 7000, 0, NAN, ST_SENSOR);
    expect_sample(scene, 8000, 0, NAN, ST_MANUAL);
    expect_sample(scene, 9000, 0, NAN, ST_SENSOR);
    expect_sample(scene, 10000, 0, 0, 0);
    expect_end(scene, 12, "");
}

static void csv_columns_in_any_order(void **state)
{
    struct scene *scene = *state;
    open_text(scene, "\nseen,value,note,point,time\n"
                     "1767571209000,3,\"a, b\",b,1767571201000\n"
                     ",4,,b,1767571202000\n");
    struct trace_row row;
    assert_true(trace_next(scene->reader, &row));
    assert_true(row.time_ns == T0 + NS_PER_S && row.seen_ns == T0 + 9 * NS_PER_S);
    assert_true(row.sample.value == 3);
    assert_true(trace_next(scene->reader, &row));
    assert_true(row.seen_ns == TIME_NEVER);
    expect_end(scene, 2, "");
}

static void broken_csv_rows_are_set_aside(void **state)
{
    struct scene *scene = *state;
    open_text(scene, "time,point,value,status,seen\n"
                     "yesterday,a,1,good,\n"
                     ",a,1,good,\n"
                     "1767571200000,nobody,1,good,\n"
                     "1767571200000,a,one,good,\n"
                     "1767571200000,a,1,fine,\n"
                     "1767571200000,a,1,good,later\n"
                     "1767571200000,a,1,good,,6\n"
                     "1767571200000,\"a,1,good,\n"
                     "1767571200000,\"a\"x,1,good,\n"
                     "1767571200000,a\n"
                     "1767571200000,a,1,good,\n");
    expect_sample(scene, 0, 0, 1, 0);
    expect_end(scene, 1,
               "2: time \"yesterday\" is neither RFC 3339 nor Unix milliseconds\n"
               "3: time \"\" is neither RFC 3339 nor Unix milliseconds\n"
               "4: point \"nobody\" is not in the site\n"
               "5: value \"one\" is not a number\n"
               "6: status \"fine\" is not known\n"
               "7: seen \"later\" is neither RFC 3339 nor Unix milliseconds\n"
               "8: has more than the header's 5 cells\n"
               "9: a quoted cell is not closed, or something follows its closing quote\n"
               "10: a quoted cell is not closed, or something follows its closing quote\n"
               "11: the line ends before the value\n");
    assert_int_equal(trace_set_aside(scene->reader), 10);
}

static void ndjson_rows_of_every_sort(void **state)
{
    struct scene *scene = *state;
    open_text(scene, "{\"time\": 1767571200000, \"point\": \"a\", \"value\": 1.02, \"status\": \"good\"}\n"
                     "{\"point\":\"\\u9762/c\",\"time\":\"2026-01-05T00:00:01Z\",\"value\":true}\r\n"
                     "  {\"time\" : 1767571202000 , \"point\" : \"b\" , \"value\" : null }  \n"
                     "{\"time\": 1767571203000}\n"
                     "{\"time\": 1767571204000, \"point\": \"b\", \"status\": \"comm\"}\n"
                     "{\"time\": 1767571205000, \"point\": \"b\", \"value\": 5, \"quality\": {\"x\": []}}\n"
                     "{\"time\": 1767571205500, \"point\": \"b\", \"value\": NaN, \"note\": \"\\\"NaN\"}\n"
                     "{\"time\": 1767571205600, \"point\": \"b\", \"value\": -Infinity, \"status\": \"good\"}\n"
                     "{\"time\": 1767571206000.25, \"point\": \"b\", \"value\": false, \"seen\": 1767571206001}");
    expect_sample(scene, 0, 0, 1.02, 0);
    expect_sample(scene, 1000, 2, 1, 0);
    expect_sample(scene, 2000, 1, NAN, ST_SENSOR);
    expect_clock(scene, 3000);
    expect_sample(scene, 4000, 1, NAN, ST_COMM);
    expect_sample(scene, 5000, 1, 5, 0);
    expect_sample(scene, 5500, 1, NAN, ST_SENSOR);
    expect_sample(scene, 5600, 1, NAN, ST_SENSOR);
    struct trace_row row;
    assert_true(trace_next(scene->reader, &row));
    assert_true(row.time_ns == T0 + 6000250 * NS_PER_US && row.seen_ns == T0 + 6001 * NS_PER_MS);
    assert_true(row.sample.value == 0);
    expect_end(scene, 9, "");
}

static void acts_carry_all_their_keys(void **state)
{
    struct scene *scene = *state;
    open_text(scene,
              "{\"time\": 1767571200000, \"do\": \"ack\", \"alarm\": \"r:a\", \"by\": \"li\", \"comment\": \"c\","
              " \"occurrence\": 3, \"level\": \"red\", \"seen\": 1767571200009}\n"
              "{\"time\": 1767571201000, \"do\": \"shelve\", \"alarm\": \"r:b\", \"for\": \"10m\"}\n"
              "{\"time\": 1767571202000, \"do\": \"out_of_service\", \"alarm\": \"r:b\","
              " \"until\": \"2026-01-05T01:00:00Z\", \"cause\": \"x\", \"measure\": \"y\"}\n");
    struct trace_row row;
    assert_true(trace_next(scene->reader, &row));
    assert_int_equal(row.kind, TRACE_ACT);
    assert_true(row.time_ns == T0 && row.act.time_ns == T0 && row.seen_ns == T0 + 9 * NS_PER_MS);
    assert_int_equal(row.act.kind, ACT_ACK);
    assert_int_equal(row.act.alarm, 0);
    assert_int_equal(row.act.occurrence, 3);
    assert_int_equal(row.act.level, LEVEL_RED);
    assert_string_equal(row.act.by, "li");
    assert_string_equal(row.act.comment, "c");
    assert_string_equal(row.act.cause, "");
    assert_true(trace_next(scene->reader, &row));
    assert_int_equal(row.act.kind, ACT_SHELVE);
    assert_int_equal(row.act.alarm, 1);
    assert_true(row.act.for_ns == 600 * NS_PER_S && row.act.until_ns == 0);
    assert_int_equal(row.act.occurrence, 0);
    assert_string_equal(row.act.by, "");
    assert_true(trace_next(scene->reader, &row));
    assert_int_equal(row.act.kind, ACT_OUT_OF_SERVICE);
    assert_true(row.act.until_ns == T0 + 3600 * NS_PER_S);
    assert_string_equal(row.act.measure, "y");
    expect_end(scene, 3, "");
}

static void broken_ndjson_rows_are_set_aside(void **state)
{
    struct scene *scene = *state;
    struct buf text = {0};
    buf_text(&text, "{\"time\": 1, \"point\": \"a\", \"value\": \"12\"}\n"
                    "{\"point\": \"a\", \"value\": 12}\n"
                    "{\"time\": 1, \"point\": \"z\", \"value\": 12}\n"
                    "{\"time\": 1, \"point\": 3, \"value\": 12}\n"
                    "{\"time\": 1, \"value\": 12}\n"
                    "{\"time\": 1, \"point\": \"a\", \"value\": 1, \"status\": \"bad\"}\n"
                    "{\"time\": \"noon\", \"point\": \"a\"}\n"
                    "{\"time\": 1, \"time\": 2}\n"
                    "[1]\n"
                    "{\"time\": 1, \"do\": \"nod\", \"alarm\": \"r:a\"}\n"
                    "{\"time\": 1, \"do\": \"ack\", \"alarm\": \"r:z\"}\n"
                    "{\"time\": 1, \"do\": \"ack\"}\n"
                    "{\"time\": 1, \"do\": \"ack\", \"alarm\": \"r:a\", \"occurence\": 1}\n"
                    "{\"time\": 1, \"do\": \"ack\", \"alarm\": \"r:a\", \"occurrence\": 1.5}\n"
                    "{\"time\": 1, \"do\": \"ack\", \"alarm\": \"r:a\", \"level\": \"none\"}\n"
                    "{\"time\": 1, \"do\": \"shelve\", \"alarm\": \"r:a\", \"for\": \"0s\"}\n"
                    "{\"time\": 1, \"do\": \"shelve\", \"alarm\": \"r:a\", \"for\": \"5s\", \"until\": 9}\n"
                    "{\"time\": 1, \"do\": \"ack\", \"alarm\": \"r:a\", \"by\": \"");
    for (int i = 0; i < ACT_BY_MAX; i++) {
        buf_text(&text, "x");
    }
    buf_text(&text, "\"}\n{\"time\": 1\n{\"time\": 1, \"point\": \"a\", \"value\": nan}\n");
    open_bytes(scene, text.data, text.len);
    buf_done(&text);
    expect_end(scene, 0,
               "1: value is a text, not a number\n"
               "2: time is missing\n"
               "3: point \"z\" is not in the site\n"
               "4: point is not a text\n"
               "5: point is missing\n"
               "6: status \"bad\" is not known\n"
               "7: time \"noon\" is neither RFC 3339 nor Unix milliseconds\n"
               "8: is no JSON object: duplicate object key near '\"time\"'\n"
               "9: is no JSON object: a list\n"
               "10: do is not one of ack shelve unshelve comment close out-of-service in-service\n"
               "11: alarm \"r:z\" is not in the site\n"
               "12: alarm is missing\n"
               "13: \"occurence\" is not a key of an act; did you mean \"occurrence\"?\n"
               "14: occurrence is not a whole number from 1 on\n"
               "15: level is not one of blue yellow orange red\n"
               "16: for is not a duration longer than zero, such as \"10m\"\n"
               "17: for and until stand together; keep one of them\n"
               "18: by is longer than 127 bytes\n"
               "19: is no JSON object: '}' expected near end of file\n"
               "20: is no JSON object: invalid token near 'nan'\n");
}

static void a_line_longer_than_the_buffer_is_set_aside(void **state)
{
    struct scene *scene = *state;
    struct buf text = {0};
    buf_text(&text, "time,point,value\n1767571200000,a,1\n1767571201000,");
    for (int i = 0; i < 400000; i++) {
        buf_text(&text, "xxxxxxxx");
    }
    buf_text(&text, ",1\n1767571202000,b,2\n");
    open_bytes(scene, text.data, text.len);
    buf_done(&text);
    expect_sample(scene, 0, 0, 1, 0);
    expect_sample(scene, 2000, 1, 2, 0);
    expect_end(scene, 2, "3: the line is longer than 1048576 bytes\n");
}

static void rows_that_cross_the_buffers_end_stay_whole(void **state)
{
    struct scene *scene = *state;
    struct buf text = {0};
    enum { ROWS = 200000 };
    buf_text(&text, "time,point,value\n");
    for (int i = 0; i < ROWS; i++) {
        buf_printf(&text, "%lld,%s,%d\n", 1767571200000LL + i, i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "面/c", i);
    }
    open_bytes(scene, text.data, text.len);
    buf_done(&text);
    for (int i = 0; i < ROWS; i++) {
        expect_sample(scene, i, (uint32_t)i % 3, i, 0);
    }
    expect_end(scene, ROWS, "");
}

static void headers_that_cannot_be_used_are_refused(void **state)
{
    struct scene *scene = *state;
    static const char *const wrong[] = {"time,value\n", "a,b,c\n", "time,point,value,time\n", "time,\"point,value\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct err err = {0};
        const char *path = files_text(&scene->files, "trace", wrong[i]);
        assert_int_equal(trace_open(path, scene->site, NULL, NULL, &scene->reader, &err), ERR_INPUT);
        assert_non_null(strstr(err.text, "line 1"));
        assert_null(scene->reader);
    }
    struct err err = {0};
    assert_int_equal(trace_open("/nonexistent/t.csv", scene->site, NULL, NULL, &scene->reader, &err), ERR_INPUT);
    assert_int_equal(trace_open("/tmp", scene->site, NULL, NULL, &scene->reader, &err), ERR_INPUT);
}

static void an_empty_trace_has_no_rows(void **state)
{
    struct scene *scene = *state;
    static const char *const texts[] = {"", "\n \n", "\xef\xbb\xbf", "time,point,value"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        open_text(scene, texts[i]);
        expect_end(scene, 0, "");
        trace_close(scene->reader);
        scene->reader = NULL;
    }
}

static void *feed(void *self)
{
    FILE *out = fopen(self, "w");
    assert_non_null(out);
    static const char *const pieces[] = {"ti", "me,point,val", "ue\n17675", "71200000,a,1\n1767", "571201000,b,2\n"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        (void)fputs(pieces[i], out);
        (void)fflush(out);
    }
    (void)fclose(out);
    return NULL;
}

static void a_pipe_can_be_read(void **state)
{
    struct scene *scene = *state;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", files_path(&scene->files, "pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, feed, path), 0);
    assert_int_equal(trace_open(path, scene->site, note_aside, scene, &scene->reader, NULL), ERR_NONE);
    expect_sample(scene, 0, 0, 1, 0);
    expect_sample(scene, 1000, 1, 2, 0);
    expect_end(scene, 2, "");
    assert_int_equal(pthread_join(writer, NULL), 0);
    (void)unlink(path);
}

static void what_is_written_reads_back(void **state)
{
    struct scene *scene = *state;
    FILE *out = fopen(files_path(&scene->files, "trace"), "w");
    assert_non_null(out);
    const struct sample samples[] = {
        {.time_ns = T0, .seen_ns = T0 + NS_PER_MS, .value = 0.1, .point = 2},
        {.time_ns = T0 + 1999999, .seen_ns = T0 + 2 * NS_PER_MS, .value = NAN, .point = 0, .status = ST_COMM | ST_SKEW},
    };
    trace_write_header(out, true);
    trace_write_sample(out, "面/c", &samples[0], true);
    trace_write_sample(out, "a", &samples[1], true);
    assert_int_equal(fclose(out), 0);
    char text[512] = "";
    FILE *in = fopen(files_path(&scene->files, "trace"), "r");
    assert_non_null(in);
    assert_true(fread(text, 1, sizeof text - 1, in) > 0);
    assert_int_equal(fclose(in), 0);
    assert_string_equal(text, "time,point,value,status,seen\n"
                              "2026-01-05T00:00:00.000Z,面/c,0.1,good,2026-01-05T00:00:00.001Z\n"
                              "2026-01-05T00:00:00.001Z,a,,comm+skew,2026-01-05T00:00:00.002Z\n");
    open_text(scene, text);
    expect_sample(scene, 0, 2, 0.1, 0);
    expect_sample(scene, 1, 0, NAN, ST_COMM | ST_SKEW);
    expect_end(scene, 2, "");
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(csv_rows_of_every_sort),
        SCENE_TEST(csv_columns_in_any_order),
        SCENE_TEST(broken_csv_rows_are_set_aside),
        SCENE_TEST(ndjson_rows_of_every_sort),
        SCENE_TEST(acts_carry_all_their_keys),
        SCENE_TEST(broken_ndjson_rows_are_set_aside),
        SCENE_TEST(a_line_longer_than_the_buffer_is_set_aside),
        SCENE_TEST(rows_that_cross_the_buffers_end_stay_whole),
        SCENE_TEST(headers_that_cannot_be_used_are_refused),
        SCENE_TEST(an_empty_trace_has_no_rows),
        SCENE_TEST(a_pipe_can_be_read),
        SCENE_TEST(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
