/* text: times there and back, over all of int64, checked against the C library's calendar. */
#include "base/clock.h"
#include "base/text.h"
#include "tests/unit/base/unit.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static void test_reads_every_form_of_a_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-01-05T00:00:30.000Z", INT64_C(1767571230000000000)},
        {"2026-01-05t00:00:30z", INT64_C(1767571230000000000)},
        {"2026-01-05 00:00:30Z", INT64_C(1767571230000000000)},
        {"2026-01-05T08:00:30+08:00", INT64_C(1767571230000000000)},
        {"2026-01-04T19:30:30-04:30", INT64_C(1767571230000000000)},
        {"2026-01-05T00:00:30-00:00", INT64_C(1767571230000000000)},
        {"2026-01-05T00:00:30.123456789Z", INT64_C(1767571230123456789)},
        {"2026-01-05T00:00:30.1234567899999Z", INT64_C(1767571230123456789)},
        {"2026-01-05T00:00:30.5Z", INT64_C(1767571230500000000)},
        {"1969-12-31T23:59:59.999999999Z", -1},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000000000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228799999999999)},
        {"2017-01-01T07:59:60.5+08:00", INT64_C(1483228799999999999)},
        {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
        {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
        {"0", 0},
        {"-0", 0},
        {"1767571230000", INT64_C(1767571230000000000)},
        {"1767571229500.25", INT64_C(1767571229500250000)},
        {"0.0000019", 1},
        {"-1", -1000000},
        {"-0.5", -500000},
        {"-0.0000001", -1},
        {"1.76757123e12", INT64_C(1767571230000000000)},
        {"9223372036854.775807", INT64_MAX},
        {"-9223372036854.775808", INT64_MIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ns = 77;
        if (!text_parse_time(cases[i].text, strlen(cases[i].text), &ns) || ns != cases[i].ns) {
            fail_msg("%s read as %lld", cases[i].text, (long long)ns);
        }
    }
}

static void test_refuses_what_is_no_time(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "-",
        "x",

        "2026-01-05",
        "2026-01-05T00:00:30",
        "2026-01-05T00:00:30.Z",
        "2026-01-05T00:00Z",
        "2026-13-05T00:00:30Z",
        "2026-00-05T00:00:30Z",
        "2026-02-29T00:00:30Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:30Z",
        "2026-01-00T00:00:30Z",
        "2026-01-05T24:00:00Z",
        "2026-01-05T00:60:00Z",
        "2026-01-05T00:00:61Z",
        "2026-01-05T00:00:60Z",
        "2026-01-05T00:00:30+8:00",
        "2026-01-05T00:00:30+0800",
        "2026-01-05T00:00:30+24:00",
        "2026-01-05T00:00:30+08:60",
        "2026-01-05T00:00:30ZZ",
        "2026-01-05T00:00:30 Z",
        " 2026-01-05T00:00:30Z",
        "2026/01/05T00:00:30Z",
        "20x6-01-05T00:00:30Z",
        "2026-01-05T-1:00:30Z",
        "1677-09-21T00:12:43.145224191Z",
        "2262-04-11T23:47:16.854775808Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9223372036854.775808",
        "-9223372036854.775809",
        "-9223372036854.7758080001",
        "99999999999999",
        "1e19",
        "-1e14",
        "007",
        "1.",
        ".5",
        "+5",
        "1767571230000 ",
        "0x10",
        "1e",
        "--1",
        "NaN",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t ns = 77;
        if (text_parse_time(texts[i], strlen(texts[i]), &ns)) {
            fail_msg("took \"%s\" as %lld", texts[i], (long long)ns);
        }
        assert_int_equal(ns, 77);
    }
}

static void test_prints_milliseconds_cut_towards_the_past(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {999999, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000000, "1969-12-31T23:59:59.999Z"},
        {INT64_C(1767571230000000000), "2026-01-05T00:00:30.000Z"},
        {INT64_C(951868799999999999), "2000-02-29T23:59:59.999Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[TEXT_TIME_MAX];
        assert_int_equal(text_format_time(cases[i].ns, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

static void test_prints_with_an_offset(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        int32_t offset_s;
        const char *text;
    } cases[] = {
        {INT64_C(1767571230999000000), 8 * 3600, "2026-01-05T08:00:30+08:00"},
        {INT64_C(1767571230000000000), 0, "2026-01-05T00:00:30+00:00"},
        {INT64_C(1767571230000000000), -(4 * 3600 + 1800), "2026-01-04T19:30:30-04:30"},
        {INT64_MIN, -12 * 3600, "1677-09-20T12:12:43-12:00"},
        {INT64_MAX, 14 * 3600, "2262-04-12T13:47:16+14:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[TEXT_TIME_MAX];
        assert_int_equal(text_format_time_offset(cases[i].ns, cases[i].offset_s, text), 25);
        assert_string_equal(text, cases[i].text);
    }
}

/* About every eleven hours over the whole range of int64. */
static void test_agrees_with_the_c_library_and_reads_back(void **state)
{
    (void)state;
    const int64_t step_s = 40009;
    for (int64_t second = -INT64_C(9223372036); second <= INT64_C(9223372036); second += step_s) {
        char text[TEXT_TIME_MAX];
        const size_t len = text_format_time(second * NS_PER_S + 7 * NS_PER_MS, text);
        const time_t time = (time_t)second;
        struct tm tm;
        char expected[80];
        assert_non_null(gmtime_r(&time, &tm));
        (void)snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.007Z", tm.tm_year + 1900,
                       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        int64_t ns = 0;
        if (strcmp(text, expected) != 0 || !text_parse_time(text, len, &ns) ||
            ns != second * NS_PER_S + 7 * NS_PER_MS) {
            fail_msg("%lld printed as %s, not %s, read back as %lld", (long long)second, text, expected, (long long)ns);
        }
    }
}

static void moments_are_counted_from_now(void **state)
{
    (void)state;
    const int64_t now_ns = INT64_C(1767571200000000000);
    const struct {
        const char *text;
        int64_t ns; /* 0: refused */
    } cases[] = {
        {"now", now_ns},
        {"now-1h", now_ns - INT64_C(3600000000000)},
        {"now+500ms", now_ns + 500000000},
        {"1767571200000", now_ns},
        {"2026-01-05T00:00:00Z", now_ns},
        {"now-", 0},
        {"now 1h", 0},
        {"now-1", 0},
        {"nowhere", 0},
        {"no", 0},
        {"", 0},
        {"now+290y", 0}, /* beyond the end of time */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ns = 0;
        const bool fine = text_parse_moment(cases[i].text, strlen(cases[i].text), now_ns, &ns);
        if (fine != (cases[i].ns != 0) || ns != cases[i].ns) {
            fail_msg("%s: %d, %lld", cases[i].text, fine, (long long)ns);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_counted_from_now),
        cmocka_unit_test(test_reads_every_form_of_a_time),
        cmocka_unit_test(test_refuses_what_is_no_time),
        cmocka_unit_test(test_prints_milliseconds_cut_towards_the_past),
        cmocka_unit_test(test_prints_with_an_offset),
        cmocka_unit_test(test_agrees_with_the_c_library_and_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
