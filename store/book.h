/*
 * book: the open blocks of all series, in memory.
 *
 * Each series has up to two strands: samples in rising order of time, and
 * samples that came late (or are far ahead, see place).  It holds its samples
 * as ops (held.h), so an open one costs half a byte to eight bytes, not 32.  The
 * newest of them stand in the strand itself; when its room is used up they move
 * as a whole to a segment of a pool with a bound (pool.h).
 *
 *   rest ──► [next, used | ops] ──► [next, used | ops] ──► … ──► strand: ops
 *
 * So an ordinary sample touches two cache lines side by side, however many
 * thousand series there are.
 *
 * Strands that have begun stand in a list in the order of the log record they
 * began in: its head says which records must be kept ("low").  A strand whose
 * samples were written to a block before it was full ("kept": so that the log
 * can be cut) leaves that list for a second one, keeps its samples, and its
 * block is written again, longer, when it is full.
 *
 * Which of two samples of one time was written last?  A sample in order is the
 * first of its time, as no time before it was as large; a late one was written
 * after it.  A sample far ahead of the clock (status skew) would break this and
 * is put among the late ones with the mark PLACE_AHEAD: written before what
 * comes in order at that time.  The same holds for imported samples, which must
 * not move what is in order.
 *
 * Pure book-keeping: no database, no clock.  Threads: the writer's, and before
 * that the one that opens the store.  Memory: all at book_new and book_grow;
 * pages are touched as they are needed.
 */
#ifndef DAVY_STORE_BOOK_H
#define DAVY_STORE_BOOK_H

#include "store/held.h"
#include "store/pool.h"
#include <assert.h>

enum {
    BOOK_BLOCK_ROWS = 512,              /* a strand is full */
    BOOK_POOL_BYTES = 128 * 1024 * 1024 /* of a store's book */
};

/* Bits of the status as stored, above those of a sample; never given out. */
enum {
    PLACE_IMPORTED = 1 << 12, /* did not come from the field */
    PLACE_HISTORY = 1 << 13,  /* imported, or came as late: stands among the late ones, never the newest reading */
    PLACE_AHEAD = 1 << 14,    /* far ahead of the clock when written; loses against a sample in order */
    PLACE_BELOW = 1 << 15,    /* ST_RANGE because it was below the range: no good value */
    PLACE_BITS = PLACE_IMPORTED | PLACE_HISTORY | PLACE_AHEAD | PLACE_BELOW
};

/* Where the newest reading of a series is told (newest.h). */
enum newest { NEWEST_NONE, NEWEST_FOLLOWS, NEWEST_APART };

/* Two cache lines: all that an ordinary sample touches.  What is needed at a strand's beginning and end stands
 * elsewhere (book.c). */
struct strand {
    _Alignas(64) struct op_state state; /* after the last sample */
    int64_t top_ns;                     /* in order: the largest time so far */
    uint32_t tail;                      /* last segment, 0 = none */
    uint16_t count;                     /* samples */
    uint8_t used;                       /* bytes of ops */
    uint8_t kept;                       /* class of the block already written, and 1; 0: none */
    uint8_t list : 2;                   /* enum strand_list */
    uint8_t newest : 2;                 /* in order: enum newest */
    bool late : 1;                      /* const */
    bool top_known : 1;                 /* in order: there was a sample */
    bool runs : 1;                      /* the last op is a run, which may become longer */
    uint8_t ops[POOL_SEGMENT_BYTES];
};
static_assert(sizeof(struct strand) == 128, "two cache lines");
enum strand_list { STRAND_IDLE, STRAND_LIVE, STRAND_KEPT, STRAND_LISTS };

struct book;
struct book *book_new(size_t pool_bytes);
void book_free(struct book *book);
/* Makes room for series 0 .. count - 1.  Only while nobody else uses the book. */
void book_grow(struct book *book, size_t count);
size_t book_series(const struct book *book);

/* The strand in order of a series, whether it has samples or not. */
struct strand *book_order(const struct book *book, uint32_t series);
/* Gives the strand a sample belongs to, and sets PLACE_AHEAD in the row when it is one. */
struct strand *book_place(struct book *book, uint32_t series, struct store_row *row);
/* Sets how far the series is in order, as its last block says (loading). */
void book_set_top(struct book *book, uint32_t series, int64_t top_ns);
/* The largest time in order so far; false before the first. */
bool book_top(const struct book *book, uint32_t series, int64_t *ret_top_ns);

/* True when the pool has room for one more op. */
bool book_has_room(const struct book *book);
/* Appends a sample (there must be room, the strand not full) received in `record`; gives its op. */
void book_append(struct book *book, struct strand *strand, const struct store_row *row, uint64_t record,
                 uint64_t logged_bytes, struct op *ret_op);
/* A sample of the series comes soon: fetches what it will touch. */
void book_expect(const struct book *book, uint32_t series);
/* The same from the log, the op as it stands there.  An op whose predecessors are in a block already is passed over. */
enum book_restored { BOOK_RESTORED, BOOK_PASSED_OVER, BOOK_REFUSED };
enum book_restored book_restore(struct book *book, uint32_t series, uint8_t tag, struct cursor *op, uint64_t record,
                                uint64_t logged_bytes, struct store_row *ret_row);
/* The log says that the strand ended. */
void book_restore_end(struct book *book, uint32_t series, bool late);

/* The series a strand is of. */
uint32_t book_series_of(const struct book *book, const struct strand *strand);

/* The strand of a series when it has samples, else NULL. */
const struct strand *book_strand(const struct book *book, uint32_t series, bool late);
/* Gives the ops of a strand (held.h) piece by piece, whole ops each; *at is 0 at first.  NULL at the end. */
const uint8_t *book_ops(const struct book *book, const struct strand *strand, uint32_t *at, size_t *ret_len);
/* Decodes all samples of a strand in the order they came. */
size_t book_rows(const struct book *book, const struct strand *strand, struct store_row ret_rows[BOOK_BLOCK_ROWS]);
/* Its samples are in a final block: forgets them. */
void book_clear(struct book *book, struct strand *strand);
/* Its samples are in a block of class `span` that will be written again: the next one begins anew in the log. */
void book_keep(struct book *book, struct strand *strand, uint8_t span);

/* The strand that began first, or was kept first; NULL when there is none. */
struct strand *book_first(struct book *book, enum strand_list list);
/* The first log record that is still needed, `next` when none is. */
uint64_t book_low(const struct book *book, uint64_t next);

/* How many bytes were logged since the strand that began first did. */
uint64_t book_held(const struct book *book, uint64_t logged_bytes);

size_t book_open_strands(const struct book *book);
uint64_t book_open_rows(const struct book *book);
size_t book_pool_used(const struct book *book); /* bytes */

#endif
