/*
 * decimal: which whole number and power of ten a measured value was made of.
 *
 * Sensors send decimals: 1.02 is 102 / 10^2.  A value is kept as that whole
 * number only when (double)k / 10^scale gives back the very same bits, so -0.0,
 * NaN, infinities and values with too many digits are refused.  Devices with
 * 32-bit floats send (double)(float)1.02; the scale's form DECIMAL_F32 rounds
 * through float on the way back and catches these.
 *
 * A value exact at one scale is exact at every larger one while its whole
 * number stays within 2^53: the quotient is the same real number, rounded once.
 *
 * Pure.
 */
#ifndef DAVY_STORE_DECIMAL_H
#define DAVY_STORE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    DECIMAL_SCALE_MAX = 15,
    DECIMAL_F32 = 0x40 /* added to a scale: the value is rounded to float */
};

/* The value of k at a scale (with or without DECIMAL_F32). */
double decimal_value(int64_t k, unsigned scale);

/* True when value is exactly *ret_k at this scale. */
bool decimal_exact(double value, unsigned scale, int64_t *ret_k);

/* Finds the smallest scale from `least` on at which value is exact (of the same form, F32 or not). */
bool decimal_find(double value, unsigned least, unsigned *ret_scale, int64_t *ret_k);

#endif
