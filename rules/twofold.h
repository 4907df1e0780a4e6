/*
 * twofold: sums with twice the precision of a double.
 *
 * A number is kept as hi + lo, where hi is the rounded sum and lo what the
 * rounding lost (Dekker 1971, Knuth TAOCP 4.2.2; products by fused
 * multiply-add).  About 106 bits, so adding and later removing a sample leaves
 * nothing behind that could be seen in a double.
 */
#ifndef DAVY_RULES_TWOFOLD_H
#define DAVY_RULES_TWOFOLD_H

#include <math.h>

struct twofold {
    double hi, lo;
};

static inline struct twofold twofold_sum(double a, double b)
{
    double hi = a + b;
    double from_b = hi - a;
    return (struct twofold){hi, (a - (hi - from_b)) + (b - from_b)};
}

static inline struct twofold twofold_product(double a, double b)
{
    double hi = a * b;
    return (struct twofold){hi, fma(a, b, -hi)};
}

static inline struct twofold twofold_add(struct twofold a, struct twofold b)
{
    struct twofold high = twofold_sum(a.hi, b.hi);
    struct twofold low = twofold_sum(a.lo, b.lo);
    high = twofold_sum(high.hi, high.lo + low.hi);
    return twofold_sum(high.hi, high.lo + low.lo);
}

static inline struct twofold twofold_negate(struct twofold a)
{
    return (struct twofold){-a.hi, -a.lo};
}

static inline struct twofold twofold_times(struct twofold a, struct twofold b)
{
    struct twofold product = twofold_product(a.hi, b.hi);
    return twofold_sum(product.hi, product.lo + (a.hi * b.lo + a.lo * b.hi));
}

static inline struct twofold twofold_of(double a)
{
    return (struct twofold){a, 0.0};
}

static inline double twofold_value(struct twofold a)
{
    return a.hi + a.lo;
}

#endif
