/*
 * tier_block: the minutes or hours of one series that lie in one block, as
 * bytes.
 *
 *   version  1 byte, 1
 *   flags    1 byte: bit 0 status follows, bit 1 some sums are whole
 *   count    varint, 1 .. TIER_BUCKETS
 *   index    column: place of each in the block, 0 .. TIER_BUCKETS - 1, rising
 *   counts   column
 *   status   (varint length, varint status) until count is reached; else all 0
 *   min max first last sum   five columns of values, each
 *            kind 1 byte: 0-2 as in a block of samples, 4 the same as min
 *            then the values
 *   rests    what the sum is more than its nearest double
 *            kind 1 byte: 0 all are 0, 1 exponent zigzag varint and a column of
 *            whole numbers m: m * 2^exponent
 *   whole    (bit 1) varint number, each: gap varint, sum as in sum.h; the
 *            bucket's sum is this alone
 *   crc      4 bytes, CRC32C over series (4), tier (1), block (8) and all above
 *
 * A sum of decimals is nearly always two doubles, of which the second is a small
 * multiple of a power of two that the whole block shares.
 *
 * Pure.
 */
#ifndef DAVY_STORE_TIER_BLOCK_H
#define DAVY_STORE_TIER_BLOCK_H

#include "base/clock.h"
#include "store/bucket.h"
#include "store/chunk.h"

enum tier { TIER_MINUTE, TIER_HOUR, TIER_COUNT };
enum {
    TIER_BUCKETS = 240, /* 4 hours of minutes, 10 days of hours */
    TIER_KEY = 13,
    TIER_BYTES_MAX = 1024 + TIER_BUCKETS * (2 * COLUMN_EACH + 6 + 5 * 42 + COLUMN_EACH + 10 + SUM_BYTES_MAX)
};

/* Buckets are as long as this. */
static inline int64_t tier_length(enum tier tier)
{
    return tier == TIER_MINUTE ? 60 * NS_PER_S : 3600 * NS_PER_S;
}

struct tier_key {
    uint32_t series;
    enum tier tier;
    int64_t block; /* index / TIER_BUCKETS */
};

static inline int64_t tier_block_of(int64_t index)
{
    return index / TIER_BUCKETS - (index % TIER_BUCKETS < 0);
}

void tier_key_write(const struct tier_key *key, uint8_t ret_key[TIER_KEY]);
bool tier_key_parse(const void *bytes, size_t len, struct tier_key *ret_key);

/* Some 180 KB: made once, used again and again. */
struct tier_block {
    size_t count;
    struct bucket buckets[TIER_BUCKETS]; /* rising by index */
    struct chunk_scratch scratch;
    struct store_row rows[TIER_BUCKETS];
    double rests[TIER_BUCKETS];
    bool whole[TIER_BUCKETS];
};

/* Writes the buckets (at least one; all of this block); gives the number of bytes. */
size_t tier_block_encode(struct tier_block *block, const struct tier_key *key, uint8_t ret_bytes[TIER_BYTES_MAX]);
/* Reads a block; false when it is none, or damaged. */
bool tier_block_decode(struct tier_block *block, const struct tier_key *key, const void *bytes, size_t len);

#endif
