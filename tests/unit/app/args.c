/* The command line: options, times, durations, and what is said of mistakes. */
#include "app/args.h"

#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct parsed {
    bool summary;
    const char *shards;
    struct args args;
    struct err err;
};

static enum err_code parse(struct parsed *parsed, int argc, const char *const *words)
{
    char *argv[8] = {0};
    for (int i = 0; i < argc; i++) {
        argv[i] = (char *)(uintptr_t)words[i];
    }
    const struct arg_option options[] = {{.name = "summary", .ret_flag = &parsed->summary},
                                         {.name = "shards", .ret_value = &parsed->shards}};
    return args_parse(argc, argv, options, 2, 1, 2, &parsed->args, &parsed->err);
}

static void options_and_positionals_may_mix(void **state)
{
    (void)state;
    struct parsed parsed = {0};
    const char *words[] = {"site.json", "--shards", "4", "--summary", "-"};
    assert_int_equal(parse(&parsed, 5, words), ERR_NONE);
    assert_true(parsed.summary);
    assert_string_equal(parsed.shards, "4");
    assert_int_equal(parsed.args.count, 2);
    assert_string_equal(parsed.args.positional[1], "-");
    struct parsed equals = {0};
    const char *joined[] = {"--shards=7", "site.json"};
    assert_int_equal(parse(&equals, 2, joined), ERR_NONE);
    assert_string_equal(equals.shards, "7");
}

static void mistakes_name_what_is_wrong(void **state)
{
    (void)state;
    const struct {
        const char *words[3];
        int count;
        const char *says;
    } cases[] = {
        {{"a", "--shard", "3"}, 3, "did you mean --shards?"},
        {{"a", "--shards"}, 2, "--shards needs a value"},
        {{"a", "--summary=1"}, 2, "--summary takes no value"},
        {{"a", "b", "c"}, 3, "\"c\" is one argument too many"},
        {{"--summary"}, 1, "at least 1 needed"},
        {{"a", "-x"}, 2, "option -x is not known"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parsed parsed = {0};
        assert_int_equal(parse(&parsed, cases[i].count, cases[i].words), ERR_INPUT);
        if (strstr(parsed.err.text, cases[i].says) == NULL) {
            print_error("%s\n", parsed.err.text);
            fail();
        }
    }
}

static void times_are_absolute_or_from_now(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"now", 1000 * NS_PER_S},
        {"now-2m", 880 * NS_PER_S},
        {"now+500ms", 1000 * NS_PER_S + 500 * NS_PER_MS},
        {"1970-01-01T00:00:10Z", 10 * NS_PER_S},
        {"2500", 2500 * NS_PER_MS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ns = 0;
        struct err err = {0};
        assert_int_equal(args_time(cases[i].text, 1000 * NS_PER_S, &ns, &err), ERR_NONE);
        assert_int_equal(ns, cases[i].ns);
    }
    static const char *const bad[] = {"", "now-", "now2h", "yesterday", "now-2", "2h"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ns = 7;
        struct err err = {0};
        assert_int_equal(args_time(bad[i], 0, &ns, &err), ERR_INPUT);
        assert_int_equal(ns, 7);
    }
}

static void whole_numbers_stay_in_their_bounds(void **state)
{
    (void)state;
    uint64_t value = 0;
    struct err err = {0};
    assert_int_equal(args_whole("32", "--shards", 1, 32, &value, &err), ERR_NONE);
    assert_int_equal(value, 32);
    static const char *const bad[] = {"0", "33", "-1", "1.5", "", "x", "99999999999999999999", " 3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(args_whole(bad[i], "--shards", 1, 32, &value, &err), ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_positionals_may_mix),
        cmocka_unit_test(mistakes_name_what_is_wrong),
        cmocka_unit_test(times_are_absolute_or_from_now),
        cmocka_unit_test(whole_numbers_stay_in_their_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
