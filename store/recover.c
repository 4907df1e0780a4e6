/*
 * recover: see recover.h.
 *
 * Two walks: over the newest readings written with each block, and over the
 * log, which gives the strands as they were.  After damage in the log the
 * strands so far can have no further samples: they are sealed as they are (a
 * reader only keeps them), and what follows is passed over until each strand
 * begins anew.
 */
#include "store/recover.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/dictionary.h"
#include "store/keys.h"
#include "store/log_walk.h"
#include "store/seal.h"
#include <stdlib.h>

struct recovery {
    struct store *store;
    rocksdb_writebatch_t *batch; /* blocks sealed because of damage */
    uint64_t sealed;
    uint64_t damaged; /* records */
    uint64_t unknown; /* ops of series that were never given out, or that did not fit */
};

static enum err_code load_lasts(struct store *store, struct err *err)
{
    uint32_t count;
    enum err_code code = dictionary_count(store, &count, err);
    if (code != ERR_NONE) {
        return code;
    }
    lasts_grow(&store->lasts, count);
    book_grow(store->book, count);
    struct db_walk walk;
    db_walk_begin(&walk, store, CF_SERIES, NULL, "l", 1, "m", 1);
    for (; db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t key_len, len;
        const uint8_t *const key = db_walk_key(&walk, &key_len);
        const uint8_t *const bytes = db_walk_value(&walk, &len);
        const uint32_t series = key_len == KEY_SERIES ? get_u32(key + 1) : UINT32_MAX;
        struct last last;
        if (series >= count || !last_decode(series, bytes, len, &last)) {
            continue; /* store_verify tells; the series' blocks are not touched by it */
        }
        newest_load(store->book, &store->lasts, series, &last);
        if (last.top_known) {
            book_set_top(store->book, series, last.top_ns);
        }
    }
    return db_walk_end(&walk, store, err);
}

static void restore_op(struct recovery *recovery, uint64_t record, uint64_t logged_bytes, const struct record_op *op)
{
    struct store *const store = recovery->store;
    const bool late = (op->tag & OP_LATE) != 0;
    if (op_is_end(op->tag)) {
        book_restore_end(store->book, op->series, late);
        return;
    }
    struct cursor parts = op->parts;
    struct store_row row;
    switch (book_restore(store->book, op->series, op->tag, &parts, record, logged_bytes, &row)) {
    case BOOK_RESTORED:
        newest_restore(store->book, &store->lasts, op->series, &row, late);
        break;
    case BOOK_REFUSED:
        recovery->unknown++;
        break;
    case BOOK_PASSED_OVER:
        break;
    }
}

/* Of many thousand series none is in the cache when its next op comes. */
static void expect(void *self, uint32_t series)
{
    const struct store *const store = ((const struct recovery *)self)->store;
    if (series < store->lasts.count) {
        book_expect(store->book, series);
        __builtin_prefetch(&store->lasts.apart[series], 1);
    }
}

static void take_op(void *self, uint64_t record, uint64_t logged_bytes, const struct record_op *op)
{
    struct recovery *const recovery = self;
    recovery->store->logged_bytes = logged_bytes; /* the writer counts on from about here */
    if (op->series >= recovery->store->lasts.count) {
        recovery->unknown++;
    } else {
        restore_op(recovery, record, logged_bytes, op);
    }
}

static void take_gap(void *self, uint64_t record)
{
    struct recovery *const recovery = self;
    struct store *const store = recovery->store;
    recovery->damaged++;
    struct sealer *const sealer = memory_new(1, sizeof *sealer);
    for (struct strand *strand; (strand = book_first(store->book, STRAND_LIVE)) != NULL;) {
        uint8_t span = 0;
        if (store->scratch != NULL) {
            book_keep(store->book, strand, span);
            continue;
        }
        (void)seal_strand(store, sealer, recovery->batch, strand, (record << 16) + recovery->sealed++, &span);
        book_clear(store->book, strand);
    }
    free(sealer);
}

static void report(const struct recovery *recovery)
{
    if (recovery->damaged > 0 || recovery->unknown > 0) {
        log_event(LOG_ERROR, "store", "STO-005", recovery->store->path,
                  "path=%s damaged_records=%llu unreadable_samples=%llu hint=\"davy verify tells more\"",
                  recovery->store->path, (unsigned long long)recovery->damaged, (unsigned long long)recovery->unknown);
    }
}

static enum err_code walk_log(struct recovery *recovery, struct err *err)
{
    static const struct log_walk_fns fns = {.soon = expect, .op = take_op, .gap = take_gap};
    struct store *const store = recovery->store;
    const enum err_code code = log_walk(store, NULL, &fns, recovery, &store->low_record, &store->next_record, err);
    newest_settle(store->book, &store->lasts);
    return code;
}

enum err_code recover(struct store *store, struct err *err)
{
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    struct recovery recovery = {.store = store};
    enum err_code code = load_lasts(store, err);
    if (code == ERR_NONE) {
        recovery.batch = rocksdb_writebatch_create();
        code = walk_log(&recovery, err);
    }
    db_leave(store);
    store->log_gaps = store->scratch != NULL && recovery.damaged > 0;
    if (code == ERR_NONE && recovery.sealed > 0) {
        code = db_write(store, recovery.batch, true, err);
    }
    if (code == ERR_NONE) {
        report(&recovery);
    }
    if (recovery.batch != NULL) {
        rocksdb_writebatch_destroy(recovery.batch);
    }
    return code;
}
