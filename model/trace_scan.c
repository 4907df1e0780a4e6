/* trace_scan: see trace_scan.h. */
#include "model/trace_scan.h"

#include "base/clock.h"
#include "base/text.h"
#include <endian.h>
#include <string.h>

/* ---- digits ------------------------------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

/* Reads eight digits at once; false when one of the bytes is none. */
static bool eight_digits(const char *p, uint64_t *ret_number)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    word = le64toh(word) - UINT64_C(0x3030303030303030); /* the first digit is the lowest byte */
    if (((word | (word + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080)) != 0) {
        return false;
    }
    word = word * 10 + (word >> 8); /* pairs, in every second byte */
    *ret_number = ((word & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064) +
                   ((word >> 16) & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001)) >>
                  32;
    return true;
}

/* Takes digits onto *number. */
static const char *take_digits(const char *p, uint64_t *number)
{
    for (; is_digit(*p); p++) {
        *number = *number * 10 + (uint64_t)(*p - '0');
    }
    return p;
}

/* -?digits[.digits] in JSON's grammar.  Up to 19 digits fit 64 bits; below 2^53 the whole number and the power of ten
 * are exact doubles, so the division rounds once: the nearest double. */
static const char *scan_decimal(const char *p, double *ret_value)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                  1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
    enum { DIGITS_MAX = sizeof tens / sizeof tens[0] - 1 };
    const bool negative = *p == '-';
    const char *first = p + (negative ? 1 : 0);
    uint64_t whole = 0;
    const char *end = take_digits(first, &whole);
    int64_t digits = end - first;
    int64_t decimals = 0;
    if (digits == 0 || (*first == '0' && digits > 1)) {
        return NULL;
    }
    if (*end == '.') {
        const char *point = end;
        end = take_digits(point + 1, &whole);
        decimals = end - point - 1;
        digits += decimals;
    }
    if ((decimals == 0 && end[-1] == '.') || digits > DIGITS_MAX || whole >= UINT64_C(1) << 53) {
        return NULL;
    }
    const double value = (double)whole / tens[decimals];
    *ret_value = negative ? -value : value;
    return end;
}

/* First as above, then, of many digits or with an exponent, as text_parse_number. */
const char *trace_scan_number(const char *p, char stop, double *ret_value)
{
    const char *end = scan_decimal(p, ret_value);
    if (end != NULL && (*end == stop || *end == '\n' || *end == '\r' || *end == ' ' || *end == ',')) {
        return end;
    }
    for (end = p; is_digit(*end) || *end == '-' || *end == '+' || *end == '.' || *end == 'e' || *end == 'E'; end++) {
    }
    return text_parse_number(p, (size_t)(end - p), ret_value) ? end : NULL;
}

/* ---- times ------------------------------------------------------------------------------------------------------- */

/* Whole Unix milliseconds, not negative. */
static const char *scan_ms(const char *p, int64_t *ret_ns)
{
    enum { MS_DIGITS_MAX = 13 }; /* 2^63 ns are 13 digits of milliseconds */
    uint64_t ms = 0;
    const char *end = take_digits(eight_digits(p, &ms) ? p + 8 : p, &ms);
    if (end == p || end - p > MS_DIGITS_MAX || (*p == '0' && end - p > 1) || *end == '.' ||
        __builtin_mul_overflow((int64_t)ms, NS_PER_MS, ret_ns)) {
        return NULL;
    }
    return end;
}

static bool take_two(const char *p, unsigned most, int64_t *ret_number)
{
    const unsigned tens = (unsigned char)(p[0] - '0');
    const unsigned ones = (unsigned char)(p[1] - '0');
    *ret_number = tens * 10 + ones;
    return tens <= 9 && ones <= 9 && tens * 10 + ones <= most;
}

/* hh:mm:ss[.fraction]Z behind a date that was read before; NULL for a leap second too. */
static const char *scan_time_of_day(const char *p, int64_t day_ns, int64_t *ret_ns)
{
    enum { FRACTION_MAX = 9 };
    int64_t hour;
    int64_t minute;
    int64_t second;
    if (!take_two(p, 23, &hour) || p[2] != ':' || !take_two(p + 3, 59, &minute) || p[5] != ':' ||
        !take_two(p + 6, 59, &second)) {
        return NULL;
    }
    int64_t ns = ((hour * 60 + minute) * 60 + second) * NS_PER_S;
    p += 8;
    if (*p == '.') {
        const char *first = ++p;
        int64_t unit = NS_PER_S;
        for (; is_digit(*p) && p - first < FRACTION_MAX; p++) {
            unit /= 10;
            ns += unit * (*p - '0');
        }
        if (p == first) {
            return NULL;
        }
    }
    return *p == 'Z' && !__builtin_add_overflow(day_ns, ns, ret_ns) ? p + 1 : NULL;
}

/* The two lengths that most times have: milliseconds since about 2001, and RFC 3339 as davy writes it. */
enum { MS_LEN = 13, RFC3339_LEN = 24 };

/* True when the text at p begins with the time that was read last; rows of one moment follow one another.  (The lengths
 * are constants, so that comparing takes no call.) */
static bool is_last_time(const struct trace_time *last, const char *p)
{
    return (last->len == MS_LEN && memcmp(p, last->text, MS_LEN) == 0) ||
           (last->len == RFC3339_LEN && memcmp(p, last->text, RFC3339_LEN) == 0);
}

static void keep_time(struct trace_time *last, const char *p, const char *end, int64_t ns)
{
    if (end - p == MS_LEN || end - p == RFC3339_LEN) {
        last->len = (size_t)(end - p);
        last->ns = ns;
        memcpy(last->text, p, RFC3339_LEN); /* of the shorter one a little more */
    }
}

/* Remembers the date of a time that was read: rows of one day follow one another. */
static void keep_day(struct trace_day *day, const char *time)
{
    char midnight[] = "yyyy-mm-ddT00:00:00Z";
    memcpy(midnight, time, TRACE_DAY_LEN);
    int64_t ns;
    if (midnight[TRACE_DAY_LEN - 1] == 'T' && text_parse_time(midnight, sizeof midnight - 1, &ns)) {
        day->ns = ns;
        memcpy(day->text, midnight, TRACE_DAY_LEN);
    }
}

/* A time without quotes that is not the last one: what the rows before would lead one to expect, else any that
 * text_parse_time reads. */
static const char *scan_new_time(struct trace_reader *reader, const char *p, int64_t *ret_ns)
{
    const bool is_date = p[4] == '-';
    const char *end = NULL;
    if (!is_date) {
        end = scan_ms(p, ret_ns);
    } else if (memcmp(p, reader->day.text, TRACE_DAY_LEN) == 0) {
        end = scan_time_of_day(p + TRACE_DAY_LEN, reader->day.ns, ret_ns);
    }
    if (end != NULL) {
        return end;
    }
    for (end = p; (unsigned char)*end >= ' ' && *end != ',' && *end != '"' && *end != '}'; end++) {
    }
    if (!text_parse_time(p, (size_t)(end - p), ret_ns)) {
        return NULL;
    }
    if (is_date && end - p > TRACE_DAY_LEN && memcmp(p, reader->day.text, TRACE_DAY_LEN) != 0) {
        keep_day(&reader->day, p);
    }
    return end;
}

/* What may stand behind a time that is whole. */
static bool time_ends(char c)
{
    return c == ',' || c == '"' || c == '\n' || c == '\r';
}

const char *trace_scan_time(struct trace_reader *reader, struct trace_time *last, const char *p, int64_t *ret_ns)
{
    if (is_last_time(last, p) && time_ends(p[last->len])) {
        *ret_ns = last->ns;
        return p + last->len;
    }
    const char *end = scan_new_time(reader, p, ret_ns);
    if (end != NULL) {
        keep_time(last, p, end, *ret_ns);
    }
    return end;
}

const char *trace_scan_whole_ms(struct trace_time *last, const char *p, int64_t *ret_ns)
{
    if (is_last_time(last, p) && p[last->len] == ',') {
        *ret_ns = last->ns;
        return p + last->len;
    }
    const char *end = scan_ms(p, ret_ns);
    if (end == NULL || *end == 'e' || *end == 'E') {
        return NULL;
    }
    keep_time(last, p, end, *ret_ns);
    return end;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

const char *trace_scan_point(struct trace_reader *reader, const char *p, char stop, uint32_t *ret_point)
{
    if (trace_may_guess(reader)) {
        const struct trace_name *guess = &reader->names[reader->names[reader->last_point].after];
        if (guess->len > 0 && memcmp(p, guess->id, guess->len) == 0 && p[guess->len] == stop) {
            *ret_point = reader->last_point = (uint32_t)(guess - reader->names);
            reader->wrong = 0;
            return p + guess->len;
        }
    }
    const char *end = memchr(p, stop, TRACE_ID_MAX + 1);
    if (end == NULL || end == p) {
        return NULL;
    }
    /* what stands before `stop` may be anything: no id holds a quote, an escape or a line end */
    *ret_point = trace_find_point(reader, (struct trace_text){p, (size_t)(end - p)});
    return *ret_point != SITE_NONE ? end : NULL;
}

const char *trace_scan_status(const char *p, uint16_t *ret_status)
{
    const char *end = p;
    if (memcmp(p, "good", 4) == 0) {
        end += 4;
    }
    for (; (*end >= 'a' && *end <= 'z') || *end == '+'; end++) {
    }
    return status_parse(p, (size_t)(end - p), ret_status) ? end : NULL;
}
