/*
 * book: see book.h.
 */
#include "store/book.h"
#include "base/memory.h"
#include <assert.h>
#include <stdlib.h>

enum { SEGMENT_OPS = BOOK_SEGMENT - 5 };

/* Whole ops only: none lies over two segments. */
struct segment {
    uint32_t next; /* 0 = none */
    uint8_t used;
    uint8_t bytes[SEGMENT_OPS];
};
static_assert(sizeof(struct segment) == BOOK_SEGMENT, "one cache line");

/* The rest of a strand, beside it. */
struct rest {
    uint64_t first_record;  /* log record of the first sample not in a block */
    uint64_t first_bytes;   /* bytes logged in all before it */
    uint32_t head;          /* segment, 0 = none */
    uint32_t before, after; /* neighbours in the list it stands in, strand number + 1 */
};

struct book {
    struct segment *pool; /* [0] unused, so that 0 means none */
    uint32_t pool_count;
    uint32_t fresh;     /* first never used */
    uint32_t free_head; /* given back */
    uint32_t free_count;
    size_t series;
    struct strand *strands; /* [series] in order, then [series] late; untouched pages cost nothing */
    void *strands_memory;   /* where they stand, at the next whole cache line */
    struct rest *rests;     /* [strand] */
    uint32_t first[STRAND_LISTS], last[STRAND_LISTS]; /* strand number + 1 */
    size_t open;
};

struct book *book_new(size_t pool_bytes)
{
    struct book *const book = memory_new(1, sizeof *book);
    book->pool_count = (uint32_t)(pool_bytes / BOOK_SEGMENT) + 1;
    book->pool = memory_map(book->pool_count * sizeof *book->pool);
    book->fresh = 1;
    return book;
}

void book_free(struct book *book)
{
    if (book != NULL) {
        memory_unmap(book->pool, book->pool_count * sizeof *book->pool);
        free(book->strands_memory);
        free(book->rests);
        free(book);
    }
}

size_t book_series(const struct book *book)
{
    return book->series;
}

/* A strand's number: in order below `series`, late above; its list neighbours are told by it. */
static uint32_t number_of(const struct book *book, const struct strand *strand)
{
    return (uint32_t)(strand - book->strands) + 1;
}

static struct strand *strand_at(const struct book *book, uint32_t number)
{
    return number == 0 ? NULL : &book->strands[number - 1];
}

static struct rest *rest_of(const struct book *book, const struct strand *strand)
{
    return &book->rests[strand - book->strands];
}

uint32_t book_series_of(const struct book *book, const struct strand *strand)
{
    const size_t index = (size_t)(strand - book->strands);
    return (uint32_t)(index < book->series ? index : index - book->series);
}

static uint32_t renumber(uint32_t number, size_t old_series, size_t new_series)
{
    return number > old_series ? (uint32_t)(number - old_series + new_series) : number;
}

static void begin_strands(struct strand *strands, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        strands[i].kept_span = STRAND_NOT_KEPT;
    }
}

/* Moves what there is to new places: those in order stay first, the late ones move up. */
static void move(const struct book *book, size_t count, struct strand *strands, struct rest *rests)
{
    const size_t old = book->series;
    memcpy(strands, book->strands, old * sizeof *strands);
    memcpy(strands + count, book->strands + old, old * sizeof *strands);
    memcpy(rests, book->rests, old * sizeof *rests);
    memcpy(rests + count, book->rests + old, old * sizeof *rests);
    for (size_t i = 0; i < old; i++) {
        struct rest *const both[2] = {&rests[i], &rests[count + i]};
        for (int j = 0; j < 2; j++) {
            both[j]->before = renumber(both[j]->before, old, count);
            both[j]->after = renumber(both[j]->after, old, count);
        }
    }
}

static struct strand *align_up(void *memory)
{
    const uintptr_t line = _Alignof(struct strand);
    return (struct strand *)(((uintptr_t)memory + line - 1) / line * line);
}

void book_grow(struct book *book, size_t count)
{
    if (count <= book->series) {
        return;
    }
    const size_t old = book->series;
    void *const memory = memory_new(2 * count + 1, sizeof(struct strand)); /* zeros that no page was taken for yet */
    struct strand *const strands = align_up(memory);
    struct rest *const rests = memory_new(2 * count, sizeof *rests);
    if (old > 0) {
        move(book, count, strands, rests);
    }
    begin_strands(strands, old, count);
    for (int list = 0; list < STRAND_LISTS; list++) {
        book->first[list] = renumber(book->first[list], old, count);
        book->last[list] = renumber(book->last[list], old, count);
    }
    free(book->strands_memory);
    free(book->rests);
    book->strands_memory = memory;
    book->rests = rests;
    book->strands = strands;
    book->series = count;
}

/* The late strand is set up when it is first wanted: most series never have one. */
static struct strand *strand_of(struct book *book, uint32_t series, bool late)
{
    if (!late) {
        return &book->strands[series];
    }
    struct strand *const strand = &book->strands[book->series + series];
    if (!strand->late) {
        *strand = (struct strand){.late = true, .kept_span = STRAND_NOT_KEPT};
    }
    return strand;
}

struct strand *book_place(struct book *book, uint32_t series, struct store_row *row)
{
    const struct strand *const order = &book->strands[series];
    const bool rises = !order->top_known || row->time_ns > order->top_ns;
    const bool history = (row->status & PLACE_HISTORY) != 0;
    const bool ahead = rises && (history || (row->status & ST_SKEW) != 0);
    if (ahead) {
        row->status |= PLACE_AHEAD;
    }
    return strand_of(book, series, ahead || !rises);
}

void book_set_top(struct book *book, uint32_t series, int64_t top_ns)
{
    struct strand *const strand = &book->strands[series];
    if (!strand->top_known || top_ns > strand->top_ns) {
        strand->top_ns = top_ns;
        strand->top_known = true;
    }
}

bool book_top(const struct book *book, uint32_t series, int64_t *ret_top_ns)
{
    *ret_top_ns = book->strands[series].top_ns;
    return book->strands[series].top_known;
}

/* ---- lists --------------------------------------------------------------------------------------------------------
 */

static void list_take(struct book *book, struct strand *strand)
{
    if (strand->list == STRAND_IDLE) {
        return;
    }
    struct rest *const rest = rest_of(book, strand);
    struct strand *const before = strand_at(book, rest->before);
    struct strand *const after = strand_at(book, rest->after);
    *(before != NULL ? &rest_of(book, before)->after : &book->first[strand->list]) = rest->after;
    *(after != NULL ? &rest_of(book, after)->before : &book->last[strand->list]) = rest->before;
    rest->before = rest->after = 0;
    strand->list = STRAND_IDLE;
}

static void list_add(struct book *book, struct strand *strand, enum strand_list list)
{
    list_take(book, strand);
    struct strand *const last = strand_at(book, book->last[list]);
    rest_of(book, strand)->before = book->last[list];
    *(last != NULL ? &rest_of(book, last)->after : &book->first[list]) = number_of(book, strand);
    book->last[list] = number_of(book, strand);
    strand->list = list & 3U;
}

struct strand *book_first(struct book *book, enum strand_list list)
{
    return strand_at(book, book->first[list]);
}

uint64_t book_low(const struct book *book, uint64_t next)
{
    const struct strand *const first = strand_at(book, book->first[STRAND_LIVE]);
    return first == NULL ? next : rest_of(book, first)->first_record;
}

uint64_t book_held(const struct book *book, uint64_t logged_bytes)
{
    const struct strand *const first = strand_at(book, book->first[STRAND_LIVE]);
    return first == NULL ? 0 : logged_bytes - rest_of(book, first)->first_bytes;
}

size_t book_open_strands(const struct book *book)
{
    return book->open;
}

/* ---- pool ---------------------------------------------------------------------------------------------------------
 */

size_t book_pool_used(const struct book *book)
{
    return (size_t)(book->fresh - 1 - book->free_count) * BOOK_SEGMENT;
}

bool book_has_room(const struct book *book)
{
    return book->free_head != 0 || book->fresh < book->pool_count;
}

static uint32_t segment_take(struct book *book)
{
    uint32_t number = book->free_head;
    if (number != 0) {
        book->free_head = book->pool[number].next;
        book->free_count--;
    } else {
        assert(book->fresh < book->pool_count); /* callers ask book_has_room */
        number = book->fresh++;
    }
    book->pool[number].next = 0;
    book->pool[number].used = 0;
    return number;
}

/* Puts an op into the last segment of the strand, or into a new one. */
static void pool_put(struct book *book, struct strand *strand, const struct op *op)
{
    struct segment *segment = &book->pool[strand->tail];
    size_t room = SEGMENT_OPS - segment->used;
    if (strand->tail == 0 || op->len > room) {
        const uint32_t number = segment_take(book);
        *(strand->tail == 0 ? &rest_of(book, strand)->head : &segment->next) = number;
        strand->tail = number;
        segment = &book->pool[number];
        room = SEGMENT_OPS;
    }
    uint8_t *const to = segment->bytes + segment->used;
    if (op->len <= OP_WORD && room >= OP_WORD) {
        word_store(to, op->word);
    } else if (op->len <= OP_WORD) {
        for (size_t i = 0; i < op->len; i++) {
            to[i] = (uint8_t)(op->word >> 8 * i);
        }
    } else {
        memcpy(to, op->bytes, op->len);
    }
    segment->used = (uint8_t)(segment->used + op->len);
}

/* ---- samples ------------------------------------------------------------------------------------------------------
 */

/* Enters a strand in the list when this sample is its first in the log. */
static void begin(struct book *book, struct strand *strand, uint64_t record, uint64_t logged_bytes)
{
    if (strand->count == 0) {
        book->open++;
    }
    if (strand->list != STRAND_LIVE) {
        rest_of(book, strand)->first_record = record;
        rest_of(book, strand)->first_bytes = logged_bytes;
        list_add(book, strand, STRAND_LIVE);
    }
}

void book_append(struct book *book, struct strand *strand, const struct store_row *row, uint64_t record,
                 uint64_t logged_bytes, struct op *ret_op)
{
    assert(strand->count < BOOK_BLOCK_ROWS);
    const bool full = strand->list != STRAND_LIVE;
    op_encode(&strand->state, row, full, strand->late, ret_op);
    if (full) {
        begin(book, strand, record, logged_bytes);
    }
    pool_put(book, strand, ret_op);
    strand->count++;
    if (!strand->late) {
        strand->top_ns = row->time_ns;
        strand->top_known = true;
    }
}

void book_expect(const struct book *book, uint32_t series)
{
    __builtin_prefetch(&book->strands[series], 1);
}

void book_expect_soon(const struct book *book, uint32_t series)
{
    __builtin_prefetch(&book->pool[book->strands[series].tail], 1);
}

enum book_restored book_restore(struct book *book, uint32_t series, uint8_t tag, struct cursor *op, uint64_t record,
                                uint64_t logged_bytes, struct store_row *ret_row)
{
    struct strand *const strand = strand_of(book, series, (tag & OP_LATE) != 0);
    const uint8_t *const parts = op->at;
    if (strand->list != STRAND_LIVE && (tag & OP_TIME) != OP_TIME_FULL) {
        return BOOK_PASSED_OVER;
    }
    if (strand->count >= BOOK_BLOCK_ROWS || !book_has_room(book)) {
        return BOOK_REFUSED;
    }
    op_decode(&strand->state, tag, op, ret_row);
    if (op->bad || op->at - parts >= OP_BYTES_MAX) {
        return BOOK_REFUSED;
    }
    begin(book, strand, record, logged_bytes);
    struct op whole = {.len = (size_t)(op->at - parts) + 1, .bytes = {(uint8_t)(tag & ~OP_SERIES)}};
    memcpy(whole.bytes + 1, parts, whole.len - 1);
    op_fold(&whole);
    pool_put(book, strand, &whole);
    strand->count++;
    if (!strand->late) {
        book_set_top(book, series, ret_row->time_ns);
    }
    return BOOK_RESTORED;
}

void book_restore_end(struct book *book, uint32_t series, bool late)
{
    book_clear(book, strand_of(book, series, late));
}

const struct strand *book_strand(const struct book *book, uint32_t series, bool late)
{
    if (series >= book->series) {
        return NULL;
    }
    const struct strand *const strand = &book->strands[(late ? book->series : 0) + series];
    return strand->count == 0 ? NULL : strand;
}

const uint8_t *book_ops(const struct book *book, const struct strand *strand, uint32_t *at, size_t *ret_len)
{
    const uint32_t number = *at == 0 ? rest_of(book, strand)->head : book->pool[*at].next;
    if (number == 0) {
        return NULL;
    }
    const struct segment *const segment = &book->pool[number];
    __builtin_prefetch(&book->pool[segment->next]);
    *at = number;
    *ret_len = segment->used;
    return segment->bytes;
}

size_t book_rows(const struct book *book, const struct strand *strand, struct store_row ret_rows[BOOK_BLOCK_ROWS])
{
    struct op_state state = {.scale = OP_NO_SCALE};
    size_t count = 0;
    size_t len;
    uint32_t at = 0;
    for (const uint8_t *ops; (ops = book_ops(book, strand, &at, &len)) != NULL;) {
        struct cursor cursor = cursor_over(ops, len);
        while (cursor_left(&cursor) > 0 && count < BOOK_BLOCK_ROWS) {
            const uint8_t tag = cursor_u8(&cursor);
            op_decode(&state, tag, &cursor, &ret_rows[count++]);
        }
    }
    return count;
}

void book_clear(struct book *book, struct strand *strand)
{
    struct rest *const rest = rest_of(book, strand);
    if (rest->head != 0) {
        uint32_t count = 1;
        for (uint32_t at = rest->head; at != strand->tail; at = book->pool[at].next) {
            count++;
        }
        book->pool[strand->tail].next = book->free_head;
        book->free_head = rest->head;
        book->free_count += count;
    }
    list_take(book, strand);
    book->open -= strand->count > 0;
    rest->head = strand->tail = 0;
    strand->count = 0;
    strand->kept_span = STRAND_NOT_KEPT;
}

void book_keep(struct book *book, struct strand *strand, uint8_t span)
{
    strand->kept_span = span;
    list_add(book, strand, STRAND_KEPT);
}
