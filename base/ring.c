/*
 * ring: see ring.h.  Only two positions pass between the threads; each is
 * stored by one side with release and loaded by the other with acquire.  The
 * other side's position is looked at only when the copy kept from last time
 * says that there is nothing left, so a batch costs one shared cache line.
 */
#include "base/ring.h"
#include "base/memory.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64 };

struct ring {
    /* const after ring_open */
    unsigned char *items;
    size_t item_size;
    size_t capacity;
    uint64_t mask;

    /* producer's line */
    _Alignas(LINE) _Atomic uint64_t publish_pos; /* stored by the producer, loaded by all */
    uint64_t seen_release;                       /* producer only: release_pos when last looked at */
    _Atomic bool closed;                         /* stored by the producer, loaded by the consumer */

    /* consumer's line */
    _Alignas(LINE) _Atomic uint64_t release_pos; /* stored by the consumer, loaded by all */
    uint64_t seen_publish;                       /* consumer only: publish_pos when last looked at */
    _Atomic bool awaited;                        /* set by the producer, cleared by the consumer */
};

enum err_code ring_open(size_t item_size, size_t capacity, uint64_t start_pos, struct ring **ret_ring, struct err *err)
{
    size_t bytes = 0;
    if (item_size == 0 || capacity == 0 || (capacity & (capacity - 1)) != 0 ||
        __builtin_mul_overflow(item_size, capacity, &bytes) || bytes > PTRDIFF_MAX) {
        return err_set(err, ERR_INPUT, "a ring of %zu records of %zu bytes; the number must be a power of two",
                       capacity, item_size);
    }
    struct ring *ring = memory_aligned(LINE, sizeof *ring);
    ring->items = memory_aligned(LINE, bytes);
    ring->item_size = item_size;
    ring->capacity = capacity;
    ring->mask = (uint64_t)capacity - 1;
    ring->seen_release = start_pos;
    ring->seen_publish = start_pos;
    atomic_init(&ring->publish_pos, start_pos);
    atomic_init(&ring->release_pos, start_pos);
    atomic_init(&ring->closed, false);
    atomic_init(&ring->awaited, false);
    *ret_ring = ring;
    return ERR_NONE;
}

void ring_free(struct ring *ring)
{
    if (ring != NULL) {
        free(ring->items);
        free(ring);
    }
}

size_t ring_capacity(const struct ring *ring)
{
    return ring->capacity;
}

/* How many of n slots from `pos` on lie before the end of the array. */
static size_t contiguous(const struct ring *ring, uint64_t pos, size_t n)
{
    const size_t to_end = ring->capacity - (size_t)(pos & ring->mask);
    return n < to_end ? n : to_end;
}

static unsigned char *slot(const struct ring *ring, uint64_t pos)
{
    return ring->items + (size_t)(pos & ring->mask) * ring->item_size;
}

void *ring_claim(struct ring *ring, size_t *ret_n)
{
    const uint64_t pos = atomic_load_explicit(&ring->publish_pos, memory_order_relaxed); /* ours */
    size_t free_slots = ring->capacity - (size_t)(pos - ring->seen_release);
    if (free_slots == 0) {
        free_slots = ring_room(ring);
    }
    *ret_n = contiguous(ring, pos, free_slots);
    return free_slots == 0 ? NULL : slot(ring, pos);
}

size_t ring_room(struct ring *ring)
{
    const uint64_t pos = atomic_load_explicit(&ring->publish_pos, memory_order_relaxed); /* ours */
    /* acquire: the consumer is done with the slots below this position; pairs with the release in ring_release */
    ring->seen_release = atomic_load_explicit(&ring->release_pos, memory_order_acquire);
    return ring->capacity - (size_t)(pos - ring->seen_release);
}

bool ring_has_room(struct ring *ring, size_t n)
{
    const uint64_t pos = atomic_load_explicit(&ring->publish_pos, memory_order_relaxed); /* ours */
    return ring->capacity - (size_t)(pos - ring->seen_release) >= n || ring_room(ring) >= n;
}

void ring_await_room(struct ring *ring)
{
    /* acquire: room given back before an exchange that came first is seen by the next look; release: pairs with the
     * exchange in ring_is_awaited */
    (void)atomic_exchange_explicit(&ring->awaited, true, memory_order_acq_rel);
}

void ring_publish(struct ring *ring, size_t n)
{
    const uint64_t pos = atomic_load_explicit(&ring->publish_pos, memory_order_relaxed); /* ours */
    assert(n <= ring->capacity - (size_t)(pos - ring->seen_release));
    /* release: the slots must be seen before this position; pairs with the acquire in ring_peek */
    atomic_store_explicit(&ring->publish_pos, pos + n, memory_order_release);
}

bool ring_push(struct ring *ring, const void *item)
{
    size_t n = 0;
    void *place = ring_claim(ring, &n);
    if (place == NULL) {
        return false;
    }
    memcpy(place, item, ring->item_size);
    ring_publish(ring, 1);
    return true;
}

void ring_close(struct ring *ring)
{
    /* release: the last publish must be seen before the end; pairs with the acquire in ring_ended */
    atomic_store_explicit(&ring->closed, true, memory_order_release);
}

const void *ring_peek(struct ring *ring, size_t *ret_n)
{
    const uint64_t pos = atomic_load_explicit(&ring->release_pos, memory_order_relaxed); /* ours */
    if (ring->seen_publish == pos) {
        /* acquire: the slots below this position are written; pairs with the release in ring_publish */
        ring->seen_publish = atomic_load_explicit(&ring->publish_pos, memory_order_acquire);
    }
    const size_t waiting = (size_t)(ring->seen_publish - pos);
    *ret_n = contiguous(ring, pos, waiting);
    return waiting == 0 ? NULL : slot(ring, pos);
}

void ring_release(struct ring *ring, size_t n)
{
    const uint64_t pos = atomic_load_explicit(&ring->release_pos, memory_order_relaxed); /* ours */
    assert(n <= (size_t)(ring->seen_publish - pos));
    /* release: our reads of the slots end before they are written again; pairs with the acquire in ring_room */
    atomic_store_explicit(&ring->release_pos, pos + n, memory_order_release);
}

bool ring_is_awaited(struct ring *ring)
{
    /* release: who awaits room after this sees what was given back; acquire: pairs with ring_await_room.  Not a plain
     * load: it could pass the store of release_pos. */
    return atomic_exchange_explicit(&ring->awaited, false, memory_order_acq_rel);
}

bool ring_ended(struct ring *ring)
{
    /* acquire: with the end the last publish is seen; pairs with the release in ring_close */
    if (!atomic_load_explicit(&ring->closed, memory_order_acquire)) {
        return false;
    }
    const uint64_t pos = atomic_load_explicit(&ring->release_pos, memory_order_relaxed); /* ours */
    return atomic_load_explicit(&ring->publish_pos, memory_order_relaxed) == pos;
}

size_t ring_fill(const struct ring *ring)
{
    /* release_pos first and with acquire (pairs with ring_release): the consumer had seen at least that much published,
     * so the difference is never negative; it may be too large by what moved meanwhile. */
    const uint64_t released = atomic_load_explicit(&ring->release_pos, memory_order_acquire);
    const uint64_t published = atomic_load_explicit(&ring->publish_pos, memory_order_relaxed);
    const uint64_t fill = published - released;
    return fill < ring->capacity ? (size_t)fill : ring->capacity;
}
