/*
 * scaling: engineering value = raw x scale + offset, rounded once.
 *
 * A scale of 0.01 is no double: 41 x 0.01 gives 0.41000000000000003, which may
 * stand on the wrong side of a limit and is no figure for a screen.  Where
 * scale and offset are decimals and raw is a whole number, as registers are,
 * the value is (raw x num + offset) / den with whole numbers, so the one
 * division rounds to the double nearest to the true decimal: 0.41.
 */
#ifndef DAVY_MODEL_SCALING_H
#define DAVY_MODEL_SCALING_H

#include "model/site.h"
#include <math.h>

/* Fills from->scale_num, scale_den and offset_num from scale and offset; den is 0 where they are no short decimals. */
void scaling_prepare(struct site_from *from);

/* What else is known of a scale only when a value is read, e.g. by another register: the value so far x factor + add,
 * or divided by a number other than 0.  Decimals stay exact as long as they are short. */
void scaling_then(struct site_from *from, double factor, double add);
void scaling_divide(struct site_from *from, double by);

/* Gives the engineering value.  Pure. */
static inline double scaling_value(const struct site_from *from, double raw)
{
    const double whole_max = 9007199254740992.0; /* 2^53: whole numbers up to here are exact */
    const double product = raw * from->scale_num;
    const double sum = product + from->offset_num;
    if (from->scale_den > 0 && raw == rint(raw) && fabs(product) <= whole_max && fabs(sum) <= whole_max) {
        return sum / from->scale_den;
    }
    return raw * from->scale + from->offset;
}

#endif
