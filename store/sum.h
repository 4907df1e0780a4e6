/*
 * sum: the exact sum of any number of doubles, in any order.
 *
 * A mean must not depend on how the samples were put together: one by one, or
 * minutes into hours into days.  Floating-point addition does; this sum has no
 * rounding at all until it is asked for its value.
 *
 * It is one long whole number in units of 2^-1088, in digits of 32 bits held in
 * 64, so that two thousand million additions pass before a digit must hand on
 * what it cannot hold (after Neal, "Fast exact summation using small and large
 * superaccumulators", 2015).  68 digits reach from the smallest double to 2^63
 * times the largest.
 *
 * Infinities are only remembered; a NaN must not be added.
 *
 * Pure.  All zero is an empty sum.
 */
#ifndef DAVY_STORE_SUM_H
#define DAVY_STORE_SUM_H

#include "store/bytes.h"

enum {
    SUM_DIGITS = 68,
    SUM_BYTES_MAX = 4 + 4 * SUM_DIGITS /* of sum_put */
};

struct sum {
    int64_t digits[SUM_DIGITS];
    uint32_t adds;       /* since digits were last handed on */
    uint8_t first, last; /* digits that may be other than zero: first .. last - 1 */
    bool plus, minus;    /* an infinity was added */
};

void sum_clear(struct sum *sum);
/* Makes `sum`, which may hold anything, the same as the other. */
void sum_copy(struct sum *sum, const struct sum *other);
void sum_add(struct sum *sum, double value);
void sum_merge(struct sum *sum, const struct sum *other);

/* The sum as the nearest double. */
double sum_value(const struct sum *sum);
/* The sum, rounded once to 53 bits, divided by count (not 0): right also where the sum itself is too large. */
double sum_mean(const struct sum *sum, uint64_t count);

/* The sum as two doubles whose exact sum it is; false when it takes more than two. */
bool sum_split(const struct sum *sum, double *ret_hi, double *ret_lo);

/* The sum as bytes: flags (1 negative, 2 +infinity, 4 -infinity), first digit, number of digits, then each digit of
 * the size, 4 bytes, the lowest first. */
uint8_t *sum_put(uint8_t *to, const struct sum *sum);
/* Adds what sum_put wrote; false when it is no such thing. */
bool sum_get(struct cursor *cursor, struct sum *sum);

#endif
