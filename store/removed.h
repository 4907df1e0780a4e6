/*
 * removed: which stretches of a series have been removed, tier by tier.
 *
 * What lies in such a stretch is no longer given out (but for pinned samples),
 * whether its blocks are gone already or not; and its minutes and hours are
 * final: samples that still come for it are not counted in them, as what they
 * would have to be put together with is gone.
 *
 * Always whole hours.  Within db_enter.
 */
#ifndef DAVY_STORE_REMOVED_H
#define DAVY_STORE_REMOVED_H

#include "store/notes.h"

enum kept { KEPT_RAW, KEPT_MINUTE, KEPT_HOUR, KEPT_COUNT };

struct stretch {
    int64_t from_ns, to_ns; /* [from, to); nothing when equal */
};

struct removed {
    struct stretch kept[KEPT_COUNT];
};

enum err_code removed_get(struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series,
                          struct removed *ret_removed, struct err *err) MUST_CHECK;
void removed_put(struct store *store, rocksdb_writebatch_t *batch, uint32_t series, const struct removed *removed);

static inline bool stretch_holds(const struct stretch *stretch, int64_t time_ns)
{
    return time_ns >= stretch->from_ns && time_ns < stretch->to_ns;
}

#endif
