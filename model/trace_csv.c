/*
 * trace_csv: one line of a CSV trace.
 *
 * A line is cut at its commas in place; cells in quotes lose them (a doubled
 * quote is one).  No value of a trace holds a line end, so a cell that runs
 * over one is a broken row.
 */
#include "base/clock.h"
#include "base/text.h"
#include "model/trace_reader.h"
#include <string.h>

static const char *const column_names[COLUMN_OTHER] = {"time", "point", "value", "status", "seen"};

/* Takes the quotes off a cell that began with one; p stands behind it.  Gives where the cell's text ends in *ret_len
 * and returns where the cell itself ended, or NULL when its quote is not closed. */
static char *unquote(char *p, const char *end, size_t *ret_len)
{
    const char *first = p;
    char *out = p;
    for (; p < end; p++) {
        if (*p == '"') {
            p++;
            if (p == end || *p != '"') {
                *ret_len = (size_t)(out - first);
                return p;
            }
        }
        *out++ = *p;
    }
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct trace_text trim(struct trace_text cell)
{
    while (cell.len > 0 && is_blank(cell.text[0])) {
        cell.text++;
        cell.len--;
    }
    while (cell.len > 0 && is_blank(cell.text[cell.len - 1])) {
        cell.len--;
    }
    return cell;
}

/* Gives the cell at p and steps over it and the comma behind it: *p is NULL after the last one.  False when its quotes
 * are broken. */
static bool take_cell(char **p, char *end, struct trace_text *ret_cell)
{
    char *stop;
    if (*p < end && **p == '"') {
        ret_cell->text = *p + 1;
        stop = unquote(*p + 1, end, &ret_cell->len);
        if (stop == NULL || (stop < end && *stop != ',')) {
            return false;
        }
    } else {
        for (stop = *p; stop < end && *stop != ','; stop++) {
        }
        *ret_cell = trim((struct trace_text){*p, (size_t)(stop - *p)});
    }
    *p = stop < end ? stop + 1 : NULL;
    return true;
}

/* ---- header ------------------------------------------------------------------------------------------------------ */

static uint8_t find_column(struct trace_text name)
{
    uint8_t i = 0;
    while (i < COLUMN_OTHER &&
           (strlen(column_names[i]) != name.len || memcmp(column_names[i], name.text, name.len) != 0)) {
        i++;
    }
    return i;
}

static bool header_fault(struct trace_reader *reader, const char *what, const char *name)
{
    (void)err_set(&reader->err, ERR_INPUT,
                  "%s: line %llu: %s%s; a CSV trace begins with the header time,point,value,status", reader->file,
                  (unsigned long long)reader->line, what, name);
    return false;
}

bool trace_csv_header(struct trace_reader *reader, char *text, size_t len)
{
    unsigned seen = 0;
    char *end = text + len;
    for (char *p = text; p != NULL;) {
        struct trace_text cell;
        if (!take_cell(&p, end, &cell)) {
            return header_fault(reader, "broken quotes", "");
        }
        if (reader->column_count == TRACE_COLUMNS_MAX) {
            return header_fault(reader, "too many columns", "");
        }
        uint8_t column = find_column(cell);
        if (column != COLUMN_OTHER && (seen >> column & 1) != 0) {
            return header_fault(reader, "a column twice: ", column_names[column]);
        }
        seen |= 1u << column;
        reader->columns[reader->column_count++] = column;
    }
    for (unsigned i = COLUMN_TIME; i <= COLUMN_VALUE; i++) {
        if ((seen >> i & 1) == 0) {
            return header_fault(reader, "there is no column ", column_names[i]);
        }
    }
    return true;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* Cuts a line into the cells of its columns; those that are not there have text NULL. */
static bool cut(struct trace_reader *reader, char *text, size_t len, struct trace_text cells[COLUMN_KINDS])
{
    char *end = text + len;
    size_t n = 0;
    for (char *p = text; p != NULL; n++) {
        if (n == reader->column_count) {
            trace_aside(reader, "has more than the header's %zu cells", reader->column_count);
            return false;
        }
        if (!take_cell(&p, end, &cells[reader->columns[n]])) {
            trace_aside(reader, "a quoted cell is not closed, or something follows its closing quote");
            return false;
        }
    }
    return true;
}

static bool read_times(struct trace_reader *reader, const struct trace_text cells[COLUMN_KINDS], int64_t *ret_time,
                       int64_t *ret_seen)
{
    char shown[TRACE_SHOWN_MAX + 4];
    if (!trace_read_time(&reader->time, cells[COLUMN_TIME], ret_time)) {
        trace_aside(reader, "time \"%s\" is neither RFC 3339 nor Unix milliseconds",
                    trace_shown(cells[COLUMN_TIME], shown));
        return false;
    }
    *ret_seen = TIME_NEVER;
    if (cells[COLUMN_SEEN].len > 0 && !trace_read_time(&reader->seen, cells[COLUMN_SEEN], ret_seen)) {
        trace_aside(reader, "seen \"%s\" is neither RFC 3339 nor Unix milliseconds",
                    trace_shown(cells[COLUMN_SEEN], shown));
        return false;
    }
    return true;
}

static bool read_sample(struct trace_reader *reader, const struct trace_text cells[COLUMN_KINDS], uint32_t *ret_point,
                        double *ret_value, uint16_t *ret_status)
{
    char shown[TRACE_SHOWN_MAX + 4];
    *ret_point = trace_find_point(reader, cells[COLUMN_POINT]);
    if (*ret_point == SITE_NONE) {
        trace_aside(reader, "point \"%s\" is not in the site", trace_shown(cells[COLUMN_POINT], shown));
        return false;
    }
    if (cells[COLUMN_VALUE].text == NULL) {
        trace_aside(reader, "the line ends before the value");
        return false;
    }
    if (!trace_read_value(cells[COLUMN_VALUE], ret_value)) {
        trace_aside(reader, "value \"%s\" is not a number", trace_shown(cells[COLUMN_VALUE], shown));
        return false;
    }
    if (!status_parse(cells[COLUMN_STATUS].text, cells[COLUMN_STATUS].len, ret_status)) {
        trace_aside(reader, "status \"%s\" is not known", trace_shown(cells[COLUMN_STATUS], shown));
        return false;
    }
    return true;
}

bool trace_csv_row(struct trace_reader *reader, char *text, size_t len, struct trace_row *ret_row)
{
    struct trace_text cells[COLUMN_KINDS] = {{NULL, 0}};
    int64_t time_ns;
    int64_t seen_ns;
    if (!cut(reader, text, len, cells) || !read_times(reader, cells, &time_ns, &seen_ns)) {
        return false;
    }
    uint32_t point = SITE_NONE;
    double value = 0;
    uint16_t status = 0;
    if (cells[COLUMN_POINT].len > 0 && !read_sample(reader, cells, &point, &value, &status)) {
        return false;
    }
    trace_make_row(ret_row, time_ns, seen_ns, point, value, status);
    return true;
}
