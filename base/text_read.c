/*
 * text, part reading numbers: JSON's grammar, correctly rounded.
 *
 * A whole number below 2^53 and a power of ten up to 22 take one exact operation,
 * so the result is rounded once.  Up to 19 digits behind a point are divided as
 * whole numbers, with the rest in sight.  What remains goes to strtod, which
 * wants a NUL and gets the digits in a copy on the stack; the program never
 * calls setlocale.
 */
#include "base/text.h"
#include <math.h>
#include <stdlib.h>

/* Powers of ten that a double holds exactly. */
static const double pow10_exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

enum {
    POW10_EXACT_MAX = 22,
    WHOLE_DIGITS = 19,  /* fit 64 bits */
    WHOLE_POWER = 19,   /* powers of ten that fit 64 bits */
    DIGITS_MAX = 780,   /* 767 decide between two doubles; what follows only says "a little more" */
    POWER_MAX = 100000, /* larger powers of ten say the same as this one, whatever the digits */
};

/* The value is whole * 10^power while digits <= 19, else the text from `first` on counts. */
struct reading {
    const char *first; /* first digit that is not a leading zero */
    const char *last;  /* behind the last digit of the fraction */
    uint64_t whole;    /* of the first 19 digits */
    int64_t digits;    /* from `first` on */
    int64_t power;     /* of ten, of the last digit */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes digits; gives how many. */
static int64_t take_digits(const char **at, const char *end, struct reading *reading)
{
    const char *start = *at;
    for (; *at < end && is_digit(**at); (*at)++) {
        if (reading->digits == 0) {
            if (**at == '0') {
                continue;
            }
            reading->first = *at;
        }
        reading->digits++;
        if (reading->digits <= WHOLE_DIGITS) {
            reading->whole = reading->whole * 10 + (uint64_t)(**at - '0');
        }
    }
    reading->last = *at;
    return *at - start;
}

/* Takes "e±dd" behind the letter. */
static bool take_power(const char **at, const char *end, int64_t *ret_power)
{
    bool negative = false;
    if (*at < end && (**at == '+' || **at == '-')) {
        negative = **at == '-';
        (*at)++;
    }
    if (*at == end) {
        return false;
    }
    int64_t power = 0;
    for (; *at < end && is_digit(**at); (*at)++) {
        power = power < POWER_MAX ? power * 10 + (**at - '0') : power;
    }
    *ret_power = negative ? -power : power;
    return *at == end;
}

static bool take_number(const char *at, const char *end, struct reading *ret_reading)
{
    struct reading reading = {.first = at};
    const char *start = at;
    const int64_t before = take_digits(&at, end, &reading);
    if (before == 0 || (before > 1 && *start == '0')) {
        return false;
    }
    if (at < end && *at == '.') {
        at++;
        const int64_t after = take_digits(&at, end, &reading);
        if (after == 0) {
            return false;
        }
        reading.power = -after;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        int64_t power = 0;
        if (!take_power(&at, end, &power)) {
            return false;
        }
        reading.power += power;
    }
    *ret_reading = reading;
    return at == end;
}

/* Writes "e-123"; room for 22 characters. */
static void put_power(char *out, int64_t power)
{
    char reversed[24];
    int n = 0;
    int64_t left = power < 0 ? -power : power;
    do {
        reversed[n++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    *out++ = 'e';
    if (power < 0) {
        *out++ = '-';
    }
    while (n > 0) {
        *out++ = reversed[--n];
    }
    *out = '\0';
}

/* Writes the digits without point, cut where more cannot matter, and their power of ten; then asks strtod. */
static double by_strtod(const struct reading *reading)
{
    char text[DIGITS_MAX + 32];
    int n = 0;
    int64_t power = reading->power;
    bool more = false;
    for (const char *at = reading->first; at < reading->last; at++) {
        if (!is_digit(*at)) {
            continue;
        }
        if (n < DIGITS_MAX) {
            text[n++] = *at;
        } else {
            more = more || *at != '0';
            power++;
        }
    }
    if (more) {
        text[n++] = '1';
        power--;
    }
    put_power(text + n, power);
    return strtod(text, NULL);
}

__extension__ typedef unsigned __int128 wide;

/*
 * whole / 10^places, rounded once.  Both are shifted until their highest bit is set; whole * 2^63 / tens is then a
 * quotient of 63 or 64 bits, whose lowest bit stands far below the 53 that a double keeps: when the division leaves a
 * rest it is set, so that half way and a little more than half way differ.  Converting it rounds to the nearest, halves
 * to even; the power of two at the end is exact.
 */
static double by_division(uint64_t whole, int places)
{
    const uint64_t tens = (uint64_t)pow10_exact[places];
    const int whole_shift = __builtin_clzll(whole);
    const int tens_shift = __builtin_clzll(tens);
    const wide numerator = (wide)(whole << whole_shift) << 63;
    const uint64_t divisor = tens << tens_shift;
    uint64_t quotient = (uint64_t)(numerator / divisor);
    quotient |= numerator - (wide)quotient * divisor != 0 ? 1 : 0;
    return ldexp((double)quotient, tens_shift - whole_shift - 63);
}

static double value_of(const struct reading *reading)
{
    if (reading->digits == 0) {
        return 0;
    }
    const bool whole_known = reading->digits <= WHOLE_DIGITS;
    if (whole_known && reading->whole < UINT64_C(1) << 53 && reading->power >= -POW10_EXACT_MAX &&
        reading->power <= POW10_EXACT_MAX) {
        const double whole = (double)reading->whole;
        return reading->power < 0 ? whole / pow10_exact[-reading->power] : whole * pow10_exact[reading->power];
    }
    if (whole_known && reading->power >= -WHOLE_POWER && reading->power <= 0) {
        return by_division(reading->whole, (int)-reading->power);
    }
    return by_strtod(reading);
}

bool text_parse_number(const char *text, size_t len, double *ret_value)
{
    const char *end = text + len;
    const bool negative = len > 0 && *text == '-';
    struct reading reading;
    if (!take_number(text + (negative ? 1 : 0), end, &reading)) {
        return false;
    }
    const double value = value_of(&reading);
    if (isinf(value)) {
        return false;
    }
    *ret_value = negative ? -value : value;
    return true;
}
