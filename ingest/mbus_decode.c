/*
 * mbus_decode: see mbus_decode.h.
 *
 * A value of 1, 2 or 4 registers is first put together, most significant byte
 * first, as order[] says; the type then says what these bits mean.
 */
#include "ingest/mbus_decode.h"
#include "model/real32.h"

#include <string.h>

static uint64_t gather(const struct site_from *from, const uint8_t *bytes)
{
    const unsigned size = 2U * from->registers;
    uint64_t bits = 0;
    for (unsigned i = 0; i < size; i++) {
        bits |= (uint64_t)bytes[i] << (8U * (size - 1U - from->order[i]));
    }
    return bits;
}

static double as_f32(uint64_t bits)
{
    const uint32_t word = (uint32_t)bits;
    float value;
    memcpy(&value, &word, sizeof value);
    return real32_value(value);
}

static double as_f64(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double field(uint64_t bits, unsigned lo, unsigned hi)
{
    const unsigned width = hi - lo + 1U;
    const uint64_t mask = width >= 64U ? UINT64_MAX : (UINT64_C(1) << width) - 1U;
    return (double)((bits >> lo) & mask);
}

/* Packed decimals: 4 bits a digit, the most significant first.  Ten and above is no digit, so there is no reading. */
static double as_bcd(uint64_t bits, unsigned digits)
{
    double value = 0;
    for (unsigned i = digits; i-- > 0;) {
        const unsigned digit = (unsigned)(bits >> 4U * i) & 0xFU;
        if (digit > 9) {
            return NAN;
        }
        value = 10 * value + digit;
    }
    return value;
}

static double raw_of(const struct site_from *from, uint64_t bits)
{
    switch (from->type) {
    case TYPE_U16:
    case TYPE_U32:
    case TYPE_U64:
        return (double)bits;
    case TYPE_I16:
        return (double)(int16_t)(uint16_t)bits;
    case TYPE_I32:
        return (double)(int32_t)(uint32_t)bits;
    case TYPE_I64:
        return (double)(int64_t)bits;
    case TYPE_F32:
        return as_f32(bits);
    case TYPE_F64:
        return as_f64(bits);
    case TYPE_BOOL:
        return bits != 0 ? 1.0 : 0.0;
    case TYPE_BIT:
        return field(bits, from->bit_lo, from->bit_lo);
    case TYPE_BITS:
        return field(bits, from->bit_lo, from->bit_hi);
    case TYPE_BCD16:
        return as_bcd(bits, 4);
    case TYPE_BCD32:
        return as_bcd(bits, 8);
    }
    return NAN;
}

/* Manuals often give "no reading" of a signed value as its unsigned pattern (32768 for 0x8000); such a number cannot be
 * the signed value itself, so it may mean the pattern.  Likewise a decimal that a float can only come near to. */
static bool invalid_pattern(const struct site_from *from, uint64_t bits, double raw)
{
    const bool is_signed = from->type == TYPE_I16 || from->type == TYPE_I32 || from->type == TYPE_I64;
    for (size_t i = 0; i < from->invalid_count; i++) {
        const double invalid = from->invalid[i];
        if (is_signed && invalid > 0 && raw < 0 && (double)bits == invalid) {
            return true;
        }
        if (from->type == TYPE_F32 && (float)invalid == (float)raw) {
            return true;
        }
    }
    return false;
}

static struct reading decode_bits(const struct site_from *from, uint64_t bits)
{
    const double raw = raw_of(from, bits);
    if (from->invalid_count > 0 && invalid_pattern(from, bits, raw)) {
        return reading_none();
    }
    return reading_from_raw(from, raw);
}

static bool is_single_bit(const struct site_from *from)
{
    return from->table == TABLE_COIL || from->table == TABLE_DISCRETE;
}

struct reading mbus_decode(const struct site_from *from, const uint8_t *payload, size_t at)
{
    if (is_single_bit(from)) {
        return reading_from_raw(from, (double)((payload[at / 8] >> (at % 8)) & 1));
    }
    return decode_bits(from, gather(from, payload + 2 * at));
}

/* ---- values with companions ---- */

uint64_t mbus_take(const struct site_from *from, const uint8_t *payload, size_t at)
{
    if (is_single_bit(from)) {
        return payload[at / 8] >> (at % 8) & 1;
    }
    uint64_t taken = 0;
    memcpy(&taken, payload + 2 * at, 2U * from->registers); /* the bytes as they are, whatever the machine's order */
    return taken;
}

static uint64_t arrange(const struct site_from *from, uint64_t taken)
{
    uint8_t bytes[sizeof taken];
    memcpy(bytes, &taken, sizeof taken);
    return is_single_bit(from) ? taken : gather(from, bytes);
}

static double number_of(const struct site_from *from, uint64_t taken)
{
    return is_single_bit(from) ? (double)taken : raw_of(from, arrange(from, taken));
}

struct reading mbus_decode_guided(const struct site_from *from, uint64_t taken, const uint64_t *companions)
{
    struct site_from guided = *from;
    uint16_t status = 0;
    for (size_t i = 0; i < from->extra->companion_count; i++) {
        const struct site_companion *companion = &from->extra->companions[i];
        if (!companion_apply(companion, number_of(&companion->from, companions[i]), &guided, &status)) {
            return reading_none();
        }
    }
    struct reading reading = is_single_bit(&guided) ? reading_from_raw(&guided, (double)taken)
                                                    : decode_bits(&guided, arrange(&guided, taken));
    reading.status |= status;
    return reading;
}
