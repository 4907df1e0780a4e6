/* err and mistakes: texts are whole, bounded, and one line each. */
#include "base/err.h"
#include "base/mistakes.h"
#include "base/text.h"
#include "tests/unit/base/unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_context_goes_in_front(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(err_set(&err, ERR_INPUT, "level \"%s\" is not known", "reed"), ERR_INPUT);
    assert_int_equal(err_prefix(&err, "rules[%d]", 4), ERR_INPUT);
    assert_int_equal(err_prefix(&err, "site.json"), ERR_INPUT);
    assert_string_equal(err.text, "site.json: rules[4]: level \"reed\" is not known");
    assert_int_equal(err_set(NULL, ERR_ENV, "x"), ERR_ENV);
    assert_int_equal(err_prefix(NULL, "x"), ERR_ENV);
}

static void test_a_text_may_be_made_from_itself(void **state)
{
    (void)state;
    struct err err;
    (void)err_set(&err, ERR_NO, "inner");
    (void)err_set(&err, ERR_ENV, "outer: %s", err.text);
    assert_string_equal(err.text, "outer: inner");
    (void)err_prefix(&err, "%s", err.text);
    assert_string_equal(err.text, "outer: inner: outer: inner");
}

static void test_a_long_text_is_cut_between_characters(void **state)
{
    (void)state;
    char text[3001] = "";
    for (size_t i = 0; i < 3000; i += 3) {
        memcpy(text + i, "警", 3);
    }
    for (int shift = 0; shift < 4; shift++) {
        struct err err;
        (void)err_set(&err, ERR_NO, "%.*s%s", shift, "...", text);
        const size_t len = strlen(err.text);
        assert_true(len < sizeof err.text && len > sizeof err.text - 5);
        assert_true(text_is_utf8(err.text, len));
        (void)err_prefix(&err, "front");
        assert_true(text_is_utf8(err.text, strlen(err.text)));
        assert_memory_equal(err.text, "front: ", 7);
    }
}

/* Gives what mistakes_print prints; the caller frees. */
static char *printed(const struct mistakes *list)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    mistakes_print(list, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_each_mistake_is_one_line(void **state)
{
    (void)state;
    struct mistakes list;
    mistakes_init(&list);
    mistakes_add(&list, "site.json", "rules[1].levels[0].when", NULL, "\"%s\" is not a number", "x\ny");
    mistakes_add(&list, "site.json", "", "did you mean \"red\"?", "level \"reed\" is not known");
    char *text = printed(&list);
    assert_string_equal(text, "site.json: rules[1].levels[0].when: \"x y\" is not a number\n"
                              "site.json: level \"reed\" is not known; did you mean \"red\"?\n");
    free(text);
    mistakes_done(&list);
    mistakes_done(&list);
    mistakes_done(NULL);
}

static void test_more_mistakes_than_are_kept_are_counted(void **state)
{
    (void)state;
    struct mistakes list;
    mistakes_init(&list);
    for (int i = 0; i < MISTAKES_MAX + 7; i++) {
        mistakes_add(&list, "f", "p", NULL, "%d", i);
    }
    assert_int_equal(list.count, MISTAKES_MAX);
    assert_int_equal(list.total, MISTAKES_MAX + 7);
    assert_string_equal(list.lines[MISTAKES_MAX - 1], "f: p: 999");
    char *text = printed(&list);
    assert_non_null(strstr(text, "\nand 7 more mistakes\n"));
    free(text);
    mistakes_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context_goes_in_front),
        cmocka_unit_test(test_a_text_may_be_made_from_itself),
        cmocka_unit_test(test_a_long_text_is_cut_between_characters),
        cmocka_unit_test(test_each_mistake_is_one_line),
        cmocka_unit_test(test_more_mistakes_than_are_kept_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
