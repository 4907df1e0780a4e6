/* ring: order, bounds, wrap-around, and two threads with nothing between them but the ring. */
#include "base/ring.h"
#include "tests/unit/base/unit.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>

static struct ring *open_ring(size_t item_size, size_t capacity, uint64_t start_pos)
{
    struct ring *ring = NULL;
    assert_int_equal(ring_open(item_size, capacity, start_pos, &ring, NULL), ERR_NONE);
    return ring;
}

static void test_refuses_a_capacity_that_is_no_power_of_two(void **state)
{
    (void)state;
    struct ring *ring = NULL;
    struct err err;
    assert_int_equal(ring_open(8, 0, 0, &ring, &err), ERR_INPUT);
    assert_int_equal(ring_open(8, 12, 0, &ring, &err), ERR_INPUT);
    assert_int_equal(ring_open(0, 8, 0, &ring, &err), ERR_INPUT);
    assert_int_equal(ring_open(SIZE_MAX / 2, 8, 0, &ring, &err), ERR_INPUT);
    assert_null(ring);
    assert_non_null(strstr(err.text, "power of two"));
    ring_free(NULL);
}

static void test_is_full_at_its_capacity_and_empty_after(void **state)
{
    (void)state;
    struct ring *ring = open_ring(sizeof(int), 4, 0);
    size_t n = 9;
    assert_int_equal(ring_capacity(ring), 4);
    assert_null(ring_peek(ring, &n));
    assert_int_equal(n, 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ring_room(ring), 4 - i);
        assert_true(ring_push(ring, &i));
        assert_int_equal(ring_fill(ring), i + 1);
    }
    const int fifth = 4;
    assert_false(ring_push(ring, &fifth));
    assert_null(ring_claim(ring, &n));
    assert_int_equal(n, 0);
    const int *items = ring_peek(ring, &n);
    assert_int_equal(n, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(items[i], i);
    }
    ring_release(ring, 4);
    assert_int_equal(ring_fill(ring), 0);
    assert_int_equal(ring_room(ring), 4);
    ring_free(ring);
}

static void test_a_batch_ends_at_the_end_of_the_array(void **state)
{
    (void)state;
    struct ring *ring = open_ring(3, 8, 0); /* a size that is no power of two */
    size_t n = 0;
    memcpy(ring_claim(ring, &n), "aaabbbcccdddeeefff", 18);
    assert_int_equal(n, 8);
    ring_publish(ring, 6);
    assert_memory_equal(ring_peek(ring, &n), "aaa", 3);
    ring_release(ring, 5);
    assert_int_equal(ring_room(ring), 7);
    memcpy(ring_claim(ring, &n), "ggghhh", 6);
    assert_int_equal(n, 2); /* up to the end, though seven are free */
    ring_publish(ring, 2);
    memcpy(ring_claim(ring, &n), "iii", 3);
    assert_int_equal(n, 5);
    ring_publish(ring, 1);
    assert_memory_equal(ring_peek(ring, &n), "fff", 3);
    ring_release(ring, 1);
    assert_memory_equal(ring_peek(ring, &n), "ggghhh", 6);
    assert_int_equal(n, 2);
    ring_release(ring, 2);
    assert_memory_equal(ring_peek(ring, &n), "iii", 3);
    assert_int_equal(n, 1);
    ring_free(ring);
}

static void test_ends_only_when_closed_and_empty(void **state)
{
    (void)state;
    struct ring *ring = open_ring(sizeof(int), 2, UINT64_MAX);
    const int item = 7;
    size_t n = 0;
    assert_false(ring_ended(ring));
    assert_true(ring_push(ring, &item));
    ring_close(ring);
    assert_false(ring_ended(ring));
    assert_non_null(ring_peek(ring, &n));
    assert_false(ring_ended(ring));
    ring_release(ring, n);
    assert_true(ring_ended(ring));
    ring_free(ring);
}

struct flow {
    struct ring *ring;
    uint64_t items;
};

/* Writes the numbers 0.. in batches of changing size. */
static void *produce(void *arg)
{
    const struct flow *flow = arg;
    uint64_t next = 0;
    for (size_t batch = 1; next < flow->items; batch = batch % 67 + 1) {
        size_t n = 0;
        uint64_t *slots = ring_claim(flow->ring, &n);
        if (n == 0) {
            (void)sched_yield();
            continue;
        }
        n = n < batch ? n : batch;
        n = n < flow->items - next ? n : (size_t)(flow->items - next);
        for (size_t i = 0; i < n; i++) {
            slots[i] = next++;
        }
        ring_publish(flow->ring, n);
    }
    ring_close(flow->ring);
    return NULL;
}

/* Reads in batches of other sizes; gives how many came in order. */
static uint64_t consume(struct ring *ring)
{
    uint64_t next = 0;
    for (size_t batch = 1; !ring_ended(ring); batch = batch % 41 + 1) {
        size_t n = 0;
        const uint64_t *slots = ring_peek(ring, &n);
        if (n == 0) {
            (void)sched_yield();
            continue;
        }
        n = n < batch ? n : batch;
        for (size_t i = 0; i < n; i++) {
            if (slots[i] != next) {
                return next;
            }
            next++;
        }
        ring_release(ring, n);
    }
    return next;
}

static void test_two_threads_pass_every_record_in_order(void **state)
{
    (void)state;
    static const struct {
        size_t capacity;
        uint64_t start_pos, items;
    } cases[] = {
        {1, 0, 20000},
        {2, UINT64_MAX - 1000, 50000},
        {64, UINT64_MAX - 77, 500000},
        {1024, UINT64_MAX, 1000000},
        {4096, (UINT64_C(1) << 32) - 5, 1000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct flow flow = {.ring = open_ring(sizeof(uint64_t), cases[i].capacity, cases[i].start_pos),
                            .items = cases[i].items};
        pthread_t producer;
        assert_int_equal(pthread_create(&producer, NULL, produce, &flow), 0);
        assert_int_equal(consume(flow.ring), cases[i].items);
        assert_int_equal(pthread_join(producer, NULL), 0);
        ring_free(flow.ring);
    }
}

static void test_fill_is_never_out_of_bounds_for_a_third_thread(void **state)
{
    (void)state;
    struct flow flow = {.ring = open_ring(sizeof(uint64_t), 128, UINT64_MAX - 5000), .items = 300000};
    pthread_t producer;
    assert_int_equal(pthread_create(&producer, NULL, produce, &flow), 0);
    uint64_t next = 0;
    while (!ring_ended(flow.ring)) {
        size_t n = 0;
        if (ring_peek(flow.ring, &n) == NULL) {
            (void)sched_yield();
        }
        ring_release(flow.ring, n);
        next += n;
        assert_true(ring_fill(flow.ring) <= 128);
    }
    assert_int_equal(next, flow.items);
    assert_int_equal(pthread_join(producer, NULL), 0);
    ring_free(flow.ring);
}

static void test_room_is_awaited_when_the_producer_has_said_so_and_once(void **state)
{
    (void)state;
    struct ring *ring = open_ring(sizeof(int), 1, 0);
    const int item = 7;
    size_t n = 0;
    assert_true(ring_push(ring, &item));
    assert_non_null(ring_peek(ring, &n));
    ring_release(ring, n);
    assert_false(ring_is_awaited(ring));
    ring_await_room(ring);
    ring_await_room(ring);
    assert_true(ring_is_awaited(ring));
    assert_false(ring_is_awaited(ring));
    ring_free(ring);
}

struct sleeper {
    struct flow flow;
    sem_t woken;
    bool overslept;
};

/* Sleeps whenever the ring is full, and counts on being woken. */
static void *produce_sleeping(void *arg)
{
    struct sleeper *sleeper = arg;
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 60;
    for (uint64_t next = 0; next < sleeper->flow.items && !sleeper->overslept;) {
        if (ring_push(sleeper->flow.ring, &next)) {
            next++;
            continue;
        }
        ring_await_room(sleeper->flow.ring);
        if (ring_room(sleeper->flow.ring) == 0) {
            sleeper->overslept = sem_timedwait(&sleeper->woken, &deadline) != 0;
        }
    }
    ring_close(sleeper->flow.ring);
    return NULL;
}

static void test_who_awaits_room_is_woken(void **state)
{
    (void)state;
    struct sleeper sleeper = {.flow = {.ring = open_ring(sizeof(uint64_t), 2, 0), .items = 50000}};
    pthread_t producer;
    uint64_t next = 0;
    assert_int_equal(sem_init(&sleeper.woken, 0, 0), 0);
    assert_int_equal(pthread_create(&producer, NULL, produce_sleeping, &sleeper), 0);
    while (!ring_ended(sleeper.flow.ring)) {
        size_t n = 0;
        if (ring_peek(sleeper.flow.ring, &n) == NULL) {
            (void)sched_yield();
            continue;
        }
        ring_release(sleeper.flow.ring, n);
        next += n;
        if (ring_is_awaited(sleeper.flow.ring)) {
            assert_int_equal(sem_post(&sleeper.woken), 0);
        }
    }
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_false(sleeper.overslept);
    assert_int_equal(next, sleeper.flow.items);
    (void)sem_destroy(&sleeper.woken);
    ring_free(sleeper.flow.ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_a_capacity_that_is_no_power_of_two),
        cmocka_unit_test(test_is_full_at_its_capacity_and_empty_after),
        cmocka_unit_test(test_a_batch_ends_at_the_end_of_the_array),
        cmocka_unit_test(test_ends_only_when_closed_and_empty),
        cmocka_unit_test(test_two_threads_pass_every_record_in_order),
        cmocka_unit_test(test_fill_is_never_out_of_bounds_for_a_third_thread),
        cmocka_unit_test(test_room_is_awaited_when_the_producer_has_said_so_and_once),
        cmocka_unit_test(test_who_awaits_room_is_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
