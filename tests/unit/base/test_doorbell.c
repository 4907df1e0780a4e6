/* doorbell: millions of handovers between two threads that sleep, and none of them is missed. */
#include "base/doorbell.h"
#include "base/ring.h"
#include "tests/unit/base/unit.h"
#include <poll.h>
#include <pthread.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { HANDOVERS = 200000 };
#else
enum { HANDOVERS = 3000000 };
#endif
enum { HANG_MS = 5000 };

static bool is_readable(const struct doorbell *bell, int timeout_ms)
{
    struct pollfd fd = {.fd = doorbell_fd(bell), .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1;
}

static void test_wakes_only_who_is_parked(void **state)
{
    (void)state;
    struct doorbell *bell = NULL;
    assert_int_equal(doorbell_open(&bell, NULL), ERR_NONE);
    doorbell_ring(bell);
    assert_false(is_readable(bell, 0));
    doorbell_park(bell);
    assert_false(is_readable(bell, 0));
    doorbell_ring(bell);
    doorbell_ring(bell);
    assert_true(is_readable(bell, 0));
    doorbell_unpark(bell);
    assert_false(is_readable(bell, 0));
    doorbell_ring(bell);
    assert_false(is_readable(bell, 0));
    doorbell_park(bell);
    doorbell_unpark(bell);
    doorbell_free(bell);
    doorbell_free(NULL);
}

/* A player takes a number from one ring and puts it on the other; between two it parks without spinning. */
struct player {
    struct ring *in, *out;
    struct doorbell *own, *other;
    int missed; /* how often it woke by its deadline and not by the bell */
};

/* Parks until there is something or the producer has closed; false when there is nothing in the end. */
static bool wait_for_work(struct player *player)
{
    size_t n = 0;
    while (ring_peek(player->in, &n) == NULL && !ring_ended(player->in)) {
        doorbell_park(player->own);
        if (ring_peek(player->in, &n) == NULL && !ring_ended(player->in)) {
            if (!is_readable(player->own, HANG_MS)) {
                player->missed++;
            }
        }
        doorbell_unpark(player->own);
    }
    return n > 0;
}

/* With one record under way at a time both sides park at nearly the same moment, over and over. */
static void *play(void *arg)
{
    struct player *player = arg;
    while (player->missed == 0 && wait_for_work(player)) {
        size_t n = 0;
        const uint32_t *number = ring_peek(player->in, &n);
        const uint32_t next = *number + 1;
        ring_release(player->in, 1);
        if (next >= HANDOVERS || !ring_push(player->out, &next)) {
            break;
        }
        doorbell_ring(player->other);
    }
    ring_close(player->out);
    doorbell_ring(player->other);
    return NULL;
}

static void test_no_wakeup_is_lost_when_both_sides_sleep(void **state)
{
    (void)state;
    struct ring *rings[2] = {NULL, NULL};
    struct doorbell *bells[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ring_open(sizeof(uint32_t), 8, 0, &rings[i], NULL), ERR_NONE);
        assert_int_equal(doorbell_open(&bells[i], NULL), ERR_NONE);
    }
    struct player here = {.in = rings[0], .out = rings[1], .own = bells[0], .other = bells[1]};
    struct player there = {.in = rings[1], .out = rings[0], .own = bells[1], .other = bells[0]};
    const uint32_t first = HANDOVERS - HANDOVERS / 30; /* every one is a sleep and a wake: slow, so a thirtieth */
    assert_true(ring_push(rings[0], &first));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, play, &there), 0);
    (void)play(&here);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(here.missed + there.missed, 0);
    for (int i = 0; i < 2; i++) {
        ring_free(rings[i]);
        doorbell_free(bells[i]);
    }
}

static void *feed(void *arg)
{
    const struct player *player = arg;
    for (uint32_t i = 0; i < HANDOVERS; i++) {
        while (!ring_push(player->out, &i)) {
            doorbell_ring(player->other); /* full: the sleeper has work for sure */
        }
        doorbell_ring(player->other);
    }
    ring_close(player->out);
    doorbell_ring(player->other);
    return NULL;
}

static void test_no_wakeup_is_lost_under_a_stream(void **state)
{
    (void)state;
    struct ring *ring = NULL;
    struct doorbell *bell = NULL;
    assert_int_equal(ring_open(sizeof(uint32_t), 256, 0, &ring, NULL), ERR_NONE);
    assert_int_equal(doorbell_open(&bell, NULL), ERR_NONE);
    struct player feeder = {.out = ring, .other = bell};
    struct player eater = {.in = ring, .own = bell};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, feed, &feeder), 0);
    uint32_t eaten = 0;
    while (wait_for_work(&eater)) {
        size_t n = 0;
        (void)ring_peek(ring, &n);
        ring_release(ring, n);
        eaten += (uint32_t)n;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(eaten, HANDOVERS);
    assert_int_equal(eater.missed, 0);
    ring_free(ring);
    doorbell_free(bell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wakes_only_who_is_parked),
        cmocka_unit_test(test_no_wakeup_is_lost_when_both_sides_sleep),
        cmocka_unit_test(test_no_wakeup_is_lost_under_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
