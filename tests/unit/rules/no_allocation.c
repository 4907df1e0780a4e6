/* After start the shard allocates nothing: every call of malloc, calloc and realloc in the program is counted. */
#include "tests/unit/rules/rig.h"

#include "base/clock.h"
#include <stdlib.h>

enum { POINTS = 6, SAMPLES = 1000000, ROOM = 1024 };

static uint64_t allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    allocations++;
    return __real_realloc(old, size);
}

/* Rules of every kind: limits with delays, a vote, windows of every function, what time alone changes. */
static const char *const json =
    "{\"site\":{\"id\":\"s\"},\"points\":["
    "{\"id\":\"a\",\"every\":\"100ms\",\"tags\":{\"x\":\"g\"}},{\"id\":\"b\",\"every\":\"100ms\",\"tags\":{\"x\":\"g\"}"
    "},"
    "{\"id\":\"c\",\"every\":\"100ms\",\"tags\":{\"x\":\"h\"}},{\"id\":\"d\",\"every\":\"100ms\",\"range\":[0,9]},"
    "{\"id\":\"e\",\"every\":\"100ms\"},{\"id\":\"f\",\"every\":\"100ms\"}],\"rules\":["
    "{\"id\":\"limits\",\"on_delay\":\"1s\",\"off_delay\":\"2s\",\"levels\":["
    "{\"level\":\"blue\",\"when\":\"value >= 2\"},{\"level\":\"yellow\",\"when\":\"value >= 4\"},"
    "{\"level\":\"orange\",\"when\":\"value >= 6\"},{\"level\":\"red\",\"when\":\"value >= 8\"}]},"
    "{\"id\":\"vote\",\"vote\":{\"by\":\"tags.x\",\"at_least\":2},"
    "\"levels\":[{\"level\":\"red\",\"when\":\"value > 5\"}]},"
    "{\"id\":\"windows\",\"levels\":[{\"level\":\"blue\",\"when\":\"mean(10s) + min(3s) + max(3s) + stddev(30s) > "
    "12\"},"
    "{\"level\":\"red\",\"when\":\"slope(1m) > 5 || eta_up(9, 20s) < 10 || changes(5s) > 40\"}]},"
    "{\"id\":\"smooth\",\"levels\":[{\"level\":\"red\",\"when\":\"ewma(10s) > 5 && zscore(1m) > 2\"}]},"
    "{\"id\":\"time\",\"levels\":[{\"level\":\"red\",\"when\":\"age > 3 || unchanged() > 5\"}],"
    "\"unless\":\"point('a') > 9\"}]}";

static void give(struct ring *input, int64_t i)
{
    struct sample sample = {
        .time_ns = i * 17 * NS_PER_MS,
        .seen_ns = i * 17 * NS_PER_MS + i % 5 * NS_PER_MS,
        .value = (double)(random() % 100) / 10,
        .point = (uint32_t)(i % POINTS), /* as often as their `every` says: windows need not grow */
    };
    if (sample.point == 5 && i / 10000 % 2 == 0) {
        return; /* now and then nothing is heard of the last one */
    }
    if (random() % 50 == 0) {
        sample.value = NAN;
        sample.status = ST_COMM;
    }
    assert_true(ring_push(input, &sample));
}

static void let_go(struct ring *ring)
{
    size_t n = 0;
    while (ring_peek(ring, &n) != NULL) {
        ring_release(ring, n);
    }
}

static void test_a_million_samples_allocate_nothing(void **state)
{
    (void)state;
    struct site *site = NULL;
    struct rules *rules = NULL;
    rig_load(json, &site, &rules);
    struct ring *input = NULL;
    struct ring *store = NULL;
    struct ring *verdicts = NULL;
    assert_int_equal(ring_open(sizeof(struct sample), ROOM, 0, &input, NULL), ERR_NONE);
    assert_int_equal(ring_open(sizeof(struct sample), ROOM, 0, &store, NULL), ERR_NONE);
    assert_int_equal(ring_open(sizeof(struct verdict), ROOM, 0, &verdicts, NULL), ERR_NONE);
    struct board *board = board_new(site->point_count);
    struct counters *counters = counters_new(16);
    struct shard_config config = {
        .site = site,
        .rules = rules,
        .count = 1,
        .inputs = &input,
        .input_count = 1,
        .store = store,
        .verdicts = verdicts,
        .board = board,
        .counters = counters,
        .live = true,
        .keep = true,
    };
    struct shard *shard = NULL;
    assert_int_equal(shard_new(&config, &shard, NULL), ERR_NONE);
    struct agent agent = shard_agent(shard);
    allocations = 0;
    srandom(1);
    uint64_t said = 0;
    for (int64_t i = 0; i < SAMPLES;) {
        for (int k = 0; k < 100; k++) {
            give(input, i++);
        }
        while (ring_fill(input) > 0) {
            (void)agent.do_work(agent.self, i * 17 * NS_PER_MS);
            said += ring_fill(verdicts);
            let_go(store);
            let_go(verdicts);
        }
    }
    assert_true(said > SAMPLES / 10);
    assert_int_equal(allocations, 0);
    shard_free(shard);
    board_free(board);
    counters_free(counters);
    ring_free(verdicts);
    ring_free(store);
    ring_free(input);
    rules_free(rules);
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_million_samples_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
