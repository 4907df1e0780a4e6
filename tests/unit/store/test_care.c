/*
 * Upkeep beside a writer and readers, each on a thread of its own: what is
 * counted in hours only grows, and is never less than what was committed
 * before the question.
 */
#include "base/cell.h"
#include "cmocka_all.h"
#include "keep_rig.h"
#include <pthread.h>

enum { SAMPLES = 60000, ROUND = 300, LATE_EVERY = 7 };

struct shared {
    struct rig rig;
    struct cell committed; /* samples of p0 */
    struct cell clock;     /* the time of the newest */
    struct cell stop;
    uint64_t questions, rounds;
    bool right;
};

static void *look_after(void *self)
{
    struct shared *const shared = self;
    while (cell_get(&shared->stop) == 0) {
        shared->rounds += rig_care(&shared->rig, (int64_t)cell_get(&shared->clock), 1);
    }
    return NULL;
}

static bool add_up(void *self, const struct store_bucket *bucket)
{
    *(uint64_t *)self += bucket->count;
    return true;
}

static void *ask_on(void *self)
{
    struct shared *const shared = self;
    uint64_t before = 0;
    struct err err;
    while (cell_get(&shared->stop) == 0 || shared->questions == 0) {
        const uint64_t least = cell_get(&shared->committed);
        uint64_t count = 0;
        const bool asked = store_aggregate(shared->rig.store, "p0", INT64_MIN, INT64_MAX, HOUR, add_up, &count, &err) ==
                           ERR_NONE;
        shared->right = shared->right && asked && count >= least && count >= before && count <= SAMPLES;
        before = count;
        shared->questions++;
    }
    return NULL;
}

/* Every seventh comes after the six behind it. */
static int64_t time_of(int64_t n)
{
    const int64_t place = n % LATE_EVERY;
    return epoch_ns + (n - place + (place + 1) % LATE_EVERY) * 10 * NS_PER_S;
}

static void hours_only_grow_whoever_works(void **state)
{
    (void)state;
    char *const path = folder_new();
    struct site *const site = keep_site_make((struct site_keep){.raw_ns = 12 * HOUR, .minute_ns = 24 * HOUR});
    static struct shared shared = {.right = true};
    pthread_t threads[2];
    struct err err;
    rig_open(&shared.rig, path, site, NS_PER_S);
    rig_put(&shared.rig, 0, time_of(0), time_of(0), 0, 0);
    rig_run(&shared.rig);
    cell_set(&shared.clock, (uint64_t)epoch_ns);
    assert_int_equal(pthread_create(&threads[0], NULL, look_after, &shared), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, ask_on, &shared), 0);
    for (int64_t n = 1; n < SAMPLES; n++) {
        rig_put(&shared.rig, 0, time_of(n), time_of(n), (double)(n % 50) / 10, 0);
        if (n % ROUND == ROUND - 1) {
            rig_run(&shared.rig);
            cell_set(&shared.committed, (uint64_t)n + 1);
            cell_set(&shared.clock, (uint64_t)time_of(n));
        }
        if (n % (10 * ROUND) == 0) {
            put_event(shared.rig.store, n / (10 * ROUND) % 2 == 0 ? EV_CLEARED : EV_RAISED, "r:p0", time_of(n));
        }
    }
    rig_run(&shared.rig);
    cell_set(&shared.stop, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_true(shared.right);
    for (int round = 0; round < 100; round++) { /* the one that was broken off; more if care had no core so far */
        while (!rig_care(&shared.rig, time_of(SAMPLES), 0)) {
        }
        if (rig_counter(&shared.rig, "store.removed_blocks") > 0) {
            break;
        }
    }
    assert_int_equal(digest_buckets(shared.rig.store, 0, INT64_MIN, INT64_MAX, HOUR).samples, SAMPLES);
    assert_int_equal(store_verify(shared.rig.store, NULL, NULL, &err), ERR_NONE);
    print_message("%llu questions, %llu rounds, %llu blocks removed\n", (unsigned long long)shared.questions,
                  (unsigned long long)shared.rounds,
                  (unsigned long long)rig_counter(&shared.rig, "store.removed_blocks"));
    assert_true(rig_counter(&shared.rig, "store.removed_blocks") > 0);
    rig_close(&shared.rig);
    keep_site_unmake(site);
    folder_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hours_only_grow_whoever_works)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
