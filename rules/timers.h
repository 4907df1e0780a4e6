/*
 * timers: which of a fixed number of things is due first.
 *
 * An indexed binary heap of (due, index): of equal times the lowest index comes
 * first, so the order of one instant is the order of the site.  An entry may be
 * left standing when its thing is due later or never after all; whoever takes
 * it from the top looks at the thing itself and puts it back.  So a timer that
 * moves later with every sample costs nothing per sample.
 *
 * Memory: arena, for n things.  Threads: one.
 */
#ifndef DAVY_RULES_TIMERS_H
#define DAVY_RULES_TIMERS_H

#include "base/arena.h"
#include <stdint.h>

struct timer {
    int64_t due_ns;
    uint32_t index;
};

struct timers {
    struct timer *heap; /* [count] */
    uint32_t *pos;      /* [index]: place in the heap plus 1; 0: not in it */
    uint32_t count;
};

void timers_init(struct timers *timers, struct arena *arena, uint32_t n);

/* Makes sure that the thing comes up no later than due_ns (an entry that stands earlier is left). */
void timers_set(struct timers *timers, uint32_t index, int64_t due_ns);

/* The earliest entry's time, TIME_NEVER if there is none. */
int64_t timers_first(const struct timers *timers);

/* Takes the earliest entry out and gives its index. */
uint32_t timers_take(struct timers *timers);

#endif
