/* A shard on its thread between two producers and two consumers, with small rings and nothing but bells between them.
 */
#include "tests/unit/rules/rig.h"

#include "base/clock.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

enum { WORKERS = 2, POINTS_EACH = 8, SAMPLES_EACH = 40000, ROOM = 64, DEADLINE_S = 50 };

struct scene {
    struct ring *inputs[WORKERS];
    struct ring *store, *verdicts;
    struct doorbell *bell;
    _Alignas(64) uint64_t verdict_count; /* the verdict consumer's */
    enum level levels[WORKERS * POINTS_EACH];
    _Alignas(64) uint64_t stored_count; /* the store consumer's */
};

static struct scene scene;

#define POINT(i) "{\"id\":\"p" #i "\"}"
static const char *const json =
    "{\"site\":{\"id\":\"s\"},\"points\":[" POINT(0) "," POINT(1) "," POINT(2) "," POINT(3) "," POINT(4) "," POINT(5) "," POINT(6) "," POINT(7) "," POINT(
        8) "," POINT(9) "," POINT(10) "," POINT(11) "," POINT(12) "," POINT(13) "," POINT(14) "," POINT(15) "],"
                                                                                                            "\"rules\":"
                                                                                                            "[{\"id\":"
                                                                                                            "\"r\","
                                                                                                            "\"levels\""
                                                                                                            ":[{"
                                                                                                            "\"level\":"
                                                                                                            "\"blue\","
                                                                                                            "\"when\":"
                                                                                                            "\"value "
                                                                                                            ">= 1\"},"
                                                                                                            "{\"level\""
                                                                                                            ":\"red\","
                                                                                                            "\"when\":"
                                                                                                            "\"value "
                                                                                                            ">= "
                                                                                                            "2\"}]}]}";

/* The value of the k-th sample of a point: each sample changes its alarm's level. */
static double value_of(int64_t k)
{
    return (double)(k % 3);
}

static void check_deadline(const time_t *end)
{
    if (time(NULL) > *end) {
        (void)fprintf(stderr, "nothing came in time\n");
        abort();
    }
    (void)sched_yield();
}

static void *produce(void *arg)
{
    const int worker = *(const int *)arg;
    const time_t end = time(NULL) + DEADLINE_S;
    for (int64_t k = 0; k < SAMPLES_EACH;) {
        size_t n = 0;
        struct sample *samples = ring_claim(scene.inputs[worker], &n);
        size_t used = 0;
        for (; used < n && k < SAMPLES_EACH; used++, k++) {
            int64_t turn = k / POINTS_EACH;
            samples[used] = (struct sample){
                .time_ns = (turn + 1) * NS_PER_MS,
                .seen_ns = (turn + 1) * NS_PER_MS,
                .value = value_of(turn),
                .point = (uint32_t)(worker * POINTS_EACH + k % POINTS_EACH),
            };
        }
        if (used == 0) {
            check_deadline(&end);
            continue;
        }
        ring_publish(scene.inputs[worker], used);
        doorbell_ring(scene.bell);
    }
    ring_close(scene.inputs[worker]);
    doorbell_ring(scene.bell);
    return NULL;
}

static void *take_stored(void *arg)
{
    (void)arg;
    const time_t end = time(NULL) + DEADLINE_S;
    int64_t newest[WORKERS * POINTS_EACH] = {0};
    while (!ring_ended(scene.store)) {
        size_t n = 0;
        const struct sample *samples = ring_peek(scene.store, &n);
        for (size_t i = 0; i < n; i++) {
            assert_true(samples[i].time_ns == newest[samples[i].point] + NS_PER_MS);
            newest[samples[i].point] = samples[i].time_ns;
        }
        scene.stored_count += n;
        if (n > 0) {
            ring_release(scene.store, n);
            doorbell_ring(scene.bell);
        } else {
            check_deadline(&end);
        }
    }
    return NULL;
}

static void take_verdicts(void)
{
    const time_t end = time(NULL) + DEADLINE_S;
    while (!ring_ended(scene.verdicts)) {
        size_t n = 0;
        const struct verdict *verdicts = ring_peek(scene.verdicts, &n);
        for (size_t i = 0; i < n; i++) {
            const struct verdict *verdict = &verdicts[i];
            assert_int_equal(verdict->before, scene.levels[verdict->alarm]);
            assert_true(verdict->value == value_of(verdict->time_ns / NS_PER_MS - 1));
            scene.levels[verdict->alarm] = (enum level)verdict->level;
        }
        scene.verdict_count += n;
        if (n > 0) {
            ring_release(scene.verdicts, n);
            doorbell_ring(scene.bell);
        } else {
            check_deadline(&end);
        }
    }
}

static void test_nothing_is_lost_between_threads_and_each_point_keeps_its_order(void **state)
{
    (void)state;
    struct site *site = NULL;
    struct rules *rules = NULL;
    rig_load(json, &site, &rules);
    for (int w = 0; w < WORKERS; w++) {
        assert_int_equal(ring_open(sizeof(struct sample), ROOM, 0, &scene.inputs[w], NULL), ERR_NONE);
    }
    assert_int_equal(ring_open(sizeof(struct sample), ROOM, 0, &scene.store, NULL), ERR_NONE);
    assert_int_equal(ring_open(sizeof(struct verdict), ROOM, 0, &scene.verdicts, NULL), ERR_NONE);
    assert_int_equal(doorbell_open(&scene.bell, NULL), ERR_NONE);
    struct board *board = board_new(site->point_count);
    struct shard_config config = {
        .site = site,
        .rules = rules,
        .count = 1,
        .inputs = scene.inputs,
        .input_count = WORKERS,
        .store = scene.store,
        .verdicts = scene.verdicts,
        .board = board,
    };
    struct shard *shard = NULL;
    struct runner *runner = NULL;
    assert_int_equal(shard_new(&config, &shard, NULL), ERR_NONE);
    struct agent agent = shard_agent(shard);
    assert_int_equal(runner_start("shard", &agent, 1, scene.bell, &runner, NULL), ERR_NONE);

    pthread_t threads[WORKERS + 1];
    int numbers[WORKERS];
    for (int w = 0; w < WORKERS; w++) {
        numbers[w] = w;
        assert_int_equal(pthread_create(&threads[w], NULL, produce, &numbers[w]), 0);
    }
    assert_int_equal(pthread_create(&threads[WORKERS], NULL, take_stored, NULL), 0);
    take_verdicts();
    for (int t = 0; t <= WORKERS; t++) {
        assert_int_equal(pthread_join(threads[t], NULL), 0);
    }
    runner_join(runner);

    assert_int_equal(scene.stored_count, WORKERS * SAMPLES_EACH);
    /* the first sample of a point changes nothing, every later one does */
    assert_int_equal(scene.verdict_count, WORKERS * (SAMPLES_EACH - POINTS_EACH));
    struct board_entry entry;
    board_read(board, 0, &entry);
    assert_int_equal(entry.time_ns, SAMPLES_EACH / POINTS_EACH * NS_PER_MS);
    shard_free(shard);
    board_free(board);
    doorbell_free(scene.bell);
    ring_free(scene.verdicts);
    ring_free(scene.store);
    for (int w = 0; w < WORKERS; w++) {
        ring_free(scene.inputs[w]);
    }
    rules_free(rules);
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost_between_threads_and_each_point_keeps_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
