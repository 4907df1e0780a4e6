/*
 * chunk: a block of samples of one series as bytes, and back, bit for bit.
 *
 *   version  1 byte, 1
 *   flags    1 byte: how values are kept (bits 0-1), statuses follow (bit 2),
 *            times of receipt follow (bit 3), a late block (bit 4)
 *   count    varint, 1 .. CHUNK_ROWS_MAX
 *   times    a column (column.h)
 *   seen     if bit 3: a column of time of receipt minus time; else all are 0
 *   status   if bit 2: runs of (varint length, varint status) until count is
 *            reached; else all are 0
 *   values   SCALED  scale 1 byte; number of exceptions varint, each run of
 *                    equal bits as (varint gap, varint length, 8 bytes); then
 *                    a column of whole numbers: value = k / 10^scale
 *            XOR     each value against the one before (after Pelkonen et al.,
 *                    "Gorilla", VLDB 2015, 4.1.2)
 *            PLAIN   8 bytes each, big-endian
 *   crc      4 bytes, CRC32C over the series number (4 bytes) and all above
 *
 * A NaN, a -0.0 or an odd value among decimals is an exception and costs ten
 * bytes a run; only a block of mostly odd values falls back to XOR.
 *
 * Pure; rows keep the order they are given in, whatever their times.
 */
#ifndef DAVY_STORE_CHUNK_H
#define DAVY_STORE_CHUNK_H

#include "store/column.h"
#include "store/store.h"

enum {
    CHUNK_ROWS_MAX = 1024,
    /* no block takes more bytes; the encoder needs that much room */
    CHUNK_BYTES_MAX = 512 + CHUNK_ROWS_MAX * (2 * COLUMN_EACH + 6 + 40),
};

/* Memory the coder works in; about 40 KB, the caller's. */
struct chunk_scratch {
    int64_t numbers[CHUNK_ROWS_MAX];
    uint64_t residuals[CHUNK_ROWS_MAX];
};

/* Writes n rows (1 .. CHUNK_ROWS_MAX) to ret_bytes; gives the number of bytes. */
size_t chunk_encode(uint32_t series, bool late, const struct store_row *rows, size_t n, struct chunk_scratch *scratch,
                    uint8_t ret_bytes[CHUNK_BYTES_MAX]);

/* The same for n samples in order whose statuses are all 0 and whose values are k / 10^scale, given as columns, which
 * are used up; lags NULL when all are 0.  0 when another way of keeping the values may be shorter: give rows then. */
size_t chunk_encode_columns(uint32_t series, int64_t *times, int64_t *lags, int64_t *k, unsigned scale, size_t n,
                            struct chunk_scratch *scratch, uint8_t ret_bytes[CHUNK_BYTES_MAX]);

struct chunk_head {
    size_t count;
    bool late;
};

/* Reads a block; false when it is not one, or damaged. */
bool chunk_decode(uint32_t series, const void *bytes, size_t len, struct chunk_scratch *scratch,
                  struct chunk_head *ret_head, struct store_row ret_rows[CHUNK_ROWS_MAX]);

#endif
