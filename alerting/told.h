/*
 * told: what the manager tells the sinks apart from the journal: that a commit
 * with events has begun, so that they are awake when it is done (waking takes
 * time that would come on top of the disk's); and since when the newest event is
 * on the disk, so that they can say how long it took them to pass it on.
 *
 * Threads: written by the manager, read by any.
 */
#ifndef DAVY_ALERTING_TOLD_H
#define DAVY_ALERTING_TOLD_H

#include "base/cell.h"
#include "base/clock.h"

#define TOLD_SOON_NS (400 * NS_PER_US) /* a disk that takes longer is not waited for awake */

struct told {
    struct cell begun_ns; /* monotonic time at which a commit began; 0: none is under way */
    struct cell seq;
    struct cell mono_ns; /* monotonic time of its commit */
};

static inline void told_begin(struct told *told)
{
    cell_set(&told->begun_ns, (uint64_t)clock_mono_ns());
}

static inline void told_end(struct told *told)
{
    cell_set(&told->begun_ns, 0);
}

/* True while an event is about to be on the disk. */
static inline bool told_is_soon(const struct told *told)
{
    const uint64_t begun_ns = cell_get(&told->begun_ns);
    return begun_ns != 0 && clock_mono_ns() - (int64_t)begun_ns < TOLD_SOON_NS;
}

static inline void told_set(struct told *told, uint64_t seq, int64_t mono_ns)
{
    cell_set(&told->mono_ns, (uint64_t)mono_ns); /* before the seq: who sees that one sees this */
    cell_set(&told->seq, seq);
}

/* False when `seq` is not the newest: then nobody knows. */
static inline bool told_get(const struct told *told, uint64_t seq, int64_t *ret_mono_ns)
{
    const bool newest = cell_get(&told->seq) == seq;
    *ret_mono_ns = newest ? (int64_t)cell_get(&told->mono_ns) : 0;
    return newest;
}

#endif
