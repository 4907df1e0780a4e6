/*
 * pack: big-endian numbers and texts, out and in.  See pack.h.
 */
#include "alerting/pack.h"
#include "base/memory.h"
#include <math.h>
#include <string.h>

enum { TEXT_ABSENT = 0xffff };

static void pack_number(struct buf *out, uint64_t value, size_t bytes)
{
    uint8_t big[8];
    for (size_t i = 0; i < bytes; i++) {
        big[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    }
    buf_add(out, big, bytes);
}

void pack_u8(struct buf *out, uint8_t value)
{
    pack_number(out, value, 1);
}

void pack_u16(struct buf *out, uint16_t value)
{
    pack_number(out, value, 2);
}

void pack_u32(struct buf *out, uint32_t value)
{
    pack_number(out, value, 4);
}

void pack_u64(struct buf *out, uint64_t value)
{
    pack_number(out, value, 8);
}

void pack_i64(struct buf *out, int64_t value)
{
    pack_number(out, (uint64_t)value, 8);
}

void pack_f64(struct buf *out, double value)
{
    uint64_t bits = UINT64_C(0x7ff8000000000000);
    if (!isnan(value)) {
        memcpy(&bits, &value, sizeof bits);
    }
    pack_u64(out, bits);
}

void pack_text(struct buf *out, const char *text)
{
    if (text == NULL) {
        pack_u16(out, TEXT_ABSENT);
        return;
    }
    const size_t len = strnlen(text, TEXT_ABSENT - 1);
    pack_u16(out, (uint16_t)len);
    buf_add(out, text, len);
}

struct unpack unpack_begin(const void *bytes, size_t len)
{
    return (struct unpack){.at = bytes, .left = len};
}

const void *unpack_bytes(struct unpack *in, size_t n)
{
    if (in->bad || in->left < n) {
        in->bad = true;
        return NULL;
    }
    const void *bytes = in->at;
    in->at += n;
    in->left -= n;
    return bytes;
}

static uint64_t unpack_number(struct unpack *in, size_t n)
{
    const uint8_t *big = unpack_bytes(in, n);
    uint64_t value = 0;
    for (size_t i = 0; big != NULL && i < n; i++) {
        value = value << 8 | big[i];
    }
    return value;
}

uint8_t unpack_u8(struct unpack *in)
{
    return (uint8_t)unpack_number(in, 1);
}

uint16_t unpack_u16(struct unpack *in)
{
    return (uint16_t)unpack_number(in, 2);
}

uint32_t unpack_u32(struct unpack *in)
{
    return (uint32_t)unpack_number(in, 4);
}

uint64_t unpack_u64(struct unpack *in)
{
    return unpack_number(in, 8);
}

int64_t unpack_i64(struct unpack *in)
{
    return (int64_t)unpack_number(in, 8);
}

double unpack_f64(struct unpack *in)
{
    const uint64_t bits = unpack_number(in, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

char *unpack_text(struct unpack *in)
{
    const uint16_t len = unpack_u16(in);
    if (len == TEXT_ABSENT) {
        return NULL;
    }
    const char *bytes = unpack_bytes(in, len);
    if (bytes == NULL || memchr(bytes, '\0', len) != NULL) {
        in->bad = true;
        return NULL;
    }
    char *text = memory_new((size_t)len + 1, 1);
    memcpy(text, bytes, len);
    return text;
}

bool unpack_whole(const struct unpack *in)
{
    return !in->bad && in->left == 0;
}
