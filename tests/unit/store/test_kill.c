/*
 * SIGKILL at any moment: a child writes samples and events and tells over
 * shared memory what was confirmed; it is killed; another child opens the store
 * and finds all of that, each once.  Again and again on the same store.
 *
 * The parent never opens the store itself: RocksDB's threads would not survive
 * the next fork.
 */
#include "base/cell.h"
#include "base/clock.h"
#include "cmocka_all.h"
#include "rig.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POINTS = 3, KILLS_A_STORE = 25, ROUND = 40, ROUNDS_MAX = 1 << 20, LATE_EVERY = 10 };
static const int64_t length_ns = 10 * NS_PER_S; /* test_cut.c tells more, and faster */
static const int64_t life_max_ns = 100 * NS_PER_MS;

struct shared {
    struct cell confirmed[POINTS]; /* samples of the point that lie before a confirmed mark */
    struct cell events;            /* last committed seq */
};

/* The n-th sample of a point.  Every tenth is written late, after the one that follows it. */
static int64_t order_of(int64_t n)
{
    return n % LATE_EVERY == LATE_EVERY - 2 ? n + 1 : n % LATE_EVERY == LATE_EVERY - 1 ? n - 1 : n;
}

static bool count_row(void *self, const struct store_row *row)
{
    int64_t *const next = self;
    /* all times up to the last are there, but for one late sample that was not written yet */
    if (row->time_ns != *next && !(*next % LATE_EVERY == LATE_EVERY - 2 && row->time_ns == *next + 1)) {
        fprintf(stderr, "time %lld instead of %lld\n", (long long)row->time_ns, (long long)*next);
        _exit(1);
    }
    if (row->value != (double)row->time_ns / 4 || row->seen_ns != row->time_ns + 3) {
        fprintf(stderr, "a wrong value at %lld\n", (long long)row->time_ns);
        _exit(1);
    }
    *next = row->time_ns + 1;
    return true;
}

/* How many samples of the point are there; ends the process when one is missing or wrong. */
static int64_t count_point(struct store *store, uint32_t point)
{
    char id[16];
    struct err err;
    int64_t next = 0;
    (void)snprintf(id, sizeof id, "p%u", point);
    if (store_read(store, id, INT64_MIN, INT64_MAX, count_row, &next, &err) > ERR_NO) {
        fprintf(stderr, "%s\n", err.text);
        _exit(1);
    }
    return next;
}

static void write_event(struct store_batch *batch, struct shared *shared, struct store *store)
{
    struct err err;
    const uint64_t seq = store_last_seq(store) + 1;
    uint8_t cursor[8];
    memcpy(cursor, &seq, sizeof cursor);
    store_batch_event(batch, seq, (int64_t)seq, "r:p", "{}", 2, "", 0);
    store_batch_put(batch, "last", cursor, sizeof cursor);
    if (store_batch_commit(batch, false, &err) == ERR_NONE) {
        cell_set(&shared->events, seq);
    }
}

/* Writes until it is killed. */
static void writer_child(const char *path, struct site *site, struct shared *shared)
{
    struct rig rig;
    int64_t next[POINTS];
    rig_open(&rig, path, site, 5 * NS_PER_MS);
    struct store_batch *const batch = store_batch_new(rig.store);
    for (uint32_t point = 0; point < POINTS; point++) {
        const int64_t n = count_point(rig.store, point);
        next[point] = n > 0 ? (n / LATE_EVERY - 1) * LATE_EVERY : 0; /* once more from before the last late one */
        next[point] = next[point] < 0 ? 0 : next[point];
    }
    for (uint64_t round = 1; round < ROUNDS_MAX; round++) {
        for (int i = 0; i < ROUND * POINTS; i++) {
            const uint32_t point = (uint32_t)i % POINTS;
            const int64_t time_ns = order_of(next[point]++);
            rig_put(&rig, point, time_ns, time_ns + 3, (double)time_ns / 4, 0);
        }
        rig_mark(&rig, round);
        rig_run(&rig);
        if (cell_get(&rig.safe.stored[0]) == round) {
            for (uint32_t point = 0; point < POINTS; point++) {
                cell_set(&shared->confirmed[point], (uint64_t)next[point]);
            }
        }
        write_event(batch, shared, rig.store);
    }
    _exit(0);
}

static bool count_event(void *self, const struct store_event *event)
{
    uint64_t *const next = self;
    if (event->seq != *next) {
        fprintf(stderr, "event %llu instead of %llu\n", (unsigned long long)event->seq, (unsigned long long)*next);
        _exit(1);
    }
    ++*next;
    return true;
}

static void tell(void *self, const char *text)
{
    (void)self;
    fprintf(stderr, "%s\n", text);
}

/* Ends with 0 when everything confirmed is there. */
static void checker_child(const char *path, const struct site *site, struct shared *shared, bool beside)
{
    struct store *store;
    struct err err;
    struct buf last = {0};
    uint64_t next = 1;
    uint64_t seq = 0;
    if ((beside ? store_open_reader(path, &store, &err) : store_open(path, site->id, &store, &err)) != ERR_NONE) {
        fprintf(stderr, "%s\n", err.text);
        _exit(1);
    }
    for (uint32_t point = 0; point < POINTS; point++) {
        /* the last of ten may be on disk while the late one before it is not confirmed yet */
        const int64_t n = count_point(store, point);
        if (n < (int64_t)cell_get(&shared->confirmed[point])) {
            fprintf(stderr, "point %u: %lld of %llu\n", point, (long long)n,
                    (unsigned long long)cell_get(&shared->confirmed[point]));
            _exit(1);
        }
    }
    if (store_events(store, 0, count_event, &next, &err) != ERR_NONE || next <= cell_get(&shared->events)) {
        fprintf(stderr, "event %llu of %llu\n", (unsigned long long)next,
                (unsigned long long)cell_get(&shared->events));
        _exit(1);
    }
    if (next > 1 && (store_get(store, "last", &last, &err) != ERR_NONE || last.len != sizeof seq)) {
        _exit(1);
    }
    if (next > 1) {
        memcpy(&seq, last.data, sizeof seq); /* written in the same batch: neither without the other */
    }
    if (seq != next - 1 || store_verify(store, tell, NULL, &err) != ERR_NONE) {
        fprintf(stderr, "state %llu, events %llu\n", (unsigned long long)seq, (unsigned long long)next - 1);
        _exit(1);
    }
    buf_done(&last);
    store_close(store);
    _exit(0);
}

static void wait_until(int64_t mono_ns)
{
    const struct timespec at = {.tv_sec = mono_ns / NS_PER_S, .tv_nsec = mono_ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
    }
}

static int end_of(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void nothing_confirmed_is_lost_by_a_kill(void **state)
{
    char *path = folder_new();
    struct site *const site = site_make(POINTS);
    struct shared *const shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t seed = 6;
    int kills = 0;
    int checks = 0;
    (void)state;
    assert_true(shared != MAP_FAILED);
    for (const int64_t end_ns = clock_mono_ns() + length_ns; clock_mono_ns() < end_ns; kills++) {
        if (kills % KILLS_A_STORE == KILLS_A_STORE - 1) { /* else reading it all takes the time */
            folder_remove(path);
            path = folder_new();
            memset(shared, 0, sizeof *shared);
        }
        const pid_t writer = fork();
        if (writer == 0) {
            writer_child(path, site, shared);
        }
        assert_true(writer > 0);
        /* the length of its life is what is tested: any moment; every fifth time the making of the store too */
        while (kills % 5 != 0 && cell_get(&shared->events) == 0) {
            assert_int_equal(waitpid(writer, NULL, WNOHANG), 0);
            assert_true(clock_mono_ns() < end_ns + length_ns);
            wait_until(clock_mono_ns() + NS_PER_MS);
        }
        wait_until(clock_mono_ns() + (int64_t)random_below(&seed, (uint64_t)life_max_ns));
        assert_int_equal(kill(writer, SIGKILL), 0);
        assert_true(WIFSIGNALED(end_of(writer)));
        if (access(path, F_OK) != 0 || cell_get(&shared->events) == 0) {
            continue; /* killed before there was anything */
        }
        const pid_t checker = fork();
        if (checker == 0) {
            checker_child(path, site, shared, kills % 2 == 1);
        }
        assert_true(checker > 0);
        assert_int_equal(end_of(checker), 0);
        checks++;
    }
    print_message("%d kills, %d checks\n", kills, checks);
    assert_true(kills > 10 && checks > kills / 3);
    (void)munmap(shared, sizeof *shared);
    site_unmake(site);
    folder_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_confirmed_is_lost_by_a_kill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
