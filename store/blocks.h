/*
 * blocks: the blocks of one series that may hold samples from a time on, in
 * the order of their start, one at a time.
 *
 * One walk per class of span there is (keys.h); the next block is the one with
 * the smallest start over all of them.
 */
#ifndef DAVY_STORE_BLOCKS_H
#define DAVY_STORE_BLOCKS_H

#include "store/db.h"
#include "store/keys.h"

struct block_ref {
    struct block_key key;
    const uint8_t *bytes; /* borrowed until blocks_next */
    size_t len;
};

struct blocks {
    struct store *store;
    struct db_walk walks[SPAN_CLASSES];
    struct block_key heads[SPAN_CLASSES]; /* where each stands */
    size_t count;
    size_t current;
    bool bad_key; /* one was met and passed over */
};

/* Within db_enter.  `blocks` must not be moved. */
void blocks_begin(struct blocks *blocks, struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series,
                  int64_t from_ns);
/* Gives the block with the smallest start that was not given yet; false when there are no more. */
bool blocks_peek(struct blocks *blocks, struct block_ref *ret_block);
void blocks_next(struct blocks *blocks);
enum err_code blocks_end(struct blocks *blocks, struct err *err) MUST_CHECK;

#endif
