/*
 * trace_quick: the usual line of a trace, read in one pass from its first byte
 * to its newline, without copying and without looking for its end first.
 *
 * Each scanner takes the form it knows at p and gives where that ended, NULL
 * for everything else: blanks, quotes, escapes, words, mistakes.  A line one of
 * them refuses is read again in full (trace_csv.c, trace_json.c), which also
 * finds the reason when it must be set aside; so nothing here tells a mistake,
 * and both ways give the same row for every line that this one takes (the fuzz
 * target holds them to it).
 *
 * The text may be read up to TRACE_SLACK bytes behind p; the byte behind the
 * last one that was read from the file is NUL, which every scanner stops at.
 */
#include "base/clock.h"
#include "base/text.h"
#include "model/trace_reader.h"
#include <endian.h>
#include <math.h>
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

/* Any number: first as above, then, of many digits or with an exponent, as text_parse_number. */
static const char *scan_number(const char *p, char stop, double *ret_value)
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

static const char *scan_time(struct trace_reader *reader, struct trace_time *last, const char *p, int64_t *ret_ns)
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

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* A point's id, up to `stop`. */
static const char *scan_point(struct trace_reader *reader, const char *p, char stop, uint32_t *ret_point)
{
    const struct trace_name *guess = &reader->names[reader->names[reader->last_point].after];
    if (guess->len > 0 && memcmp(p, guess->id, guess->len) == 0 && p[guess->len] == stop) {
        *ret_point = reader->last_point = (uint32_t)(guess - reader->names);
        return p + guess->len;
    }
    const char *end = memchr(p, stop, TRACE_ID_MAX + 1);
    if (end == NULL || end == p) {
        return NULL;
    }
    *ret_point = trace_find_point(reader, (struct trace_text){p, (size_t)(end - p)}); /* ids hold no quotes, escapes … */
    return *ret_point != SITE_NONE ? end : NULL;
}

static const char *scan_status(const char *p, uint16_t *ret_status)
{
    const char *end = p;
    if (memcmp(p, "good", 4) == 0) {
        end += 4;
    }
    for (; (*end >= 'a' && *end <= 'z') || *end == '+'; end++) {
    }
    return status_parse(p, (size_t)(end - p), ret_status) ? end : NULL;
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

struct fields {
    int64_t time_ns, seen_ns;
    double value;
    uint32_t point;
    uint16_t status;
};

/* A cell that no one asks for. */
static const char *scan_other(const char *p)
{
    if (*p == '"') {
        return NULL;
    }
    while (*p != ',' && *p != '\n' && *p != '\0') {
        p++;
    }
    return p;
}

static bool cell_ends(char c)
{
    return c == ',' || c == '\n' || c == '\r';
}

static const char *scan_cell(struct trace_reader *reader, enum trace_column column, const char *p,
                             struct fields *fields)
{
    switch (column) {
    case COLUMN_TIME:
        return scan_time(reader, &reader->time, p, &fields->time_ns);
    case COLUMN_POINT:
        return scan_point(reader, p, ',', &fields->point);
    case COLUMN_VALUE:
        return cell_ends(*p) ? p : scan_number(p, ',', &fields->value);
    case COLUMN_STATUS:
        return scan_status(p, &fields->status);
    case COLUMN_SEEN:
        return cell_ends(*p) ? p : scan_time(reader, &reader->seen, p, &fields->seen_ns);
    case COLUMN_OTHER:
    case COLUMN_KINDS:
        break;
    }
    return scan_other(p);
}

static const char *line_end(const char *p)
{
    p += *p == '\r' ? 1 : 0;
    return *p == '\n' ? p + 1 : NULL;
}

static void make_row(const struct fields *fields, struct trace_row *ret_row)
{
    const double value = fields->point == SITE_NONE ? 0 : fields->value; /* a clock row */
    trace_make_row(ret_row, fields->time_ns, fields->seen_ns, fields->point, value, fields->status);
}

const char *trace_csv_quick(struct trace_reader *reader, const char *p, struct trace_row *ret_row)
{
    struct fields fields = {.seen_ns = TIME_NEVER, .value = NAN, .point = SITE_NONE};
    const size_t last = reader->column_count - 1;
    for (size_t i = 0; i <= last; i++) {
        p = scan_cell(reader, reader->columns[i], p, &fields);
        if (p == NULL || (i < last && *p++ != ',')) {
            return NULL;
        }
    }
    p = line_end(p);
    if (p != NULL) {
        make_row(&fields, ret_row);
    }
    return p;
}

/* ---- NDJSON ------------------------------------------------------------------------------------------------------ */

static const char *pass_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t') {
        p++;
    }
    return p;
}

/* Takes `"key":` and blanks around it; *ret_column is which. */
static const char *scan_key(const char *p, enum trace_column *ret_column)
{
    static const struct {
        char text[8];
        uint8_t len;
    } keys[COLUMN_OTHER] = {{"time\"", 5}, {"point\"", 6}, {"value\"", 6}, {"status\"", 7}, {"seen\"", 5}};
    if (*p++ != '"') {
        return NULL;
    }
    for (unsigned i = 0; i < COLUMN_OTHER; i++) {
        if (memcmp(p, keys[i].text, keys[i].len) == 0) {
            p = pass_blanks(p + keys[i].len);
            *ret_column = (enum trace_column)i;
            return *p == ':' ? pass_blanks(p + 1) : NULL;
        }
    }
    return NULL;
}

static const char *behind_quote(const char *p)
{
    return p != NULL && *p == '"' ? p + 1 : NULL;
}

/* A number as a time goes through a double in the full reader: up to 15 digits that changes nothing. */
static const char *scan_json_time(struct trace_reader *reader, struct trace_time *last, const char *p, int64_t *ret_ns)
{
    if (*p == '"') {
        return behind_quote(scan_time(reader, last, p + 1, ret_ns));
    }
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

static const char *scan_json_value(const char *p, double *ret_value)
{
    static const struct {
        char text[8];
        uint8_t len;
        double value;
    } words[] = {{"null", 4, NAN}, {"true", 4, 1}, {"false", 5, 0}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (memcmp(p, words[i].text, words[i].len) == 0) {
            *ret_value = words[i].value;
            return p + words[i].len;
        }
    }
    return scan_number(p, '}', ret_value);
}

static const char *scan_member(struct trace_reader *reader, enum trace_column column, const char *p,
                               struct fields *fields)
{
    switch (column) {
    case COLUMN_TIME:
        return scan_json_time(reader, &reader->time, p, &fields->time_ns);
    case COLUMN_SEEN:
        return scan_json_time(reader, &reader->seen, p, &fields->seen_ns);
    case COLUMN_POINT:
        return *p == '"' ? behind_quote(scan_point(reader, p + 1, '"', &fields->point)) : NULL;
    case COLUMN_VALUE:
        return scan_json_value(p, &fields->value);
    case COLUMN_STATUS:
        return *p == '"' ? behind_quote(scan_status(p + 1, &fields->status)) : NULL;
    case COLUMN_OTHER:
    case COLUMN_KINDS:
        break;
    }
    return NULL;
}

/* Takes the members, each key once, and the brace behind them; *ret_seen has a bit for each that was there. */
static const char *scan_members(struct trace_reader *reader, const char *p, struct fields *fields, unsigned *ret_there)
{
    unsigned there = 0;
    do {
        enum trace_column column;
        p = scan_key(pass_blanks(p + 1), &column); /* behind the brace or comma */
        if (p == NULL || (there >> column & 1) != 0) {
            return NULL;
        }
        there |= 1u << column;
        p = scan_member(reader, column, p, fields);
        if (p == NULL) {
            return NULL;
        }
        p = pass_blanks(p);
    } while (*p == ',');
    *ret_there = there;
    return *p == '}' ? p + 1 : NULL;
}

const char *trace_json_quick(struct trace_reader *reader, const char *p, struct trace_row *ret_row)
{
    enum { WHEN = 1u << COLUMN_TIME, WHERE = 1u << COLUMN_POINT, WHAT = 1u << COLUMN_VALUE | 1u << COLUMN_STATUS };
    struct fields fields = {.seen_ns = TIME_NEVER, .value = NAN, .point = SITE_NONE};
    unsigned there = 0;
    p = pass_blanks(p);
    p = *p == '{' ? scan_members(reader, p, &fields, &there) : NULL;
    if (p == NULL || (there & WHEN) == 0 || ((there & WHERE) == 0 && (there & WHAT) != 0)) {
        return NULL;
    }
    p = line_end(pass_blanks(p));
    if (p != NULL) {
        make_row(&fields, ret_row);
    }
    return p;
}
