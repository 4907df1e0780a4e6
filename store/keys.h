/*
 * keys: the keys of the database as bytes.
 *
 *   series   'i' point id              -> number, 4 bytes
 *            'n' number(4)             -> point id
 *            'l' number(4)             -> newest reading (last.h)
 *   blocks   number(4) span(1) start(8)          -> block written in order
 *            number(4) span(1) start(8) order(8) -> block of late samples
 *   log      record(8)                 -> what was received (record.h)
 *   journal  seq(8)                    -> event (journal.h)
 *   state    any text                  -> checksum and the caller's bytes (state.c)
 *   default  "format", "site"          -> meta data (db.c)
 *
 * Blocks are filed by the length of time they span: class c holds spans below
 * 2^c ns, and only those not in class c - 1.  A reader who wants everything
 * from t on begins each class at t - 2^c + 1, and meets at most a few blocks
 * too many: without classes one block a year long would make every read of its
 * series begin a year earlier.
 */
#ifndef DAVY_STORE_KEYS_H
#define DAVY_STORE_KEYS_H

#include "store/bytes.h"

enum { SPAN_CLASSES = 65, KEY_BLOCK = 13, KEY_BLOCK_MAX = 21, KEY_SERIES = 5 };

struct block_key {
    uint32_t series;
    uint8_t span;     /* class */
    int64_t start_ns; /* smallest time in it */
    bool late;
    uint64_t order; /* late: rises with every late block of the store */
};

/* The class of a block from start to end (both included). */
static inline uint8_t key_span(int64_t start_ns, int64_t end_ns)
{
    const uint64_t span = (uint64_t)end_ns - (uint64_t)start_ns;
    return span == 0 ? 0 : (uint8_t)(64 - __builtin_clzll(span));
}

/* The earliest start of a block of that class that may reach from_ns. */
static inline int64_t key_reach(uint8_t span, int64_t from_ns)
{
    const uint64_t back = span == 0 ? 0 : span == 64 ? UINT64_MAX : (UINT64_C(1) << span) - 1;
    const uint64_t room = (uint64_t)from_ns - (uint64_t)INT64_MIN;
    return back > room ? INT64_MIN : (int64_t)((uint64_t)from_ns - back);
}

/* Writes a block's key; gives its length. */
size_t key_block(const struct block_key *key, uint8_t ret_key[KEY_BLOCK_MAX]);
/* Reads one; false when it is none. */
bool key_block_parse(const void *bytes, size_t len, struct block_key *ret_key);

/* Writes a key of column family series: kind 'n' or 'l'. */
static inline void key_series(char kind, uint32_t series, uint8_t ret_key[KEY_SERIES])
{
    ret_key[0] = (uint8_t)kind;
    (void)put_u32(ret_key + 1, series);
}

#endif
