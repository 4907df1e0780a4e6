/*
 * chunk: see chunk.h for the bytes.
 */
#include "store/chunk.h"
#include "base/crc32c.h"
#include "store/values.h"

enum { CHUNK_VERSION = 1, CRC_BYTES = 4 };
enum { FLAG_VALUES = 3, FLAG_STATUS = 1 << 2, FLAG_SEEN = 1 << 3, FLAG_LATE = 1 << 4, FLAGS_ALL = 0x1f };

static uint32_t checksum(uint32_t series, const uint8_t *bytes, size_t len)
{
    uint8_t head[4];
    (void)put_u32(head, series);
    return crc32c(crc32c(0, head, sizeof head), bytes, len);
}

static bool any_status(const struct store_row *rows, size_t n)
{
    unsigned any = 0;
    for (size_t i = 0; i < n; i++) {
        any |= rows[i].status;
    }
    return any != 0;
}

static bool any_lag(const struct store_row *rows, size_t n)
{
    uint64_t any = 0;
    for (size_t i = 0; i < n; i++) {
        any |= (uint64_t)rows[i].seen_ns ^ (uint64_t)rows[i].time_ns;
    }
    return any != 0;
}

static uint8_t *put_statuses(uint8_t *to, const struct store_row *rows, size_t n)
{
    for (size_t start = 0; start < n;) {
        size_t end = start + 1;
        while (end < n && rows[end].status == rows[start].status) {
            end++;
        }
        to = put_varint(put_varint(to, end - start), rows[start].status);
        start = end;
    }
    return to;
}

size_t chunk_encode(uint32_t series, bool late, const struct store_row *rows, size_t n, struct chunk_scratch *scratch,
                    uint8_t ret_bytes[CHUNK_BYTES_MAX])
{
    uint8_t *to = ret_bytes;
    const unsigned status = any_status(rows, n) ? FLAG_STATUS : 0;
    const unsigned seen = any_lag(rows, n) ? FLAG_SEEN : 0;
    *to++ = CHUNK_VERSION;
    uint8_t *const flags = to++;
    to = put_varint(to, n);
    for (size_t i = 0; i < n; i++) {
        scratch->numbers[i] = rows[i].time_ns;
    }
    to = column_encode(to, scratch->numbers, n, scratch->residuals);
    if (seen != 0) {
        for (size_t i = 0; i < n; i++) {
            scratch->numbers[i] = (int64_t)((uint64_t)rows[i].seen_ns - (uint64_t)rows[i].time_ns);
        }
        to = column_encode(to, scratch->numbers, n, scratch->residuals);
    }
    if (status != 0) {
        to = put_statuses(to, rows, n);
    }
    enum values_kind kind;
    to = values_encode(to, rows, n, scratch, &kind);
    *flags = (uint8_t)((unsigned)kind | status | seen | (late ? FLAG_LATE : 0U));
    to = put_u32(to, checksum(series, ret_bytes, (size_t)(to - ret_bytes)));
    return (size_t)(to - ret_bytes);
}

size_t chunk_encode_columns(uint32_t series, int64_t *times, int64_t *lags, int64_t *k, unsigned scale, size_t n,
                            struct chunk_scratch *scratch, uint8_t ret_bytes[CHUNK_BYTES_MAX])
{
    uint8_t *to = ret_bytes;
    *to++ = CHUNK_VERSION;
    *to++ = (uint8_t)((unsigned)VALUES_SCALED | (lags != NULL ? FLAG_SEEN : 0U));
    to = column_encode(put_varint(to, n), times, n, scratch->residuals);
    if (lags != NULL) {
        to = column_encode(to, lags, n, scratch->residuals);
    }
    const uint8_t *const values = to;
    to = values_encode_scaled(to, k, scale, n, scratch->residuals);
    if (!values_short(to - values, n)) {
        return 0;
    }
    to = put_u32(to, checksum(series, ret_bytes, (size_t)(to - ret_bytes)));
    return (size_t)(to - ret_bytes);
}

static bool get_statuses(struct cursor *cursor, size_t n, struct store_row *rows)
{
    for (size_t at = 0; at < n;) {
        const uint64_t len = cursor_varint(cursor);
        const uint64_t status = cursor_varint(cursor);
        if (cursor->bad || len == 0 || len > n - at || status > UINT16_MAX) {
            return false;
        }
        for (const size_t end = at + len; at < end; at++) {
            rows[at].status = (uint16_t)status;
        }
    }
    return true;
}

static bool get_times(struct cursor *cursor, bool seen, size_t n, struct chunk_scratch *scratch, struct store_row *rows)
{
    if (!column_decode(cursor, n, scratch->numbers)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct store_row){.time_ns = scratch->numbers[i], .seen_ns = scratch->numbers[i]};
    }
    if (!seen) {
        return true;
    }
    if (!column_decode(cursor, n, scratch->numbers)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        rows[i].seen_ns = (int64_t)((uint64_t)rows[i].time_ns + (uint64_t)scratch->numbers[i]);
    }
    return true;
}

bool chunk_decode(uint32_t series, const void *bytes, size_t len, struct chunk_scratch *scratch,
                  struct chunk_head *ret_head, struct store_row ret_rows[CHUNK_ROWS_MAX])
{
    if (len < CRC_BYTES ||
        checksum(series, bytes, len - CRC_BYTES) != get_u32((const uint8_t *)bytes + len - CRC_BYTES)) {
        return false;
    }
    struct cursor cursor = cursor_over(bytes, len - CRC_BYTES);
    const unsigned version = cursor_u8(&cursor);
    const unsigned flags = cursor_u8(&cursor);
    const uint64_t n = cursor_varint(&cursor);
    if (cursor.bad || version != CHUNK_VERSION || (flags & ~(unsigned)FLAGS_ALL) != 0 || n == 0 || n > CHUNK_ROWS_MAX) {
        return false;
    }
    const bool whole = get_times(&cursor, (flags & FLAG_SEEN) != 0, n, scratch, ret_rows) &&
                       ((flags & FLAG_STATUS) == 0 || get_statuses(&cursor, n, ret_rows)) &&
                       values_decode(&cursor, (enum values_kind)(flags & FLAG_VALUES), n, scratch, ret_rows);
    if (!whole || cursor_left(&cursor) != 0) {
        return false;
    }
    *ret_head = (struct chunk_head){.count = n, .late = (flags & FLAG_LATE) != 0};
    return true;
}
