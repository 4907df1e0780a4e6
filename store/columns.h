/*
 * columns: the samples of a strand as the columns of a block, without making
 * rows of them first.
 *
 * An ordinary strand tells its values as whole numbers of one power of ten
 * already, and that is what a block of scaled values holds.  So sealing need not
 * turn them into doubles and find the decimals anew.  The block is the same,
 * byte for byte, as the one made from rows (of 32-bit floats: holds the same).
 *
 * Pure; the caller gives the memory.
 */
#ifndef DAVY_STORE_COLUMNS_H
#define DAVY_STORE_COLUMNS_H

#include "store/book.h"

struct columns {
    int64_t times[BOOK_BLOCK_ROWS];
    int64_t lags[BOOK_BLOCK_ROWS]; /* seen - time */
    int64_t k[BOOK_BLOCK_ROWS];    /* value = k / 10^scale */
    size_t count;
    unsigned scale; /* with DECIMAL_F32 or not */
    bool any_lag;
};

/* False when there is a status, or a value that is no decimal: then rows must be made. */
bool columns_take(const struct book *book, const struct strand *strand, struct columns *ret_columns);

#endif
