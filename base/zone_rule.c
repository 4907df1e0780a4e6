/*
 * zone_rule: the POSIX TZ text at the end of a zone's file, which tells of the
 * time behind its table for ever.
 *
 *   name offset [name [offset] , day [/time] , day [/time]]
 *
 * Offsets are written the other way round there: "CST-8" is eight hours ahead.
 * Pure.
 */
#include "base/zone.h"
#include <string.h>

enum { DAY_S = 86400, HOUR_S = 3600, TIME_DEFAULT_S = 2 * HOUR_S, HOURS_MAX = 167 };

struct text {
    const char *at;
    size_t left;
};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool take(struct text *in, char c)
{
    if (in->left == 0 || *in->at != c) {
        return false;
    }
    in->at++;
    in->left--;
    return true;
}

static bool take_number(struct text *in, int lo, int hi, int *ret_number)
{
    int number = 0, digits = 0;
    while (in->left > 0 && *in->at >= '0' && *in->at <= '9' && digits < 4) {
        number = number * 10 + (*in->at - '0');
        digits++;
        (void)take(in, *in->at);
    }
    *ret_number = number;
    return digits > 0 && number >= lo && number <= hi;
}

/* Three letters or more, or anything between < and >. */
static bool take_name(struct text *in)
{
    const bool quoted = take(in, '<');
    size_t n = 0;
    while (n < in->left && (quoted ? in->at[n] != '>' : (in->at[n] | 32) >= 'a' && (in->at[n] | 32) <= 'z')) {
        n++;
    }
    in->at += n;
    in->left -= n;
    return n >= 3 && (!quoted || take(in, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct text *in, int32_t *ret_s)
{
    const bool minus = take(in, '-');
    if (!minus) {
        (void)take(in, '+');
    }
    int hours, minutes = 0, seconds = 0;
    if (!take_number(in, 0, HOURS_MAX, &hours) || (take(in, ':') && !take_number(in, 0, 59, &minutes)) ||
        (take(in, ':') && !take_number(in, 0, 59, &seconds))) {
        return false;
    }
    const int32_t all = hours * HOUR_S + minutes * 60 + seconds;
    *ret_s = minus ? -all : all;
    return true;
}

static bool take_day(struct text *in, struct zone_day *day)
{
    bool good;
    day->time_s = TIME_DEFAULT_S;
    if (take(in, 'M')) {
        day->form = 'M';
        good = take_number(in, 1, 12, &day->month) && take(in, '.') && take_number(in, 1, 5, &day->week) &&
               take(in, '.') && take_number(in, 0, 6, &day->weekday);
    } else {
        day->form = take(in, 'J') ? 'J' : 'n';
        good = take_number(in, day->form == 'J' ? 1 : 0, 365, &day->day);
    }
    return good && (!take(in, '/') || take_time(in, &day->time_s));
}

bool zone_rule_parse(const char *text, size_t len, struct zone_rule *ret_rule)
{
    struct text in = {text, len};
    struct zone_rule rule = {0};
    if (!take_name(&in) || !take_time(&in, &rule.standard_s)) {
        return false;
    }
    rule.standard_s = -rule.standard_s;
    if (in.left > 0) {
        rule.has_summer = true;
        rule.summer_s = rule.standard_s + HOUR_S;
        if (!take_name(&in)) {
            return false;
        }
        if (in.left > 0 && *in.at != ',') {
            if (!take_time(&in, &rule.summer_s)) {
                return false;
            }
            rule.summer_s = -rule.summer_s;
        }
        if (!take(&in, ',') || !take_day(&in, &rule.from) || !take(&in, ',') || !take_day(&in, &rule.to)) {
            return false;
        }
    }
    *ret_rule = rule;
    return in.left == 0;
}

/* ---- the calendar ------------------------------------------------------------------------------------------------ */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to the first of a year. */
static int64_t year_begin(int64_t year)
{
    const int64_t y = year - 1;
    return 365 * (year - 1970) + (floor_div(y, 4) - 492) - (floor_div(y, 100) - 19) + (floor_div(y, 400) - 4);
}

static int64_t year_of(int64_t days)
{
    int64_t year = 1970 + floor_div(days * 400, 146097);
    while (year_begin(year) > days) {
        year--;
    }
    while (year_begin(year + 1) <= days) {
        year++;
    }
    return year;
}

/* Days from the first of the year to the day meant. */
static int64_t day_of_year(const struct zone_day *day, int64_t year)
{
    static const int begins[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    const bool leap = is_leap(year);
    if (day->form == 'J') {
        return day->day - 1 + (leap && day->day >= 60 ? 1 : 0);
    }
    if (day->form == 'n') {
        return day->day;
    }
    const int64_t first = begins[day->month - 1] + (leap && day->month > 2 ? 1 : 0);
    const int length = begins[day->month] - begins[day->month - 1] + (leap && day->month == 2 ? 1 : 0);
    const int64_t weekday = (year_begin(year) + first + 4) % 7; /* 1970-01-01 was a Thursday */
    int64_t at = (day->weekday - (weekday < 0 ? weekday + 7 : weekday) + 7) % 7 + 7 * (day->week - 1);
    while (at >= length) {
        at -= 7;
    }
    return first + at;
}

static int64_t moment(const struct zone_day *day, int64_t year, int32_t before_s)
{
    return (year_begin(year) + day_of_year(day, year)) * DAY_S + day->time_s - before_s;
}

int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t time_s)
{
    if (!rule->has_summer) {
        return rule->standard_s;
    }
    const int64_t year = year_of(floor_div(time_s + rule->standard_s, DAY_S));
    const int64_t from = moment(&rule->from, year, rule->standard_s);
    const int64_t to = moment(&rule->to, year, rule->summer_s);
    const bool summer = from < to ? time_s >= from && time_s < to : time_s >= from || time_s < to;
    return summer ? rule->summer_s : rule->standard_s;
}
