/*
 * tier_make: brings the minutes and hours of one series up to date.
 *
 * What is marked (marks.h) is swept anew, whole hours at a time, and the
 * buckets made of it take the place of those that were there.  Only samples in
 * blocks count: those in no block yet get their mark when they are in one.
 * Where samples were removed nothing is made anew.
 *
 * One step handles a bounded number of samples; what is left of a mark stays
 * marked.  All a step changes is in one batch.
 *
 * Within db_enter.  Threads: one.  Memory: all in tier_maker_new, some 1.5 MB.
 */
#ifndef DAVY_STORE_TIER_MAKE_H
#define DAVY_STORE_TIER_MAKE_H

#include "store/hours.h"
#include "store/marks.h"

struct tier_maker;
struct tier_maker *tier_maker_new(struct store *store);
void tier_maker_free(struct tier_maker *maker);

struct tier_step {
    bool done;     /* nothing of the series was left behind when the step began */
    uint64_t rows; /* samples read */
    uint64_t blocks, bytes;
};

/* Adds one step's work on a series to the batch; `hours` learns of every hour made. */
enum err_code tier_make(struct tier_maker *maker, uint32_t series, struct hours *hours, rocksdb_writebatch_t *batch,
                        struct tier_step *ret_step, struct err *err) MUST_CHECK;

#endif
