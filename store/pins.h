/*
 * pins: stretches of a series whose samples stay when the others are removed.
 *
 * Pins of a series never touch one another: one that would is joined with
 * those it touches.  All functions within db_enter.
 */
#ifndef DAVY_STORE_PINS_H
#define DAVY_STORE_PINS_H

#include "store/removed.h"

/* Gives the first pin of a series that ends after time_ns; false when there is none. */
enum err_code pins_next(struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series, int64_t time_ns,
                        struct stretch *ret_pin, bool *ret_found, struct err *err) MUST_CHECK;

/* Adds a pin to the batch, joined with those there are.  One series at most once in a batch. */
enum err_code pins_add(struct store *store, rocksdb_writebatch_t *batch, uint32_t series, const struct stretch *pin,
                       struct err *err) MUST_CHECK;

#endif
