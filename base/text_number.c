/*
 * text, part printing numbers: doubles to the shortest decimal that reads back
 * the same.
 *
 * Three ways, each exact: few digits by one division; sizes that sensors have by
 * integers of 128 bits; everything else by trying with the C library, whose
 * printf and strtod round correctly (the program never calls setlocale, so the
 * decimal point is a point).
 */
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Powers of ten that a double holds exactly. */
static const double pow10_exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { POW10_EXACT_MAX = 22 };

enum { DIGITS_ALWAYS_KEPT = 15, DIGITS_ALWAYS_ENOUGH = 17 }; /* DBL_DIG, DBL_DECIMAL_DIG */

/* A positive number 0.d1d2d3… * 10^point. */
struct decimal {
    char digits[24]; /* no zero at either end */
    int count;
    int point;
};

static void strip_zeros(struct decimal *decimal)
{
    while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0') {
        decimal->count--;
    }
}

/* The decimal whole * 10^-scale. */
static void from_whole(uint64_t whole, int scale, struct decimal *ret_decimal)
{
    char reversed[24];
    int count = 0;
    for (; whole > 0; whole /= 10) {
        reversed[count++] = (char)('0' + whole % 10);
    }
    for (int i = 0; i < count; i++) {
        ret_decimal->digits[i] = reversed[count - 1 - i];
    }
    ret_decimal->count = count;
    ret_decimal->point = count - scale;
    strip_zeros(ret_decimal);
}

/*
 * What sensors send: few digits.  Looks for whole and k with value == whole / 10^k; both are exact doubles, so the
 * division rounds once, just as reading "whole e-k" does.  Of decimals with at most 15 digits only one reads back as
 * a given double, so the first one found is the shortest.  (A whole number below 2^53 has no shorter form at all.)
 */
static bool from_few_digits(double value, struct decimal *ret_decimal)
{
    if (value < 0x1p53 && value == floor(value)) {
        from_whole((uint64_t)value, 0, ret_decimal);
        return true;
    }
    for (int k = 1; k <= POW10_EXACT_MAX; k++) {
        const double whole = nearbyint(value * pow10_exact[k]);
        if (whole >= 1e15) {
            return false;
        }
        if (whole / pow10_exact[k] == value) {
            from_whole((uint64_t)whole, k, ret_decimal);
            return true;
        }
    }
    return false;
}

__extension__ typedef unsigned __int128 wide;

/* How many times step * 2^shift goes into n, to the nearest whole number, halves to the even one. */
static uint64_t times_rounded(wide n, uint64_t step, int shift)
{
    const uint64_t times = (uint64_t)(n >> shift) / step;
    const wide rest = n - ((wide)(times * step) << shift);
    const wide half = ((wide)step << shift) / 2;
    return times + (rest > half || (rest == half && times % 2 == 1) ? 1 : 0);
}

/*
 * Values of usual size that need 16 or 17 digits.  value = m / 2^shift, so value * 10^k = m * 10^k / 2^shift, and with
 * the k that leaves 17 digits before the point the product fits in 128 bits (below 2^127): all that follows is exact.
 * The nearest decimal of 16 digits will do when it is no further from value than half the step between doubles, which
 * is 10^k / 2 in the units of the product; on the very edge it reads back when m is even.
 */
static bool from_usual_size(double value, struct decimal *ret_decimal)
{
    int exponent = 0;
    const uint64_t m = (uint64_t)(frexp(value, &exponent) * 0x1p53);
    if (value < 1e-5 || value >= 0x1p52 || m == UINT64_C(1) << 52) { /* a power of two has unequal steps beside it */
        return false;
    }
    const int shift = 53 - exponent;
    int k = 16 - (int)floor((exponent - 1) * 0.30103); /* log10(2); gives 17 digits, or 18 */
    if ((uint64_t)(m * (wide)pow10_exact[k] >> shift) >= UINT64_C(100000000000000000)) {
        k--;
    }
    const wide unit = (wide)pow10_exact[k];
    const wide product = m * unit;
    const uint64_t tens = times_rounded(product, 10, shift);
    const wide near = (wide)(tens * 10) << shift;
    const wide off = near > product ? near - product : product - near;
    if (off * 2 < unit || (off * 2 == unit && m % 2 == 0)) {
        from_whole(tens, k - 1, ret_decimal);
    } else {
        from_whole(times_rounded(product, 1, shift), k, ret_decimal);
    }
    return true;
}

/* Takes apart what "%.*e" printed: d.ddde±xx. */
static void from_print(const char *text, struct decimal *ret_decimal)
{
    int count = 0;
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at != '.') {
            ret_decimal->digits[count++] = *at;
        }
    }
    ret_decimal->count = count;
    ret_decimal->point = atoi(at + 1) + 1;
}

/* Adds one to the last digit; a carry out of the first makes a 1 and moves the point. */
static void step_up(struct decimal *decimal)
{
    int i = decimal->count - 1;
    for (; i >= 0 && decimal->digits[i] == '9'; i--) {
        decimal->digits[i] = '0';
    }
    if (i >= 0) {
        decimal->digits[i]++;
        return;
    }
    decimal->digits[0] = '1';
    decimal->point++;
}

static bool reads_back(const struct decimal *decimal, double value)
{
    char text[48];
    (void)snprintf(text, sizeof text, "0.%.*se%d", decimal->count, decimal->digits, decimal->point);
    return strtod(text, NULL) == value;
}

/*
 * True when a decimal of `digits` digits reads back as value, and the nearest such decimal.  At a power of two the
 * doubles below lie twice as close as those above: the nearest decimal may miss and the next one up still hit.
 */
static bool try_digits(double value, int digits, bool power_of_two, struct decimal *ret_decimal)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.*e", digits - 1, value);
    from_print(text, ret_decimal);
    if (reads_back(ret_decimal, value)) {
        return true;
    }
    if (!power_of_two) {
        return false;
    }
    step_up(ret_decimal);
    return reads_back(ret_decimal, value);
}

/*
 * Any finite positive value.  What fits in 15 digits shows when printed with 15, zeros stripped; otherwise it takes
 * 16 or 17.  Below the normal range doubles hold fewer digits: there all lengths are tried.
 */
static void from_any(double value, struct decimal *ret_decimal)
{
    int exponent = 0;
    const bool power_of_two = frexp(value, &exponent) == 0.5;
    int digits = value < 0x1p-1022 ? 1 : DIGITS_ALWAYS_KEPT;
    while (digits < DIGITS_ALWAYS_ENOUGH && !try_digits(value, digits, power_of_two, ret_decimal)) {
        digits++;
    }
    if (digits == DIGITS_ALWAYS_ENOUGH) {
        (void)try_digits(value, digits, false, ret_decimal); /* 17 digits always read back */
    }
    strip_zeros(ret_decimal);
}

static char *put_zeros(char *out, int n)
{
    for (int i = 0; i < n; i++) {
        *out++ = '0';
    }
    return out;
}

static char *put_digits(char *out, const char *digits, int n)
{
    memcpy(out, digits, (size_t)n);
    return out + n;
}

/* d.ddde±x without superfluous parts; x has at most three digits. */
static char *put_scientific(char *out, const struct decimal *decimal)
{
    *out++ = decimal->digits[0];
    if (decimal->count > 1) {
        *out++ = '.';
        out = put_digits(out, decimal->digits + 1, decimal->count - 1);
    }
    const int exponent = decimal->point - 1;
    return out + sprintf(out, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
}

/* The four forms of Number::toString (ECMA-262, 6.1.6.1.20), n there is `point` here. */
static char *put_decimal(char *out, const struct decimal *decimal)
{
    const int point = decimal->point;
    if (point > 21 || point <= -6) {
        return put_scientific(out, decimal);
    }
    if (point >= decimal->count) {
        out = put_digits(out, decimal->digits, decimal->count);
        return put_zeros(out, point - decimal->count);
    }
    if (point > 0) {
        out = put_digits(out, decimal->digits, point);
        *out++ = '.';
        return put_digits(out, decimal->digits + point, decimal->count - point);
    }
    *out++ = '0';
    *out++ = '.';
    out = put_zeros(out, -point);
    return put_digits(out, decimal->digits, decimal->count);
}

static size_t put_word(const char *word, char ret_text[TEXT_NUMBER_MAX])
{
    const size_t len = strlen(word);
    memcpy(ret_text, word, len + 1);
    return len;
}

size_t text_format_number(double value, char ret_text[TEXT_NUMBER_MAX])
{
    if (isnan(value)) {
        return put_word("NaN", ret_text);
    }
    if (isinf(value)) {
        return put_word(value > 0 ? "Infinity" : "-Infinity", ret_text);
    }
    if (value == 0) {
        return put_word("0", ret_text);
    }
    char *out = ret_text;
    if (value < 0) {
        *out++ = '-';
    }
    struct decimal decimal;
    const double size = fabs(value);
    if (!from_few_digits(size, &decimal) && !from_usual_size(size, &decimal)) {
        from_any(size, &decimal);
    }
    out = put_decimal(out, &decimal);
    *out = '\0';
    return (size_t)(out - ret_text);
}
