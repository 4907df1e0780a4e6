/*
 * text, part reading numbers: JSON's grammar, correctly rounded.
 *
 * Up to 15 digits and a power of ten up to 22 take one exact operation, so the
 * result is rounded once.  The rest goes to strtod, which wants a NUL and gets
 * the digits in a copy on the stack; the program never calls setlocale.
 */
#include "base/text.h"
#include <math.h>
#include <stdlib.h>

/* Powers of ten that a double holds exactly. */
static const double pow10_exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

enum {
    POW10_EXACT_MAX = 22,
    EXACT_DIGITS = 15,
    DIGITS_MAX = 780,   /* 767 decide between two doubles; what follows only says "a little more" */
    POWER_MAX = 100000, /* larger powers of ten say the same as this one, whatever the digits */
};

/* The value is whole * 10^power while digits <= 15, else the text from `first` on counts. */
struct reading {
    const char *first; /* first digit that is not a leading zero */
    const char *last;  /* behind the last digit of the fraction */
    uint64_t whole;    /* of the first 15 digits */
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
        if (reading->digits <= EXACT_DIGITS) {
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

static double value_of(const struct reading *reading)
{
    if (reading->digits == 0) {
        return 0;
    }
    if (reading->digits <= EXACT_DIGITS && reading->power >= -POW10_EXACT_MAX && reading->power <= POW10_EXACT_MAX) {
        const double whole = (double)reading->whole;
        return reading->power < 0 ? whole / pow10_exact[-reading->power] : whole * pow10_exact[reading->power];
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
