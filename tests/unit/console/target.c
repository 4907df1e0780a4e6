/* What a request asks for, taken apart; and what is refused whole. */
#include "console/target.h"
#include "tests/unit/console/unit.h"
#include <stdio.h>
#include <string.h>

/* "a|b ? name=value" of what was read; "refused". */
static const char *told(const char *text)
{
    static char out[512];
    char room[512];
    struct target target;
    (void)snprintf(room, sizeof room, "%s", text);
    if (!target_parse(room, strlen(room), &target)) {
        return "refused";
    }
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < target.segment_count; i++) {
        len += (size_t)snprintf(out + len, sizeof out - len, "%s%s", i == 0 ? "" : "|", target.segments[i]);
    }
    for (size_t i = 0; i < target.param_count; i++) {
        len += (size_t)snprintf(out + len, sizeof out - len, " ? %s=%s", target.params[i].name, target.params[i].value);
    }
    return out;
}

static void paths_are_split_before_they_are_decoded(void **state)
{
    (void)state;
    const struct {
        const char *text, *told;
    } cases[] = {
        {"/", ""},
        {"/metrics", "metrics"},
        {"/metrics/", "metrics"},
        {"/api/v1/points/a%2Fb/samples", "api|v1|points|a/b|samples"},
        {"/api/v1/points/%E4%BA%95%E4%B8%8B%2f1", "api|v1|points|井下/1"},
        {"/a?x=1&y=2", "a ? x=1 ? y=2"},
        {"/a?x=%26%3D&y", "a ? x=&= ? y="},
        {"/a?from=2026-01-05T08:00:00+08:00", "a ? from=2026-01-05T08:00:00+08:00"},
        {"/a?x=a=b", "a ? x=a=b"},
        {"/a?&&x=1&", "a ? x=1"},
        {"/a#fragment", "a"},
        {"/a?x=1#fragment", "a ? x=1"},
        {"http://host:8600/a?x=1", "a ? x=1"},
        {"/a+b", "a+b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(told(cases[i].text), cases[i].told);
    }
}

static void what_cannot_be_read_is_refused_whole(void **state)
{
    (void)state;
    const char *const cases[] = {
        "",
        "*",
        "a",
        "http://host",
        "//a",
        "/a//b",
        "/%",
        "/%2",
        "/%zz",
        "/%00",
        "/a%0Ab",
        "/a\x7f",
        "/%ff",
        "/%c3",
        "/a?x=%",
        "/a?x=1&x=2",
        "/1/2/3/4/5/6/7/8/9",
        "/a?a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k=&l=&m=&n=&o=&p=&q=",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(told(cases[i]), "refused") != 0) {
            fail_msg("%s: %s", cases[i], told(cases[i]));
        }
    }
    char with_zero[] = "/a\0b";
    struct target target;
    assert_false(target_parse(with_zero, 4, &target));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_split_before_they_are_decoded),
        cmocka_unit_test(what_cannot_be_read_is_refused_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
