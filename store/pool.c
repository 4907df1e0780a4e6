/*
 * pool: see pool.h.
 */
#include "store/pool.h"
#include "base/memory.h"
#include <assert.h>
#include <string.h>

void pool_init(struct pool *pool, size_t bytes)
{
    const uint32_t count = (uint32_t)(bytes / sizeof(struct segment)) + 1;
    *pool = (struct pool){.segments = memory_map(count * sizeof *pool->segments), .count = count, .fresh = 1};
}

void pool_done(struct pool *pool)
{
    memory_unmap(pool->segments, pool->count * sizeof *pool->segments);
    *pool = (struct pool){0};
}

uint32_t pool_take(struct pool *pool, const uint8_t *bytes, size_t len)
{
    uint32_t number = pool->free_head;
    if (number != 0) {
        pool->free_head = pool->segments[number].next;
        pool->free_count--;
    } else {
        assert(pool->fresh < pool->count); /* callers ask pool_has_room */
        number = pool->fresh++;
    }
    __builtin_prefetch(&pool->segments[pool->free_head != 0 ? pool->free_head : pool->fresh],
                       1); /* for the next time */
    struct segment *const segment = &pool->segments[number];
    segment->next = 0;
    segment->used = (uint8_t)len;
    memcpy(segment->bytes, bytes, POOL_SEGMENT_BYTES); /* all of them: quicker than to ask how many count */
    return number;
}

void pool_give(struct pool *pool, uint32_t head, uint32_t tail)
{
    uint32_t count = 1;
    for (uint32_t at = head; at != tail; at = pool->segments[at].next) {
        count++;
    }
    pool->segments[tail].next = pool->free_head;
    pool->free_head = head;
    pool->free_count += count;
}
