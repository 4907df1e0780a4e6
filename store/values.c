/*
 * values: see values.h.
 *
 * Values without a scale become exceptions; with more than one run of them in
 * sixteen values the block is tried as XOR.
 */
#include "store/values.h"
#include "store/bits.h"
#include "store/decimal.h"

enum { EXCEPTION_MIN = 4, EXCEPTION_SHARE = 16 };
enum { XOR_LEAD_BITS = 5, XOR_LEAD_MAX = 31, XOR_LEN_BITS = 6 };

static size_t exceptions_allowed(size_t n)
{
    return EXCEPTION_MIN + n / EXCEPTION_SHARE;
}

/* Turns values into whole numbers of one scale.  A value that needs more digits raises the scale and begins anew; one
 * that has no scale is an exception and takes the number before it.  Exceptions are written, as they stand in a block,
 * when `to` is given.  False when there are too many runs of them. */
static bool scale_all(const struct store_row *rows, size_t n, unsigned *scale, int64_t *ret_k, size_t *ret_runs,
                      uint8_t **to)
{
    size_t runs = 0;
    size_t end = 0; /* of the last run */
    int64_t k = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t other;
        if (decimal_exact(rows[i].value, *scale, &k)) {
            ret_k[i] = k;
            continue;
        }
        if (to == NULL && decimal_find(rows[i].value, *scale + 1, scale, &other)) {
            return scale_all(rows, n, scale, ret_k, ret_runs, to); /* at most once for each scale there is */
        }
        const uint64_t bits = double_bits(rows[i].value);
        const size_t start = i;
        for (ret_k[i] = k; i + 1 < n && double_bits(rows[i + 1].value) == bits; i++) {
            ret_k[i + 1] = k;
        }
        if (to != NULL) {
            *to = put_u64(put_varint(put_varint(*to, start - end), i + 1 - start), bits);
        }
        end = i + 1;
        if (++runs > exceptions_allowed(n)) {
            return false;
        }
    }
    *ret_runs = runs;
    return true;
}

/* Writes what scale_all found. */
static uint8_t *encode_scaled(uint8_t *to, const struct store_row *rows, size_t n, unsigned scale, size_t runs,
                              struct chunk_scratch *scratch)
{
    *to++ = (uint8_t)scale;
    to = put_varint(to, runs);
    if (runs > 0) {
        (void)scale_all(rows, n, &scale, scratch->numbers, &runs, &to); /* as before, this time writing */
    }
    return column_encode(to, scratch->numbers, n, scratch->residuals);
}

uint8_t *values_encode_scaled(uint8_t *to, int64_t *k, unsigned scale, size_t n, uint64_t *residuals)
{
    *to++ = (uint8_t)scale;
    *to++ = 0; /* exceptions */
    return column_encode(to, k, n, residuals);
}

static bool find_scale(const struct store_row *rows, size_t n, unsigned form, struct chunk_scratch *scratch,
                       unsigned *ret_scale, size_t *ret_runs)
{
    *ret_scale = form;
    return scale_all(rows, n, ret_scale, scratch->numbers, ret_runs, NULL);
}

/* A zero: as before.  One, zero: within the window of leading and trailing zeros of before.  One, one: a new window. */
static uint8_t *encode_xor(uint8_t *to, const struct store_row *rows, size_t n)
{
    uint64_t before = double_bits(rows[0].value);
    struct bit_writer writer = {.at = put_u64(to, before)};
    unsigned lead = 64;
    unsigned trail = 0;
    for (size_t i = 1; i < n; i++) {
        const uint64_t bits = double_bits(rows[i].value);
        const uint64_t x = bits ^ before;
        before = bits;
        if (x == 0) {
            bits_put(&writer, 0, 1);
            continue;
        }
        const unsigned zeros =
            (unsigned)__builtin_clzll(x) < XOR_LEAD_MAX ? (unsigned)__builtin_clzll(x) : XOR_LEAD_MAX;
        const unsigned tail = (unsigned)__builtin_ctzll(x);
        if (lead != 64 && zeros >= lead && tail >= trail) {
            bits_put(&writer, 1, 2);
        } else {
            lead = zeros;
            trail = tail;
            bits_put(&writer, 3, 2);
            bits_put(&writer, lead, XOR_LEAD_BITS);
            bits_put(&writer, 64 - lead - trail - 1, XOR_LEN_BITS);
        }
        const unsigned len = 64 - lead - trail;
        const uint64_t middle = x >> trail;
        bits_put(&writer, len > 32 ? middle & UINT32_MAX : middle, len > 32 ? 32 : len);
        if (len > 32) {
            bits_put(&writer, middle >> 32, len - 32);
        }
    }
    return bits_finish(&writer);
}

static uint8_t *encode_plain(uint8_t *to, const struct store_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to = put_u64(to, double_bits(rows[i].value));
    }
    return to;
}

uint8_t *values_encode(uint8_t *to, const struct store_row *rows, size_t n, struct chunk_scratch *scratch,
                       enum values_kind *ret_kind)
{
    unsigned scale;
    size_t runs;
    if (find_scale(rows, n, 0, scratch, &scale, &runs) || find_scale(rows, n, DECIMAL_F32, scratch, &scale, &runs)) {
        uint8_t *const end = encode_scaled(to, rows, n, scale, runs, scratch);
        if (values_short(end - to, n)) {
            *ret_kind = VALUES_SCALED;
            return end;
        }
        uint8_t *const other = encode_xor(end, rows, n); /* long numbers: see whether XOR is shorter */
        if (end - to <= other - end && (size_t)(end - to) <= 8 * n) {
            *ret_kind = VALUES_SCALED;
            return end;
        }
    }
    uint8_t *const end = encode_xor(to, rows, n);
    *ret_kind = (size_t)(end - to) < 8 * n ? VALUES_XOR : VALUES_PLAIN;
    return *ret_kind == VALUES_XOR ? end : encode_plain(to, rows, n);
}

/* The runs of exceptions; they are read before the column but laid over it. */
static bool lay_exceptions(struct cursor runs, uint64_t count, size_t n, struct store_row *rows)
{
    size_t at = 0;
    for (; count > 0; count--) {
        const uint64_t gap = cursor_varint(&runs);
        const uint64_t len = cursor_varint(&runs);
        const uint64_t bits = cursor_u64(&runs);
        if (runs.bad || gap > n - at || len > n - at - gap) {
            return false;
        }
        at += gap;
        for (const size_t end = at + len; at < end; at++) {
            rows[at].value = bits_double(bits);
        }
    }
    return true;
}

static bool decode_scaled(struct cursor *cursor, size_t n, struct chunk_scratch *scratch, struct store_row *rows)
{
    const unsigned scale = cursor_u8(cursor);
    const uint64_t exceptions = cursor_varint(cursor);
    const struct cursor runs = *cursor;
    if (cursor->bad || (scale & ~(unsigned)DECIMAL_F32) > DECIMAL_SCALE_MAX || exceptions > n) {
        return false;
    }
    for (uint64_t i = 0; i < exceptions; i++) {
        (void)cursor_varint(cursor); /* the gap: read again by lay_exceptions, like the two behind it */
        (void)cursor_varint(cursor);
        (void)cursor_u64(cursor);
    }
    if (!column_decode(cursor, n, scratch->numbers)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        rows[i].value = decimal_value(scratch->numbers[i], scale);
    }
    return lay_exceptions(runs, exceptions, n, rows);
}

static bool decode_xor(struct cursor *cursor, size_t n, struct store_row *rows)
{
    uint64_t bits = cursor_u64(cursor);
    struct bit_reader reader = {.at = cursor->at, .end = cursor->end, .bad = cursor->bad};
    unsigned trail = 0;
    unsigned len = 0;
    rows[0].value = bits_double(bits);
    for (size_t i = 1; i < n && !reader.bad; i++) {
        if (bits_get(&reader, 1) != 0) {
            if (bits_get(&reader, 1) != 0) {
                const unsigned lead = (unsigned)bits_get(&reader, XOR_LEAD_BITS);
                len = (unsigned)bits_get(&reader, XOR_LEN_BITS) + 1;
                trail = 64 - lead - len;
            }
            if (len == 0 || trail > 63) { /* no window yet, or one that is too wide */
                return false;
            }
            uint64_t middle = bits_get(&reader, len > 32 ? 32 : len);
            middle |= len > 32 ? bits_get(&reader, len - 32) << 32 : 0;
            bits ^= middle << trail;
        }
        rows[i].value = bits_double(bits);
    }
    cursor->at = bits_rest(&reader);
    return !reader.bad;
}

static bool decode_plain(struct cursor *cursor, size_t n, struct store_row *rows)
{
    for (size_t i = 0; i < n; i++) {
        rows[i].value = bits_double(cursor_u64(cursor));
    }
    return !cursor->bad;
}

bool values_decode(struct cursor *cursor, enum values_kind kind, size_t n, struct chunk_scratch *scratch,
                   struct store_row *rows)
{
    switch (kind) {
    case VALUES_SCALED:
        return decode_scaled(cursor, n, scratch, rows);
    case VALUES_XOR:
        return decode_xor(cursor, n, rows);
    case VALUES_PLAIN:
        return decode_plain(cursor, n, rows);
    default:
        return false;
    }
}
