/*
 * column: a row of 64-bit integers as few bytes, for times, times of receipt
 * and scaled values alike.
 *
 *   mode   1 byte: predictor (bits 0-1), all residuals zero (bit 2),
 *          power of ten that divides all differences (bits 4-7)
 *   first  zigzag varint, x0
 *   extra  zigzag varint, by predictor: LEVEL the level, LINEAR the first
 *          step, LINE the last number; STEP none
 *   bits   residuals in groups of 32, unless bit 2: six bits k, then each
 *          residual (zigzag) as Rice code with parameter k; k = 63: all zero
 *
 * All arithmetic wraps, so every row of int64 survives, whatever it holds.
 * The encoder tries the four predictors and takes the one with the fewest
 * bits: LEVEL for noise about a mean, STEP for what wanders, LINEAR for what
 * goes evenly (times), LINE for even times with jitter.
 *
 * Pure; the caller gives the scratch memory.
 */
#ifndef DAVY_STORE_COLUMN_H
#define DAVY_STORE_COLUMN_H

#include "store/bytes.h"

enum {
    COLUMN_ROWS_MAX = 4096,
    /* no row of n numbers takes more than COLUMN_HEAD + n * COLUMN_EACH bytes, the encoder's slack included */
    COLUMN_HEAD = 48,
    COLUMN_EACH = 12
};

/* Writes n >= 1 numbers; x is used up.  Gives the first byte behind them. */
uint8_t *column_encode(uint8_t *to, int64_t *x, size_t n, uint64_t *scratch);

/* Reads n >= 1 numbers; false when the bytes cannot be such a column. */
bool column_decode(struct cursor *cursor, size_t n, int64_t *ret_x);

#endif
