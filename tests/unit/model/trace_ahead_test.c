/* trace_ahead_test: a trace without order, of a site so large that points are fetched ahead, has each row as it is written. */
#include "base/buf.h"
#include "model/trace_reader.h"
#include "tests/unit/model/files.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { POINTS = TRACE_AHEAD_FROM + 100, ROWS = 60000 };

static uint32_t point_of(uint32_t row)
{
    return (uint32_t)((row * UINT64_C(2654435761)) % POINTS);
}

static struct site *load_site(struct files *files)
{
    struct buf text = {0};
    struct site *site = NULL;
    struct mistakes mistakes;
    mistakes_init(&mistakes);
    buf_text(&text, "{\"site\": {\"id\": \"x\"}, \"points\": [");
    for (uint32_t i = 0; i < POINTS; i++) {
        buf_printf(&text, "%s{\"id\": \"area-%u/unit-%u/ch4\"}", i == 0 ? "" : ",", i % 7, i);
    }
    buf_text(&text, "]}");
    assert_int_equal(site_load(files_text(files, "site.json", text.data), &mistakes, &site, NULL), ERR_NONE);
    mistakes_done(&mistakes);
    buf_done(&text);
    return site;
}

/* Rows of every sort among one another: quoted, of the clock, broken, blank, with more columns than are asked for. */
static void put_rows(struct buf *text, bool point_last)
{
    buf_text(text, point_last ? "time,value,note,point\n" : "time,point,value,note\n");
    for (uint32_t row = 0; row < ROWS; row++) {
        const uint32_t point = point_of(row);
        const char *quote = row % 11 == 0 ? "\"" : "";
        if (row % 101 == 0) {
            buf_text(text, row % 202 == 0 ? "\n" : "noon,,,\n,\n");
        }
        if (point_last) {
            buf_printf(text, "%u,%u,%s,%sarea-%u/unit-%u/ch4%s\n", row, row % 50, row % 13 == 0 ? "\"a,b\"" : "", quote,
                       point % 7, point, quote);
        } else {
            buf_printf(text, "%u,%sarea-%u/unit-%u/ch4%s,%u,%s\n", row, quote, point % 7, point, quote, row % 50,
                       row % 13 == 0 ? "\"a,b\"" : "");
        }
    }
}

static void each_row_is_as_it_is_written(void **state)
{
    (void)state;
    struct files files;
    files_init(&files);
    struct site *site = load_site(&files);
    for (int point_last = 0; point_last < 2; point_last++) {
        struct buf text = {0};
        struct trace_reader *reader = NULL;
        struct trace_row row;
        struct err err;
        put_rows(&text, point_last == 1);
        assert_int_equal(trace_open(files_put(&files, "trace.csv", text.data, text.len), site, NULL, NULL, &reader, &err),
                         ERR_NONE);
        bool ahead = false;
        for (uint32_t i = 0; i < ROWS; i++) {
            assert_true(trace_next(reader, &row));
            assert_true(row.time_ns == (int64_t)i * 1000000);
            assert_int_equal(row.sample.point, point_of(i));
            assert_true(row.sample.value == i % 50);
            ahead = ahead || reader->ahead_line != NULL;
        }
        assert_false(trace_next(reader, &row));
        assert_true(ahead || point_last == 1); /* the last column has no comma behind it */
        trace_close(reader);
        buf_done(&text);
    }
    site_free(site);
    files_done(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_as_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
