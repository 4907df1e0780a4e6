/* Lines between davy import and the monitor: what is written is read, and nothing else is. */
#include "app/history_line.h"

#include "base/clock.h"
#include "base/table.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h> /* wants the above first */

static struct site *one_point(void)
{
    static struct site_point point = {.id = "tank-7/level"};
    static struct site site = {.points = &point, .point_count = 1};
    static bool made = false;
    if (!made) {
        table_init(&site.point_by_id);
        assert_int_equal(table_add(&site.point_by_id, point.id, 0), TABLE_NONE);
        made = true;
    }
    return &site;
}

static void what_is_written_is_read(void **state)
{
    static const struct sample table[] = {
        {.time_ns = 1767571200000 * NS_PER_MS,
         .seen_ns = 1767571200012 * NS_PER_MS,
         .value = 41.5,
         .status = ST_MANUAL},
        {.time_ns = -5 * NS_PER_MS, .seen_ns = 0, .value = -1e300, .status = (1 << ST_COUNT) - 1},
        {.time_ns = INT64_MAX / NS_PER_MS * NS_PER_MS, .seen_ns = -1 * NS_PER_MS, .value = NAN, .status = ST_COMM},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char line[HISTORY_LINE_MAX];
        struct sample sample;
        size_t len = history_line_format(&table[i], "tank-7/level", line);
        assert_int_equal(line[len - 1], '\n');
        assert_int_equal(history_line_parse(one_point(), line, len - 1, &sample), HISTORY_SAMPLE);
        assert_true(sample.time_ns == table[i].time_ns && sample.seen_ns == table[i].seen_ns);
        assert_true(sample.status == table[i].status && sample.point == 0);
        assert_true(isnan(table[i].value) ? isnan(sample.value) : sample.value == table[i].value);
    }
}

static void nothing_else_is(void **state)
{
    static const struct {
        const char *line;
        enum history_line expected;
    } table[] = {
        {"1,2,0,3,tank-7/level", HISTORY_SAMPLE},
        {"1,2,0,,tank-7/level", HISTORY_SAMPLE},
        {"1,2,0,3,tank-8/level", HISTORY_UNKNOWN_POINT},
        {"1,2,0,3,", HISTORY_UNKNOWN_POINT},
        {"1,2,0,3", HISTORY_NONSENSE},
        {"1,2,1024,3,tank-7/level", HISTORY_NONSENSE},
        {"1,2,-1,3,tank-7/level", HISTORY_NONSENSE},
        {"1,2,0,x,tank-7/level", HISTORY_NONSENSE},
        {"1,2,0,1e999,tank-7/level", HISTORY_NONSENSE},
        {",2,0,3,tank-7/level", HISTORY_NONSENSE},
        {"-,2,0,3,tank-7/level", HISTORY_NONSENSE},
        {"9223372036855,2,0,3,tank-7/level", HISTORY_NONSENSE},
        {"", HISTORY_NONSENSE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct sample sample;
        enum history_line came = history_line_parse(one_point(), table[i].line, strlen(table[i].line), &sample);
        if (came != table[i].expected) {
            fail_msg("\"%s\": came %d, expected %d", table[i].line, (int)came, (int)table[i].expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(nothing_else_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
