/* The difference between expected and real events, as it is printed. */
#include "app/lines_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lines lines_of(const char *const *texts)
{
    struct lines lines = {0};
    for (; *texts != NULL; texts++) {
        lines_add(&lines, *texts, strlen(*texts));
    }
    return lines;
}

static bool compare(const char *const *expected, const char *const *came, char **ret_text)
{
    struct lines a = lines_of(expected);
    struct lines b = lines_of(came);
    size_t size = 0;
    FILE *out = open_memstream(ret_text, &size);
    bool same = lines_same(&a, &b, out);
    (void)fclose(out);
    lines_done(&a);
    lines_done(&b);
    return same;
}

static void the_same_lines_say_nothing(void **state)
{
    (void)state;
    const char *const texts[] = {"{\"seq\":1,\"a\":1}", "{\"seq\":2,\"a\":2}", NULL};
    char *text = NULL;
    assert_true(compare(texts, texts, &text));
    assert_string_equal(text, "");
    free(text);
}

static void one_event_too_many_is_one_line(void **state)
{
    (void)state;
    const char *const expected[] = {"{\"seq\":1,\"a\":1}", "{\"seq\":2,\"a\":3}", NULL};
    const char *const came[] = {"{\"seq\":1,\"a\":1}", "{\"seq\":2,\"a\":2}", "{\"seq\":3,\"a\":3}", NULL};
    char *text = NULL;
    assert_false(compare(expected, came, &text));
    assert_string_equal(text, "the events differ from line 2 on (- expected, + came):\n"
                              "  {\"seq\":1,\"a\":1}\n"
                              "+ {\"seq\":2,\"a\":2}\n"
                              "  {\"seq\":3,\"a\":3}\n");
    free(text);
}

static void a_changed_event_shows_both(void **state)
{
    (void)state;
    const char *const expected[] = {"{\"seq\":1,\"a\":1}", NULL};
    const char *const came[] = {"{\"seq\":1,\"a\":9}", NULL};
    char *text = NULL;
    assert_false(compare(expected, came, &text));
    assert_non_null(strstr(text, "- {\"seq\":1,\"a\":1}\n+ {\"seq\":1,\"a\":9}\n"));
    free(text);
}

static void only_another_seq_is_a_difference_too(void **state)
{
    (void)state;
    const char *const expected[] = {"{\"seq\":1,\"a\":1}", NULL};
    const char *const came[] = {"{\"seq\":2,\"a\":1}", NULL};
    char *text = NULL;
    assert_false(compare(expected, came, &text));
    assert_non_null(strstr(text, "- {\"seq\":1,\"a\":1}\n+ {\"seq\":2,\"a\":1}\n"));
    free(text);
}

static void nothing_came(void **state)
{
    (void)state;
    const char *const expected[] = {"{\"seq\":1}", "{\"seq\":2}", NULL};
    const char *const came[] = {NULL};
    char *text = NULL;
    assert_false(compare(expected, came, &text));
    assert_non_null(strstr(text, "- {\"seq\":1}\n- {\"seq\":2}\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_lines_say_nothing),
        cmocka_unit_test(one_event_too_many_is_one_line),
        cmocka_unit_test(a_changed_event_shows_both),
        cmocka_unit_test(only_another_seq_is_a_difference_too),
        cmocka_unit_test(nothing_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
