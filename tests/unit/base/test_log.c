/* log: the line's form, whole lines from many threads, and a stderr that takes no more. */
#include "base/log.h"
#include "base/text.h"
#include "tests/unit/base/unit.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CAUGHT_MAX = 1 << 20 };

/* stderr goes into a pipe meanwhile. */
struct catcher {
    int kept; /* the real stderr */
    int read_end;
    char text[CAUGHT_MAX];
};

static struct catcher catcher;

static void catch_stderr(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_true(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    catcher.kept = dup(STDERR_FILENO);
    catcher.read_end = ends[0];
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    assert_int_equal(close(ends[1]), 0);
}

/* Puts stderr back; the text is then in catcher.text. */
static void release_stderr(void)
{
    size_t len = 0;
    ssize_t got = 0;
    while ((got = read(catcher.read_end, catcher.text + len, CAUGHT_MAX - 1 - len)) > 0) {
        len += (size_t)got;
    }
    catcher.text[len] = '\0';
    assert_true(dup2(catcher.kept, STDERR_FILENO) >= 0);
    (void)close(catcher.kept);
    (void)close(catcher.read_end);
}

static void test_a_line_is_time_level_area_id_and_text(void **state)
{
    (void)state;
    catch_stderr();
    log_event(LOG_WARN, "ingest", "ING-003", "plc-1", "source=%s reason=\"%s\"", "plc-1", "timed out");
    release_stderr();
    int64_t time_ns = 0;
    assert_true(text_parse_time(catcher.text, 24, &time_ns));
    assert_string_equal(catcher.text + 24, " WARN  ingest  ING-003 source=plc-1 reason=\"timed out\"\n");
}

static void test_the_same_again_is_not_said(void **state)
{
    (void)state;
    catch_stderr();
    for (int i = 0; i < 100; i++) {
        log_event(LOG_ERROR, "store", "STO-001", "disk", "try=%d", i);
        log_event(LOG_ERROR, "store", "STO-001", "other disk", "try=%d", i);
    }
    release_stderr();
    assert_non_null(strstr(catcher.text, "STO-001 try=0\n"));
    assert_null(strstr(catcher.text, "try=1"));
    assert_non_null(strstr(strstr(catcher.text, "try=0") + 1, "try=0")); /* the other subject's first */
}

static void test_levels_below_the_least_are_left_out(void **state)
{
    (void)state;
    catch_stderr();
    log_event(LOG_DEBUG, "app", "APP-900", NULL, "a");
    log_set_level(LOG_DEBUG);
    log_event(LOG_DEBUG, "app", "APP-901", NULL, "b");
    log_set_level(LOG_INFO);
    release_stderr();
    assert_null(strstr(catcher.text, "APP-900"));
    assert_non_null(strstr(catcher.text, " DEBUG app     APP-901 b\n"));
}

static void test_a_text_cannot_begin_another_line_and_is_cut_whole(void **state)
{
    (void)state;
    char word[4000];
    for (size_t i = 0; i + 3 < sizeof word; i += 3) {
        memcpy(word + i, "警", 3);
        word[i + 3] = '\0';
    }
    catch_stderr();
    log_event(LOG_INFO, "app", "APP-902", "x", "name=%s", "a\nb\tc\x7f");
    log_event(LOG_INFO, "app", "APP-903", "x", "name=%s", word);
    release_stderr();
    assert_non_null(strstr(catcher.text, "name=a?b?c?\n"));
    const char *cut = strstr(catcher.text, "APP-903");
    assert_non_null(cut);
    const size_t len = strlen(cut);
    assert_true(len > 1000 && len < 2048 && cut[len - 1] == '\n');
    assert_true(text_is_utf8(cut, len));
}

static void *talk(void *arg)
{
    const char *name = arg;
    for (int i = 0; i < 200; i++) {
        char subject[32];
        (void)snprintf(subject, sizeof subject, "%s-%d", name, i);
        log_event(LOG_INFO, "talk", "TLK-001", subject, "<%s-%03d>", name, i);
    }
    return NULL;
}

static void test_lines_of_many_threads_stay_whole(void **state)
{
    (void)state;
    const uint64_t lost_before = log_lost();
    catch_stderr();
    pthread_t threads[3];
    static char names[3][2] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, talk, names[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    release_stderr();
    int lines = 0;
    for (char *line = strtok(catcher.text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strstr(line, " repeated=") != NULL) {
            continue; /* the counts of the tests before, whose slots these lines take */
        }
        assert_int_equal(strlen(line), 24 + strlen(" INFO  talk    TLK-001 <a-000>"));
        assert_int_equal(line[strlen(line) - 1], '>');
        lines++;
    }
    assert_int_equal(lines + (int)(log_lost() - lost_before), 600);
    assert_int_equal(log_lost() - lost_before, 0); /* 600 short lines fit into a pipe */
}

static void test_a_full_pipe_loses_lines_and_counts_them(void **state)
{
    (void)state;
    const uint64_t lost_before = log_lost();
    catch_stderr();
    for (int i = 0; i < 3000; i++) {
        char subject[32];
        (void)snprintf(subject, sizeof subject, "f%d", i);
        log_event(LOG_INFO, "fill", "FIL-001", subject, "n=%d %060d", i, 0);
    }
    release_stderr();
    const uint64_t lost = log_lost() - lost_before;
    int lines = 0;
    for (const char *at = catcher.text; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    assert_true(lost > 0);
    assert_int_equal(lines + (int)lost, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_time_level_area_id_and_text),
        cmocka_unit_test(test_the_same_again_is_not_said),
        cmocka_unit_test(test_levels_below_the_least_are_left_out),
        cmocka_unit_test(test_a_text_cannot_begin_another_line_and_is_cut_whole),
        cmocka_unit_test(test_lines_of_many_threads_stay_whole),
        cmocka_unit_test(test_a_full_pipe_loses_lines_and_counts_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
