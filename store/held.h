/*
 * held: samples as they lie in memory while their block is open.
 *
 * They are ops as in the log (op.h), but the two commonest forms take less:
 *
 *   0 …          the op as in the log, without series and without bit 6 (late):
 *                a strand is of one kind
 *   10 step      all as expected but the whole number, which changed by a little:
 *                zigzag in six bits
 *   11 count-1   so many samples as expected, the value the same, up to 64
 *
 * A quiet sensor that is asked every second so takes half a byte a sample.
 *
 * Pure.
 */
#ifndef DAVY_STORE_HELD_H
#define DAVY_STORE_HELD_H

#include "store/op.h"

enum { HELD_STEP = 0x80, HELD_RUN = 0xc0, HELD_KIND = 0xc0, HELD_NUMBER = 0x3f, HELD_RUN_MOST = 64 };

/* True when nothing but "one more" is to be said. */
static inline bool held_is_again(const struct op *op)
{
    return op->len == 1 && (op->words[0] & ~(uint64_t)OP_LATE) == 0;
}

/* The bytes of an op of at most OP_WORDS as words; gives how many there are. */
static inline size_t held_words(const struct op *op, uint64_t ret_words[2])
{
    const uint64_t word = op->words[0] & ~(uint64_t)OP_LATE;
    const bool little = op->len == 2 && (word & ((uint64_t)HELD_KIND << 8 | 0xff)) == OP_VALUE_STEP;
    ret_words[0] = little ? HELD_STEP | word >> 8 : word;
    ret_words[1] = op->words[1];
    return little ? 1 : op->len;
}

#endif
