/*
 * sweep: see sweep.h.
 *
 * A sweep goes over the blocks of a series in the order of their start.  Rows of the
 * block just read go into `pending`; everything before the start of the next
 * block is complete then, and is given out.  Blocks in order of time follow one
 * another, so `pending` holds one block; only where late blocks overlap them
 * does it hold more.
 *
 *   blocks      |--- in order ---|--- in order ---|
 *                      |------ late ------|
 *   given out   ───────► up to the start of the next block
 *
 * Should so many blocks overlap that `pending` would overflow, its later half
 * is thrown away, and once the rest was given out the sweep begins again from
 * there.
 *
 * The open samples, if there are any, are taken as two more blocks.
 *
 * Of rows of one time the last written counts, see book.h: ahead, in order,
 * late; among late ones the later block, within a block the later row.
 */
#include "store/sweep.h"
#include "base/memory.h"
#include "store/blocks.h"
#include "store/chunk.h"
#include <stdlib.h>

enum { PENDING_MAX = 16 * CHUNK_ROWS_MAX };

struct pending_row {
    struct store_row row;
    uint64_t order; /* of its block; open samples come last */
    uint32_t place; /* within it */
    uint8_t rank;
};

struct sweep {
    struct store *store;
    const rocksdb_snapshot_t *snapshot;
    uint32_t series;
    int64_t from_ns, to_ns; /* of this round: [from, to) */
    store_row_fn *fn;
    void *self;
    bool stopped;        /* fn has said so */
    size_t damaged;      /* blocks passed over */
    bool sorted;         /* pending rises by time, each time once */
    size_t count, given; /* pending[given .. count) */
    struct pending_row pending[PENDING_MAX];
    const struct open_rows *open; /* NULL: none */
    bool open_taken[2];    /* in this round */
    struct chunk_scratch scratch;
    struct store_row rows[CHUNK_ROWS_MAX];
    struct blocks blocks;
};

/* ---- pending ------------------------------------------------------------------------------------------------------
 */

static int compare(const void *a, const void *b)
{
    const struct pending_row *const x = a;
    const struct pending_row *const y = b;
    if (x->row.time_ns != y->row.time_ns) {
        return x->row.time_ns < y->row.time_ns ? -1 : 1;
    }
    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    if (x->order != y->order) {
        return x->order < y->order ? -1 : 1;
    }
    return x->place < y->place ? -1 : x->place > y->place;
}

/* Sorts, and keeps of each time the last written. */
static void settle(struct sweep *sweep)
{
    struct pending_row *const rows = sweep->pending;
    if (!sweep->sorted) {
        qsort(rows + sweep->given, sweep->count - sweep->given, sizeof *rows, compare);
    }
    size_t kept = 0;
    for (size_t i = sweep->given; i < sweep->count; i++) {
        kept -= kept > 0 && rows[kept - 1].row.time_ns == rows[i].row.time_ns;
        rows[kept++] = rows[i];
    }
    sweep->given = 0;
    sweep->count = kept;
    sweep->sorted = true;
}

/* Throws the later half away and ends this round before it. */
static void overflow(struct sweep *sweep)
{
    settle(sweep);
    if (sweep->count > PENDING_MAX / 2) {
        sweep->to_ns = sweep->pending[PENDING_MAX / 2].row.time_ns;
        sweep->count = PENDING_MAX / 2;
    }
}

static void add(struct sweep *sweep, const struct store_row *row, bool late, uint64_t order, size_t place)
{
    if (row->time_ns < sweep->from_ns || row->time_ns >= sweep->to_ns) {
        return;
    }
    if (sweep->count == PENDING_MAX) {
        overflow(sweep);
        if (row->time_ns >= sweep->to_ns) {
            return;
        }
    }
    struct pending_row *const last = sweep->count > sweep->given ? &sweep->pending[sweep->count - 1] : NULL;
    sweep->sorted = (last == NULL || sweep->sorted) && (last == NULL || last->row.time_ns < row->time_ns);
    sweep->pending[sweep->count++] = (struct pending_row){
        .row = *row,
        .order = order,
        .place = (uint32_t)place,
        .rank = (row->status & PLACE_AHEAD) != 0 ? 0
                : late                           ? 2
                                                 : 1,
    };
}

/* Gives out everything before `before_ns`; with `all` everything. */
static void give(struct sweep *sweep, int64_t before_ns, bool all)
{
    if (!sweep->sorted) {
        settle(sweep);
    }
    while (!sweep->stopped && sweep->given < sweep->count) {
        struct store_row row = sweep->pending[sweep->given].row;
        if (!all && row.time_ns >= before_ns) {
            break;
        }
        row.imported = (row.status & PLACE_IMPORTED) != 0;
        row.status &= (uint16_t)~PLACE_BITS;
        sweep->given++;
        sweep->stopped = !sweep->fn(sweep->self, &row);
    }
    if (sweep->given == sweep->count) {
        sweep->given = sweep->count = 0;
    } else if (sweep->count > PENDING_MAX - CHUNK_ROWS_MAX) {
        settle(sweep); /* moves the rest to the front */
    }
}

/* ---- open samples -------------------------------------------------------------------------------------------------
 */

/* The strand of open samples that begins next, no later than before_ns; -1 when there is none. */
static int next_open(const struct sweep *sweep, int64_t before_ns)
{
    int next = -1;
    for (int late = 0; late < 2; late++) {
        if (sweep->open != NULL && sweep->open->count[late] > 0 && !sweep->open_taken[late] &&
            sweep->open->rows[late][0].time_ns <= before_ns) {
            next = late;
            before_ns = sweep->open->rows[late][0].time_ns;
        }
    }
    return next;
}

static void add_open(struct sweep *sweep, int late)
{
    give(sweep, sweep->open->rows[late][0].time_ns, false);
    for (size_t i = 0; i < sweep->open->count[late]; i++) {
        add(sweep, &sweep->open->rows[late][i], late == 1, UINT64_MAX, i);
    }
    sweep->open_taken[late] = true;
}

/* ---- the sweep ----------------------------------------------------------------------------------------------------
 */

/* A damaged block is passed over: what can still be read is given, and the end of the call tells. */
static void add_block(struct sweep *sweep, const struct block_ref *block)
{
    struct chunk_head head;
    if (!chunk_decode(sweep->series, block->bytes, block->len, &sweep->scratch, &head, sweep->rows)) {
        sweep->damaged++;
        return;
    }
    for (size_t i = 0; i < head.count; i++) {
        add(sweep, &sweep->rows[i], head.late, block->key.order, i);
    }
}

/* Gives out [from, to), or less of it: then sweep->to_ns says up to where. */
static enum err_code one_round(struct sweep *sweep, struct err *err)
{
    sweep->count = sweep->given = 0;
    sweep->sorted = true;
    sweep->open_taken[0] = sweep->open_taken[1] = false;
    blocks_begin(&sweep->blocks, sweep->store, sweep->snapshot, sweep->series, sweep->from_ns);
    for (struct block_ref block; !sweep->stopped && blocks_peek(&sweep->blocks, &block);) {
        if (block.key.start_ns >= sweep->to_ns) {
            break;
        }
        for (int late; (late = next_open(sweep, block.key.start_ns)) >= 0;) {
            add_open(sweep, late);
        }
        give(sweep, block.key.start_ns, false);
        add_block(sweep, &block);
        blocks_next(&sweep->blocks);
    }
    const enum err_code code = blocks_end(&sweep->blocks, err);
    for (int late; (late = next_open(sweep, INT64_MAX)) >= 0;) {
        add_open(sweep, late);
    }
    if (code == ERR_NONE) {
        give(sweep, 0, true);
    }
    return code;
}

static enum err_code sweep_all(struct sweep *sweep, struct err *err)
{
    const int64_t to_ns = sweep->to_ns;
    enum err_code code = ERR_NONE;
    while (code == ERR_NONE && !sweep->stopped && sweep->from_ns < to_ns) {
        sweep->to_ns = to_ns;
        code = one_round(sweep, err);
        sweep->from_ns = sweep->to_ns;
    }
    return code;
}

enum err_code sweep_end(const struct sweep *sweep, struct err *err)
{
    return sweep->damaged == 0
               ? ERR_NONE
               : err_set(err, ERR_ENV, "%s: %zu damaged blocks were passed over; davy verify tells more",
                         sweep->store->path, sweep->damaged);
}

struct sweep *sweep_new(void)
{
    return memory_new(1, sizeof(struct sweep));
}

void sweep_free(struct sweep *sweep)
{
    free(sweep);
}

enum err_code sweep_read(struct sweep *sweep, const struct sweep_view *view, int64_t from_ns, int64_t to_ns,
                         store_row_fn *fn, void *self, struct err *err)
{
    sweep->store = view->store;
    sweep->snapshot = view->snapshot;
    sweep->series = view->series;
    sweep->open = view->open;
    sweep->from_ns = from_ns;
    sweep->to_ns = to_ns;
    sweep->fn = fn;
    sweep->self = self;
    sweep->stopped = false;
    return sweep_all(sweep, err);
}
