/*
 * view: one series as it stands at one moment: its samples, less what was
 * removed and not pinned, and its aggregates.
 *
 * Threads: the one that opened it.  Memory: some 1.5 MB while it is open.
 */
#ifndef DAVY_STORE_VIEW_H
#define DAVY_STORE_VIEW_H

#include "store/removed.h"
#include "store/sweep.h"

struct view {
    struct sweep_view swept;
    struct open_rows open;
    struct sweep *sweep;
    struct removed removed;
    bool tiers; /* are kept, so they can be trusted */
};

/* Opens a view of a point; outside db_enter, and within it until view_close.  ERR_NO: the store knows no such point. */
enum err_code view_open(struct store *store, const char *point_id, struct view **ret_view,
                        struct err *err) MUST_CHECK;
void view_close(struct view *view);

/* Calls fn for each sample with from <= time < to; *ret_stopped: until it said false. */
enum err_code view_read(struct view *view, int64_t from_ns, int64_t to_ns, store_row_fn *fn, void *self,
                        bool *ret_stopped, struct err *err) MUST_CHECK;
/* ERR_ENV when something damaged had to be passed over. */
enum err_code view_end(const struct view *view, struct err *err) MUST_CHECK;

#endif
