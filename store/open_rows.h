/*
 * open_rows: the samples of a series that are in no block yet, together with a
 * view of the blocks they belong to.
 *
 * Where they come from:
 * - In the writing process from the book, where also those are that are on their
 *   way to the disk; the lock is held only to copy two strands.  While a batch is
 *   under way that has blocks, which are no longer in the book and not yet in the
 *   database, reading waits for it, but not longer than 5 ms: then it is the disk
 *   that is slow, and the recovery log tells, as it stands there.
 * - A reader beside it walks the log once for the first series it is asked for,
 *   which is all that most want to know.  At the second it loads a book of its
 *   own, and from then on needs the log no more: its view of the store stands
 *   still.
 *
 * Threads: any.
 */
#ifndef DAVY_STORE_OPEN_ROWS_H
#define DAVY_STORE_OPEN_ROWS_H

#include "store/db.h"

struct open_rows {
    struct store_row rows[2][BOOK_BLOCK_ROWS]; /* in order of time; late, by time, each time once */
    size_t count[2];
    bool gaps; /* reader: part of the log cannot be read, so samples may be missing here */
};

/* Before db_enter: a reader loads its book if it has not, and if more than one series is read. */
enum err_code open_rows_prepare(struct store *store, struct err *err) MUST_CHECK;
/* Before db_enter: a reader loads its book, and the newest readings, if it has not. */
enum err_code open_rows_load(struct store *store, struct err *err) MUST_CHECK;

/* Within db_enter.  Gives the open samples and the snapshot (NULL in a reader; db_snapshot_release) they go with. */
enum err_code open_rows_take(struct store *store, uint32_t series, struct open_rows *ret_rows,
                             const rocksdb_snapshot_t **ret_snapshot, struct err *err) MUST_CHECK;

/* Within db_enter, after open_rows_load.  Gives the newest reading of a series, as it was taken last; what it was taken
 * with may still be on its way to the disk.  False when there is none. */
bool open_rows_newest(struct store *store, uint32_t series, struct board_entry *ret_entry);

#endif
