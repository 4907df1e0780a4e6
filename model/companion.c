/* companion: see companion.h. */
#include "model/companion.h"

#include "model/scaling.h"
#include <string.h>

enum { DECIMALS_MAX = 15 };

static const struct site_case *find_case(const struct site_companion *companion, double raw)
{
    for (size_t i = 0; i < companion->case_count; i++) {
        if (companion->cases[i].raw == raw) {
            return &companion->cases[i];
        }
    }
    return NULL;
}

/* As they stand in the register: a signed number whose highest bit is set is negative. */
static uint64_t bits_of(double raw)
{
    if (raw < 0) {
        return raw >= -0x1p63 ? (uint64_t)(int64_t)raw : 0;
    }
    return raw < 0x1p64 ? (uint64_t)raw : 0;
}

static uint16_t flags_of(const struct site_companion *companion, double raw)
{
    const uint64_t bits = bits_of(raw);
    unsigned status = 0;
    for (size_t i = 0; i < companion->case_count; i++) {
        if ((bits >> (unsigned)companion->cases[i].raw & 1) != 0) {
            status |= companion->cases[i].status;
        }
    }
    return (uint16_t)status;
}

/* A raw number that nobody named must not pass for good. */
static uint16_t status_of(const struct site_companion *companion, double raw)
{
    if (companion->as == COMPANION_FLAGS) {
        return flags_of(companion, raw);
    }
    const struct site_case *found = find_case(companion, raw);
    return found != NULL ? found->status : companion->other;
}

static bool scale_by_case(const struct site_companion *companion, double raw, struct site_from *from)
{
    const struct site_case *found = find_case(companion, raw);
    if (found != NULL) {
        scaling_then(from, found->factor, found->add);
    }
    return found != NULL;
}

static bool apply_scale(const struct site_companion *companion, double raw, struct site_from *from)
{
    switch (companion->as) {
    case COMPANION_CASES:
        return scale_by_case(companion, raw, from);
    case COMPANION_DECIMALS:
        if (!(raw >= 0 && raw <= DECIMALS_MAX && raw == rint(raw))) {
            return false;
        }
        for (int i = 0; i < (int)raw; i++) {
            scaling_divide(from, 10);
        }
        return true;
    case COMPANION_DIVISOR:
        if (raw == 0) {
            return false;
        }
        scaling_divide(from, raw);
        return true;
    case COMPANION_FACTOR:
        scaling_then(from, raw, 0);
        return raw != 0;
    case COMPANION_FLAGS:
        break;
    }
    return false;
}

bool companion_apply(const struct site_companion *companion, double raw, struct site_from *from, uint16_t *status)
{
    if (!isfinite(raw)) {
        return false;
    }
    if (companion->use == COMPANION_STATUS) {
        *status |= status_of(companion, raw);
        return true;
    }
    if (companion->use == COMPANION_SCALE) {
        return apply_scale(companion, raw, from);
    }
    const struct site_case *found = find_case(companion, raw);
    if (found != NULL) {
        memcpy(from->order, found->order, sizeof from->order);
    }
    return found != NULL;
}

static bool raw_of_flags(const struct site_companion *companion, uint16_t status, double *ret_raw)
{
    uint64_t bits = 0;
    unsigned left = status;
    for (size_t i = 0; i < companion->case_count; i++) {
        const unsigned flags = companion->cases[i].status;
        if ((flags & left) != 0 && (flags & ~(unsigned)status) == 0) {
            bits |= UINT64_C(1) << (unsigned)companion->cases[i].raw;
            left &= ~flags;
        }
    }
    if (left == 0) {
        *ret_raw = (double)bits;
    }
    return left == 0;
}

bool companion_raw(const struct site_companion *companion, uint16_t status, double *ret_raw)
{
    if (companion->use == COMPANION_STATUS && companion->as == COMPANION_FLAGS) {
        return raw_of_flags(companion, status, ret_raw);
    }
    if (companion->use == COMPANION_SCALE && companion->as != COMPANION_CASES) {
        *ret_raw = companion->as == COMPANION_DECIMALS ? 0 : 1;
        return true;
    }
    for (size_t i = 0; i < companion->case_count; i++) {
        if (companion->use != COMPANION_STATUS || companion->cases[i].status == status) {
            *ret_raw = companion->cases[i].raw;
            return true;
        }
    }
    return false;
}

bool companion_value(const struct site_extra *extra, double raw, double *ret_value)
{
    for (size_t i = 0; i < extra->value_count; i++) {
        if (extra->values[i].raw == raw) {
            *ret_value = extra->values[i].value;
            return true;
        }
    }
    return false;
}
