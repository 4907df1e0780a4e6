/*
 * pool: the memory open samples lie in once they have outgrown their strand
 * (book.h): segments of one size, with a bound, given back to be used again.
 *
 * Memory: all at pool_init; pages are touched as they are needed.  Threads: the
 * owner's.
 */
#ifndef DAVY_STORE_POOL_H
#define DAVY_STORE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POOL_SEGMENT_BYTES = 63 };

/* Whole ops only: none lies over two segments. */
struct segment {
    uint32_t next; /* 0 = none */
    uint8_t used;
    uint8_t bytes[POOL_SEGMENT_BYTES];
};

struct pool {
    struct segment *segments; /* [0] unused, so that 0 means none */
    uint32_t count;
    uint32_t fresh;     /* first never used */
    uint32_t free_head; /* given back */
    uint32_t free_count;
};

void pool_init(struct pool *pool, size_t bytes);
void pool_done(struct pool *pool);

static inline bool pool_has_room(const struct pool *pool)
{
    return pool->free_head != 0 || pool->fresh < pool->count;
}

/* In bytes. */
static inline size_t pool_used(const struct pool *pool)
{
    return (size_t)(pool->fresh - 1 - pool->free_count) * sizeof(struct segment);
}

/* Takes a segment and fills it; there must be room.  Gives its number. */
uint32_t pool_take(struct pool *pool, const uint8_t *bytes, size_t len);
/* Gives a chain of segments back. */
void pool_give(struct pool *pool, uint32_t head, uint32_t tail);

#endif
