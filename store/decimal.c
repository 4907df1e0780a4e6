/*
 * decimal: see decimal.h.
 */
#include "store/decimal.h"
#include "store/bytes.h"
#include <math.h>

static const double powers[DECIMAL_SCALE_MAX + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                     1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

static const double whole_max = 9007199254740992.0; /* 2^53: below it every whole number is a double */

double decimal_value(int64_t k, unsigned scale)
{
    const double value = (double)k / powers[scale & 15];
    return (scale & DECIMAL_F32) != 0 ? (double)(float)value : value;
}

bool decimal_exact(double value, unsigned scale, int64_t *ret_k)
{
    const double scaled = value * powers[scale & 15];
    if (!(fabs(scaled) < whole_max)) { /* NaN too */
        return false;
    }
    const int64_t k = (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
    if (double_bits(decimal_value(k, scale)) != double_bits(value)) {
        return false;
    }
    *ret_k = k;
    return true;
}

bool decimal_find(double value, unsigned least, unsigned *ret_scale, int64_t *ret_k)
{
    if (!isfinite(value)) {
        return false;
    }
    for (unsigned scale = least; (scale & ~(unsigned)DECIMAL_F32) <= DECIMAL_SCALE_MAX; scale++) {
        if (decimal_exact(value, scale, ret_k)) {
            *ret_scale = scale;
            return true;
        }
    }
    return false;
}
