/* What is too much is a mistake, however the text tries it; just below the bound it compiles. */
#include "base/buf.h"
#include "base/text.h"
#include "tests/unit/rules_lang/lang_site.h"
#include "tests/unit/rules_lang/unit.h"
#include <string.h>

static void repeat(struct buf *buf, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        buf_text(buf, text);
    }
}

/* head, n times left, middle, n times right */
static void check_nest(const char *head, const char *left, const char *middle, const char *right, size_t times,
                       const char *mistake)
{
    struct buf text = {0};
    buf_text(&text, head);
    repeat(&text, left, times);
    buf_text(&text, middle);
    repeat(&text, right, times);
    struct lang lang;
    lang_init(&lang);
    assert_int_equal(lang_compile(&lang, text.data, NULL, NULL), mistake == NULL);
    assert_int_equal(lang.mistakes.total, mistake == NULL ? 0 : 1);
    if (mistake != NULL && strstr(lang.mistakes.lines[0], mistake) == NULL) {
        fail_msg("%zu times \"%s\": %s", times, left, lang.mistakes.lines[0]);
    }
    lang_done(&lang);
    buf_done(&text);
}

static void test_nesting_has_a_bound(void **state)
{
    (void)state;
    static const char told[] = "more than 64 things stand within one another; make several rules of it";
    check_nest("", "(", "true", ")", 64, NULL);
    check_nest("", "(", "true", ")", 65, told);
    check_nest("", "!", "true", "", 64, NULL);
    check_nest("", "!", "true", "", 65, told);
    check_nest("1 < ", "-", "value", "", 64, NULL);
    check_nest("1 < ", "-", "value", "", 65, told);
    check_nest("1 < ", "eta_up(", "value", ",5m)", 64, NULL);
    check_nest("1 < ", "eta_up(", "value", ",5m)", 65, told);
    check_nest("", "!(", "true", ")", 500000, told);
    check_nest("", "(", "", "", 1000000, told);
    check_nest("", "foo(", "", "", 1000000, told);
}

static void test_parts_have_a_bound(void **state)
{
    (void)state;
    static const char told[] = "the expression has more than 1024 parts; make several rules of it";
    check_nest("true", " || true", "", "", 511, NULL);
    check_nest("true", " || true", "", "", 512, told);
    check_nest("true", " || true", "", "", 300000, told);
    check_nest("value", " + value", " > 1", "", 510, NULL);
    check_nest("value", " + value", " > 1", "", 511, told);
    check_nest("count(1", ",1", ")", "", 500000, told);
}

static void test_waiting_operands_have_a_bound(void **state)
{
    (void)state;
    static const char told[] = "more than 64 operands wait for one another";
    check_nest("0 < ", "value + (", "value", ")", 62, NULL);
    check_nest("0 < ", "value + (", "value", ")", 63, told);
    check_nest("", "true || true && (", "true", ")", 31, NULL);
    check_nest("", "true || true && (", "true", ")", 32, told);
}

static void test_the_code_is_as_long_as_told(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_text(&text, "true");
    repeat(&text, " || true", 511);
    struct lang lang;
    lang_init(&lang);
    assert_true(lang_compile(&lang, text.data, NULL, NULL));
    assert_int_equal(lang.code.when[0].length, 1023);
    assert_int_equal(lang.code.when[0].stack, 2);
    lang_done(&lang);
    buf_done(&text);
}

/* Windows of `n` different widths from `from` seconds on. */
static void add_windows(struct buf *text, size_t from, size_t n)
{
    buf_text(text, "true");
    for (size_t i = 0; i < n; i++) {
        buf_printf(text, " && count(%zu) > 0", from + i);
    }
}

static void test_reads_of_a_rule_have_a_bound(void **state)
{
    (void)state;
    struct buf when = {0};
    struct buf clear = {0};
    struct buf unless = {0};
    add_windows(&when, 1, 100);
    add_windows(&clear, 101, 100);
    add_windows(&unless, 200, 55); /* one of them known already: 254 */
    struct lang lang;
    lang_init(&lang);
    buf_text(&unless, " && point('tank-7/temp') > 1 && point('tank-7/level') > 1");
    assert_true(lang_compile(&lang, when.data, clear.data, unless.data));
    assert_int_equal(lang.code.reads.window_count + lang.code.reads.point_count, RULE_SLOTS_MAX);
    buf_text(&unless, " && count(777) > 1 && count(778) > 1 && point('501工作面/甲烷') > 1");
    assert_false(lang_compile(&lang, when.data, clear.data, unless.data));
    assert_int_equal(lang.mistakes.total, 1);
    assert_non_null(strstr(lang.mistakes.lines[0], "rules[0].unless: at character "));
    assert_non_null(strstr(lang.mistakes.lines[0], "the rule reads more than 256 points and windows"));
    lang_done(&lang);
    buf_done(&when);
    buf_done(&clear);
    buf_done(&unless);
}

static void test_long_names_are_shown_cut(void **state)
{
    (void)state;
    struct buf text = {0};
    repeat(&text, "甲", 1000);
    buf_text(&text, " > 1 || point('");
    repeat(&text, "乙", 1000);
    buf_text(&text, "') > 1 || status('");
    repeat(&text, "丙", 1000);
    buf_text(&text, "')");
    struct lang lang;
    lang_init(&lang);
    assert_false(lang_compile(&lang, text.data, NULL, NULL));
    assert_int_equal(lang.mistakes.total, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(strlen(lang.mistakes.lines[i]) < 300);
        assert_true(text_is_utf8(lang.mistakes.lines[i], strlen(lang.mistakes.lines[i])));
    }
    assert_non_null(strstr(lang.mistakes.lines[1], "at character 1015: the site has no point"));
    lang_done(&lang);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting_has_a_bound),           cmocka_unit_test(test_parts_have_a_bound),
        cmocka_unit_test(test_waiting_operands_have_a_bound), cmocka_unit_test(test_the_code_is_as_long_as_told),
        cmocka_unit_test(test_reads_of_a_rule_have_a_bound),  cmocka_unit_test(test_long_names_are_shown_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
