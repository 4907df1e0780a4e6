/*
 * silence: which point falls silent next.
 *
 * Every sample puts off the moment at which its point becomes stale, so the
 * moment is not kept up: an entry stands where the point was due when it was
 * entered, and is looked at when that comes.
 *
 *      opened                                        near: a heap, exact
 *        | bucket | bucket | bucket | … (SILENCE_BUCKETS)
 *        one width of time each
 *
 * When the clock reaches a bucket, each of its points goes to the bucket of its
 * present moment, nearly always a later one; what is due within the bucket
 * itself goes to the heap.  So a point that reports costs two steps in each of
 * its periods, however many points there are.  What is further away than all
 * buckets waits in the heap too.
 *
 * Memory: arena, for n points.  Threads: the shard's.
 */
#ifndef DAVY_RULES_SILENCE_H
#define DAVY_RULES_SILENCE_H

#include "base/arena.h"
#include "rules/state.h"
#include "rules/timers.h"

enum { SILENCE_BUCKETS = 256 };

struct silence {
    const struct point_state *points;
    struct timers near;
    uint32_t *next; /* [point]: the next in its bucket, SILENCE_END */
    uint32_t heads[SILENCE_BUCKETS];
    int64_t width_ns;
    int64_t opened;  /* buckets below this number have been opened */
    int64_t first;   /* number of the first bucket that may hold something; INT64_MAX: none does */
};

/* For `n` points, whose seen_ns and stale_ns say when they are due; the clock stands at start_ns. */
void silence_init(struct silence *silence, struct arena *arena, const struct point_state *points, uint32_t n,
                int64_t start_ns);

/* Enters a point that becomes stale (stale_ns > 0) and is not entered. */
void silence_enter(struct silence *silence, uint32_t point);

/* The clock at which there may be something to do; TIME_NEVER: no point is entered.  Not later than the moment of any. */
int64_t silence_first(const struct silence *silence);

/* Takes out a point that has become stale by clock_ns, of several any; false when there is none. */
bool silence_take(struct silence *silence, int64_t clock_ns, uint32_t *ret_point);

#endif
