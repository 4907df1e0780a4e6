/*
 * decimal: reads the numbers that sensors send, such as -12.375, quickly.
 *
 * Eight bytes are looked at at once and the digits among them turned into a
 * number by three multiplications, so the cost does not depend on how many there
 * are, and no branch has to be guessed.  Whole number and power of ten are exact
 * doubles (below 2^53, and at most 10^15), so the one division rounds once: the
 * nearest double, the same that text_parse_number gives.
 *
 * What is longer or of another form, and what stands at the very end of the
 * text, is declined: it is text_parse_number's.  Pure; inline, for it is called
 * per sample.
 */
#ifndef DAVY_BASE_DECIMAL_H
#define DAVY_BASE_DECIMAL_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    DECIMAL_SIGHT = 26,  /* a sign, 7 digits, a point, 16 digits, and what stands behind */
    DECIMAL_DIGITS = 19, /* fit 64 bits */
};

/* Gives how many of the eight bytes at `at` are digits before the first that is none, and their number. */
static inline unsigned decimal_digits(const char *at, uint64_t *ret_number)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    word = le64toh(word) ^ UINT64_C(0x3030303030303030); /* the first digit is the lowest byte; digits are 0..9 now */
    /* Adding carries out of bytes that are no digits only, so up to the first of them all is told right. */
    const uint64_t others = ((word + UINT64_C(0x7676767676767676)) | word) & UINT64_C(0x8080808080808080);
    const unsigned count = others == 0 ? 8 : (unsigned)__builtin_ctzll(others) / 8;
    if (count == 0) {
        *ret_number = 0;
        return 0;
    }
    word <<= 64 - 8 * count;        /* zeros in front of the digits */
    word = word * 10 + (word >> 8); /* pairs, in every second byte */
    *ret_number = ((word & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064) +
                   ((word >> 16) & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001)) >>
                  32;
    return count;
}

/* True for what continues a number, or spoils it. */
static inline bool decimal_goes_on(char c)
{
    return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

/* Reads -?digits[.digits]; gives where it ended, NULL when it is declined. */
static inline const char *decimal_read(const char *at, const char *end, double *ret_value)
{
    static const uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    if (end - at < DECIMAL_SIGHT) {
        return NULL;
    }
    const bool negative = *at == '-';
    const char *first = at + negative;
    uint64_t whole;
    const unsigned digits = decimal_digits(first, &whole);
    if (digits == 0 || digits == 8 || (*first == '0' && digits > 1)) {
        return NULL;
    }
    const char *p = first + digits;
    unsigned places = 0;
    if (*p == '.') {
        uint64_t part;
        places = decimal_digits(p + 1, &part);
        whole = whole * tens[places] + part;
        if (places == 0) {
            return NULL;
        }
        if (places == 8) { /* as values have that were calculated */
            const unsigned more = decimal_digits(p + 9, &part);
            if (more == 8 || digits + 8 + more > DECIMAL_DIGITS) {
                return NULL;
            }
            whole = whole * tens[more] + part;
            places += more;
        }
        p += 1 + places;
    }
    if (decimal_goes_on(*p) || whole >= UINT64_C(1) << 53) {
        return NULL;
    }
    const double value = (double)whole / powers[places];
    *ret_value = negative ? -value : value;
    return p;
}

#endif
