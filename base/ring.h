/*
 * ring: a bounded queue of fixed-size records from one thread to one other.
 *
 *        release_pos                 publish_pos
 *            |  readable slots           |  free slots
 *   ... -----+---------------------------+---------------- ...   (mod capacity)
 *
 * Exactly one producer thread (claim, publish, room, close) and one consumer
 * thread (peek, release, ended).  Positions are free-running 64-bit counts, so
 * full and empty never look alike.  claim and peek return the number of
 * contiguous slots there are, so batches are natural; a batch ends at the
 * array's end and the next call goes on at its start.
 *
 * Each side keeps its own cached copy of the other's position and each owner's
 * fields sit on a cache line of their own.
 *
 * Nobody is woken for room that nobody waits for: a producer that goes to sleep
 * for want of room says so (ring_await_room), looks at the room once more, and
 * then sleeps; the consumer asks after giving room back (ring_is_awaited), and
 * wakes the producer if that is true.  With an exchange on both sides one of the
 * two sees the other, as with a doorbell.
 *
 * Memory: ring_open allocates, ring_free gives back after both sides stopped.
 */
#ifndef DAVY_BASE_RING_H
#define DAVY_BASE_RING_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

/* Makes a ring of `capacity` (a power of two) records of `item_size` bytes.  `start_pos` is 0 except in tests that
 * start the counts just below overflow. */
enum err_code ring_open(size_t item_size, size_t capacity, uint64_t start_pos, struct ring **ret_ring,
                        struct err *err) MUST_CHECK;
void ring_free(struct ring *ring);
size_t ring_capacity(const struct ring *ring);

/* producer: gives the first free slot and in *ret_n how many contiguous ones follow (0 and NULL when full). */
void *ring_claim(struct ring *ring, size_t *ret_n);
/* producer: how many slots are free in all, not only contiguously. */
size_t ring_room(struct ring *ring);
/* producer: whether n slots are free; looks at the consumer's line only when it did not know of that many. */
bool ring_has_room(struct ring *ring, size_t n);
/* producer: says that it will sleep until there is room; look at the room once more before that. */
void ring_await_room(struct ring *ring);
/* producer: hands the first n claimed slots to the consumer. */
void ring_publish(struct ring *ring, size_t n);
/* producer: copies one record in; false (nothing done) when full. */
bool ring_push(struct ring *ring, const void *item);
/* producer: says that nothing more will come. */
void ring_close(struct ring *ring);

/* consumer: gives the oldest record and in *ret_n how many contiguous ones there are (0 and NULL when empty). */
const void *ring_peek(struct ring *ring, size_t *ret_n);
/* consumer: gives the first n peeked slots back. */
void ring_release(struct ring *ring, size_t n);
/* consumer, after ring_release: true, once, when the producer has said that it waits for room. */
bool ring_is_awaited(struct ring *ring);
/* consumer: true when the producer has closed and everything was released. */
bool ring_ended(struct ring *ring);

/* any thread: how many records wait; a snapshot for counters. */
size_t ring_fill(const struct ring *ring);

#endif
