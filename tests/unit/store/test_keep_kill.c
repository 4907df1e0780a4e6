/*
 * SIGKILL at any moment of upkeep: a child records, puts together and removes,
 * and is killed; the next one opens the store, finds every sample that was
 * confirmed counted in the hours, each once, though most samples are gone by
 * then, finds nothing damaged, and goes on.
 *
 * The parent never opens the store itself: RocksDB's threads would not survive
 * the next fork.
 */
#include "base/cell.h"
#include "cmocka_all.h"
#include "keep_rig.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILLS = 25, ROUND = 700, ROUNDS_MAX = 1 << 20, LIFE_MAX_MS = 60 };

struct shared {
    struct cell confirmed; /* samples that are committed */
    struct cell ready;     /* the child has found everything and goes on */
    struct cell removed;   /* blocks, in all */
};

static void give_up(const char *text, uint64_t came, uint64_t expected)
{
    (void)fprintf(stderr, "%s: %llu, %llu\n", text, (unsigned long long)came, (unsigned long long)expected);
    _exit(1);
}

static void tell(void *self, const char *text)
{
    (void)self;
    (void)fprintf(stderr, "%s\n", text);
}

/* How many samples the store has counted; a sample lost, or counted twice, makes another number. */
static uint64_t look(const struct rig *rig, const struct shared *shared)
{
    struct err err;
    const uint64_t confirmed = cell_get(&shared->confirmed);
    const struct digest hours = digest_buckets(rig->store, 0, INT64_MIN, INT64_MAX, HOUR);
    const struct digest rows = digest_rows(rig->store, 0, INT64_MIN, INT64_MAX);
    if (hours.samples < confirmed || hours.samples > confirmed + ROUND) {
        give_up("counted in hours, confirmed", hours.samples, confirmed);
    }
    if (rows.count > hours.samples || (hours.samples > 0 && rows.count == 0)) {
        give_up("samples, counted in hours", rows.count, hours.samples);
    }
    if (store_verify(rig->store, tell, NULL, &err) != ERR_NONE) {
        give_up("verify", 0, 0);
    }
    return hours.samples;
}

static int64_t time_of(uint64_t n)
{
    return epoch_ns + (int64_t)n * 30 * NS_PER_S;
}

/* Records and looks after it until it is killed. */
static void child(const char *path, struct site *site, struct shared *shared, uint64_t seed)
{
    struct rig rig;
    rig_open(&rig, path, site, 5 * NS_PER_MS);
    uint64_t n = look(&rig, shared);
    const uint64_t removed = cell_get(&shared->removed);
    cell_set(&shared->confirmed, n);
    cell_set(&shared->ready, 1);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        for (int i = 0; i < ROUND; i++, n++) {
            rig_put(&rig, 0, time_of(n), time_of(n), (double)(n % 100) / 10, 0);
        }
        rig_run(&rig);
        cell_set(&shared->confirmed, n);
        if (round % 5 == 4) {
            put_event(rig.store, round % 2 == 0 ? EV_RAISED : EV_CLEARED, "r:p0", time_of(n));
        }
        (void)rig_care(&rig, time_of(n), 1 + (unsigned)random_below(&seed, 9));
        cell_set(&shared->removed, removed + rig_counter(&rig, "store.removed_blocks"));
    }
    _exit(0);
}

static void wait_for(int64_t length_ns)
{
    struct timespec length = {.tv_sec = 0, .tv_nsec = length_ns};
    while (nanosleep(&length, &length) != 0 && errno == EINTR) {
    }
}

static void no_hour_forgets_a_sample(void **state)
{
    (void)state;
    char *const path = folder_new();
    struct site *const site = keep_site_make((struct site_keep){.raw_ns = 12 * HOUR, .minute_ns = 48 * HOUR});
    struct shared *const shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t seed = 7;
    assert_true(shared != MAP_FAILED);
    for (int kills = 0; kills < KILLS; kills++) {
        int status = 0;
        cell_set(&shared->ready, 0);
        const pid_t pid = fork();
        if (pid == 0) {
            child(path, site, shared, (uint64_t)kills);
        }
        assert_true(pid > 0);
        while (cell_get(&shared->ready) == 0) { /* its deadline is the test's */
            assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
            wait_for(NS_PER_MS);
        }
        /* the length of its life is what is tested: any moment */
        wait_for((int64_t)random_below(&seed, LIFE_MAX_MS * (uint64_t)NS_PER_MS));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    print_message("%llu samples, %llu blocks removed\n", (unsigned long long)cell_get(&shared->confirmed),
                  (unsigned long long)cell_get(&shared->removed));
    assert_true(cell_get(&shared->removed) > 0);
    (void)munmap(shared, sizeof *shared);
    keep_site_unmake(site);
    folder_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_hour_forgets_a_sample)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
