/*
 * marks: which samples are in blocks but not in the tiers yet.
 *
 * A mark is written in the same batch as its block, so none is ever forgotten,
 * and removed in the same batch as the minutes and hours that were made of it.
 * Its key is as unique as the block (order rises for ever), so removing one
 * that was seen never removes a newer one.
 *
 * All functions within db_enter.
 */
#ifndef DAVY_STORE_MARKS_H
#define DAVY_STORE_MARKS_H

#include "store/db.h"

enum { MARKS_MAX = 1024 };

struct mark {
    int64_t start_ns, end_ns; /* of the first and the last sample */
    uint64_t order;
};

void marks_add(struct store *store, rocksdb_writebatch_t *batch, uint32_t series, const struct mark *mark);
void marks_remove(struct store *store, rocksdb_writebatch_t *batch, uint32_t series, const struct mark *mark);

/* Gives the marks of a series that reach into [from, to), by start, at most MARKS_MAX; *ret_more: there are more, none
 * of which begins before the last one given. */
enum err_code marks_list(struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series, int64_t from_ns,
                         int64_t to_ns, struct mark ret_marks[MARKS_MAX], size_t *ret_count, bool *ret_more,
                         struct err *err) MUST_CHECK;

/* Gives the first series from `series` on that has marks; false when there is none. */
enum err_code marks_series(struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series,
                           uint32_t *ret_series, bool *ret_found, struct err *err) MUST_CHECK;

#endif
