/*
 * encode: value -> raw -> registers, and what comes back (see encode.h).
 *
 *   value 1.02, f32, CDAB:  raw 0x3F828F5C  ->  bytes A=3F B=82 C=8F D=5C  ->  registers 8F5C 3F82
 */
#include "simulators/encode.h"
#include "model/companion.h"
#include "model/real32.h"
#include "model/sample.h"
#include "model/scaling.h"
#include <float.h>
#include <math.h>
#include <string.h>

unsigned encode_width(const struct site_from *from)
{
    return encode_is_bits(from->table) ? 1 : from->registers;
}

static unsigned raw_bits(const struct site_from *from)
{
    return encode_is_bits(from->table) ? 1 : 16U * from->registers;
}

static uint64_t low_mask(unsigned bits)
{
    return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

/* Nearest whole number within [0, 2^bits - 1]. */
static uint64_t to_unsigned(double number, unsigned bits)
{
    const double whole = round(number);
    if (!(whole > 0)) {
        return 0;
    }
    return whole >= ldexp(1, (int)bits) ? low_mask(bits) : (uint64_t)whole;
}

/* Nearest whole number within the two's complement range, as its bits. */
static uint64_t to_signed(double number, unsigned bits)
{
    const double whole = round(number);
    const double top = ldexp(1, (int)bits - 1);
    const int64_t most = (int64_t)low_mask(bits - 1);
    const int64_t fit = whole >= top ? most : whole > -top ? (int64_t)whole : -most - 1;
    return (uint64_t)fit & low_mask(bits);
}

static uint64_t to_f32(double number)
{
    const double most = (double)FLT_MAX;
    const float fit = isnan(number) ? NAN : (float)fmax(-most, fmin(number, most));
    uint32_t bits;
    memcpy(&bits, &fit, sizeof bits);
    return bits;
}

static uint64_t to_f64(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* Nearest whole number of at most that many digits, 4 bits a digit. */
static uint64_t to_bcd(double number, unsigned digits)
{
    uint64_t most = 1;
    for (unsigned i = 0; i < digits; i++) {
        most *= 10;
    }
    const uint64_t whole = to_unsigned(number, 64);
    uint64_t rest = whole < most ? whole : most - 1;
    uint64_t bits = 0;
    for (unsigned i = 0; i < digits; i++, rest /= 10) {
        bits |= rest % 10 << 4 * i;
    }
    return bits;
}

static double from_bcd(uint64_t bits, unsigned digits)
{
    double number = 0;
    for (unsigned i = digits; i-- > 0;) {
        const uint64_t digit = bits >> 4 * i & 0xf;
        number = digit > 9 ? NAN : 10 * number + (double)digit;
    }
    return number;
}

static struct raw encode_number(const struct site_from *from, double number)
{
    const unsigned bits = raw_bits(from);
    struct raw raw = {.mask = low_mask(bits)};
    if (encode_is_bits(from->table)) {
        raw.bits = number >= 0.5;
        return raw;
    }
    switch (from->type) {
    case TYPE_U16:
    case TYPE_U32:
    case TYPE_U64:
        raw.bits = to_unsigned(number, bits);
        break;
    case TYPE_I16:
    case TYPE_I32:
    case TYPE_I64:
        raw.bits = to_signed(number, bits);
        break;
    case TYPE_F32:
        raw.bits = to_f32(number);
        break;
    case TYPE_F64:
        raw.bits = to_f64(number);
        break;
    case TYPE_BOOL:
        raw.bits = number >= 0.5;
        break;
    case TYPE_BCD16:
    case TYPE_BCD32:
        raw.bits = to_bcd(number, bits / 4);
        break;
    case TYPE_BIT:
    case TYPE_BITS: {
        const unsigned width = (unsigned)(from->bit_hi - from->bit_lo) + 1;
        raw.bits = to_unsigned(number, width) << from->bit_lo;
        raw.mask = low_mask(width) << from->bit_lo;
        break;
    }
    }
    return raw;
}

static double signed_number(uint64_t value, unsigned bits)
{
    const uint64_t sign = UINT64_C(1) << (bits - 1);
    return (value & sign) != 0 ? -(double)((~value & low_mask(bits)) + 1) : (double)value;
}

/* What a reader takes the raw value for, before scale and offset. */
static double decode_number(const struct site_from *from, struct raw raw)
{
    const uint64_t value = raw.bits & raw.mask;
    if (encode_is_bits(from->table)) {
        return (double)value;
    }
    switch (from->type) {
    case TYPE_I16:
    case TYPE_I32:
    case TYPE_I64:
        return signed_number(value, raw_bits(from));
    case TYPE_F32: {
        const uint32_t bits = (uint32_t)value;
        float number;
        memcpy(&number, &bits, sizeof number);
        return real32_value(number);
    }
    case TYPE_F64: {
        double number;
        memcpy(&number, &value, sizeof number);
        return number;
    }
    case TYPE_BOOL:
        return value != 0;
    case TYPE_BCD16:
    case TYPE_BCD32:
        return from_bcd(value, raw_bits(from) / 4);
    case TYPE_BIT:
    case TYPE_BITS:
        return (double)(value >> from->bit_lo);
    case TYPE_U16:
    case TYPE_U32:
    case TYPE_U64:
        break;
    }
    return (double)value;
}

/* The raw number of an enumeration whose value is nearest. */
static double nearest_raw(const struct site_extra *extra, double value)
{
    const struct site_value *nearest = &extra->values[0];
    for (size_t i = 1; i < extra->value_count; i++) {
        if (fabs(extra->values[i].value - value) < fabs(nearest->value - value)) {
            nearest = &extra->values[i];
        }
    }
    return nearest->raw;
}

struct raw encode_raw(const struct site_from *from, double number)
{
    return encode_number(from, number);
}

struct raw encode_value(const struct site_from *from, double value)
{
    if (from->extra != NULL && from->extra->value_count > 0) {
        return encode_number(from, nearest_raw(from->extra, value));
    }
    const double scale = from->scale != 0 ? from->scale : 1;
    return encode_number(from, (value - from->offset) / scale);
}

static bool is_signed(const struct site_from *from)
{
    return from->type == TYPE_I16 || from->type == TYPE_I32 || from->type == TYPE_I64;
}

/* True when a reader takes it for "no reading".  Manuals give that value of a signed register often as its unsigned
 * pattern (32768 for 0x8000), and of a float as a decimal that it only comes near to. */
static bool is_invalid(const struct site_from *from, struct raw raw)
{
    const double number = decode_number(from, raw);
    for (size_t i = 0; i < from->invalid_count; i++) {
        const double invalid = from->invalid[i];
        if (number == invalid || (from->type == TYPE_F32 && (float)number == (float)invalid) ||
            (is_signed(from) && number < 0 && invalid > 0 && (double)raw.bits == invalid)) {
            return true;
        }
    }
    return !isfinite(number);
}

bool encode_invalid(const struct site_from *from, struct raw *ret_raw)
{
    if (encode_is_bits(from->table)) {
        return false;
    }
    for (size_t i = 0; i < from->invalid_count; i++) {
        const double invalid = from->invalid[i];
        struct raw raw = encode_number(from, invalid);
        if (!is_invalid(from, raw) && is_signed(from)) {
            raw.bits = to_unsigned(invalid, raw_bits(from));
        }
        if (is_invalid(from, raw)) {
            *ret_raw = raw;
            return true;
        }
    }
    if (from->type == TYPE_F32 || from->type == TYPE_F64) {
        *ret_raw = encode_number(from, NAN);
        return true;
    }
    if (from->type == TYPE_BCD16 || from->type == TYPE_BCD32) {
        *ret_raw = (struct raw){.bits = low_mask(raw_bits(from)), .mask = low_mask(raw_bits(from))}; /* no digits */
        return true;
    }
    return false;
}

struct raw encode_reading(const struct site_from *from, struct sim_reading reading)
{
    struct raw raw = {0};
    if (isnan(reading.value) && encode_invalid(from, &raw)) {
        return raw;
    }
    return encode_value(from, reading.value);
}

size_t encode_sayer(const struct site_from *from, uint16_t status)
{
    const size_t count = site_companions(from);
    for (size_t i = 0; i < count; i++) {
        double raw;
        const struct site_companion *companion = &from->extra->companions[i];
        if (companion->use == COMPANION_STATUS && companion_raw(companion, status, &raw)) {
            return i;
        }
    }
    return count;
}

bool encode_can_say(const struct site_from *from, uint16_t status)
{
    return encode_sayer(from, status) < site_companions(from);
}

bool encode_companion(const struct site_from *from, size_t i, uint16_t status, double *ret_raw)
{
    const struct site_companion *companion = &from->extra->companions[i];
    const bool says = companion->use == COMPANION_STATUS && encode_sayer(from, status) == i;
    return companion_raw(companion, says ? status : 0, ret_raw);
}

/* The point as it is read while all its companions say what they say by themselves. */
static struct site_from as_usual(const struct site_from *from)
{
    struct site_from usual = *from;
    for (size_t i = 0; i < site_companions(from); i++) {
        uint16_t status = 0;
        double raw;
        if (from->extra->companions[i].use != COMPANION_STATUS && encode_companion(from, i, 0, &raw)) {
            (void)companion_apply(&from->extra->companions[i], raw, &usual, &status);
        }
    }
    return usual;
}

struct sim_reading encode_seen(const struct site_from *from, struct sim_reading reading)
{
    const struct site_from usual = as_usual(from);
    const struct raw raw = encode_reading(&usual, reading);
    const double number = decode_number(&usual, raw);
    const uint16_t status = encode_can_say(from, reading.status) ? reading.status : 0;
    double value = scaling_value(&usual, number);
    if (from->extra != NULL && from->extra->value_count > 0 && !companion_value(from->extra, number, &value)) {
        value = NAN;
    }
    if (is_invalid(&usual, raw) || !isfinite(value)) {
        return (struct sim_reading){.value = NAN, .status = ST_SENSOR | status};
    }
    return (struct sim_reading){.value = value, .status = status};
}

double encode_number_told(const struct site_from *from, double value)
{
    if (from->scale == 1 && from->offset == 0) {
        return value;
    }
    const double scale = from->scale != 0 ? from->scale : 1;
    return nearbyint((value - from->offset) / scale * 1e6) / 1e6; /* a gateway prints no more decimals */
}

struct sim_reading encode_told(const struct site_from *from, struct sim_reading reading)
{
    if (isnan(reading.value)) {
        return reading;
    }
    const double number = encode_number_told(from, reading.value);
    reading.value = scaling_value(from, number);
    for (size_t i = 0; i < from->invalid_count; i++) {
        if (number == from->invalid[i]) {
            reading.value = NAN;
        }
    }
    if (!isfinite(reading.value)) {
        reading = (struct sim_reading){.value = NAN, .status = reading.status | ST_SENSOR};
    }
    return reading;
}

void encode_put(const struct site_from *from, struct raw raw, uint16_t *registers)
{
    if (encode_is_bits(from->table)) {
        registers[0] = (uint16_t)(raw.bits & 1);
        return;
    }
    const unsigned bytes = 2U * from->registers;
    for (unsigned i = 0; i < bytes; i++) { /* byte i as it travels is byte order[i] of the value */
        const unsigned from_top = 8 * (bytes - 1 - from->order[i]);
        const unsigned within = i % 2 == 0 ? 8 : 0;
        const unsigned mask = (unsigned)(raw.mask >> from_top & 0xff) << within;
        const unsigned bits = (unsigned)(raw.bits >> from_top & 0xff) << within;
        registers[i / 2] = (uint16_t)((registers[i / 2] & ~mask) | (bits & mask));
    }
}

double encode_number_at(const struct site_from *from, const uint16_t *registers)
{
    struct raw raw = encode_number(from, 0);
    raw.bits = registers[0];
    if (!encode_is_bits(from->table)) {
        raw.bits = 0;
        for (unsigned i = 0; i < 2U * from->registers; i++) {
            const unsigned byte = (unsigned)registers[i / 2] >> (i % 2 == 0 ? 8 : 0) & 0xffU;
            raw.bits |= (uint64_t)byte << 8 * (2U * from->registers - 1 - from->order[i]);
        }
    }
    return decode_number(from, raw);
}
