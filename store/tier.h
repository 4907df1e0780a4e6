/*
 * tier: reading the minutes and hours of a series.
 *
 * Within db_enter.
 */
#ifndef DAVY_STORE_TIER_H
#define DAVY_STORE_TIER_H

#include "store/db.h"
#include "store/tier_block.h"

typedef bool tier_fn(void *self, const struct bucket *bucket);

/* Calls fn for each bucket with from <= index < to, in order, until it says false.  A damaged block ends it: then
 * *ret_bad is the index of its first bucket, else INT64_MAX. */
enum err_code tier_read(struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series, enum tier tier,
                        int64_t from, int64_t to, struct tier_block *scratch, tier_fn *fn, void *self, int64_t *ret_bad,
                        struct err *err) MUST_CHECK;

#endif
