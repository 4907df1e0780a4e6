/*
 * bytes: numbers as bytes, for everything the store writes.
 *
 * Fixed-width numbers are big-endian, so that keys sort as numbers do; signed
 * ones have their sign bit turned over.  Varints carry seven bits a byte, the
 * lowest first; zigzag folds the sign into the lowest bit.
 *
 * Writers (put_*) trust the caller to have room: each says how much it needs.
 * Readers go through a cursor that checks its end before every byte and, once
 * something was missing, stays bad and gives zeros.
 */
#ifndef DAVY_STORE_BYTES_H
#define DAVY_STORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { VARINT_MAX = 10 };

static inline uint64_t zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static inline uint64_t double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline double bits_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint8_t *put_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
    return to + 2;
}

static inline uint8_t *put_u32(uint8_t *to, uint32_t value)
{
    return put_u16(put_u16(to, (uint16_t)(value >> 16)), (uint16_t)value);
}

static inline uint8_t *put_u64(uint8_t *to, uint64_t value)
{
    return put_u32(put_u32(to, (uint32_t)(value >> 32)), (uint32_t)value);
}

/* A signed number so that bytes sort as numbers do. */
static inline uint8_t *put_i64(uint8_t *to, int64_t value)
{
    return put_u64(to, (uint64_t)value ^ (UINT64_C(1) << 63));
}

/* Eight bytes, the lowest first, with one store. */
static inline void word_store(uint8_t *to, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(to, &word, sizeof word);
}

/* At most VARINT_MAX bytes. */
static inline uint8_t *put_varint(uint8_t *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    return to;
}

/* A varint of less than 2^35 as a word, its first byte lowest; gives how many bytes it has.  Without a branch: how long
 * the next number will be is what a processor guesses worst. */
enum { VARINT_WORD_BITS = 35 };

static inline unsigned varint_word(uint64_t value, uint64_t *ret_word)
{
    const unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    const unsigned len = (bits + 6) * 37 >> 8; /* by 7, rounded up; right up to 35 */
    const uint64_t spread = (value & 0x7f) | (value & 0x3f80) << 1 | (value & 0x1fc000) << 2 |
                            (value & 0xfe00000) << 3 | (value & UINT64_C(0x7f0000000)) << 4;
    const uint64_t more = UINT64_C(0x80808080) & ((UINT64_C(1) << 8 * (len - 1)) - 1);
    *ret_word = spread | more;
    return len;
}

/* The same of less than 2^21, in fewer steps. */
enum { VARINT_SHORT_BITS = 21 };

static inline unsigned varint_short(uint64_t value, uint64_t *ret_word)
{
    const unsigned two = value > 0x7f;
    const unsigned three = value > 0x3fff;
    *ret_word = (value & 0x7f) | (value & 0x3f80) << 1 | (value & 0x1fc000) << 2 | two << 7 | three << 15;
    return 1 + two + three;
}

static inline uint16_t get_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] << 8 | from[1]);
}

static inline uint32_t get_u32(const uint8_t *from)
{
    return (uint32_t)get_u16(from) << 16 | get_u16(from + 2);
}

static inline uint64_t get_u64(const uint8_t *from)
{
    return (uint64_t)get_u32(from) << 32 | get_u32(from + 4);
}

static inline int64_t get_i64(const uint8_t *from)
{
    return (int64_t)(get_u64(from) ^ (UINT64_C(1) << 63));
}

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool bad; /* something was missing or malformed */
};

static inline struct cursor cursor_over(const void *bytes, size_t len)
{
    return (struct cursor){.at = bytes, .end = (const uint8_t *)bytes + len};
}

static inline size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/* Gives the next len bytes, NULL (and bad) when there are fewer. */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t len)
{
    if (cursor->bad || cursor_left(cursor) < len) {
        cursor->bad = true;
        return NULL;
    }
    const uint8_t *bytes = cursor->at;
    cursor->at += len;
    return bytes;
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
    const uint8_t *bytes = cursor_take(cursor, 1);
    return bytes == NULL ? 0 : *bytes;
}

static inline uint64_t cursor_u64(struct cursor *cursor)
{
    const uint8_t *bytes = cursor_take(cursor, 8);
    return bytes == NULL ? 0 : get_u64(bytes);
}

static inline int64_t cursor_i64(struct cursor *cursor)
{
    const uint8_t *bytes = cursor_take(cursor, 8);
    return bytes == NULL ? 0 : get_i64(bytes);
}

static inline uint64_t cursor_varint(struct cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t byte = cursor_u8(cursor);
        if (cursor->bad || (shift == 63 && byte > 1)) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    cursor->bad = true;
    return 0;
}

static inline int64_t cursor_zigzag(struct cursor *cursor)
{
    return unzigzag(cursor_varint(cursor));
}

#endif
