/* buf: growth, printing, and JSON strings as JSON.stringify writes them. */
#include "base/buf.h"
#include "tests/unit/base/unit.h"
#include <math.h>
#include <string.h>

static void test_grows_and_stays_terminated(void **state)
{
    (void)state;
    struct buf buf = {0};
    for (int i = 0; i < 5000; i++) {
        buf_add(&buf, "ab", 2);
        assert_int_equal(buf.data[buf.len], 0);
    }
    assert_int_equal(buf.len, 10000);
    for (size_t i = 0; i < buf.len; i++) {
        assert_int_equal(buf.data[i], i % 2 == 0 ? 'a' : 'b');
    }
    buf_clear(&buf);
    assert_string_equal(buf.data, "");
    buf_done(&buf);
    buf_done(&buf);
    buf_done(NULL);
}

static void test_prints_texts_longer_than_its_first_guess(void **state)
{
    (void)state;
    char word[1000];
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    struct buf buf = {0};
    buf_printf(&buf, "%d-%s-%d", 1, word, 2);
    assert_int_equal(buf.len, 2 + 999 + 2);
    assert_int_equal(strlen(buf.data), buf.len);
    assert_memory_equal(buf.data + buf.len - 2, "-2", 3);
    for (size_t len = 250; len < 260; len++) { /* around the first room */
        buf_clear(&buf);
        buf_printf(&buf, "%.*s", (int)len, word);
        assert_int_equal(strlen(buf.data), len);
    }
    buf_done(&buf);
}

static void test_escapes_as_json_stringify_does(void **state)
{
    (void)state;
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"", "\"\""},
        {"501面T1甲烷", "\"501面T1甲烷\""},
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
        {"\b\f\n\r\t\v\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u000b\\u0001\\u001f\x7f\""},
        {"\xF0\x9F\x9A\xA8!", "\"\xF0\x9F\x9A\xA8!\""},
        {"a\xFFz\xE4\xBD", "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf buf = {0};
        buf_json_string(&buf, cases[i].text);
        assert_string_equal(buf.data, cases[i].json);
        buf_done(&buf);
    }
}

static void test_adds_numbers_in_their_shortest_form(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_number(&buf, 0.1);
    buf_text(&buf, " ");
    buf_number(&buf, -1e21);
    buf_text(&buf, " ");
    buf_number(&buf, (double)NAN);
    assert_string_equal(buf.data, "0.1 -1e+21 NaN");
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_and_stays_terminated),
        cmocka_unit_test(test_prints_texts_longer_than_its_first_guess),
        cmocka_unit_test(test_escapes_as_json_stringify_does),
        cmocka_unit_test(test_adds_numbers_in_their_shortest_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
