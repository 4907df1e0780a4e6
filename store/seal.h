/*
 * seal: turns a strand of open samples into a block in a batch.
 */
#ifndef DAVY_STORE_SEAL_H
#define DAVY_STORE_SEAL_H

#include "store/chunk.h"
#include "store/columns.h"
#include "store/db.h"

/* Memory sealing works in; the caller's, about 140 KB. */
struct sealer {
    struct chunk_scratch scratch;
    struct columns columns;
    struct store_row rows[BOOK_BLOCK_ROWS];
    uint8_t bytes[CHUNK_BYTES_MAX];
};

/* Adds to the batch: the strand's block (in place of a shorter one kept before) and the newest reading of its series.
 * `order` is used for late ones.  The strand itself is left as it is.  Gives the block's bytes, and its class. */
size_t seal_strand(struct store *store, struct sealer *sealer, rocksdb_writebatch_t *batch, const struct strand *strand,
                   uint64_t order, uint8_t *ret_span);

/* Late samples: by time, of equal times only the last written.  Gives how many are left.  Stable. */
size_t seal_sort(struct store_row *rows, size_t n);

#endif
