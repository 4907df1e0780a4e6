/*
 * text, part time: RFC 3339 and Unix milliseconds to nanoseconds and back, in
 * the proleptic Gregorian calendar; no time zone data, no library.
 *
 * The calendar is counted in years that begin on 1 March, so that the leap day
 * is the last of its year: month lengths from March on follow (153 m + 2) / 5.
 */
#include "base/clock.h"
#include "base/text.h"
#include <math.h>
#include <string.h>

enum { DAY_S = 86400, DAYS_PER_ERA = 146097, YEARS_PER_ERA = 400, EPOCH_DAY = 719468 /* 1970-01-01 from 0000-03-01 */ };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* Days from 1970-01-01; year 0..9999. */
static int64_t days_from_date(int year, int month, int day)
{
    const int y = year + (month > 2 ? 0 : -1) + YEARS_PER_ERA; /* an era up, so that nothing is negative */
    const int era = y / YEARS_PER_ERA;
    const int year_of_era = y % YEARS_PER_ERA;
    const int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)(era - 1) * DAYS_PER_ERA + day_of_era - EPOCH_DAY;
}

struct date {
    int year, month, day;
};

static struct date date_from_days(int64_t days)
{
    const int64_t from_march = days + EPOCH_DAY;
    const int64_t era = floor_div(from_march, DAYS_PER_ERA);
    const int day_of_era = (int)(from_march - era * DAYS_PER_ERA);
    const int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int month_from_march = (5 * day_of_year + 2) / 153;
    const int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct date){.year = (int)(era * YEARS_PER_ERA) + year_of_era + (month <= 2 ? 1 : 0),
                         .month = month,
                         .day = day_of_year - (153 * month_from_march + 2) / 5 + 1};
}

static int days_in_month(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* seconds * 10^9 + nanos (0 <= nanos < 10^9), false when it does not fit. */
static bool join_ns(int64_t seconds, int64_t nanos, int64_t *ret_ns)
{
    if (seconds < 0) { /* towards zero first: the product alone may not fit where the sum does */
        seconds++;
        nanos -= NS_PER_S;
    }
    int64_t ns = 0;
    if (__builtin_mul_overflow(seconds, NS_PER_S, &ns) || __builtin_add_overflow(ns, nanos, &ns)) {
        return false;
    }
    *ret_ns = ns;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Two digits as a number, -1 when they are none. */
static int two(const char *text)
{
    return is_digit(text[0]) && is_digit(text[1]) ? (text[0] - '0') * 10 + (text[1] - '0') : -1;
}

/* Takes up to nine digits behind the point as nanoseconds; the rest is cut.  False without any digit. */
static bool take_fraction(const char **at, const char *end, int *ret_nanos)
{
    const char *start = *at;
    int nanos = 0;
    int unit = (int)NS_PER_S;
    for (; *at < end && is_digit(**at); (*at)++) {
        unit /= 10;
        nanos += unit * (**at - '0');
    }
    *ret_nanos = nanos;
    return *at > start;
}

/* Takes Z or ±hh:mm up to the end of the text. */
static bool take_offset(const char *at, const char *end, int *ret_offset_s)
{
    if (end - at == 1 && (*at == 'Z' || *at == 'z')) {
        *ret_offset_s = 0;
        return true;
    }
    if (end - at != 6 || (*at != '+' && *at != '-') || at[3] != ':') {
        return false;
    }
    const int hours = two(at + 1);
    const int minutes = two(at + 4);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
        return false;
    }
    *ret_offset_s = (hours * 3600 + minutes * 60) * (*at == '-' ? -1 : 1);
    return true;
}

/* Takes yyyy-mm-ddThh:mm:ss as seconds; *ret_leap says that it was second 60, taken as 59. */
static bool take_date_and_time(const char *text, int64_t *ret_seconds, bool *ret_leap)
{
    if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't' && text[10] != ' ') ||
        text[13] != ':' || text[16] != ':') {
        return false;
    }
    const int century = two(text);
    const int year = century * 100 + two(text + 2);
    const int month = two(text + 5);
    const int day = two(text + 8);
    const int hour = two(text + 11);
    const int minute = two(text + 14);
    const int second = two(text + 17);
    if (century < 0 || two(text + 2) < 0 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
        return false;
    }
    *ret_leap = second == 60;
    *ret_seconds = days_from_date(year, month, day) * DAY_S + hour * 3600 + minute * 60 + (*ret_leap ? 59 : second);
    return true;
}

static bool parse_rfc3339(const char *text, size_t len, int64_t *ret_ns)
{
    enum { DATE_AND_TIME = 19 };
    const char *end = text + len;
    int64_t seconds = 0;
    bool leap = false;
    if (len <= DATE_AND_TIME || !take_date_and_time(text, &seconds, &leap)) {
        return false;
    }
    const char *at = text + DATE_AND_TIME;
    int nanos = 0;
    if (*at == '.') {
        at++;
        if (!take_fraction(&at, end, &nanos)) {
            return false;
        }
    }
    int offset_s = 0;
    if (!take_offset(at, end, &offset_s)) {
        return false;
    }
    seconds -= offset_s;
    if (leap) { /* only where UTC may have one; all of it becomes the last nanosecond before midnight */
        if (seconds - floor_div(seconds, DAY_S) * DAY_S != DAY_S - 1) {
            return false;
        }
        nanos = (int)NS_PER_S - 1;
    }
    return join_ns(seconds, nanos, ret_ns);
}

/* Milliseconds written with an exponent: through a double, exact to its 53 bits. */
static bool parse_ms_exponent(const char *text, size_t len, int64_t *ret_ns)
{
    double ms = 0;
    if (!text_parse_number(text, len, &ms)) {
        return false;
    }
    const double ns = floor(ms * 1e6);
    if (!(ns >= -0x1p63 && ns < 0x1p63)) {
        return false;
    }
    *ret_ns = (int64_t)ns;
    return true;
}

/* (-)digits[.digits] milliseconds, exact; finer than a nanosecond is cut towards the past. */
static bool parse_unix_ms(const char *text, size_t len, int64_t *ret_ns)
{
    enum { MS_DIGITS_MAX = 13 }; /* 2^63 ns are 13 digits of milliseconds */
    const char *at = text;
    const char *end = text + len;
    const bool negative = len > 0 && *at == '-';
    at += negative ? 1 : 0;
    const char *first = at;
    int64_t ms = 0;
    for (; at < end && is_digit(*at); at++) {
        if (at - first == MS_DIGITS_MAX) {
            return false;
        }
        ms = ms * 10 + (*at - '0');
    }
    if (at == first || (at - first > 1 && *first == '0')) {
        return false;
    }
    int64_t nanos = 0;
    bool finer = false;
    if (at < end && *at == '.') {
        at++;
        const char *point = at;
        int64_t unit = NS_PER_MS;
        for (; at < end && is_digit(*at); at++) {
            unit /= 10;
            nanos += unit * (*at - '0');
            finer = finer || (unit == 0 && *at != '0');
        }
        if (at == point) {
            return false;
        }
    }
    if (at < end) {
        return (*at == 'e' || *at == 'E') && parse_ms_exponent(text, len, ret_ns);
    }
    const int64_t sign = negative ? -1 : 1;
    int64_t ns = 0;
    if (__builtin_mul_overflow(sign * ms, NS_PER_MS, &ns) ||
        __builtin_add_overflow(ns, sign * nanos - (negative && finer ? 1 : 0), &ns)) {
        return false;
    }
    *ret_ns = ns;
    return true;
}

bool text_parse_time(const char *text, size_t len, int64_t *ret_ns)
{
    if (len > 4 && text[4] == '-') {
        return parse_rfc3339(text, len, ret_ns);
    }
    return parse_unix_ms(text, len, ret_ns);
}

/* Two decimal digits; 0 <= n < 100. */
static void put_two(char *out, int n)
{
    out[0] = (char)('0' + n / 10);
    out[1] = (char)('0' + n % 10);
}

/* yyyy-mm-ddThh:mm:ss, 19 characters. */
static void put_date_and_time(char *out, int64_t seconds)
{
    const int64_t days = floor_div(seconds, DAY_S);
    const int second_of_day = (int)(seconds - days * DAY_S);
    const struct date date = date_from_days(days);
    memcpy(out, "....-..-..T..:..:..", 19);
    put_two(out, date.year / 100);
    put_two(out + 2, date.year % 100);
    put_two(out + 5, date.month);
    put_two(out + 8, date.day);
    put_two(out + 11, second_of_day / 3600);
    put_two(out + 14, second_of_day / 60 % 60);
    put_two(out + 17, second_of_day % 60);
}

size_t text_format_time(int64_t time_ns, char ret_text[TEXT_TIME_MAX])
{
    const int64_t seconds = floor_div(time_ns, NS_PER_S);
    const int ms = (int)(floor_div(time_ns, NS_PER_MS) - seconds * 1000);
    put_date_and_time(ret_text, seconds);
    ret_text[19] = '.';
    ret_text[20] = (char)('0' + ms / 100);
    put_two(ret_text + 21, ms % 100);
    memcpy(ret_text + 23, "Z", 2);
    return 24;
}

size_t text_format_time_offset(int64_t time_ns, int32_t offset_s, char ret_text[TEXT_TIME_MAX])
{
    put_date_and_time(ret_text, floor_div(time_ns, NS_PER_S) + offset_s);
    const int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;
    ret_text[19] = offset_s < 0 ? '-' : '+';
    put_two(ret_text + 20, minutes / 60 % 100);
    ret_text[22] = ':';
    put_two(ret_text + 23, minutes % 60);
    ret_text[25] = '\0';
    return 25;
}

bool text_parse_moment(const char *text, size_t len, int64_t now_ns, int64_t *ret_ns)
{
    if (len < 3 || memcmp(text, "now", 3) != 0) {
        return text_parse_time(text, len, ret_ns);
    }
    int64_t distance_ns = 0;
    if (len > 3 && ((text[3] != '-' && text[3] != '+') || !text_parse_duration(text + 4, len - 4, &distance_ns))) {
        return false;
    }
    int64_t moment_ns = 0;
    if (len > 3 && text[3] == '-' ? __builtin_sub_overflow(now_ns, distance_ns, &moment_ns)
                                  : __builtin_add_overflow(now_ns, distance_ns, &moment_ns)) {
        return false;
    }
    *ret_ns = moment_ns;
    return true;
}
