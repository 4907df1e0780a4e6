/*
 * The CAP sink to a folder, driven by hand: names, order, what a kill leaves,
 * and patience with a disk.  Its POST is the webhook's, tested in flow.sinks.
 */
#include "alerting/sink.h"
#include "base/clock.h"
#include "cap_rig.h"
#include "fake_store.h"
#include "fixture.h"
#include <dirent.h>
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
    uint64_t seq;
} b;

static void start(void)
{
    const struct sink_config config = {
        .site = rig_site(), .sink = &b.config, .store = b.store, .counters = b.counters, .stop = &b.stop};
    struct err err;
    if (sink_new(&config, &b.sink, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    b.agent = sink_agent(b.sink);
}

static int work(int64_t s)
{
    int did = 0;
    while ((did = b.agent.do_work(b.agent.self, at(s))) > 0) {
    }
    return did;
}

static int open_bench(void **state)
{
    (void)state;
    memset(&b, 0, sizeof b);
    (void)strcpy(b.folder, "/tmp/davy-cap-XXXXXX");
    assert_non_null(mkdtemp(b.folder));
    (void)snprintf(b.path, sizeof b.path, "%s/cap", b.folder);
    b.config = (struct site_sink){.id = "out", .type = SINK_CAP, .path = b.path};
    b.store = fake_store_new();
    b.counters = counters_new(32);
    start();
    return 0;
}

static void empty_folder(void)
{
    DIR *dir = opendir(b.path);
    assert_non_null(dir);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
        }
    }
    (void)closedir(dir);
}

static int close_bench(void **state)
{
    (void)state;
    sink_free(b.sink);
    counters_free(b.counters);
    fake_store_free(b.store);
    empty_folder();
    assert_int_equal(rmdir(b.path), 0);
    assert_int_equal(rmdir(b.folder), 0);
    return 0;
}

static void add(int alarm, enum event_kind kind, enum level level, uint32_t occurrence)
{
    struct buf json = {0}, state = {0};
    struct store_batch *batch = store_batch_new(b.store);
    rig_event(alarm, ++b.seq, kind, level, occurrence, RUN_ACTUAL, &json, &state);
    store_batch_event(batch, b.seq, at((int64_t)b.seq), rig_site()->alarms[alarm].name, json.data, json.len, state.data,
                      state.len);
    assert_int_equal(store_batch_commit(batch, true, NULL), ERR_NONE);
    store_batch_free(batch);
    buf_done(&json);
    buf_done(&state);
}

/* Reads the document of an event; false when there is none. */
static bool read_document(uint64_t seq, struct buf *ret_text)
{
    char name[160];
    (void)snprintf(name, sizeof name, "%s/jx-mine-%llu.xml", b.path, (unsigned long long)seq);
    buf_clear(ret_text);
    buf_text(ret_text, "");
    FILE *file = fopen(name, "rb");
    if (file == NULL) {
        return false;
    }
    char bytes[4096];
    size_t n;
    while ((n = fread(bytes, 1, sizeof bytes, file)) > 0) {
        buf_add(ret_text, bytes, n);
    }
    (void)fclose(file);
    assert_true(rig_is_well_formed(ret_text->data, ret_text->len));
    return true;
}

static size_t files(void)
{
    size_t count = 0;
    DIR *dir = opendir(b.path);
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count - 2; /* itself and the one above */
}

/* Asserts type and references ("1 2": the documents of these events). */
static void document_is(uint64_t seq, const char *type, const char *earlier)
{
    struct buf text = {0}, wanted = {0};
    assert_true(read_document(seq, &text));
    assert_string_equal(rig_element(text.data, "msgType"), type);
    buf_text(&wanted, "");
    for (const char *c = earlier; *c != '\0';) {
        char *end;
        const unsigned long number = strtoul(c, &end, 10);
        buf_printf(&wanted, "%s91140100MA0K0X0X0X,jx-mine-%lu,2026-01-05T00:%02lu:%02lu-00:00", c == earlier ? "" : " ",
                   number, number / 60, number % 60);
        c = end;
    }
    assert_string_equal(rig_element(text.data, "references"), wanted.data);
    buf_done(&text);
    buf_done(&wanted);
}

static void one_life(void)
{
    add(RIG_LIMIT, EV_RAISED, LEVEL_YELLOW, 1);
    add(RIG_LIMIT, EV_BLIND, LEVEL_YELLOW, 1);
    add(RIG_FORECAST, EV_RAISED, LEVEL_BLUE, 4);
    add(RIG_LIMIT, EV_WORSENED, LEVEL_RED, 1);
    add(RIG_LIMIT, EV_EASED, LEVEL_YELLOW, 1);
    add(RIG_LIMIT, EV_CLEARED, LEVEL_YELLOW, 1);
    add(RIG_LIMIT, EV_RAISED, LEVEL_RED, 2);
    add(RIG_FORECAST, EV_CLEARED, LEVEL_BLUE, 4);
}

static void life_is_told(void)
{
    document_is(1, "Alert", "");
    document_is(3, "Alert", "");
    document_is(4, "Update", "1");
    document_is(5, "Update", "1 4");
    document_is(6, "Update", "1 4 5");
    document_is(7, "Alert", "");
    document_is(8, "Update", "3");
    assert_int_equal(files(), 7);
}

static void each_document_names_all_before_it(void **state)
{
    (void)state;
    one_life();
    (void)work(0);
    life_is_told();
    assert_int_equal(counter_get(counter_find(b.counters, "sink.out.path.delivered")), 7);
    assert_int_equal(counter_get(counter_find(b.counters, "sink.out.path.events")), 8);
}

/* Whatever the place that was kept last, what comes again is the same. */
static void a_kill_at_any_event_gives_the_same_documents(void **state)
{
    (void)state;
    for (uint64_t kills = 0; kills < 8; kills++) {
        sink_free(b.sink);
        fake_store_free(b.store);
        empty_folder();
        b.store = fake_store_new();
        b.seq = 0;
        start();
        static const struct {
            int alarm;
            enum event_kind kind;
            enum level level;
            uint32_t occurrence;
        } life[] = {{RIG_LIMIT, EV_RAISED, LEVEL_YELLOW, 1},  {RIG_LIMIT, EV_BLIND, LEVEL_YELLOW, 1},
                    {RIG_FORECAST, EV_RAISED, LEVEL_BLUE, 4}, {RIG_LIMIT, EV_WORSENED, LEVEL_RED, 1},
                    {RIG_LIMIT, EV_EASED, LEVEL_YELLOW, 1},   {RIG_LIMIT, EV_CLEARED, LEVEL_YELLOW, 1},
                    {RIG_LIMIT, EV_RAISED, LEVEL_RED, 2},     {RIG_FORECAST, EV_CLEARED, LEVEL_BLUE, 4}};
        for (size_t i = 0; i < sizeof life / sizeof life[0]; i++) {
            add(life[i].alarm, life[i].kind, life[i].level, life[i].occurrence);
            /* the place is kept at every third event only: a kill brings up to two again */
            (void)work(i % 3 == 0 ? (int64_t)i + 1 : (int64_t)(i - i % 3) + 1);
            if ((kills >> (i % 3)) & 1) {
                sink_free(b.sink);
                start();
            }
        }
        (void)work(100);
        life_is_told();
    }
}

static void what_is_not_announced_has_no_document(void **state)
{
    (void)state;
    add(RIG_LIMIT, EV_RAISED, LEVEL_YELLOW, 1);
    add(RIG_LIMIT, EV_SUPPRESSED, LEVEL_YELLOW, 1); /* in the same moment */
    add(RIG_LIMIT, EV_UNSUPPRESSED, LEVEL_YELLOW, 1);
    add(RIG_LIMIT, EV_WORSENED, LEVEL_RED, 1);
    add(RIG_LIMIT, EV_CLEARED, LEVEL_RED, 1);
    add(RIG_FREE, EV_RAISED, LEVEL_YELLOW, 1);
    (void)work(0);
    assert_int_equal(files(), 3);
    document_is(4, "Alert", "");
    document_is(5, "Update", "4");
    document_is(6, "Alert", "");
}

static void an_alarm_whose_rule_is_gone_is_forgotten(void **state)
{
    (void)state;
    add(RIG_LIMIT, EV_RAISED, LEVEL_YELLOW, 1);
    (void)work(0);
    assert_int_equal(fake_store_records(b.store, "cap/"), 1);
    add(RIG_LIMIT, EV_CLOSED, LEVEL_YELLOW, 1);
    (void)work(1);
    assert_int_equal(files(), 1);
    assert_int_equal(fake_store_records(b.store, "cap/"), 0);
}

static void a_full_disk_leaves_no_half_document(void **state)
{
    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, little;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little = before;
    little.rlim_cur = 100;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    one_life();
    (void)work(0);
    assert_int_equal(files(), 0);
    assert_true(b.agent.next_due(b.agent.self) > at(0));
    assert_int_equal(counter_get(counter_find(b.counters, "sink.out.path.failures")), 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)work(60);
    life_is_told();
}

static void a_folder_taken_away_is_made_again(void **state)
{
    (void)state;
    assert_int_equal(rmdir(b.path), 0);
    one_life();
    (void)work(0);
    life_is_told();
}

static void a_stop_writes_what_is_there(void **state)
{
    (void)state;
    one_life();
    cell_set(&b.stop, (uint64_t)at(10));
    int n = 0;
    while (b.agent.do_work(b.agent.self, at(1)) != AGENT_FINISHED) {
        assert_true(++n < 100);
    }
    life_is_told();
    cell_set(&b.stop, 0);
    sink_free(b.sink);
    empty_folder();
    start();
    (void)work(2);
    assert_int_equal(files(), 0); /* the place was kept */
}

static void a_folder_that_cannot_be_is_a_mistake_of_the_site(void **state)
{
    (void)state;
    struct site_sink wrong = b.config;
    struct site zoned = *rig_site();
    struct sink_config config = {.site = &zoned, .sink = &wrong, .store = b.store, .counters = b.counters};
    struct sink *sink;
    struct err err;
    wrong.path = "/tmp/davy-no-such-folder/cap";
    assert_int_equal(sink_new(&config, &sink, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "/tmp/davy-no-such-folder/cap"));
    wrong.path = b.path;
    zoned.timezone = "Asia/Nowhere";
    assert_int_not_equal(sink_new(&config, &sink, &err), ERR_NONE);
}

#define story(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        story(each_document_names_all_before_it),     story(a_kill_at_any_event_gives_the_same_documents),
        story(what_is_not_announced_has_no_document), story(an_alarm_whose_rule_is_gone_is_forgotten),
        story(a_full_disk_leaves_no_half_document),   story(a_folder_taken_away_is_made_again),
        story(a_stop_writes_what_is_there),           story(a_folder_that_cannot_be_is_a_mistake_of_the_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
