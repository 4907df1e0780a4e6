/*
 * Time zones beside the C library's reading of the same files, and by hand where
 * the machine has none.
 */
#include "base/zone.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void offsets_are_those_of_the_c_library(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Asia/Shanghai",    "Europe/Berlin",    "America/New_York", "Asia/Kolkata",      "UTC",
        "Australia/Sydney", "America/Santiago", "Asia/Tehran",      "Africa/Casablanca", "Pacific/Chatham",
        "Europe/Dublin",    "America/Godthab",  "Asia/Urumqi"};
    size_t tried = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct zone *zone;
        struct err err;
        if (zone_open(names[i], &zone, &err) != ERR_NONE) {
            continue;
        }
        tried++;
        (void)setenv("TZ", names[i], 1);
        tzset();
        /* every 5 hours and some from 1990 to 2060 */
        for (int64_t at = 631152000; at < INT64_C(2840140800); at += 18013) {
            const time_t moment = (time_t)at;
            struct tm local;
            assert_non_null(localtime_r(&moment, &local));
            if (local.tm_gmtoff != zone_offset_s(zone, at)) {
                fail_msg("%s at %lld: %d instead of %ld", names[i], (long long)at, zone_offset_s(zone, at),
                         local.tm_gmtoff);
            }
        }
        zone_free(zone);
    }
    if (tried == 0) {
        print_message("skipped: this machine has no time zone data\n");
        skip();
    }
}

static void rules_of_the_future_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        int64_t at;
        int32_t offset;
    } cases[] = {
        {"CST-8", 1767571230, 28800},
        {"<+0330>-3:30", 0, 12600},
        {"<-03>3", 1767571230, -10800},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1774745999, 3600}, /* 2026-03-29T00:59:59Z */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1792889999, 7200}, /* 2026-10-25T00:59:59Z */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1792890000, 3600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1767571230, 39600}, /* the summer is across the new year */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1780000000, 36000},
        {"XXX0YYY,J60/0,J61/0", 1835481600, 3600}, /* 2028-02-29 is never counted: J60 is 1 March */
        {"XXX0YYY,J60/0,J61/0", 1835395200, 0},
        {"XXX0YYY,59/0,60/0", 1835395200, 3600}, /* there it is day 59 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zone_rule rule;
        assert_true(zone_rule_parse(cases[i].rule, strlen(cases[i].rule), &rule));
        assert_int_equal(zone_rule_offset_s(&rule, cases[i].at), cases[i].offset);
    }
    static const char *const wrong[] = {"",
                                        "C-8",
                                        "CST",
                                        "CST-8x",
                                        "CST-8CDT",
                                        "CST-8CDT,M13.1.0,M1.1.0",
                                        "CST-8CDT,M3.6.0,M1.1.0",
                                        "CST-8CDT,J0,J1",
                                        "<CST-8",
                                        "CST-200"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct zone_rule rule;
        assert_false(zone_rule_parse(wrong[i], strlen(wrong[i]), &rule));
    }
}

static void what_is_no_zone_is_refused(void **state)
{
    (void)state;
    struct zone *zone;
    struct err err;
    (void)setenv("TZDIR", "/tmp", 1);
    assert_int_equal(zone_open("Asia/Nowhere", &zone, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "Asia/Nowhere"));
    assert_int_equal(zone_open("../etc/passwd", &zone, &err), ERR_INPUT);
    (void)setenv("TZDIR", "/tmp/davy-no-such-folder", 1);
    assert_int_equal(zone_open("UTC", &zone, &err), ERR_ENV);
    (void)unsetenv("TZDIR");
    assert_null(zone_parse("", 0));
    assert_null(zone_parse("TZif2", 5));
    assert_int_equal(zone_offset_s(NULL, 5), 0);
    zone_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_are_those_of_the_c_library),
        cmocka_unit_test(rules_of_the_future_by_hand),
        cmocka_unit_test(what_is_no_zone_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
