/*
 * told: since when the newest event is on the disk, so that sinks can tell how
 * long it took them to pass it on.
 *
 * Threads: written by the manager, read by any.
 */
#ifndef DAVY_ALERTING_TOLD_H
#define DAVY_ALERTING_TOLD_H

#include "base/cell.h"

struct told {
    struct cell seq;
    struct cell mono_ns; /* monotonic time of its commit */
};

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
