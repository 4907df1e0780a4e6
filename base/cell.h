/*
 * cell: single numbers that one thread writes and any thread may read.
 *
 * The only atomics outside ring, doorbell and counter.  A plain cell carries a
 * 64-bit value with release/acquire order; a latch is a seqlock over a small
 * struct: the writer never waits, a reader retries until it saw a whole one.
 */
#ifndef DAVY_BASE_CELL_H
#define DAVY_BASE_CELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cell {
    _Atomic uint64_t value;
};

/* one writer: everything written before is seen by who reads this value with cell_get. */
static inline void cell_set(struct cell *cell, uint64_t value)
{
    atomic_store_explicit(&cell->value, value, memory_order_release); /* pairs with the acquire in cell_get */
}

static inline uint64_t cell_get(const struct cell *cell)
{
    return atomic_load_explicit(&cell->value, memory_order_acquire); /* pairs with the release in cell_set */
}

/* A value of five 64-bit words kept whole by a sequence count; words are atomics, so a torn read is seen and retried,
 * never a data race. */
enum { LATCH_WORDS = 5 };
struct latch {
    _Atomic uint64_t seq; /* odd while being written */
    _Atomic uint64_t words[LATCH_WORDS];
};

void latch_write(struct latch *latch, const uint64_t words[LATCH_WORDS]);    /* the one writer */
void latch_read(const struct latch *latch, uint64_t ret_words[LATCH_WORDS]); /* any thread; zeros before the first */

#endif
