/*
 * A disk that takes nothing for a while: samples wait, nothing is lost, events
 * are refused and can be committed again, and it goes on by itself.
 *
 * The disk is full by a limit on the size of files (as by ulimit -f), and where
 * that is allowed by a small file system in memory.
 */
#include "base/clock.h"
#include "base/log.h"
#include "cmocka_all.h"
#include "rig.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BEFORE = 3000, DURING = 800 };

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static bool count_row(void *self, const struct store_row *row)
{
    uint64_t *const next = self;
    assert_int_equal(row->time_ns, *next);
    ++*next;
    return true;
}

static uint64_t count_rows(struct store *store)
{
    uint64_t next = 0;
    struct err err;
    if (store_read(store, "p0", 0, INT64_MAX, count_row, &next, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    return next;
}

/* Calls the writer until the mark is confirmed; its retries follow the time it is handed. */
static void run_until_safe(struct rig *rig, uint64_t ticket)
{
    const int64_t deadline_ns = clock_mono_ns() + 30 * NS_PER_S;
    while (cell_get(&rig->safe.stored[0]) < ticket) {
        assert_true(clock_mono_ns() < deadline_ns);
        rig->now_ns += NS_PER_MS;
        (void)rig->agent.do_work(rig->agent.self, rig->now_ns);
    }
}

static void put_many(struct rig *rig, int64_t from, int64_t n)
{
    for (int64_t i = from; i < from + n; i++) {
        rig_put(rig, 0, i, i, (double)i, 0);
    }
}

static enum err_code put_event(struct store_batch *batch, struct err *err)
{
    return store_batch_commit(batch, true, err);
}

static void writing_goes_on_when_the_limit_is_lifted(void **state)
{
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct rig rig;
    struct err err;
    (void)state;
    rig_open(&rig, path, site, NS_PER_MS);
    struct store_batch *const batch = store_batch_new(rig.store);
    put_many(&rig, 0, BEFORE);
    rig_mark(&rig, 1);
    run_until_safe(&rig, 1);
    store_batch_event(batch, 1, 1, "r:p", "{}", 2, "", 0);
    assert_int_equal(put_event(batch, &err), ERR_NONE);

    limit_files(1);
    put_many(&rig, BEFORE, DURING);
    rig_mark(&rig, 2);
    for (int i = 0; i < 200; i++) {
        rig.now_ns += 10 * NS_PER_MS;
        (void)rig.agent.do_work(rig.agent.self, rig.now_ns);
    }
    assert_int_equal(cell_get(&rig.safe.stored[0]), 1);
    assert_true(rig_counter(&rig, "store.failures") > 1);
    store_batch_event(batch, 2, 2, "r:p", "{}", 2, "", 0);
    assert_int_equal(put_event(batch, &err), ERR_ENV);
    assert_int_equal(put_event(batch, &err), ERR_ENV);
    assert_int_equal(store_last_seq(rig.store), 1);
    assert_int_equal(count_rows(rig.store), BEFORE); /* reading goes on */

    limit_files(RLIM_INFINITY);
    run_until_safe(&rig, 2);
    const int64_t deadline_ns = clock_mono_ns() + 30 * NS_PER_S;
    while (put_event(batch, &err) != ERR_NONE) {
        assert_true(clock_mono_ns() < deadline_ns);
    }
    assert_int_equal(store_last_seq(rig.store), 2);
    assert_int_equal(count_rows(rig.store), BEFORE + DURING);
    assert_int_equal(store_verify(rig.store, NULL, NULL, &err), ERR_NONE);
    store_batch_free(batch);
    rig_close(&rig);
    rig_open(&rig, path, site, NS_PER_S);
    assert_int_equal(count_rows(rig.store), BEFORE + DURING);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

/* A log that runs against the limit over and over is opened anew each time, and nothing is missing. */
static void a_low_limit_is_got_over_again_and_again(void **state)
{
    enum { N = 200000 };
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct rig rig;
    struct err err;
    uint64_t ticket = 0;
    (void)state;
    rig_open(&rig, path, site, NS_PER_S);
    limit_files(256 * 1024);
    for (int64_t i = 0; i < N; i += 1000) {
        put_many(&rig, i, 1000);
        rig_mark(&rig, ++ticket);
        run_until_safe(&rig, ticket);
    }
    limit_files(RLIM_INFINITY);
    assert_true(rig_counter(&rig, "store.reopened") > 0);
    assert_int_equal(count_rows(rig.store), N);
    assert_int_equal(store_verify(rig.store, NULL, NULL, &err), ERR_NONE);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(path);
}

/* Until the time to give up everything waits; from then on the ring is emptied, so that who waits for room can end. */
static void the_end_is_not_put_off_for_ever(void **state)
{
    enum { N = 100 };
    char *const path = folder_new();
    struct site *const site = site_make(1);
    struct rig rig;
    (void)state;
    rig_open(&rig, path, site, NS_PER_MS);
    limit_files(1);
    put_many(&rig, 0, N);
    const int64_t give_up_ns = rig.now_ns + 5 * NS_PER_S;
    cell_set(&rig.give_up, (uint64_t)give_up_ns);
    for (; rig.now_ns < give_up_ns; rig.now_ns += 100 * NS_PER_MS) {
        assert_int_equal(rig.agent.do_work(rig.agent.self, rig.now_ns), 0);
    }
    assert_int_equal(rig_counter(&rig, "store.lost"), 0);
    put_many(&rig, N, N);
    rig_mark(&rig, 1);
    assert_true(rig.agent.do_work(rig.agent.self, rig.now_ns) > 0);
    ring_close(rig.ring);
    assert_int_equal(rig.agent.do_work(rig.agent.self, rig.now_ns), AGENT_FINISHED);
    limit_files(RLIM_INFINITY);
    assert_int_equal(rig_counter(&rig, "store.lost"), 2 * N);
    assert_int_equal(cell_get(&rig.safe.stored[0]), 0);
    rig_drop(&rig);
    site_unmake(site);
    folder_remove(path);
}

int main(void)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing_goes_on_when_the_limit_is_lifted),
        cmocka_unit_test(a_low_limit_is_got_over_again_and_again),
        cmocka_unit_test(the_end_is_not_put_off_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
