/* log_repeat: what is said at once, what is counted, and when the count is said. */
#include "base/clock.h"
#include "base/log_repeat.h"
#include "tests/unit/base/unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Collects what is said as "text×count/window " */
struct said {
    char text[4096];
};

static void note(void *to, const struct repeat *repeat)
{
    struct said *said = to;
    const size_t len = strlen(said->text);
    (void)snprintf(said->text + len, sizeof said->text - len, "%s*%d/%ds ", repeat->line.text, (int)repeat->count,
                   (int)(repeat->window_ns / NS_PER_S));
}

struct fixture {
    struct repeats repeats;
    struct said said;
    int at_once;
};

static void happen(struct fixture *fixture, int64_t second, const char *subject, const char *text)
{
    struct repeat_line line = {.level = LOG_WARN};
    (void)snprintf(line.text, sizeof line.text, "%s", text);
    repeats_tick(&fixture->repeats, second * NS_PER_S, note, &fixture->said);
    fixture->at_once +=
        repeats_take(&fixture->repeats, second * NS_PER_S, repeat_key("ING-003", subject), &line, note, &fixture->said);
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void test_the_first_is_said_at_once_the_rest_counted_in_doubling_windows(void **state)
{
    struct fixture *fixture = *state;
    for (int64_t second = 0; second < 75; second++) { /* once a second */
        happen(fixture, second, "plc-1", "x");
    }
    assert_int_equal(fixture->at_once, 1);
    assert_string_equal(fixture->said.text, "x*9/10s x*20/20s x*40/40s ");
}

static void test_windows_grow_to_an_hour(void **state)
{
    struct fixture *fixture = *state;
    for (int64_t second = 0; second < 5 * 3600; second += 5) {
        happen(fixture, second, "plc-1", "x");
    }
    assert_int_equal(fixture->at_once, 1);
    assert_non_null(strstr(fixture->said.text, "/2560s x*"));
    assert_non_null(strstr(fixture->said.text, "x*720/3600s x*720/3600s "));
}

static void test_a_quiet_window_ends_it(void **state)
{
    struct fixture *fixture = *state;
    happen(fixture, 0, "plc-1", "a");
    happen(fixture, 11, "plc-1", "b");
    assert_int_equal(fixture->at_once, 2);
    assert_string_equal(fixture->said.text, "");
}

static void test_a_count_is_said_without_another_occurrence_and_with_the_newest_text(void **state)
{
    struct fixture *fixture = *state;
    happen(fixture, 0, "plc-1", "a");
    happen(fixture, 1, "plc-1", "b");
    happen(fixture, 2, "plc-1", "c");
    repeats_tick(&fixture->repeats, 10 * NS_PER_S - 1, note, &fixture->said);
    assert_string_equal(fixture->said.text, "");
    repeats_tick(&fixture->repeats, 10 * NS_PER_S, note, &fixture->said);
    assert_string_equal(fixture->said.text, "c*2/10s ");
    repeats_tick(&fixture->repeats, 31 * NS_PER_S, note, &fixture->said);
    assert_string_equal(fixture->said.text, "c*2/10s ");
}

static void test_subjects_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    happen(fixture, 0, "plc-1", "a");
    happen(fixture, 0, "plc-2", "b");
    happen(fixture, 1, "plc-1", "a");
    assert_int_equal(fixture->at_once, 2);
    assert_true(repeat_key("A", "BC") != repeat_key("AB", "C"));
}

static void test_with_all_slots_taken_the_one_that_ends_first_gives_way(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < REPEATS_MAX; i++) {
        char subject[16];
        (void)snprintf(subject, sizeof subject, "s%d", i);
        happen(fixture, i == 5 ? 0 : 1, subject, subject);
    }
    happen(fixture, 1, "s5", "s5");
    assert_int_equal(fixture->at_once, REPEATS_MAX);
    happen(fixture, 2, "one more", "one more");
    assert_int_equal(fixture->at_once, REPEATS_MAX + 1);
    assert_string_equal(fixture->said.text, "s5*1/10s "); /* not lost: said early */
    happen(fixture, 2, "s4", "s4");
    assert_int_equal(fixture->at_once, REPEATS_MAX + 1);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_the_first_is_said_at_once_the_rest_counted_in_doubling_windows),
        WITH_FIXTURE(test_windows_grow_to_an_hour),
        WITH_FIXTURE(test_a_quiet_window_ends_it),
        WITH_FIXTURE(test_a_count_is_said_without_another_occurrence_and_with_the_newest_text),
        WITH_FIXTURE(test_subjects_are_told_apart),
        WITH_FIXTURE(test_with_all_slots_taken_the_one_that_ends_first_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
