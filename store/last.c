/*
 * last: see last.h.
 */
#include "store/last.h"
#include "base/crc32c.h"
#include "store/book.h"
#include "store/keys.h"

enum { LAST_VERSION = 1, FLAG_HEARD = 1, FLAG_GOOD = 2, FLAG_TOP = 4 };

/* The time that counts for "newest". */
static int64_t rank_of(const struct store_row *row)
{
    return (row->status & ST_SKEW) != 0 ? row->seen_ns : row->time_ns;
}

bool last_is_good(const struct store_row *row)
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
    if (last_is_good(row) && (!last->good_known || rank >= last->good_ns)) {
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
