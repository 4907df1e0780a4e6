/*
 * The file sink, driven by hand: whole lines, in order, each once, whatever
 * ends a run, and patience with a disk that is full.
 */
#include "alerting/sink.h"
#include "base/clock.h"
#include "fake_store.h"
#include "fixture.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct bench {
    char folder[64], path[96];
    struct site_sink config;
    struct store *store;
    struct counters *counters;
    struct cell stop;
    struct sink *sink;
    struct agent agent;
} b;

static void start(void)
{
    const struct sink_config config = {
        .site = fixture_site(), .sink = &b.config, .store = b.store, .counters = b.counters, .stop = &b.stop};
    struct err err;
    if (sink_new(&config, &b.sink, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    b.agent = sink_agent(b.sink);
}

static int work(int64_t s)
{
    return b.agent.do_work(b.agent.self, at(s));
}

/* As kill -9 leaves it: nothing is said or kept at the end. */
static void start_again(void)
{
    sink_free(b.sink);
    start();
}

static int open_bench(void **state)
{
    (void)state;
    memset(&b, 0, sizeof b);
    (void)strcpy(b.folder, "/tmp/davy-sink-XXXXXX");
    assert_non_null(mkdtemp(b.folder));
    (void)snprintf(b.path, sizeof b.path, "%s/events.ndjson", b.folder);
    b.config = (struct site_sink){.id = "log", .type = SINK_FILE, .path = b.path};
    b.store = fake_store_new();
    b.counters = counters_new(16);
    start();
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    sink_free(b.sink);
    counters_free(b.counters);
    fake_store_free(b.store);
    (void)unlink(b.path);
    assert_int_equal(rmdir(b.folder), 0);
    return 0;
}

static void add_events(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        fake_store_add(b.store, "limit:t1", "red", false);
    }
}

/* Asserts that the file holds exactly the journal's lines from..to, then `tail`. */
static void file_is(size_t from, size_t to, const char *tail)
{
    struct buf wanted = {0}, found = {0};
    buf_text(&wanted, "");
    buf_text(&found, "");
    for (size_t i = from; i <= to; i++) {
        buf_printf(&wanted, "%s\n", fake_store_json(b.store, i - 1));
    }
    buf_text(&wanted, tail);
    FILE *file = fopen(b.path, "rb");
    assert_non_null(file);
    char bytes[4096];
    size_t n;
    while ((n = fread(bytes, 1, sizeof bytes, file)) > 0) {
        buf_add(&found, bytes, n);
    }
    (void)fclose(file);
    assert_string_equal(found.data, wanted.data);
    buf_done(&wanted);
    buf_done(&found);
}

static void put_file(const char *text)
{
    FILE *file = fopen(b.path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void forget_place(void)
{
    struct store_batch *batch = store_batch_new(b.store);
    store_batch_put(batch, "sink/log", NULL, 0);
    assert_int_equal(store_batch_commit(batch, true, NULL), ERR_NONE);
    store_batch_free(batch);
}

static void events_become_lines_in_order(void **state)
{
    (void)state;
    assert_int_equal(work(0), 0);
    add_events(5000); /* more than one batch */
    while (work(1) > 0) {
    }
    file_is(1, 5000, "");
    add_events(1);
    assert_int_equal(work(2), 1);
    assert_int_equal(work(2), 0);
    file_is(1, 5001, "");
}

static void a_kill_doubles_and_loses_nothing(void **state)
{
    (void)state;
    add_events(1);
    (void)work(0); /* the place is kept: 1 */
    add_events(2);
    (void)work(0); /* not kept again so soon */
    start_again();
    (void)work(0);
    file_is(1, 3, "");
    add_events(2);
    start_again();
    (void)work(0);
    file_is(1, 5, "");
}

static void a_broken_last_line_is_cut_off_and_written_again(void **state)
{
    (void)state;
    add_events(3);
    (void)work(0);
    for (off_t cut = 1; cut < 60; cut += 7) {
        struct stat info;
        assert_int_equal(stat(b.path, &info), 0);
        assert_int_equal(truncate(b.path, info.st_size - cut), 0);
        start_again();
        (void)work(1);
        file_is(1, 3, "");
    }
    put_file("{\"v\":1,\"site\":\"jx-mi"); /* nothing whole at all */
    start_again();
    file_is(1, 0, "");
}

static void a_file_that_lost_lines_gets_them_again(void **state)
{
    (void)state;
    add_events(4);
    (void)work(0);
    (void)work(100); /* the place is kept: 4 */
    struct buf two = {0};
    buf_printf(&two, "%s\n%s\n", fake_store_json(b.store, 0), fake_store_json(b.store, 1));
    put_file(two.data); /* as after a power cut */
    buf_done(&two);
    start_again();
    (void)work(101);
    file_is(1, 4, "");
}

static void a_file_that_was_moved_away_goes_on_behind_the_place(void **state)
{
    (void)state;
    add_events(4);
    (void)work(0);
    (void)work(100);
    assert_int_equal(unlink(b.path), 0);
    add_events(1);
    start_again();
    (void)work(101);
    file_is(5, 5, "");
}

static void a_file_moved_away_while_it_runs_is_followed_by_a_new_one(void **state)
{
    (void)state;
    add_events(2);
    (void)work(0);
    assert_int_equal(unlink(b.path), 0);
    add_events(2);
    (void)work(1);
    file_is(3, 4, "");
    assert_int_equal(truncate(b.path, 0), 0); /* the other way to rotate */
    add_events(1);
    (void)work(2);
    file_is(5, 5, "");
}

static void lines_of_others_tell_nothing(void **state)
{
    (void)state;
    add_events(2);
    sink_free(b.sink);
    static const char *const others[] = {"hello\n", "{\"v\":1,\"site\":\"other\",\"seq\":1}\n", "\n",
                                         "{\"v\":1,\"site\":\"jx-mine\",\"seq\":\"1\"}\n",
                                         "{\"v\":1,\"site\":\"jx-mine\",\"seq\":99}\n" /* newer than the journal */};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        forget_place();
        put_file(others[i]);
        start();
        (void)work(0);
        struct buf wanted = {0};
        buf_printf(&wanted, "%s%s\n%s\n", others[i], fake_store_json(b.store, 0), fake_store_json(b.store, 1));
        file_is(1, 0, wanted.data);
        buf_done(&wanted);
        if (i + 1 < sizeof others / sizeof others[0]) {
            sink_free(b.sink);
        }
    }
}

static void a_full_disk_leaves_whole_lines_and_is_tried_again(void **state)
{
    (void)state;
    add_events(3);
    (void)work(0);
    struct stat info;
    assert_int_equal(stat(b.path, &info), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, little;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little = before;
    little.rlim_cur = (rlim_t)info.st_size + 20; /* part of a line still fits */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    add_events(2);
    assert_int_equal(work(1), 0);
    assert_int_equal(work(1), 0); /* not before the next try */
    assert_true(b.agent.next_due(b.agent.self) > at(1));
    (void)work(5);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    file_is(1, 3, "");
    (void)work(60);
    file_is(1, 5, "");
}

static void a_stop_delivers_what_is_there_and_keeps_the_place(void **state)
{
    (void)state;
    add_events(700);
    cell_set(&b.stop, (uint64_t)at(10));
    int n = 0;
    while (work(1) != AGENT_FINISHED) {
        assert_true(++n < 100);
    }
    file_is(1, 700, "");
    assert_int_equal(fake_store_records(b.store, "sink/log"), 1);
    assert_true(fake_store_syncs(b.store) > 700);
    cell_set(&b.stop, 0);
}

static void a_folder_that_is_not_there_is_a_mistake_of_the_site(void **state)
{
    (void)state;
    struct site_sink wrong = b.config;
    wrong.path = "/tmp/davy-no-such-folder/events.ndjson";
    struct sink_config config = {.site = fixture_site(), .sink = &wrong, .store = b.store, .counters = b.counters};
    struct sink *sink;
    struct err err;
    assert_int_equal(sink_new(&config, &sink, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "/tmp/davy-no-such-folder/events.ndjson"));
    sink_free(NULL);
}

#define story(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        story(events_become_lines_in_order),
        story(a_kill_doubles_and_loses_nothing),
        story(a_broken_last_line_is_cut_off_and_written_again),
        story(a_file_that_lost_lines_gets_them_again),
        story(a_file_that_was_moved_away_goes_on_behind_the_place),
        story(a_file_moved_away_while_it_runs_is_followed_by_a_new_one),
        story(lines_of_others_tell_nothing),
        story(a_full_disk_leaves_whole_lines_and_is_tried_again),
        story(a_stop_delivers_what_is_there_and_keeps_the_place),
        story(a_folder_that_is_not_there_is_a_mistake_of_the_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
