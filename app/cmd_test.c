/* cmd_test: `davy test FILE...`, rule unit tests on the replay engine. */
#include "app/args.h"
#include "app/command.h"
#include "app/replay.h"
#include "app/rule_test.h"

#include "base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHARD_ROOM = 1 };

/* The events that came in one case. */
struct came {
    const struct rule_case *one;
    json_t **events; /* owned */
    int64_t *times;
    size_t count, room;
};

static void take_event(void *self, const struct event *event, const char *json, size_t len)
{
    struct came *came = self;
    if (came->count == came->room) {
        came->room = came->room == 0 ? 64 : came->room * 2;
        came->events = realloc(came->events, came->room * sizeof *came->events);
        came->times = realloc(came->times, came->room * sizeof *came->times);
        if (came->events == NULL || came->times == NULL) {
            abort(); /* a test run, not a monitor */
        }
    }
    came->events[came->count] = json_loadb(json, len, 0, NULL);
    came->times[came->count++] = event->time_ns;
}

static void came_done(struct came *came)
{
    for (size_t i = 0; i < came->count; i++) {
        json_decref(came->events[i]);
    }
    free(came->events);
    free(came->times);
}

static bool value_equal(const json_t *expected, const json_t *came)
{
    if (json_is_number(expected) && json_is_number(came)) {
        return json_number_value(expected) == json_number_value(came);
    }
    return came != NULL && json_equal(expected, came);
}

static bool matches(const struct rule_expect *expect, const json_t *event, int64_t time_ns)
{
    /* the contract prints times cut to milliseconds; "at" is compared as printed */
    int64_t ms = 1000000;
    if (expect->time_ns != INT64_MAX && expect->time_ns / ms != time_ns / ms) {
        return false;
    }
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)expect->keys, key, value)
    {
        if (strcmp(key, "at") != 0 && !value_equal(value, json_object_get(event, key))) {
            return false;
        }
    }
    return true;
}

/* Which event answers each expectation (SIZE_MAX: none); true when the case passes. */
static bool match_all(const struct came *came, size_t *answers)
{
    const struct rule_case *one = came->one;
    size_t next = 0;
    bool fine = !one->exact || one->expect_count == came->count;
    for (size_t i = 0; i < one->expect_count; i++) {
        answers[i] = SIZE_MAX;
        size_t end = one->exact ? (next < came->count ? next + 1 : next) : came->count;
        for (size_t k = next; k < end && answers[i] == SIZE_MAX; k++) {
            if (matches(&one->expect[i], came->events[k], came->times[k])) {
                answers[i] = k;
            }
        }
        fine = fine && answers[i] != SIZE_MAX;
        next = one->exact ? next + 1 : answers[i] != SIZE_MAX ? answers[i] + 1 : next;
    }
    return fine;
}

static void print_came(const struct came *came, size_t i)
{
    char after[TEXT_DURATION_MAX];
    const json_t *event = came->events[i];
    const char *words[] = {"event", "alarm", "level"};
    (void)text_format_duration(came->times[i] - came->one->rows[0].time_ns, after);
    (void)fprintf(stderr, "    came      +%s", after);
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        const char *text = json_string_value(json_object_get(event, words[w]));
        (void)fprintf(stderr, " %s", text != NULL ? text : "-");
    }
    if (json_object_get(event, "value") != NULL) {
        char number[TEXT_NUMBER_MAX];
        (void)text_format_number(json_number_value(json_object_get(event, "value")), number);
        (void)fprintf(stderr, " value %s", number);
    }
    (void)fprintf(stderr, " at %s\n", json_string_value(json_object_get(event, "time")));
}

/* The keys of an expected event as in the file; jansson would print 0.3 as 0.29999999999999999. */
static void print_expected(const json_t *keys)
{
    const char *separator = "";
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)keys, key, value)
    {
        (void)fprintf(stderr, "%s\"%s\":", separator, key);
        if (json_is_real(value)) {
            char number[TEXT_NUMBER_MAX];
            (void)text_format_number(json_real_value(value), number);
            (void)fputs(number, stderr);
        } else {
            (void)json_dumpf(value, stderr, JSON_COMPACT | JSON_ENCODE_ANY);
        }
        separator = ",";
    }
}

static void print_failure(const struct came *came, const size_t *answers)
{
    const struct rule_case *one = came->one;
    size_t printed = 0;
    for (size_t i = 0; i < one->expect_count; i++) {
        size_t upto = answers[i] != SIZE_MAX                ? answers[i] + 1
                      : one->exact && printed < came->count ? printed + 1
                                                            : printed;
        (void)fputs(answers[i] != SIZE_MAX ? "    expected  {" : "  ! expected  {", stderr);
        print_expected(one->expect[i].keys);
        (void)fputs("}\n", stderr);
        for (; printed < upto; printed++) {
            print_came(came, printed);
        }
    }
    for (; printed < came->count; printed++) {
        print_came(came, printed);
    }
}

static enum err_code run_case(const struct rule_test *test, const struct rule_case *one, bool *ret_fine,
                              struct err *err)
{
    struct came came = {.one = one};
    struct replay *replay = NULL;
    enum err_code code = replay_new(test->site, test->rules, SHARD_ROOM, RUN_EXERCISE, take_event, &came, &replay, err);
    for (size_t i = 0; code == ERR_NONE && i < one->row_count; i++) {
        code = replay_row(replay, &one->rows[i], err);
        if (code == ERR_NO) {
            (void)fprintf(stderr, "  %s: act refused: %s\n", one->name, err->text);
            code = ERR_NONE;
        }
    }
    size_t *answers = calloc(one->expect_count + 1, sizeof *answers);
    if (code == ERR_NONE && answers == NULL) {
        code = err_set(err, ERR_ENV, "out of memory");
    }
    if (code == ERR_NONE) {
        *ret_fine = match_all(&came, answers);
        printf("%s %s: %s\n", *ret_fine ? "ok  " : "FAIL", test->file, one->name);
        (void)fflush(stdout);
        if (!*ret_fine) {
            print_failure(&came, answers);
        }
    }
    free(answers);
    replay_free(replay);
    came_done(&came);
    return code;
}

struct tally {
    unsigned passed, failed;
};

static int run_file(const struct command *self, const char *file, struct tally *tally)
{
    struct err err = {0};
    struct mistakes mistakes;
    struct rule_test *test = NULL;
    mistakes_init(&mistakes);
    enum err_code code = rule_test_load(file, &mistakes, &test, &err);
    mistakes_print(&mistakes, stderr);
    if (code != ERR_NONE && mistakes.total == 0) {
        (void)command_fail(self, &err);
    }
    mistakes_done(&mistakes);
    for (size_t i = 0; code == ERR_NONE && i < test->case_count; i++) {
        bool fine = false;
        code = run_case(test, &test->cases[i], &fine, &err);
        if (code != ERR_NONE) {
            (void)command_fail(self, &err);
        } else if (fine) {
            tally->passed++;
        } else {
            tally->failed++;
        }
    }
    rule_test_free(test);
    return (int)code;
}

int cmd_test(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    if (args_parse(argc, argv, NULL, 0, 1, ARGS_MAX, &args, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    struct tally tally = {0};
    int worst = ERR_NONE;
    for (size_t i = 0; i < args.count; i++) {
        int code = run_file(self, args.positional[i], &tally);
        worst = code > worst ? code : worst;
    }
    printf("%u passed, %u failed\n", tally.passed, tally.failed);
    return worst != ERR_NONE ? worst : tally.failed > 0 ? ERR_NO : ERR_NONE;
}
