/*
 * The power goes, or the process, at the n-th change of the store's files: in
 * the midst of a write, before a sync, between two renames, while a table is
 * written or an old log removed.  The next process finds every sample and event
 * that was said to be safe, none twice and none that was never written, and goes
 * on.  Again and again on the same store.
 *
 *   killed   all that was confirmed is there: the files are as they were
 *   cut      all that was synced is there: of the rest, some (disk.h)
 *
 * unit.store.cut [N [SEED]]: N times each instead of a few; thousands take minutes.
 *
 * Each process checks before it goes on, and is the next to die; the parent never
 * opens the store.
 */
#include "base/cell.h"
#include "cmocka_all.h"
#include "disk.h"
#include "rig.h"
#include "store/db.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    POINTS = 4,
    SLOW = 3,
    LIVES_A_STORE = 30,
    ROUND = 40,
    LOG_KEEP = 6000,
    LATE_EVERY = 10,
    EVENT_EVERY = 4,
    CHANGES_MAX = 250
};
static long deaths_wanted = 60;
static uint64_t first_seed = 6;

struct shared {
    struct cell safe[POINTS];    /* samples that must be there */
    struct cell written[POINTS]; /* no more than these may be there */
    struct cell safe_events, written_events;
    struct cell checked; /* lives that found all there */
    struct cell kept;    /* blocks written before they were full */
};

struct life {
    const char *path;
    struct site *site;
    struct shared *shared;
    bool power; /* is cut, not only the process killed */
    uint64_t seed;
    struct rig rig;
    int64_t next[POINTS], confirmed[POINTS];
    uint64_t syncs, kept;
};

/* The n-th sample of a point.  Every tenth is written late, after the one that follows it. */
static int64_t order_of(int64_t n)
{
    return n % LATE_EVERY == LATE_EVERY - 2 ? n + 1 : n % LATE_EVERY == LATE_EVERY - 1 ? n - 1 : n;
}

static void end_badly(const char *what, long long is, long long want)
{
    fprintf(stderr, "%s: %lld, expected %lld\n", what, is, want);
    _exit(1);
}

/* ---- what is there ------------------------------------------------------------------------------------------------
 */

static bool count_row(void *self, const struct store_row *row)
{
    int64_t *const next = self;
    /* all times up to the last are there, but for one late sample that was not written yet */
    if (row->time_ns != *next && !(*next % LATE_EVERY == LATE_EVERY - 2 && row->time_ns == *next + 1)) {
        end_badly("time of a sample", row->time_ns, *next);
    }
    if (row->value != (double)row->time_ns / 4 || row->seen_ns != row->time_ns + 3) {
        end_badly("value of a sample", (long long)(row->value * 4), row->time_ns);
    }
    *next = row->time_ns + 1;
    return true;
}

static int64_t count_point(struct store *store, uint32_t point)
{
    char id[16];
    struct err err;
    int64_t next = 0;
    (void)snprintf(id, sizeof id, "p%u", point);
    if (store_read(store, id, INT64_MIN, INT64_MAX, count_row, &next, &err) > ERR_NO) {
        end_badly(err.text, 1, 0);
    }
    return next;
}

static bool count_event(void *self, const struct store_event *event)
{
    uint64_t *const next = self;
    if (event->seq != *next) {
        end_badly("seq of an event", (long long)event->seq, (long long)*next);
    }
    ++*next;
    return true;
}

static void tell(void *self, const char *text)
{
    (void)self;
    fprintf(stderr, "%s\n", text);
}

/* Committed without sync before the event by the same batch: not lost without it. */
static void check_kept(struct store *store, uint64_t event)
{
    struct err err;
    struct buf bytes = {0};
    uint64_t kept = 0;
    if (store_get(store, "kept", &bytes, &err) == ERR_NONE && bytes.len == sizeof kept) {
        memcpy(&kept, bytes.data, sizeof kept);
    }
    buf_done(&bytes);
    if (kept < event) {
        end_badly("what was kept before", (long long)kept, (long long)event);
    }
}

static void check_events(struct life *life)
{
    struct err err;
    struct buf last = {0};
    uint64_t next = 1;
    uint64_t seq = 0;
    struct store *const store = life->rig.store;
    if (store_events(store, 0, count_event, &next, &err) != ERR_NONE) {
        end_badly(err.text, 1, 0);
    }
    if (next - 1 < cell_get(&life->shared->safe_events) || next - 1 > cell_get(&life->shared->written_events)) {
        end_badly("events", (long long)next - 1, (long long)cell_get(&life->shared->safe_events));
    }
    if (store_get(store, "last", &last, &err) == ERR_NONE && last.len == sizeof seq) {
        memcpy(&seq, last.data, sizeof seq); /* written in the same batch: neither without the other */
    }
    buf_done(&last);
    if (seq != next - 1) {
        end_badly("state", (long long)seq, (long long)next - 1);
    }
    check_kept(store, seq);
    cell_set(&life->shared->safe_events, seq);
}

/* Ends the process when something is missing, or too much.  What was found once must be found again. */
static void check_all(struct life *life)
{
    struct shared *const shared = life->shared;
    struct err err;
    for (uint32_t point = 0; point < POINTS; point++) {
        const int64_t n = count_point(life->rig.store, point);
        if (n < (int64_t)cell_get(&shared->safe[point]) || n > (int64_t)cell_get(&shared->written[point])) {
            end_badly("samples", n, (long long)cell_get(&shared->safe[point]));
        }
        cell_set(&shared->safe[point], (uint64_t)n);
        life->next[point] = n > LATE_EVERY ? (n / LATE_EVERY - 1) * LATE_EVERY : 0; /* from before the last late one */
    }
    check_events(life);
    if (store_verify(life->rig.store, tell, NULL, &err) != ERR_NONE) {
        end_badly(err.text, 1, 0);
    }
    cell_set(&shared->checked, cell_get(&shared->checked) + 1);
}

/* ---- a life -------------------------------------------------------------------------------------------------------
 */

static void max_into(struct cell *cell, int64_t value)
{
    if ((uint64_t)value > cell_get(cell)) {
        cell_set(cell, (uint64_t)value);
    }
}

/* The slow point has one sample a round: it holds back the log, so its block is written before it is full. */
static void put_round(struct life *life, uint64_t round)
{
    for (int i = 0; i < ROUND * POINTS; i++) {
        const uint32_t point = (uint32_t)i % POINTS;
        if (point == SLOW && i > POINTS) {
            continue;
        }
        const int64_t time_ns = order_of(life->next[point]++);
        max_into(&life->shared->written[point], life->next[point] + 1);
        rig_put(&life->rig, point, time_ns, time_ns + 3, (double)time_ns / 4, 0);
    }
    rig_mark(&life->rig, round);
}

/* Runs the writer step by step, and tells what is safe after each. */
static void run_round(struct life *life, uint64_t round)
{
    for (int did = 1; did > 0;) {
        did = life->rig.agent.do_work(life->rig.agent.self, life->rig.now_ns++);
        const bool confirmed = cell_get(&life->rig.safe.stored[0]) == round;
        const uint64_t syncs = rig_counter(&life->rig, "store.syncs");
        cell_set(&life->shared->kept,
                 cell_get(&life->shared->kept) + rig_counter(&life->rig, "store.kept") - life->kept);
        life->kept = rig_counter(&life->rig, "store.kept");
        for (uint32_t point = 0; point < POINTS && confirmed; point++) {
            life->confirmed[point] = life->next[point];
        }
        for (uint32_t point = 0; point < POINTS && (!life->power || syncs > life->syncs); point++) {
            max_into(&life->shared->safe[point], life->confirmed[point]);
        }
        life->syncs = syncs;
    }
}

static void write_event(struct life *life, struct store_batch *batch)
{
    struct err err;
    const uint64_t seq = store_last_seq(life->rig.store) + 1;
    uint8_t cursor[8];
    memcpy(cursor, &seq, sizeof cursor);
    store_batch_put(batch, "kept", cursor, sizeof cursor);
    if (store_batch_commit(batch, false, &err) != ERR_NONE) {
        end_badly(err.text, 1, 0);
    }
    store_batch_event(batch, seq, (int64_t)seq, "r:p", "{}", 2, "", 0);
    store_batch_put(batch, "last", cursor, sizeof cursor);
    max_into(&life->shared->written_events, (int64_t)seq);
    if (store_batch_commit(batch, true, &err) != ERR_NONE) {
        end_badly(err.text, 1, 0);
    }
    max_into(&life->shared->safe_events, (int64_t)seq);
}

/* What a full memory does sooner or later: tables are written, merged, old logs removed. */
static void flush_some(struct life *life)
{
    struct store *const store = life->rig.store;
    char *rocks_err = NULL;
    const uint64_t dice = random_below(&life->seed, 40);
    if (dice < CF_COUNT) {
        rocksdb_flushoptions_t *const options = rocksdb_flushoptions_create();
        rocksdb_flush_cf(store->db, options, store->cf[dice], &rocks_err);
        rocksdb_flushoptions_destroy(options);
    } else if (dice == CF_COUNT) {
        rocksdb_compact_range_cf(store->db, store->cf[CF_BLOCKS], NULL, 0, NULL, 0);
    }
    if (rocks_err != NULL) {
        end_badly(rocks_err, 1, 0);
    }
}

/* Ends by being killed; 0 when the store had no more changes to be killed in, which does not happen. */
static void live(struct life *life)
{
    rig_open(&life->rig, life->path, life->site, 3);
    check_all(life);
    struct store_batch *const batch = store_batch_new(life->rig.store);
    for (uint64_t round = 1; round < 100000; round++) {
        put_round(life, round);
        run_round(life, round);
        if (random_below(&life->seed, EVENT_EVERY) == 0) {
            write_event(life, batch);
        }
        flush_some(life);
    }
    _exit(2);
}

/* ---- deaths -------------------------------------------------------------------------------------------------------
 */

static void die_once(struct life *life)
{
    disk_kill_after(1 + random_below(&life->seed, CHANGES_MAX));
    const pid_t pid = fork();
    if (pid == 0) {
        live(life);
    }
    int status = 0;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    if (life->power) {
        disk_cut(&life->seed);
    }
}

static void one_store(struct life *life, long deaths)
{
    char *const folder = folder_new();
    char path[600];
    (void)snprintf(path, sizeof path, "%s/store", folder);
    life->path = path;
    const uint64_t checked = cell_get(&life->shared->checked);
    const uint64_t kept = cell_get(&life->shared->kept);
    memset(life->shared, 0, sizeof *life->shared);
    cell_set(&life->shared->checked, checked);
    cell_set(&life->shared->kept, kept);
    disk_begin(path);
    for (long i = 0; i < deaths; i++) {
        die_once(life);
    }
    disk_end();
    folder_remove(folder);
}

static void die_often(bool power)
{
    struct shared *const shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct life life = {.site = site_make(POINTS), .shared = shared, .power = power, .seed = first_seed};
    assert_true(shared != MAP_FAILED);
    for (long left = deaths_wanted; left > 0; left -= LIVES_A_STORE) {
        one_store(&life, left < LIVES_A_STORE ? left : LIVES_A_STORE);
    }
    print_message("%ld deaths, %llu lives found all, %llu blocks kept\n", deaths_wanted,
                  (unsigned long long)cell_get(&shared->checked), (unsigned long long)cell_get(&shared->kept));
    assert_true((long)cell_get(&shared->checked) > deaths_wanted / 3);
    assert_true((long)cell_get(&shared->kept) > deaths_wanted / 3); /* fewer on a busy machine */
    (void)munmap(shared, sizeof *shared);
    site_unmake(life.site);
}

static void nothing_confirmed_is_lost_when_the_process_dies(void **state)
{
    (void)state;
    die_often(false);
}

static void nothing_synced_is_lost_when_the_power_goes(void **state)
{
    (void)state;
    die_often(true);
}

int main(int argc, char **argv)
{
    rig_log_keep = LOG_KEEP;
    deaths_wanted = argc > 1 ? strtol(argv[1], NULL, 10) : deaths_wanted;
    first_seed = argc > 2 ? strtoull(argv[2], NULL, 10) : first_seed;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_confirmed_is_lost_when_the_process_dies),
        cmocka_unit_test(nothing_synced_is_lost_when_the_power_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
