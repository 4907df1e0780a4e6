/* doorbell: millions of handovers between two threads that sleep, and none of them is missed. */
#include "base/cell.h"
#include "base/clock.h"
#include "base/doorbell.h"
#include "base/ring.h"
#include "tests/unit/base/unit.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { HANDOVERS = 200000, SLEEPS = 5000, RACES = 50000 };
#else
enum { HANDOVERS = 2000000, SLEEPS = 30000, RACES = 300000 };
#endif
enum { HANG_MS = 15000 }; /* a busy machine may not let the other side run for seconds */

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
    const uint32_t first = HANDOVERS - SLEEPS; /* the players stop at HANDOVERS; each is a sleep and a wake: slow */
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

/* One record at a time, sent at the very moment the other side parks; nothing comes later that could hide a loss. */
struct race {
    struct ring *ring;
    struct doorbell *bell;
    struct cell taken; /* records the consumer has taken */
    struct cell over;  /* set when it gave up */
};

/* On a busy machine the other side may be waiting for this very core. */
static void offer_core(int spins)
{
    if (spins % 64 == 0) {
        (void)sched_yield();
    }
}

/* Parks as a sleeper does, but looks at its bell again and again: sleep would cost more time than the race itself. */
static void *take_all(void *arg)
{
    struct race *race = arg;
    for (uint64_t taken = 0; taken < RACES;) {
        size_t n = 0;
        doorbell_park(race->bell);
        if (ring_peek(race->ring, &n) == NULL) {
            const int64_t give_up_ns = clock_mono_ns() + HANG_MS * NS_PER_MS;
            for (int spins = 1; !is_readable(race->bell, 0); spins++) {
                offer_core(spins);
                if (clock_mono_ns() > give_up_ns) {
                    cell_set(&race->over, 1);
                    return NULL;
                }
            }
        }
        doorbell_unpark(race->bell);
        if (ring_peek(race->ring, &n) != NULL) {
            ring_release(race->ring, n);
            taken += n;
            cell_set(&race->taken, taken);
        }
    }
    return NULL;
}

static void test_no_wakeup_is_lost_in_the_moment_of_parking(void **state)
{
    (void)state;
    struct race race = {0};
    assert_int_equal(ring_open(sizeof(uint32_t), 4, 0, &race.ring, NULL), ERR_NONE);
    assert_int_equal(doorbell_open(&race.bell, NULL), ERR_NONE);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, take_all, &race), 0);
    for (uint32_t i = 0; i < RACES && cell_get(&race.over) == 0; i++) {
        for (int spins = 1; cell_get(&race.taken) < i && cell_get(&race.over) == 0; spins++) {
            offer_core(spins);
        }
        doorbell_ring(race.bell); /* for nothing: the bell's line is here now, and parking there takes its time */
        for (uint32_t wait = i * 2654435761U >> 24; wait > 0; wait--) {
            (void)cell_get(&race.over); /* a delay that differs each time, so that every moment is met */
        }
        assert_true(ring_push(race.ring, &i));
        doorbell_ring(race.bell);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(cell_get(&race.over), 0);
    assert_int_equal(cell_get(&race.taken), RACES);
    ring_free(race.ring);
    doorbell_free(race.bell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wakes_only_who_is_parked),
        cmocka_unit_test(test_no_wakeup_is_lost_when_both_sides_sleep),
        cmocka_unit_test(test_no_wakeup_is_lost_under_a_stream),
        cmocka_unit_test(test_no_wakeup_is_lost_in_the_moment_of_parking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
