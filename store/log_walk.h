/*
 * log_walk: reads the recovery log from the first record still needed to the
 * last, op by op.
 */
#ifndef DAVY_STORE_LOG_WALK_H
#define DAVY_STORE_LOG_WALK_H

#include "store/db.h"
#include "store/record.h"

struct log_walk_fns {
    void (*soon)(void *self, uint32_t series); /* an op of the series comes some ops later; may be NULL */
    void (*op)(void *self, uint64_t record, uint64_t logged_bytes, const struct record_op *op);
    /* A record is damaged or missing: what is told against earlier ops can no longer be understood. */
    void (*gap)(void *self, uint64_t record);
};

/* Within db_enter.  Calls fns->op for each op in order; logged_bytes counts from the first needed record.
 * *ret_low, *ret_next: the first record needed, and one after the last (0, 0: an empty log). */
enum err_code log_walk(struct store *store, const rocksdb_snapshot_t *snapshot, const struct log_walk_fns *fns,
                       void *self, uint64_t *ret_low, uint64_t *ret_next, struct err *err) MUST_CHECK;

#endif
