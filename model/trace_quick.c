/*
 * trace_quick: the usual line of a trace, read in one pass from its first byte
 * to its newline by the scanners of trace_scan.h.
 *
 * A line one of them refuses is read again in full (trace_csv.c, trace_json.c),
 * which also finds the reason when it must be set aside; so nothing here tells a
 * mistake, and both ways give the same row for every line that this one takes
 * (a unit test and the fuzz target hold them to it).
 */
#include "base/clock.h"
#include "model/trace_scan.h"
#include <math.h>
#include <string.h>

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
        return trace_scan_time(reader, &reader->time, p, &fields->time_ns);
    case COLUMN_POINT:
        return trace_scan_point(reader, p, ',', &fields->point);
    case COLUMN_VALUE:
        return cell_ends(*p) ? p : trace_scan_number(p, ',', &fields->value);
    case COLUMN_STATUS:
        return trace_scan_status(p, &fields->status);
    case COLUMN_SEEN:
        return cell_ends(*p) ? p : trace_scan_time(reader, &reader->seen, p, &fields->seen_ns);
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

/* Keys that no one asks for; kept, as the same key twice is a mistake. */
enum { OTHER_KEYS_MAX = 8 };

struct other_keys {
    struct trace_text keys[OTHER_KEYS_MAX];
    size_t count;
};

/* A string of printable ASCII without escapes, behind its opening quote. */
static const char *scan_plain_string(const char *p, struct trace_text *ret_text)
{
    const char *end = p;
    while (*end >= ' ' && *end <= '~' && *end != '"' && *end != '\\') {
        end++;
    }
    *ret_text = (struct trace_text){p, (size_t)(end - p)};
    return *end == '"' ? end + 1 : NULL;
}

/* Notes such a key; false when it was there already, there are too many, or the row is an act. */
static bool note_key(struct other_keys *others, struct trace_text key)
{
    for (size_t i = 0; i < others->count; i++) {
        if (others->keys[i].len == key.len && memcmp(others->keys[i].text, key.text, key.len) == 0) {
            return false;
        }
    }
    if (others->count == OTHER_KEYS_MAX || (key.len == 2 && memcmp(key.text, "do", 2) == 0)) {
        return false;
    }
    others->keys[others->count++] = key;
    return true;
}

static const char *scan_colon(const char *p)
{
    p = pass_blanks(p);
    return *p == ':' ? pass_blanks(p + 1) : NULL;
}

/* Takes `"key":` and blanks around it; *ret_column is which. */
static const char *scan_key(const char *p, struct other_keys *others, enum trace_column *ret_column)
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
            *ret_column = (enum trace_column)i;
            return scan_colon(p + keys[i].len);
        }
    }
    struct trace_text key;
    p = scan_plain_string(p, &key);
    *ret_column = COLUMN_OTHER;
    return p != NULL && note_key(others, key) ? scan_colon(p) : NULL;
}

static const char *behind_quote(const char *p)
{
    return p != NULL && *p == '"' ? p + 1 : NULL;
}

static const char *scan_json_time(struct trace_reader *reader, struct trace_time *last, const char *p, int64_t *ret_ns)
{
    if (*p == '"') {
        return behind_quote(trace_scan_time(reader, last, p + 1, ret_ns));
    }
    return trace_scan_whole_ms(last, p, ret_ns);
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
    return trace_scan_number(p, '}', ret_value);
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
        return *p == '"' ? behind_quote(trace_scan_point(reader, p + 1, '"', &fields->point)) : NULL;
    case COLUMN_VALUE:
        return scan_json_value(p, &fields->value);
    case COLUMN_STATUS:
        return *p == '"' ? behind_quote(trace_scan_status(p + 1, &fields->status)) : NULL;
    case COLUMN_OTHER:
    case COLUMN_KINDS:
        break;
    }
    double number;
    struct trace_text text;
    return *p == '"' ? scan_plain_string(p + 1, &text) : scan_json_value(p, &number);
}

/* Takes the members, each key once, and the brace behind them; *ret_seen has a bit for each that was there. */
static const char *scan_members(struct trace_reader *reader, const char *p, struct fields *fields, unsigned *ret_there)
{
    unsigned there = 0;
    struct other_keys others;
    others.count = 0;
    do {
        enum trace_column column;
        p = scan_key(pass_blanks(p + 1), &others, &column); /* behind the brace or comma */
        if (p == NULL || (column != COLUMN_OTHER && (there >> column & 1) != 0)) {
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
