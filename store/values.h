/*
 * values: the values of a block as bytes: scaled whole numbers, XOR or plain,
 * whichever is smallest (see chunk.h for the bytes).
 */
#ifndef DAVY_STORE_VALUES_H
#define DAVY_STORE_VALUES_H

#include "store/chunk.h"

enum values_kind { VALUES_SCALED, VALUES_XOR, VALUES_PLAIN, VALUES_KINDS };

/* Writes the values of n rows; says how.  Gives the first byte behind them. */
uint8_t *values_encode(uint8_t *to, const struct store_row *rows, size_t n, struct chunk_scratch *scratch,
                       enum values_kind *ret_kind);

/* The same for values known to be k / 10^scale, all of them; k is used up. */
uint8_t *values_encode_scaled(uint8_t *to, int64_t *k, unsigned scale, size_t n, uint64_t *residuals);
/* True when so many bytes for n scaled values are few enough that XOR need not be tried. */
static inline bool values_short(ptrdiff_t bytes, size_t n)
{
    return (size_t)bytes < 3 * n + 16;
}

/* Reads them into the rows; false when the bytes cannot be values of this kind. */
bool values_decode(struct cursor *cursor, enum values_kind kind, size_t n, struct chunk_scratch *scratch,
                   struct store_row *rows);

#endif
