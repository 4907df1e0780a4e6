/* Bodies of acts, and all that is wrong with them at once. */
#include "console/act_body.h"
#include "base/clock.h"
#include "tests/unit/console/unit.h"
#include <stdio.h>
#include <string.h>

static struct err err;

static bool reads(enum act_kind kind, const char *text, struct act *act)
{
    err = (struct err){0};
    return act_body_read(kind, text, strlen(text), act, &err) == ERR_NONE;
}

static void a_whole_body_is_read(void **state)
{
    (void)state;
    struct act act;
    assert_true(reads(ACT_ACK, "{\"by\":\"李\",\"comment\":\"去看\",\"occurrence\":3,\"level\":\"red\"}", &act));
    assert_int_equal(act.kind, ACT_ACK);
    assert_string_equal(act.by, "李");
    assert_string_equal(act.comment, "去看");
    assert_int_equal(act.occurrence, 3);
    assert_int_equal(act.level, LEVEL_RED);
    assert_true(reads(ACT_ACK, "{\"by\":\"li\"}", &act));
    assert_int_equal(act.occurrence, 0);
    assert_int_equal(act.level, LEVEL_NONE);
    assert_string_equal(act.comment, "");
    assert_true(reads(ACT_SHELVE, "{\"by\":\"li\",\"comment\":\"x\",\"for\":\"30m\"}", &act));
    assert_true(act.for_ns == 1800 * NS_PER_S && act.until_ns == 0);
    assert_true(reads(ACT_SHELVE, "{\"by\":\"li\",\"comment\":\"x\",\"until\":\"2026-01-05T00:00:00Z\"}", &act));
    assert_true(act.until_ns == INT64_C(1767571200) * NS_PER_S && act.for_ns == 0);
    assert_true(reads(ACT_CLOSE, "{\"by\":\"li\",\"cause\":\"dust\",\"measure\":\"cleaned\"}", &act));
    assert_string_equal(act.cause, "dust");
    assert_string_equal(act.measure, "cleaned");
}

static void mistakes_name_their_key(void **state)
{
    (void)state;
    static char long_name[400];
    memset(long_name, 'x', 200);
    static char long_body[500];
    (void)snprintf(long_body, sizeof long_body, "{\"by\":\"%s\"}", long_name);
    const struct {
        enum act_kind kind;
        const char *text, *says;
    } cases[] = {
        {ACT_ACK, "", "body"},
        {ACT_ACK, "[]", "body"},
        {ACT_ACK, "{", "body"},
        {ACT_ACK, "null", "body"},
        {ACT_ACK, "{}", "by: is missing"},
        {ACT_ACK, "{\"by\":\"\"}", "by"},
        {ACT_ACK, "{\"by\":7}", "by"},
        {ACT_ACK, "{\"by\":\"li\",\"by\":\"wu\"}", "by"},
        {ACT_ACK, "{\"by\":\"li\",\"coment\":\"x\"}", "did you mean \"comment\"?"},
        {ACT_ACK, "{\"by\":\"li\",\"level\":\"reed\"}", "level"},
        {ACT_ACK, "{\"by\":\"li\",\"occurrence\":0}", "occurrence"},
        {ACT_ACK, "{\"by\":\"li\",\"occurrence\":-4}", "occurrence"},
        {ACT_ACK, "{\"by\":\"li\",\"occurrence\":4294967296}", "occurrence"},
        {ACT_ACK, "{\"by\":\"li\",\"occurrence\":1.5}", "occurrence"},
        {ACT_ACK, long_body, "by"},
        {ACT_SHELVE, "{\"by\":\"li\",\"comment\":\"x\"}", "a shelf needs its end"},
        {ACT_SHELVE, "{\"by\":\"li\",\"comment\":\"x\",\"for\":\"0s\"}", "for"},
        {ACT_SHELVE, "{\"by\":\"li\",\"comment\":\"x\",\"for\":\"1h\",\"until\":\"2026-01-05T00:00:00Z\"}", "its end"},
        {ACT_SHELVE, "{\"by\":\"li\",\"comment\":\"x\",\"until\":\"soon\"}", "until"},
        {ACT_SHELVE, "{\"by\":\"li\",\"for\":\"1h\"}", "comment"},
        {ACT_COMMENT, "{\"by\":\"li\"}", "comment"},
        {ACT_CLOSE, "{\"by\":\"li\",\"cause\":\"x\"}", "measure"},
        {ACT_ACK, "{\"level\":\"reed\",\"occurrence\":0}", "by: is missing"}, /* with the others, at once */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct act act = {.ticket = 77};
        if (reads(cases[i].kind, cases[i].text, &act) || strstr(err.text, cases[i].says) == NULL || act.ticket != 77) {
            fail_msg("%s: %s", cases[i].text, err.text);
        }
    }
    struct act act;
    assert_int_equal(act_body_read(ACT_ACK, "{\"by\":\"li\"}\0", 12, &act, &err), ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_body_is_read),
        cmocka_unit_test(mistakes_name_their_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
