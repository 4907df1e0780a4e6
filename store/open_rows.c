/*
 * open_rows: see open_rows.h.
 */
#include "store/open_rows.h"
#include "store/log_walk.h"
#include "store/recover.h"
#include "store/seal.h"
#include <time.h>

enum { WAITS = 20, WAIT_NS = 250000 }; /* 5 ms for a batch that is on its way */

/* ---- from the book ------------------------------------------------------------------------------------------------
 */

static void take_from_book(const struct book *book, uint32_t series, struct open_rows *rows)
{
    for (int late = 0; late < 2; late++) {
        const struct strand *const strand = book_strand(book, series, late == 1);
        rows->count[late] = strand == NULL ? 0 : book_rows(book, strand, rows->rows[late]);
    }
}

/* ---- from the log -------------------------------------------------------------------------------------------------
 */

struct search {
    uint32_t series;
    struct open_rows *rows;
    struct op_state states[2];
    bool live[2];
    bool gaps;
};

static void take_op(void *self, uint64_t record, uint64_t logged_bytes, const struct record_op *op)
{
    (void)record; /* only the writer needs to know where its strands begin */
    (void)logged_bytes;
    struct search *const search = self;
    if (op->series != search->series) {
        return;
    }
    const bool late = (op->tag & OP_LATE) != 0;
    size_t *const count = &search->rows->count[late];
    if (op_is_end(op->tag)) {
        search->live[late] = false;
        *count = 0;
        return;
    }
    if ((op->tag & OP_TIME) == OP_TIME_FULL) {
        search->live[late] = true;
    }
    if (search->live[late] && *count < BOOK_BLOCK_ROWS) {
        struct cursor parts = op->parts;
        op_decode(&search->states[late], op->tag, &parts, &search->rows->rows[late][(*count)++]);
    }
}

static void take_gap(void *self, uint64_t record)
{
    (void)record; /* what came before it is still good */
    struct search *const search = self;
    search->live[0] = search->live[1] = false;
    search->gaps = true;
}

static enum err_code take_from_log(struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series,
                                   struct open_rows *rows, struct err *err)
{
    static const struct log_walk_fns fns = {.op = take_op, .gap = take_gap};
    struct search search = {.series = series, .rows = rows};
    uint64_t low;
    uint64_t next;
    rows->count[0] = rows->count[1] = 0;
    const enum err_code code = log_walk(store, snapshot, &fns, &search, &low, &next, err);
    rows->gaps = search.gaps && store->scratch != NULL; /* the one that writes has saved what there was */
    return code;
}

/* ---- which of them ------------------------------------------------------------------------------------------------
 */

enum err_code open_rows_load(struct store *store, struct err *err)
{
    if (store->scratch == NULL) {
        return ERR_NONE; /* loaded by store_open, kept by the writer */
    }
    (void)pthread_mutex_lock(&store->loading); /* fails only on misuse */
    enum err_code code = ERR_NONE;
    if (cell_get(&store->loaded) == 0) {
        store->book = store->book == NULL ? book_new(BOOK_POOL_BYTES) : store->book;
        code = recover(store, err);
        cell_set(&store->loaded, code == ERR_NONE);
    }
    (void)pthread_mutex_unlock(&store->loading);
    return code;
}

enum err_code open_rows_prepare(struct store *store, struct err *err)
{
    if (store->scratch == NULL) {
        return ERR_NONE;
    }
    (void)pthread_mutex_lock(&store->loading);
    const bool again = store->read_before;
    store->read_before = true;
    (void)pthread_mutex_unlock(&store->loading);
    return again ? open_rows_load(store, err) : ERR_NONE;
}

/* Takes the lock if the book may be read; false when a batch with blocks is on its way. */
static bool try_lock_book(struct store *store)
{
    (void)pthread_mutex_lock(&store->settling); /* fails only on misuse */
    if (!store->settled) {
        (void)pthread_mutex_unlock(&store->settling);
        return false;
    }
    return true;
}

/* True when the book may be read.  A reader's stays as it was loaded; the writer's by the lock, so that no batch can be
 * gathered meanwhile.  One with blocks is written in a moment, which is shorter than reading the log; and what was seen
 * in the book before is seen again. */
static bool lock_book(struct store *store)
{
    static const struct timespec pause = {.tv_nsec = WAIT_NS};
    if (store->scratch != NULL) {
        return cell_get(&store->loaded) != 0;
    }
    for (int i = 0; i < WAITS; i++) {
        if (try_lock_book(store)) {
            return true;
        }
        (void)nanosleep(&pause, NULL); /* woken early it only looks again */
    }
    return try_lock_book(store);
}

static void unlock_book(struct store *store)
{
    if (store->scratch == NULL) {
        (void)pthread_mutex_unlock(&store->settling);
    }
}

enum err_code open_rows_take(struct store *store, uint32_t series, struct open_rows *ret_rows,
                             const rocksdb_snapshot_t **ret_snapshot, struct err *err)
{
    enum err_code code = ERR_NONE;
    const rocksdb_snapshot_t *snapshot;
    if (lock_book(store)) {
        snapshot = db_snapshot(store);
        take_from_book(store->book, series, ret_rows);
        ret_rows->gaps = store->log_gaps;
        unlock_book(store);
    } else {
        snapshot = db_snapshot(store);
        code = take_from_log(store, snapshot, series, ret_rows, err);
    }
    ret_rows->count[1] = seal_sort(ret_rows->rows[1], ret_rows->count[1]);
    if (code == ERR_NONE) {
        *ret_snapshot = snapshot;
    } else {
        db_snapshot_release(store, snapshot);
    }
    return code;
}

bool open_rows_newest(struct store *store, uint32_t series, struct board_entry *ret_entry)
{
    if (store->scratch != NULL) {
        return newest_entry(store->book, &store->lasts, series, ret_entry);
    }
    (void)pthread_mutex_lock(&store->settling); /* fails only on misuse */
    const bool found = newest_entry(store->book, &store->lasts, series, ret_entry);
    (void)pthread_mutex_unlock(&store->settling);
    return found;
}
