/* timers: see timers.h. */
#include "rules/timers.h"

#include "base/clock.h"
#include <stdbool.h>

void timers_init(struct timers *timers, struct arena *arena, uint32_t n)
{
    timers->heap = ARENA_ARRAY(arena, struct timer, n + 1);
    timers->pos = ARENA_ARRAY(arena, uint32_t, n + 1);
    timers->count = 0;
}

static bool before(const struct timer *a, const struct timer *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->index < b->index;
}

static void put(struct timers *timers, uint32_t place, struct timer timer)
{
    timers->heap[place] = timer;
    timers->pos[timer.index] = place + 1;
}

static void rise(struct timers *timers, uint32_t place, struct timer timer)
{
    while (place > 0) {
        uint32_t parent = (place - 1) / 2;
        if (!before(&timer, &timers->heap[parent])) {
            break;
        }
        put(timers, place, timers->heap[parent]);
        place = parent;
    }
    put(timers, place, timer);
}

static void sink(struct timers *timers, uint32_t place, struct timer timer)
{
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= timers->count) {
            break;
        }
        if (child + 1 < timers->count && before(&timers->heap[child + 1], &timers->heap[child])) {
            child++;
        }
        if (!before(&timers->heap[child], &timer)) {
            break;
        }
        put(timers, place, timers->heap[child]);
        place = child;
    }
    put(timers, place, timer);
}

void timers_set(struct timers *timers, uint32_t index, int64_t due_ns)
{
    struct timer timer = {.due_ns = due_ns, .index = index};
    uint32_t place = timers->pos[index];
    if (place == 0) {
        rise(timers, timers->count++, timer);
    } else if (due_ns < timers->heap[place - 1].due_ns) {
        rise(timers, place - 1, timer);
    }
}

int64_t timers_first(const struct timers *timers)
{
    return timers->count > 0 ? timers->heap[0].due_ns : TIME_NEVER;
}

uint32_t timers_take(struct timers *timers)
{
    uint32_t index = timers->heap[0].index;
    timers->pos[index] = 0;
    struct timer last = timers->heap[--timers->count];
    if (timers->count > 0) {
        sink(timers, 0, last);
    }
    return index;
}
