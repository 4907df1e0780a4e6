/* The recorder by itself: what it writes can be read again, and a disk that takes nothing ends only the recording. */
#include "app/recorder.h"
#include "base/clock.h"
#include "base/log.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char path[64];
static struct site_source sources[2] = {{.id = "plc"}, {.id = "gw"}};
static const struct site site = {.id = "s", .sources = sources, .source_count = 2};
static struct counters *counters;
static struct cell stop;
static struct recorder *recorder;

static enum err_code open_recorder(bool append, struct err *err)
{
    const struct recorder_config config = {
        .path = path, .append = append, .site = &site, .counters = counters, .stop = &stop};
    cell_set(&stop, 0);
    return recorder_new(&config, &recorder, err);
}

static int begin(void **state)
{
    (void)state;
    struct err err;
    (void)snprintf(path, sizeof path, "/tmp/davy-recorder-%d", (int)getpid());
    (void)unlink(path);
    counters = counters_new(16);
    return open_recorder(false, &err) == ERR_NONE ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    recorder_free(recorder);
    counters_free(counters);
    return unlink(path);
}

static void finish(void)
{
    const struct agent agent = recorder_agent(recorder);
    cell_set(&stop, 1);
    for (int i = 0; agent.do_work(agent.self, i) != AGENT_FINISHED; i++) {
        assert_true(i < 10000);
    }
}

static uint64_t count(const char *name)
{
    return counter_get(counter_new(counters, name, "", ""));
}

/* Reads the file's records: "source kind len" of each. */
static void read_back(char *ret_text, size_t size)
{
    static uint8_t bytes[1 << 20];
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    const size_t len = fread(bytes, 1, sizeof bytes, in);
    (void)fclose(in);
    assert_true(wire_head_is(bytes, len));
    size_t at = WIRE_HEAD_SIZE, one = 0, out = 0;
    struct wire_record record;
    while (at < len) {
        assert_int_equal(wire_decode(bytes + at, len - at, &record, &one), WIRE_WHOLE);
        out += (size_t)snprintf(ret_text + out, size - out, "%u %d %zu %.*s;", record.source, (int)record.kind,
                                record.len, (int)record.name_len, record.name);
        at += one;
    }
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    char text[400];
    const struct wire_record message = {
        .kind = WIRE_MESSAGE, .source = 1, .name = "t", .name_len = 1, .bytes = (const uint8_t *)"{}", .len = 2};
    wire_tap_put(recorder_tap_bus(recorder), WIRE_UP, 0, 5, NULL, 0);
    wire_tap_put(recorder_tap_bus(recorder), WIRE_SENT, 0, 6, (const uint8_t *)"ask", 3);
    wire_tap_record(recorder_tap_inbox(recorder), &message);
    finish();
    read_back(text, sizeof text);
    assert_string_equal(text, "0 1 0 plc;1 1 0 gw;0 2 0 ;0 4 3 ;1 6 2 t;");
    assert_int_equal(count("record.records"), 5);
}

static void a_file_that_is_there_is_not_written_over(void **state)
{
    (void)state;
    struct err err;
    char text[400];
    finish();
    recorder_free(recorder);
    recorder = NULL;
    assert_int_equal(open_recorder(false, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "is there already"));
    assert_int_equal(open_recorder(true, &err), ERR_NONE); /* the same run after a reload */
    finish();
    read_back(text, sizeof text);
    assert_string_equal(text, "0 1 0 plc;1 1 0 gw;0 1 0 plc;1 1 0 gw;");
}

/* A limit on the size of files stands for a full disk. */
static void a_full_disk_ends_the_recording_only(void **state)
{
    (void)state;
    static const uint8_t bytes[1000];
    struct rlimit limit, before;
    const struct agent agent = recorder_agent(recorder);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (int64_t now_ns = 0; now_ns < 100 * NS_PER_S; now_ns += NS_PER_S) {
        wire_tap_put(recorder_tap_bus(recorder), WIRE_RECEIVED, 0, now_ns, bytes, sizeof bytes);
        assert_true(agent.do_work(agent.self, now_ns) >= 0);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    finish();
    assert_true(count("record.disk.lost") >= 90);
    assert_int_equal(count("record.bus.lost"), 0); /* who gives is never held up */
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_true(file.st_size <= 4096);
    /* There is room again at the next reload: what is recorded from then on can be read, so nothing half stands before. */
    struct err err;
    char text[400];
    recorder_free(recorder);
    recorder = NULL;
    assert_int_equal(open_recorder(true, &err), ERR_NONE);
    finish();
    read_back(text, sizeof text);
    assert_non_null(strstr(text, "0 5 1000 ;0 1 0 plc;1 1 0 gw;"));
}

/* The disk is full before there is anything: the next start finds the name free. */
static void a_recording_that_did_not_begin_leaves_no_file(void **state)
{
    (void)state;
    struct err err;
    struct stat file;
    struct rlimit limit, before;
    finish();
    recorder_discard(recorder); /* as when the run does not come about for another reason */
    recorder_free(recorder);
    recorder = NULL;
    assert_int_equal(stat(path, &file), -1);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (rlim_t room = 0; room < 20; room += 19) { /* none, and for a part */
        limit = before;
        limit.rlim_cur = room;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_int_equal(open_recorder(false, &err), ERR_ENV);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_non_null(strstr(err.text, "is the disk full?"));
        assert_int_equal(stat(path, &file), -1);
    }
    assert_int_equal(open_recorder(false, &err), ERR_NONE);
    recorder_free(recorder);
    recorder = NULL;
    assert_int_equal(open_recorder(true, &err), ERR_NONE);
    recorder_discard(recorder); /* what an earlier run of the same monitor recorded stays */
    assert_int_equal(stat(path, &file), 0);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read_again, begin, end),
        cmocka_unit_test_setup_teardown(a_file_that_is_there_is_not_written_over, begin, end),
        cmocka_unit_test_setup_teardown(a_full_disk_ends_the_recording_only, begin, end),
        cmocka_unit_test_setup_teardown(a_recording_that_did_not_begin_leaves_no_file, begin, end),
    };
    log_set_level(LOG_ERROR);
    (void)signal(SIGXFSZ, SIG_IGN); /* as the monitor does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
