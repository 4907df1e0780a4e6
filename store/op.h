/*
 * op: one sample as a few bytes, told as the difference to the one before it
 * in the same strand.  So it stands in the recovery log; in memory it is a little
 * shorter still (held.h).
 *
 * A strand is the row of samples of one open block; a series has at most two,
 * one in order of time and one for late samples.
 *
 *   tag   bits 0-1  time: as expected (SAME), off by ns (NS) or by whole ms
 *                   (MS) as zigzag varint, or 8 bytes (FULL: begins a strand)
 *         bit  2    lag (seen - time) changed: zigzag varint of the difference
 *         bit  3    status changed: varint
 *         bits 4-5  value: the same bits (SAME); whole number changed, zigzag
 *                   varint of the difference (STEP); scale 1 byte and whole
 *                   number, zigzag varint (DECIMAL); 8 bytes (RAW)
 *         bit  6    the series' late strand
 *         bit  7    log only: the series number follows the tag
 *   then the parts named, in this order
 *
 * FULL with value SAME is no sample: the strand ends, its samples are in a
 * block.  The first sample of a strand is FULL with value DECIMAL or RAW and
 * stands for itself.
 */
#ifndef DAVY_STORE_OP_H
#define DAVY_STORE_OP_H

#include "store/bytes.h"
#include "store/store.h"

enum {
    OP_TIME = 3,
    OP_TIME_SAME = 0,
    OP_TIME_NS = 1,
    OP_TIME_MS = 2,
    OP_TIME_FULL = 3,
    OP_LAG = 1 << 2,
    OP_STATUS = 1 << 3,
    OP_VALUE = 3 << 4,
    OP_VALUE_SAME = 0 << 4,
    OP_VALUE_STEP = 1 << 4,
    OP_VALUE_DECIMAL = 2 << 4,
    OP_VALUE_RAW = 3 << 4,
    OP_LATE = 1 << 6,
    OP_SERIES = 1 << 7,
    OP_END = OP_TIME_FULL | OP_VALUE_SAME, /* with or without OP_LATE */
    OP_BYTES_MAX = 1 + 10 + 10 + 3 + 11,
    OP_WORDS = 16 /* bytes of an op that travels as words */
};

/* One sample, encoded.  Most take a few bytes only and travel in two words, which go to their places with plain stores:
 * byte by byte it would be copies that wait for one another. */
struct op {
    uint64_t words[2];           /* its bytes, the first one lowest, when there are no more than OP_WORDS */
    size_t len;                  /* in bytes */
    uint8_t bytes[OP_BYTES_MAX]; /* all of them, when there are more */
};

/* What the next sample of a strand is told against. */
struct op_state {
    int64_t time_ns;
    int64_t step_ns; /* the last difference of times */
    int64_t lag_ns;  /* seen - time */
    int64_t k;       /* the last whole number, of `scale` */
    uint64_t bits;   /* the last value */
    uint16_t status;
    uint8_t scale;  /* with DECIMAL_F32 or not; OP_NO_SCALE before the first decimal */
    uint8_t misses; /* encoder only: values in a row without a scale, to stop looking for one */
};
enum { OP_NO_SCALE = 0xff };

/* Encodes a sample and moves the state; `full` when it begins a strand, `late` when it is of a late one (bit 6). */
void op_encode(struct op_state *state, const struct store_row *row, bool full, bool late, struct op *ret_op);

/* Sets the words of an op whose bytes and length are there. */
void op_fold(struct op *op);

/* Writes all of an op but its tag; up to OP_BYTES_MAX bytes may be written, whatever counts of them. */
static inline uint8_t *op_put_parts(uint8_t *to, const struct op *op)
{
    if (op->len <= OP_WORDS) {
        word_store(to, op->words[0] >> 8 | op->words[1] << 56);
        word_store(to + 8, op->words[1] >> 8);
    } else {
        memcpy(to, op->bytes + 1, op->len - 1);
    }
    return to + op->len - 1;
}

static inline uint8_t op_tag(const struct op *op)
{
    return op->len <= OP_WORDS ? (uint8_t)op->words[0] : op->bytes[0];
}

/* Passes over the parts behind a tag; the cursor goes bad when they are not there. */
void op_skip(uint8_t tag, struct cursor *cursor);

/* Reads the parts behind a tag, moves the state and gives the sample.  Not for OP_END. */
void op_decode(struct op_state *state, uint8_t tag, struct cursor *cursor, struct store_row *ret_row);

/* True when the tag says that a strand ends. */
static inline bool op_is_end(uint8_t tag)
{
    return (tag & (OP_TIME | OP_VALUE)) == OP_END;
}

#endif
