/* text: numbers there and back, by table and by many random ones. */
#include "base/text.h"
#include "tests/unit/base/unit.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_prints_as_ecmascript_does(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {100000, "100000"},
        {0.1, "0.1"},
        {1.02, "1.02"},
        {0.30000000000000004, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {123456.789, "123456.789"},
        {0.000001, "0.000001"},
        {0.0000012, "0.0000012"},
        {0.0000001, "1e-7"},
        {-1.5e-7, "-1.5e-7"},
        {1e20, "100000000000000000000"},
        {123456789012345680000.0, "123456789012345680000"},
        {1e21, "1e+21"},
        {1.5e300, "1.5e+300"},
        {9007199254740991, "9007199254740991"},
        {9007199254740992, "9007199254740992"},
        {9007199254740994, "9007199254740994"},
        {9007199254740991.0 / 2, "4503599627370495.5"},
        {999999999999999.9, "999999999999999.9"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {2.225073858507201e-308, "2.225073858507201e-308"},
        {5e-324, "5e-324"},
        {1e-323, "1e-323"},
        {1.5e-323, "1.5e-323"},
        /* powers of two: the doubles below lie closer, so the nearest short decimal may be the wrong one */
        {0x1p-44, "5.684341886080802e-14"},
        {0x1p-1022, "2.2250738585072014e-308"},
        {0x1p-24, "5.960464477539063e-8"},
        {0x1p89, "6.189700196426902e+26"},
        {0x1p122, "5.316911983139664e+36"},
        {0x1p1023, "8.98846567431158e+307"},
        {9.5367431640625e-7, "9.5367431640625e-7"},
        /* halfway between two short decimals, and runs of nines */
        {9.5e-323, "9.4e-323"},
        {4.35, "4.35"},
        {0.9999999999999999, "0.9999999999999999"},
        {1.0000000000000002, "1.0000000000000002"},
        {2e22, "2e+22"},
        {1e23, "1e+23"},
        {1.0000000000000001e23, "1.0000000000000001e+23"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[TEXT_NUMBER_MAX];
        assert_int_equal(text_format_number(cases[i].value, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
    char text[TEXT_NUMBER_MAX];
    (void)text_format_number((double)NAN, text);
    assert_string_equal(text, "NaN");
    (void)text_format_number(-(double)INFINITY, text);
    assert_string_equal(text, "-Infinity");
    (void)text_format_number((double)INFINITY, text);
    assert_string_equal(text, "Infinity");
}

/* A small generator with a fixed seed (xorshift64*). */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

/* True when no decimal with fewer digits than `text` has reads back as value. */
static bool is_shortest(double value, const char *text)
{
    int digits = 0;
    int zeros = 0;
    for (const char *at = text; *at != '\0' && *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9' && (digits > 0 || *at != '0')) {
            digits++;
            zeros = *at == '0' ? zeros + 1 : 0;
        }
    }
    digits -= zeros;
    char shorter[40];
    (void)snprintf(shorter, sizeof shorter, "%.*e", digits > 1 ? digits - 2 : 0, value);
    return digits == 1 || strtod(shorter, NULL) != value;
}

static void test_random_numbers_print_short_and_read_back(void **state)
{
    (void)state;
    uint64_t random = 20260105;
    for (int i = 0; i < 100000; i++) {
        const uint64_t bits = next_random(&random);
        double value = 0;
        memcpy(&value, &bits, sizeof value);
        if (i % 3 == 0) { /* a third as sensors have them, a third as means of such */
            value = (double)(int64_t)(bits % 2000000000) / 1000 - 1e6;
        } else if (i % 3 == 1) {
            value = (double)(bits % 2000000000) / (double)(bits >> 40 | 1);
        }
        if (!isfinite(value) || value == 0) {
            continue;
        }
        char text[TEXT_NUMBER_MAX];
        const size_t len = text_format_number(value, text);
        assert_true(len < TEXT_NUMBER_MAX);
        double back = 0;
        if (!text_parse_number(text, len, &back) || back != value || strtod(text, NULL) != value ||
            !is_shortest(value, text)) {
            fail_msg("%a printed as %s", value, text);
        }
    }
}

static void test_reads_json_numbers_rounded_correctly(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "0.0",
        "1",
        "-1.5",
        "100000",
        "0.1",
        "1e5",
        "1E+5",
        "1e-5",
        "123456789012345",
        "1234567890123456",
        "0.000123456789012345",
        "9007199254740993",
        "9007199254740992.9999999999999999999999999",
        "9007199254740993.0000000000000000000000001",
        "1e22",
        "1e23",
        "123456789012345e22",
        "1e-22",
        "1e-23",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "0.000000000000000000000000000000000000001",
        "1e-999999999999999999999",
        "0e999999999999999999999",
        "100000000000000000000000000000000000000000000000e-46",
        "8.5e-1",
        "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double value = 12345;
        if (!text_parse_number(texts[i], strlen(texts[i]), &value)) {
            fail_msg("refused %s", texts[i]);
        }
        const double expected = strtod(texts[i], NULL);
        if (memcmp(&value, &expected, sizeof value) != 0) {
            fail_msg("%s read as %a, not %a", texts[i], value, expected);
        }
    }
}

/* Compares with strtod, whose results are right, bit by bit. */
static void expect_like_strtod(const char *text)
{
    double value = 0;
    if (!text_parse_number(text, strlen(text), &value) || value != strtod(text, NULL)) {
        fail_msg("%s reads as %.17g, not %.17g", text, value, strtod(text, NULL));
    }
}

static void test_random_decimals_are_read_like_strtod(void **state)
{
    (void)state;
    uint64_t random = 20260106;
    for (int i = 0; i < 200000; i++) {
        char text[48];
        const uint64_t whole = next_random(&random) >> next_random(&random) % 64;
        const int places = (int)(next_random(&random) % 24);
        const int len = snprintf(text, sizeof text, "%0*llu", places + 1, (unsigned long long)whole);
        const int before = len - places;
        if (places > 0) {
            memmove(text + before + 1, text + before, (size_t)places + 1);
            text[before] = '.';
        }
        expect_like_strtod(text);
    }
}

static void test_half_way_between_two_doubles_goes_to_the_even_one(void **state)
{
    (void)state;
    uint64_t random = 20260107;
    for (int i = 0; i < 20000; i++) {
        char text[64];
        /* above 2^49 doubles lie 0.125 apart, above 2^52 1 apart: their middles end in .0625 and .5 */
        const unsigned long long low = (UINT64_C(1) << 49) + (next_random(&random) >> 15);
        const unsigned long long high = (UINT64_C(1) << 52) + (next_random(&random) >> 12);
        static const char *const low_ends[] = {"0624", "0625", "0626", "1875", "1876", "1874"};
        static const char *const high_ends[] = {"49", "5", "51", "499", "501", "50"};
        (void)snprintf(text, sizeof text, "%llu.%s", low, low_ends[i % 6]);
        expect_like_strtod(text);
        (void)snprintf(text, sizeof text, "%llu.%s", high, high_ends[i % 6]);
        expect_like_strtod(text);
        (void)snprintf(text, sizeof text, "%llu", high * 3);
        expect_like_strtod(text);
    }
}

static void test_a_thousand_digits_still_round_correctly(void **state)
{
    (void)state;
    /* 1 + 2^-53 exactly lies halfway between 1 and the next double: what stands far behind decides. */
    char text[1200] = "1.00000000000000011102230246251565404236316680908203125";
    const size_t half = strlen(text);
    double value = 0;
    assert_true(text_parse_number(text, half, &value));
    assert_true(value == 1.0);
    memset(text + half, '0', 1000);
    assert_true(text_parse_number(text, half + 1000, &value));
    assert_true(value == 1.0);
    text[half + 999] = '1';
    assert_true(text_parse_number(text, half + 1000, &value));
    assert_true(value == 1.0 + DBL_EPSILON);
    memset(text, '9', 1100);
    memcpy(text + 1100, "e-1090", 6);
    assert_true(text_parse_number(text, 1106, &value));
    assert_true(value == 1e10);
}

static void test_refuses_what_is_no_number(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",     "-",   "+1",       ".5",   "1.", "01",    "-01",    "1e",    "1e+",
        "1.e5", "e5",  "--1",      "1 ",   " 1", "1,5",   "0x1",    "inf",   "NaN",
        "nan",  "1_0", "Infinity", "1e5.", "1-", "1e999", "-1e309", "1.2.3", "1.7976931348623159e308",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double value = 7;
        if (text_parse_number(texts[i], strlen(texts[i]), &value)) {
            fail_msg("took \"%s\"", texts[i]);
        }
        assert_true(value == 7); /* untouched */
    }
    double value = 0;
    assert_true(text_parse_number("12345", 3, &value)); /* not beyond its length */
    assert_true(value == 123);
    assert_false(text_parse_number("1\0", 2, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prints_as_ecmascript_does),
        cmocka_unit_test(test_random_numbers_print_short_and_read_back),
        cmocka_unit_test(test_random_decimals_are_read_like_strtod),
        cmocka_unit_test(test_half_way_between_two_doubles_goes_to_the_even_one),
        cmocka_unit_test(test_reads_json_numbers_rounded_correctly),
        cmocka_unit_test(test_a_thousand_digits_still_round_correctly),
        cmocka_unit_test(test_refuses_what_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
