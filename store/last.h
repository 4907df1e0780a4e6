/*
 * last: the newest reading of a series, and how it is written.
 *
 * Written to column family series ('l' number) whenever a block of the series is
 * written; what came since is in the log.  So after a start one walk over the
 * records and one over the log give all.  How they are kept in memory: newest.h.
 *
 *   version 1 byte, 1 | time 8 | seen 8 | value 8 | status 2 | good time 8 |
 *   good value 8 | top 8 (largest time in order) | flags 1: bit 0 heard of,
 *   bit 1 good known, bit 2 top known | crc 4, CRC32C over key and all above
 *
 * A reading marked skew counts, for "newest", by its time of receipt.
 *
 * Pure.
 */
#ifndef DAVY_STORE_LAST_H
#define DAVY_STORE_LAST_H

#include "store/store.h"

struct last {
    struct store_row row; /* the newest; status with PLACE_BITS */
    int64_t good_ns;      /* when the last good value was */
    double good;
    int64_t top_ns; /* largest time in order */
    bool heard, good_known, top_known;
};

enum { LAST_BYTES = 1 + 8 + 8 + 8 + 2 + 8 + 8 + 8 + 1 + 4 };

/* True when its value counts as the last good one. */
bool last_is_good(const struct store_row *row);

/* Takes a sample into account; `late` when it was not in order. */
void last_add(struct last *last, const struct store_row *row, bool late);

void last_encode(const struct last *last, uint32_t series, uint8_t ret_bytes[LAST_BYTES]);
/* False when the bytes are no such record, or damaged. */
bool last_decode(uint32_t series, const void *bytes, size_t len, struct last *ret_last);

#endif
