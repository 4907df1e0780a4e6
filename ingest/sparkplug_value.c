/*
 * sparkplug_value: the number that a metric's value is, by its datatype.
 *
 * Integers travel as two's complement in one of two unsigned fields: a short
 * negative one may come extended to 32 or 64 bits, or cut to its own.  Both are
 * taken; a number that fits its datatype in neither way is no value.
 */
#include "ingest/sparkplug_wire.h"

#include "model/real32.h"
#include <math.h>

enum value_class { CLASS_NONE, CLASS_SIGNED, CLASS_UNSIGNED, CLASS_REAL, CLASS_TRUTH };

static const struct {
    enum value_class class;
    unsigned bits;
} types[SPB_DATATYPES] = {
    [SPB_INT8] = {CLASS_SIGNED, 8},      [SPB_INT16] = {CLASS_SIGNED, 16},    [SPB_INT32] = {CLASS_SIGNED, 32},
    [SPB_INT64] = {CLASS_SIGNED, 64},    [SPB_UINT8] = {CLASS_UNSIGNED, 8},   [SPB_UINT16] = {CLASS_UNSIGNED, 16},
    [SPB_UINT32] = {CLASS_UNSIGNED, 32}, [SPB_UINT64] = {CLASS_UNSIGNED, 64}, [SPB_FLOAT] = {CLASS_REAL, 32},
    [SPB_DOUBLE] = {CLASS_REAL, 64},     [SPB_BOOLEAN] = {CLASS_TRUTH, 1},    [SPB_DATETIME] = {CLASS_UNSIGNED, 64},
};

static const char other_field[] = "the value stands in a field that its datatype does not use";
static const char too_wide[] = "the value does not fit its datatype";

static bool is_whole(const struct spb_metric *metric, unsigned bits)
{
    return metric->kind == SPB_AS_LONG || (metric->kind == SPB_AS_INT && bits <= 32);
}

static const char *signed_value(const struct spb_metric *metric, unsigned bits, double *ret_value)
{
    if (!is_whole(metric, bits)) {
        return other_field;
    }
    const int64_t wide =
        metric->kind == SPB_AS_INT ? (int64_t)(int32_t)(uint32_t)metric->whole : (int64_t)metric->whole;
    if (bits == 64) {
        *ret_value = (double)wide;
        return NULL;
    }
    const int64_t half = INT64_C(1) << (bits - 1);
    if (wide >= -half && wide < half) {
        *ret_value = (double)wide;
        return NULL;
    }
    if (metric->whole >> bits == 0) { /* cut to its own bits: the sign is the highest of them */
        *ret_value = (double)((int64_t)metric->whole - 2 * half);
        return NULL;
    }
    return too_wide;
}

static const char *unsigned_value(const struct spb_metric *metric, unsigned bits, double *ret_value)
{
    if (!is_whole(metric, bits)) {
        return other_field;
    }
    if (bits < 64 && metric->whole >> bits != 0) {
        return too_wide;
    }
    *ret_value = (double)metric->whole;
    return NULL;
}

static const char *real_value(const struct spb_metric *metric, double *ret_value)
{
    if (metric->kind == SPB_AS_FLOAT) {
        *ret_value = real32_value(metric->f32);
    } else if (metric->kind == SPB_AS_DOUBLE) {
        *ret_value = metric->f64;
    } else {
        return other_field;
    }
    return NULL;
}

const char *spb_metric_value(const struct spb_metric *metric, uint32_t datatype, double *ret_value)
{
    if (datatype == SPB_UNKNOWN || datatype >= SPB_DATATYPES) {
        return "its datatype is not known: a birth tells it";
    }
    switch (types[datatype].class) {
    case CLASS_NONE:
        return datatype == SPB_STRING || datatype == SPB_TEXT || datatype == SPB_UUID
                   ? "a text is not a value"
                   : "its datatype holds no single value";
    default:
        break;
    }
    if (metric->is_null || metric->kind == SPB_NONE) {
        *ret_value = NAN;
        return NULL;
    }
    switch (types[datatype].class) {
    case CLASS_SIGNED:
        return signed_value(metric, types[datatype].bits, ret_value);
    case CLASS_UNSIGNED:
        return unsigned_value(metric, types[datatype].bits, ret_value);
    case CLASS_REAL:
        return real_value(metric, ret_value);
    default:
        break;
    }
    if (metric->kind != SPB_AS_BOOLEAN) {
        return other_field;
    }
    *ret_value = metric->whole != 0 ? 1 : 0;
    return NULL;
}
