/*
 * sum: see sum.h.
 */
#include "store/sum.h"
#include <math.h>

enum { DIGIT_BITS = 32, LOWEST = 1088, MANTISSA = 53, ADDS_MAX = 1 << 30 };
enum { FLAG_NEGATIVE = 1, FLAG_PLUS = 2, FLAG_MINUS = 4, FLAGS_ALL = 7 };
static const int64_t base = INT64_C(1) << DIGIT_BITS;

void sum_clear(struct sum *sum)
{
    for (unsigned i = sum->first; i < sum->last; i++) {
        sum->digits[i] = 0;
    }
    sum->adds = 0;
    sum->first = sum->last = 0;
    sum->plus = sum->minus = false;
}

static void copy_digits(struct sum *sum, const struct sum *other)
{
    memcpy(&sum->digits[other->first], &other->digits[other->first],
           (size_t)(other->last - other->first) * sizeof sum->digits[0]);
    sum->adds = other->adds;
    sum->first = other->first;
    sum->last = other->last;
    sum->plus = other->plus;
    sum->minus = other->minus;
}

void sum_copy(struct sum *sum, const struct sum *other)
{
    sum_clear(sum);
    copy_digits(sum, other);
}

/* A copy to work on.  A sum uses few of its digits, so only these are looked at, and those next to them: hand_on may
 * add to them above, and a double of the sum's size has no bit further away. */
static void begin_copy(struct sum *ret_sum, const struct sum *other)
{
    enum { NEXT = 3 };
    const unsigned from = other->first > NEXT ? other->first - (unsigned)NEXT : 0;
    const unsigned to = other->last + NEXT < SUM_DIGITS ? other->last + (unsigned)NEXT : SUM_DIGITS;
    memset(&ret_sum->digits[from], 0, (to - from) * sizeof ret_sum->digits[0]);
    copy_digits(ret_sum, other);
}

static void reach(struct sum *sum, unsigned first, unsigned last)
{
    if (sum->first == sum->last) {
        sum->first = (uint8_t)first;
        sum->last = (uint8_t)last;
        return;
    }
    sum->first = first < sum->first ? (uint8_t)first : sum->first;
    sum->last = last > sum->last ? (uint8_t)last : sum->last;
}

/* Hands on what a digit cannot hold: all but the uppermost end up in 0 .. 2^32 - 1; that one has the sign. */
static void hand_on(struct sum *sum)
{
    int64_t carry = 0;
    for (unsigned i = sum->first; i < sum->last; i++) {
        const int64_t all = sum->digits[i] + carry;
        const int64_t digit = all & (base - 1);
        carry = (all - digit) / base;
        if (i + 1 == SUM_DIGITS) { /* beyond 2^1088: cannot be reached by 2^63 additions */
            sum->digits[i] = all;
            break;
        }
        sum->digits[i] = digit;
        if (i + 1 == sum->last && carry == -1) {
            sum->digits[i] -= base; /* the sign */
            break;
        }
        sum->last = (uint8_t)(sum->last + (i + 1 == sum->last && carry != 0));
    }
    sum->adds = 0;
}

/* value = m * 2^(exponent - LOWEST), m a whole number of at most 53 bits. */
static void take_apart(double value, uint64_t *ret_m, unsigned *ret_exponent)
{
    const uint64_t bits = double_bits(value);
    const unsigned field = (unsigned)(bits >> 52) & 0x7ff;
    const uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    *ret_m = field == 0 ? fraction : fraction | UINT64_C(1) << 52;
    *ret_exponent = (field == 0 ? 1 : field) - 1075 + LOWEST;
}

void sum_add(struct sum *sum, double value)
{
    if (isinf(value)) {
        sum->plus |= value > 0;
        sum->minus |= value < 0;
        return;
    }
    uint64_t m;
    unsigned exponent;
    take_apart(value, &m, &exponent);
    if (m == 0) {
        return;
    }
    const unsigned place = exponent / DIGIT_BITS;
    const unsigned shift = exponent % DIGIT_BITS;
    const uint64_t low = (m & UINT32_MAX) << shift;
    const uint64_t high = ((m >> DIGIT_BITS) << shift) + (low >> DIGIT_BITS); /* at most 21 + 31 bits */
    const int64_t parts[3] = {(int64_t)(low & UINT32_MAX), (int64_t)(high & UINT32_MAX),
                              (int64_t)(high >> DIGIT_BITS)};
    const int64_t sign = value < 0 ? -1 : 1;
    reach(sum, place, place + 3);
    for (unsigned i = 0; i < 3; i++) {
        sum->digits[place + i] += sign * parts[i];
    }
    if (++sum->adds == ADDS_MAX) {
        hand_on(sum);
    }
}

void sum_merge(struct sum *sum, const struct sum *other)
{
    sum->plus |= other->plus;
    sum->minus |= other->minus;
    if (other->first == other->last) {
        return;
    }
    struct sum add;
    begin_copy(&add, other);
    hand_on(&add); /* its digits now count as one addition each */
    reach(sum, add.first, add.last);
    for (unsigned i = add.first; i < add.last; i++) {
        sum->digits[i] += add.digits[i];
    }
    if (++sum->adds >= ADDS_MAX) {
        hand_on(sum);
    }
}

/* A copy whose digits, first to last, are the size of the sum, in 0 .. 2^32 - 1; true when the sum is negative. */
static bool size_of(const struct sum *sum, struct sum *ret_size)
{
    struct sum size;
    begin_copy(&size, sum);
    hand_on(&size);
    const bool negative = size.first < size.last && size.digits[size.last - 1] < 0;
    if (negative) {
        for (unsigned i = size.first; i < size.last; i++) {
            size.digits[i] = -size.digits[i];
        }
        hand_on(&size);
    }
    while (size.last > size.first && size.digits[size.last - 1] == 0) {
        size.last--;
    }
    while (size.last > size.first && size.digits[size.first] == 0) {
        size.first++;
    }
    copy_digits(ret_size, &size);
    return negative;
}

/* The size as m * 2^exponent, m with its top bit (63) set, the lowest bit set also when anything below was cut: so that
 * rounding m to a double is rounding the sum.  0 for an empty sum. */
static uint64_t leading(const struct sum *size, int *ret_exponent)
{
    if (size->first == size->last) {
        return 0;
    }
    const unsigned top = size->last - 1U;
    uint64_t digits[3] = {0};
    for (unsigned i = 0; i < 3 && i + size->first <= top; i++) {
        digits[i] = (uint64_t)size->digits[top - i];
    }
    const unsigned zeros = (unsigned)__builtin_clzll(digits[0]) - DIGIT_BITS; /* of the top digit: 0 .. 31 */
    uint64_t m = (digits[0] << DIGIT_BITS | digits[1]) << zeros;
    m |= zeros == 0 ? 0 : digits[2] >> (DIGIT_BITS - zeros);
    bool cut = (digits[2] & ((UINT64_C(1) << (DIGIT_BITS - zeros)) - 1)) != 0;
    for (unsigned i = size->first; !cut && i + 2 < top; i++) {
        cut = size->digits[i] != 0;
    }
    *ret_exponent = ((int)top - 1) * DIGIT_BITS - LOWEST - (int)zeros;
    return m | cut;
}

static bool special(const struct sum *sum, double *ret_value)
{
    *ret_value = sum->plus && sum->minus ? (double)NAN : sum->plus ? (double)INFINITY : -(double)INFINITY;
    return sum->plus || sum->minus;
}

double sum_mean(const struct sum *sum, uint64_t count)
{
    double value;
    if (special(sum, &value)) {
        return value;
    }
    struct sum size;
    int exponent = 0;
    const bool negative = size_of(sum, &size);
    const uint64_t m = leading(&size, &exponent);
    value = ldexp((double)m / (double)count, exponent);
    return negative ? -value : value;
}

double sum_value(const struct sum *sum)
{
    return sum_mean(sum, 1);
}

bool sum_split(const struct sum *sum, double *ret_hi, double *ret_lo)
{
    const double hi = sum_value(sum);
    if (!isfinite(hi)) {
        return false;
    }
    struct sum rest;
    begin_copy(&rest, sum);
    sum_add(&rest, -hi);
    const double lo = sum_value(&rest);
    sum_add(&rest, -lo);
    if (sum_value(&rest) != 0) {
        return false;
    }
    *ret_hi = hi;
    *ret_lo = lo;
    return true;
}

uint8_t *sum_put(uint8_t *to, const struct sum *sum)
{
    struct sum size;
    const bool negative = size_of(sum, &size);
    *to++ = (uint8_t)((negative ? FLAG_NEGATIVE : 0) | (sum->plus ? FLAG_PLUS : 0) | (sum->minus ? FLAG_MINUS : 0));
    *to++ = size.first;
    *to++ = (uint8_t)(size.last - size.first);
    for (unsigned i = size.first; i < size.last; i++) {
        to = put_u32(to, (uint32_t)size.digits[i]);
    }
    return to;
}

bool sum_get(struct cursor *cursor, struct sum *sum)
{
    const unsigned flags = cursor_u8(cursor);
    const unsigned first = cursor_u8(cursor);
    const unsigned count = cursor_u8(cursor);
    const uint8_t *const bytes = cursor_take(cursor, (size_t)count * 4);
    if (bytes == NULL || (flags & ~(unsigned)FLAGS_ALL) != 0 || first + count > SUM_DIGITS) {
        return false;
    }
    struct sum add = {.first = (uint8_t)first, .last = (uint8_t)(first + count)};
    add.plus = (flags & FLAG_PLUS) != 0;
    add.minus = (flags & FLAG_MINUS) != 0;
    for (unsigned i = 0; i < count; i++) {
        const int64_t digit = get_u32(bytes + (size_t)i * 4);
        add.digits[first + i] = (flags & FLAG_NEGATIVE) != 0 ? -digit : digit;
    }
    sum_merge(sum, &add);
    return true;
}
