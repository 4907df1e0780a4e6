/*
 * sweep: the samples of a series by time, each time once, from its blocks and
 * open samples, in constant memory.
 *
 * Within db_enter.  A sweep is some 900 KB of working memory, made once and
 * used by one thread at a time.
 */
#ifndef DAVY_STORE_SWEEP_H
#define DAVY_STORE_SWEEP_H

#include "store/db.h"
#include "store/open_rows.h"

/* What is swept; all borrowed. */
struct sweep_view {
    struct store *store;
    const rocksdb_snapshot_t *snapshot; /* NULL: as it stands */
    uint32_t series;
    const struct open_rows *open; /* that go with the snapshot; NULL: blocks only */
};

struct sweep;
struct sweep *sweep_new(void);
void sweep_free(struct sweep *sweep);

/* Calls fn for each sample with from <= time < to until it says false.  Damaged blocks are passed over and counted. */
enum err_code sweep_read(struct sweep *sweep, const struct sweep_view *view, int64_t from_ns, int64_t to_ns,
                         store_row_fn *fn, void *self, struct err *err) MUST_CHECK;
/* ERR_ENV, with their number, when it has ever passed over damaged blocks. */
enum err_code sweep_end(const struct sweep *sweep, struct err *err) MUST_CHECK;

#endif
