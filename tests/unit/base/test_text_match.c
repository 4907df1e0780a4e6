/* text: globs, hints, UTF-8, ids and durations, by table. */
#include "base/clock.h"
#include "base/text.h"
#include "tests/unit/base/unit.h"
#include <stdio.h>
#include <string.h>

static void test_globs(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "a/b/c", true},
        {"**", "", true},
        {"face-*/ch4", "face-501/t1/ch4", true},
        {"face-*/ch4", "face-501/t1/ch4x", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"a?c", "a警c", true},
        {"?", "警", true},
        {"??", "警", false},
        {"*?", "警", true},
        {"*?", "", false},
        {"*警", "甲警警", true},
        {"a*b*c", "aXbXbXc", true},
        {"a*b*c", "aXbXbX", false},
        {"*ab", "aab", true},
        {"*aab", "aaaaab", true},
        {"a*a", "a", false},
        {"A", "a", false},
        {"[a]", "a", false},
        {"?", "\xFF", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (text_glob(cases[i].pattern, cases[i].text) != cases[i].matches) {
            fail_msg("glob \"%s\" on \"%s\"", cases[i].pattern, cases[i].text);
        }
    }
}

static void test_a_hostile_glob_ends_soon(void **state)
{
    (void)state;
    char text[2001];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const int64_t start_ns = clock_mono_ns();
    assert_false(text_glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text)); /* exponential for a naive matcher */
    assert_true(clock_mono_ns() - start_ns < NS_PER_S);
}

static void test_the_nearest_word_is_found_within_a_third(void **state)
{
    (void)state;
    static const char *const words[] = {"blue", "yellow", "orange", "red", "on_delay", "off_delay"};
    static const struct {
        const char *word;
        int nearest;
    } cases[] = {
        {"reed", 3},      {"erd", 3},     {"yelow", 1}, {"orangr", 2}, {"on_dealy", 4}, {"ondelay", 4},
        {"off_delya", 5}, {"purple", -1}, {"", -1},     {"x", -1},     {"red", 3},      {"blau", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int nearest = text_nearest(cases[i].word, words, sizeof words / sizeof words[0]);
        if (nearest != cases[i].nearest) {
            fail_msg("nearest to \"%s\": %d", cases[i].word, nearest);
        }
    }
    assert_int_equal(text_nearest("x", NULL, 0), -1);
    char endless[1000];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_int_equal(text_nearest(endless, words, 6), -1);
    const char *const long_words[] = {endless};
    assert_int_equal(text_nearest("red", long_words, 1), -1);
}

static void test_well_formed_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        bool well_formed;
    } cases[] = {
        {"", 0, true},
        {"abc", 3, true},
        {"a\0b", 3, false},
        {"\x7F", 1, true},
        {"\x80", 1, false},
        {"\xC0\x80", 2, false},
        {"\xC1\xBF", 2, false},
        {"\xC2\x80", 2, true},
        {"\xC2", 1, false},
        {"\xDF\xBF", 2, true},
        {"\xE0\x9F\xBF", 3, false},
        {"\xE0\xA0\x80", 3, true},
        {"\xED\x9F\xBF", 3, true},
        {"\xED\xA0\x80", 3, false},
        {"\xEF\xBF\xBF", 3, true},
        {"\xE4\xBD", 2, false},
        {"\xE4\xBD\xC0", 3, false},
        {"\xF0\x8F\xBF\xBF", 4, false},
        {"\xF0\x90\x80\x80", 4, true},
        {"\xF4\x8F\xBF\xBF", 4, true},
        {"\xF4\x90\x80\x80", 4, false},
        {"\xF5\x80\x80\x80", 4, false},
        {"\xFF", 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (text_is_utf8(cases[i].text, cases[i].len) != cases[i].well_formed) {
            fail_msg("case %zu", i);
        }
    }
    uint32_t code = 0;
    assert_int_equal(text_utf8_char("\xF0\x9F\x9A\xA8", 4, &code), 4);
    assert_int_equal(code, 0x1F6A8);
    assert_int_equal(text_utf8_char("\xE8\xAD\xA6", 3, &code), 3);
    assert_int_equal(code, 0x8B66);
}

static void test_texts_are_cut_between_characters(void **state)
{
    (void)state;
    const char *text = "a\xC3\xA9\xE8\xAD\xA6\xF0\x9F\x9A\xA8";
    static const size_t cuts[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
    for (size_t len = 0; len < sizeof cuts / sizeof cuts[0]; len++) {
        assert_int_equal(text_utf8_cut(text, len), cuts[len]);
    }
    assert_int_equal(text_utf8_cut("\x80\x80\x80\x80\x80", 5), 5); /* no UTF-8: nothing to keep whole */
}

static void test_ids(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        bool good;
    } cases[] = {
        {"", false},
        {"a", true},
        {"face-501/t1/ch4", true},
        {"A.b_c-0/", true},
        {"a b", false},
        {"a:b", false},
        {"a\"b", false},
        {"瓦斯-T1", true},
        {"é", true},
        {"\xC2\xA0", false},
        {"　", false},
        {"。", false},
        {"\xE2\x80\x8B", false},
        {"！", false},
        {"\xFF", false},
        {"\xEF\xBB\xBF"
         "a",
         false},
        {"a\xC2\x85", false},
        {"１", true},
        {"😀", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (text_is_id(cases[i].id) != cases[i].good) {
            fail_msg("id \"%s\"", cases[i].id);
        }
    }
    char longest[3 * 129 + 1] = "";
    for (int i = 0; i < 128; i++) {
        memcpy(longest + 3 * i, "警", 4);
    }
    assert_true(text_is_id(longest));
    memcpy(longest + 3 * 128, "x", 2);
    assert_false(text_is_id(longest));
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printed; /* printed NULL: refused */
        int64_t ns;
    } cases[] = {
        {"500ms", "500ms", 500 * NS_PER_MS},
        {"0s", "0s", 0},
        {"0ms", "0s", 0},
        {"1000ms", "1s", NS_PER_S},
        {"90s", "90s", 90 * NS_PER_S},
        {"120s", "2m", 120 * NS_PER_S},
        {"2h", "2h", 7200 * NS_PER_S},
        {"7d", "7d", 7 * 86400 * NS_PER_S},
        {"365d", "1y", 365 * 86400 * NS_PER_S},
        {"292y", "292y", INT64_C(292) * 365 * 86400 * NS_PER_S},
        {"293y", NULL, 0},
        {"99999999999999999999s", NULL, 0},
        {"9223372036854775808ms", NULL, 0},
        {"", NULL, 0},
        {"s", NULL, 0},
        {"5", NULL, 0},
        {"5 s", NULL, 0},
        {" 5s", NULL, 0},
        {"-5s", NULL, 0},
        {"+5s", NULL, 0},
        {"1.5s", NULL, 0},
        {"5S", NULL, 0},
        {"5sec", NULL, 0},
        {"5us", NULL, 0},
        {"5m5s", NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ns = -7;
        const bool good = text_parse_duration(cases[i].text, strlen(cases[i].text), &ns);
        if (good != (cases[i].printed != NULL)) {
            fail_msg("duration \"%s\"", cases[i].text);
        }
        assert_int_equal(ns, good ? cases[i].ns : -7);
        char printed[TEXT_DURATION_MAX];
        if (good) {
            assert_int_equal(text_format_duration(ns, printed), strlen(cases[i].printed));
            assert_string_equal(printed, cases[i].printed);
        }
    }
    char printed[TEXT_DURATION_MAX];
    (void)text_format_duration(1500, printed);
    assert_string_equal(printed, "0.0015ms");
    (void)text_format_duration(-2 * NS_PER_S, printed);
    assert_string_equal(printed, "-2s");
    assert_true(text_format_duration(INT64_MIN, printed) < TEXT_DURATION_MAX);
    assert_true(text_format_duration(INT64_MAX, printed) < TEXT_DURATION_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_globs),
        cmocka_unit_test(test_a_hostile_glob_ends_soon),
        cmocka_unit_test(test_the_nearest_word_is_found_within_a_third),
        cmocka_unit_test(test_well_formed_utf8),
        cmocka_unit_test(test_texts_are_cut_between_characters),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
