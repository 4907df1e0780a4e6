/*
 * last: see last.h.
 */
#include "store/last.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "store/book.h"
#include "store/keys.h"
#include <stdlib.h>

enum { LAST_VERSION = 1, FLAG_HEARD = 1, FLAG_GOOD = 2, FLAG_TOP = 4 };

/* The time that counts for "newest". */
static int64_t rank_of(const struct store_row *row)
{
    return (row->status & ST_SKEW) != 0 ? row->seen_ns : row->time_ns;
}

static bool is_good(const struct store_row *row)
{
    return !isnan(row->value) && (row->status & (ST_UNKNOWN | PLACE_BELOW)) == 0;
}

void last_add(struct last *last, const struct store_row *row, bool late)
{
    const int64_t rank = rank_of(row);
    if ((row->status & PLACE_HISTORY) != 0) {
        return; /* always among the late ones: the top stays as well */
    }
    if (!last->heard || rank >= rank_of(&last->row)) {
        last->row = *row;
        last->heard = true;
    }
    if (is_good(row) && (!last->good_known || rank >= last->good_ns)) {
        last->good = row->value;
        last->good_ns = rank;
        last->good_known = true;
    }
    if (!late) {
        last->top_ns = row->time_ns;
        last->top_known = true;
    }
}

static uint32_t checksum(uint32_t series, const void *bytes)
{
    uint8_t key[KEY_SERIES];
    key_series('l', series, key);
    return crc32c(crc32c(0, key, sizeof key), bytes, LAST_BYTES - 4);
}

void last_encode(const struct last *last, uint32_t series, uint8_t ret_bytes[LAST_BYTES])
{
    uint8_t *to = ret_bytes;
    *to++ = LAST_VERSION;
    to = put_i64(to, last->row.time_ns);
    to = put_i64(to, last->row.seen_ns);
    to = put_u64(to, double_bits(last->row.value));
    to = put_u16(to, last->row.status);
    to = put_i64(to, last->good_ns);
    to = put_u64(to, double_bits(last->good));
    to = put_i64(to, last->top_ns);
    *to++ = (uint8_t)((last->heard ? FLAG_HEARD : 0) | (last->good_known ? FLAG_GOOD : 0) |
                      (last->top_known ? FLAG_TOP : 0));
    (void)put_u32(to, checksum(series, ret_bytes));
}

bool last_decode(uint32_t series, const void *bytes, size_t len, struct last *ret_last)
{
    if (len != LAST_BYTES || checksum(series, bytes) != get_u32((const uint8_t *)bytes + LAST_BYTES - 4)) {
        return false;
    }
    struct cursor cursor = cursor_over(bytes, len);
    struct last last = {0};
    const uint8_t version = cursor_u8(&cursor);
    last.row.time_ns = cursor_i64(&cursor);
    last.row.seen_ns = cursor_i64(&cursor);
    last.row.value = bits_double(cursor_u64(&cursor));
    last.row.status = get_u16(cursor_take(&cursor, 2));
    last.good_ns = cursor_i64(&cursor);
    last.good = bits_double(cursor_u64(&cursor));
    last.top_ns = cursor_i64(&cursor);
    const uint8_t flags = cursor_u8(&cursor);
    last.heard = (flags & FLAG_HEARD) != 0;
    last.good_known = (flags & FLAG_GOOD) != 0;
    last.top_known = (flags & FLAG_TOP) != 0;
    if (version != LAST_VERSION) {
        return false;
    }
    *ret_last = last;
    return true;
}

void lasts_grow(struct lasts *lasts, size_t count)
{
    if (count <= lasts->count) {
        return;
    }
    lasts->plain = memory_resize(lasts->plain, count, sizeof *lasts->plain);
    lasts->latches = memory_resize(lasts->latches, count, sizeof *lasts->latches);
    memset(lasts->plain + lasts->count, 0, (count - lasts->count) * sizeof *lasts->plain);
    memset(lasts->latches + lasts->count, 0, (count - lasts->count) * sizeof *lasts->latches);
    lasts->count = count;
}

void lasts_done(struct lasts *lasts)
{
    free(lasts->plain);
    free(lasts->latches);
    *lasts = (struct lasts){0};
}

/* Words of a latch: time, seen, value, last good value, status + 1 (0: never heard of). */
void lasts_publish(struct lasts *lasts, uint32_t series)
{
    const struct last *const last = &lasts->plain[series];
    if (!last->heard) {
        return;
    }
    const uint64_t words[LATCH_WORDS] = {
        (uint64_t)last->row.time_ns,
        (uint64_t)last->row.seen_ns,
        double_bits(last->row.value),
        double_bits(last->good_known ? last->good : NAN),
        (uint64_t)(last->row.status & ~(unsigned)PLACE_BITS) + 1,
    };
    latch_write(&lasts->latches[series], words);
}

bool lasts_read(const struct lasts *lasts, uint32_t series, struct board_entry *ret_entry)
{
    if (series >= lasts->count) {
        return false;
    }
    uint64_t words[LATCH_WORDS];
    latch_read(&lasts->latches[series], words);
    if (words[4] == 0) {
        return false;
    }
    *ret_entry = (struct board_entry){
        .time_ns = (int64_t)words[0],
        .seen_ns = (int64_t)words[1],
        .value = bits_double(words[2]),
        .good = bits_double(words[3]),
        .status = (uint16_t)(words[4] - 1),
    };
    return true;
}
