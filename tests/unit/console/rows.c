/* Points, samples and buckets as JSON, to the byte. */
#include "console/rows.h"
#include "base/clock.h"
#include "tests/unit/console/unit.h"
#include <math.h>
#include <string.h>

#define TIME_NS (INT64_C(1767571200) * NS_PER_S + 250 * NS_PER_MS)

static struct buf out;

static const char *text(void)
{
    static char copy[1024];
    assert_true(out.len < sizeof copy);
    memcpy(copy, out.data, out.len + 1);
    buf_done(&out);
    out = (struct buf){0};
    return copy;
}

static void points_tell_their_newest_reading(void **state)
{
    (void)state;
    const struct site_point point = {.id = "a/\xe4\xba\x95", .name = "say \"hi\"", .unit = "%CH4"};
    struct board_entry entry = {.time_ns = TIME_NS, .value = 0.1, .status = ST_RANGE | ST_STALE};
    rows_point(&out, &point, &entry);
    assert_string_equal(text(),
                        "{\"id\":\"a/\xe4\xba\x95\",\"name\":\"say \\\"hi\\\"\",\"value\":0.1,\"unit\":\"%CH4\","
                        "\"status\":\"range+stale\",\"time\":\"2026-01-05T00:00:00.250Z\"}");
    entry = (struct board_entry){.time_ns = TIME_NS, .value = NAN, .good = 3, .status = ST_COMM};
    const struct site_point bare = {.id = "b"};
    rows_point(&out, &bare, &entry);
    assert_string_equal(text(), "{\"id\":\"b\",\"name\":\"b\",\"value\":null,\"unit\":null,\"status\":\"comm\","
                                "\"time\":\"2026-01-05T00:00:00.250Z\"}");
    entry = (struct board_entry){.value = 7, .status = BOARD_UNHEARD};
    rows_point(&out, &bare, &entry);
    assert_string_equal(
        text(), "{\"id\":\"b\",\"name\":\"b\",\"value\":null,\"unit\":null,\"status\":\"unknown\",\"time\":null}");
}

static void samples_and_buckets_print_as_davy_query_does(void **state)
{
    (void)state;
    const struct store_row row = {.time_ns = TIME_NS, .value = 1e21};
    rows_sample(&out, &row);
    assert_string_equal(text(), "{\"time\":\"2026-01-05T00:00:00.250Z\",\"value\":1e+21,\"status\":\"good\"}");
    const struct store_row none = {.time_ns = -1, .value = NAN, .status = ST_SENSOR | ST_LATE};
    rows_sample(&out, &none);
    assert_string_equal(text(), "{\"time\":\"1969-12-31T23:59:59.999Z\",\"value\":null,\"status\":\"sensor+late\"}");
    const struct store_bucket bucket = {
        .start_ns = TIME_NS, .agg = {[AGG_MEAN] = 1.5, [AGG_COUNT] = 4}, .status = ST_MANUAL};
    const int aggs[] = {AGG_COUNT, ASK_STATUS, AGG_MEAN};
    rows_bucket(&out, &bucket, aggs, 3);
    assert_string_equal(text(),
                        "{\"time\":\"2026-01-05T00:00:00.250Z\",\"count\":4,\"status\":\"manual\",\"mean\":1.5}");
}

static void words_of_our_own_objects_are_found(void **state)
{
    (void)state;
    const char json[] =
        "{\"v\":1,\"event\":\"raised\",\"comment\":\"a \\\"level\\\":\\\"red\\\" lamp\",\"level\":\"blue\"}";
    size_t len = 0;
    const char *found = rows_find(json, sizeof json - 1, "level", &len);
    assert_int_equal(len, 4);
    assert_memory_equal(found, "blue", 4);
    found = rows_find(json, sizeof json - 1, "comment", &len);
    assert_memory_equal(found + len - 5, " lamp", 5);
    assert_null(rows_find(json, sizeof json - 1, "unit", &len));
    found = rows_find("{\"a\":\"b\\", 8, "a", &len); /* cut off: never beyond the end */
    assert_int_equal(len, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_tell_their_newest_reading),
        cmocka_unit_test(samples_and_buckets_print_as_davy_query_does),
        cmocka_unit_test(words_of_our_own_objects_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
