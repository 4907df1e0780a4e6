/*
 * A disk that fails: I/O errors, read-only, full, in writing, syncing, or making
 * and moving files.  While it does, samples wait, reading goes on, events are
 * refused and can be committed again; when it works again all is written, and
 * nothing is missing.
 */
#include "base/clock.h"
#include "cmocka_all.h"
#include "disk.h"
#include "rig.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { BEFORE = 3000, DURING = 800, ROUNDS = 2 };

static const struct fault {
    const char *name;
    int error;
    unsigned what;
} faults[] = {
    {"writes give EIO", EIO, DISK_WRITES},
    {"syncs give EIO", EIO, DISK_SYNCS},
    {"files can be neither made nor moved", EIO, DISK_NAMES | DISK_SYNCS},
    {"everything gives EIO", EIO, DISK_ALL},
    {"the folder is read-only", EROFS, DISK_ALL},
    {"the disk is full", ENOSPC, DISK_WRITES},
};

static bool count_row(void *self, const struct store_row *row)
{
    int64_t *const next = self;
    assert_int_equal(row->time_ns, *next);
    ++*next;
    return true;
}

static int64_t count_rows(struct store *store)
{
    int64_t next = 0;
    struct err err;
    if (store_read(store, "p0", 0, INT64_MAX, count_row, &next, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    return next;
}

static void put_many(struct rig *rig, int64_t from, int64_t n)
{
    for (int64_t i = from; i < from + n; i++) {
        rig_put(rig, 0, i, i, (double)i, 0);
    }
}

/* Calls the writer until the mark is confirmed and nothing is unsynced; its retries follow the time it is handed. */
static void run_until_safe(struct rig *rig, uint64_t ticket)
{
    const int64_t deadline_ns = clock_mono_ns() + 30 * NS_PER_S;
    const uint64_t syncs = rig_counter(rig, "store.syncs");
    while (cell_get(&rig->safe.stored[0]) < ticket || rig_counter(rig, "store.syncs") == syncs) {
        assert_true(clock_mono_ns() < deadline_ns);
        rig->now_ns += NS_PER_MS;
        (void)rig->agent.do_work(rig->agent.self, rig->now_ns);
    }
}

static void run_a_while(struct rig *rig)
{
    for (int i = 0; i < 200; i++) {
        rig->now_ns += 10 * NS_PER_MS;
        (void)rig->agent.do_work(rig->agent.self, rig->now_ns);
    }
}

static void commit(struct rig *rig, struct store_batch *batch, uint64_t seq)
{
    const int64_t deadline_ns = clock_mono_ns() + 30 * NS_PER_S;
    struct err err;
    while (store_batch_commit(batch, true, &err) != ERR_NONE) {
        assert_true(clock_mono_ns() < deadline_ns);
    }
    assert_int_equal(store_last_seq(rig->store), seq);
}

static void add_event(struct store_batch *batch, uint64_t seq)
{
    store_batch_event(batch, seq, (int64_t)seq, "r:p", "{}", 2, "", 0);
}

/* One failure of the disk, from its beginning to its end. */
static void fail_once(struct rig *rig, struct store_batch *batch, const struct fault *fault, int64_t *rows,
                      uint64_t round)
{
    struct err err;
    disk_fail(fault->error, fault->what);
    put_many(rig, *rows, DURING);
    rig_mark(rig, 2 * round);
    const uint64_t failures = rig_counter(rig, "store.failures");
    run_a_while(rig);
    assert_true(rig_counter(rig, "store.failures") > failures + 1);
    add_event(batch, round + 1);
    assert_int_equal(store_batch_commit(batch, true, &err), ERR_ENV);
    assert_int_equal(store_batch_commit(batch, true, &err), ERR_ENV);
    assert_int_equal(store_last_seq(rig->store), round);
    const int64_t read = count_rows(rig->store);
    assert_true(read == *rows || read == *rows + DURING); /* where only syncs fail the samples were written */
    assert_true(disk_failed() > 0);

    disk_fail(0, 0);
    *rows += DURING;
    put_many(rig, *rows, 1);
    *rows += 1;
    rig_mark(rig, 2 * round + 1);
    run_until_safe(rig, 2 * round + 1);
    commit(rig, batch, round + 1);
    assert_int_equal(count_rows(rig->store), *rows);
    assert_int_equal(rig_counter(rig, "store.lost"), 0);
}

static void fail_often(const struct fault *fault)
{
    char *const folder = folder_new();
    char path[600];
    struct site *const site = site_make(1);
    struct rig rig;
    struct err err;
    uint64_t seed = 4;
    int64_t rows = BEFORE;
    (void)snprintf(path, sizeof path, "%s/store", folder);
    disk_begin(path);
    rig_open(&rig, path, site, NS_PER_MS);
    struct store_batch *const batch = store_batch_new(rig.store);
    put_many(&rig, 0, BEFORE);
    rig_mark(&rig, 1);
    run_until_safe(&rig, 1);
    add_event(batch, 1);
    commit(&rig, batch, 1);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        fail_once(&rig, batch, fault, &rows, round);
    }
    assert_int_equal(store_verify(rig.store, NULL, NULL, &err), ERR_NONE);
    store_batch_free(batch);
    rig_drop(&rig); /* and then the power goes: all was synced */
    disk_cut(&seed);
    rig_open(&rig, path, site, NS_PER_S);
    assert_int_equal(count_rows(rig.store), rows);
    assert_int_equal(store_last_seq(rig.store), ROUNDS + 1);
    assert_int_equal(store_verify(rig.store, NULL, NULL, &err), ERR_NONE);
    rig_close(&rig);
    disk_end();
    site_unmake(site);
    folder_remove(folder);
}

static void writing_goes_on_when_the_disk_works_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        print_message("  %s\n", faults[i].name);
        fail_often(&faults[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(writing_goes_on_when_the_disk_works_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
