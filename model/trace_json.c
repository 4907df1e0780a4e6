/*
 * trace_json: one line of an NDJSON trace.
 *
 * Plain samples and clock rows go through a small scanner that takes nothing
 * but what it fully understands: known keys, once each, no escapes, known
 * names.  All else - acts, odd forms, mistakes - is read again by jansson,
 * which also finds the reason when a row must be set aside.  Both give the
 * same row for the same line (the fuzz target holds them to it).
 */
#include "base/clock.h"
#include "base/text.h"
#include "model/trace_reader.h"
#include <math.h>
#include <string.h>

/* ---- the scanner ------------------------------------------------------------------------------------------------- */

struct scan {
    const char *p, *end;
};

static bool scan_char(struct scan *scan, char c)
{
    while (scan->p < scan->end && (*scan->p == ' ' || *scan->p == '\t' || *scan->p == '\r')) {
        scan->p++;
    }
    if (scan->p < scan->end && *scan->p == c) {
        scan->p++;
        return true;
    }
    return false;
}

/* Takes a string without escapes and control characters. */
static bool scan_string(struct scan *scan, struct trace_text *ret_text)
{
    if (!scan_char(scan, '"')) {
        return false;
    }
    const char *start = scan->p;
    while (scan->p < scan->end && *scan->p != '"' && *scan->p != '\\' && (unsigned char)*scan->p >= ' ') {
        scan->p++;
    }
    *ret_text = (struct trace_text){start, (size_t)(scan->p - start)};
    return scan_char(scan, '"');
}

/* Takes a number or a word: all up to what ends it. */
static struct trace_text scan_bare(struct scan *scan)
{
    while (scan->p < scan->end && (*scan->p == ' ' || *scan->p == '\t')) {
        scan->p++;
    }
    const char *start = scan->p;
    while (scan->p < scan->end && strchr(",} \t\r", *scan->p) == NULL) {
        scan->p++;
    }
    return (struct trace_text){start, (size_t)(scan->p - start)};
}

static bool is_quoted(struct scan *scan)
{
    while (scan->p < scan->end && (*scan->p == ' ' || *scan->p == '\t')) {
        scan->p++;
    }
    return scan->p < scan->end && *scan->p == '"';
}

/* Takes the members of a plain object, each key once; `text` of those that are not there stays NULL. */
static bool scan_members(struct scan *scan, struct trace_text members[COLUMN_OTHER])
{
    static const char names[COLUMN_OTHER][8] = {"time", "point", "value", "status", "seen"};
    static const uint8_t lengths[COLUMN_OTHER] = {4, 5, 5, 6, 4};
    do {
        struct trace_text key;
        if (!scan_string(scan, &key) || !scan_char(scan, ':')) {
            return false;
        }
        unsigned i = 0;
        while (i < COLUMN_OTHER && (lengths[i] != key.len || memcmp(names[i], key.text, key.len) != 0)) {
            i++;
        }
        if (i == COLUMN_OTHER || members[i].text != NULL) {
            return false;
        }
        bool quoted = is_quoted(scan);
        if (quoted ? i == COLUMN_VALUE || !scan_string(scan, &members[i]) : i == COLUMN_POINT || i == COLUMN_STATUS) {
            return false;
        }
        if (!quoted) {
            members[i] = scan_bare(scan);
        }
    } while (scan_char(scan, ','));
    return scan_char(scan, '}');
}

static bool plain_value(struct trace_text text, double *ret_value)
{
    if (text.len == 4 && memcmp(text.text, "null", 4) == 0) {
        *ret_value = NAN;
        return true;
    }
    if (text.len == 4 && memcmp(text.text, "true", 4) == 0) {
        *ret_value = 1;
        return true;
    }
    if (text.len == 5 && memcmp(text.text, "false", 5) == 0) {
        *ret_value = 0;
        return true;
    }
    return text_parse_number(text.text, text.len, ret_value);
}

bool trace_json_plain(struct trace_reader *reader, const char *text, size_t len, struct trace_row *ret_row)
{
    struct trace_text members[COLUMN_OTHER] = {{NULL, 0}};
    struct scan scan = {text, text + len};
    if (!scan_char(&scan, '{') || !scan_members(&scan, members)) {
        return false;
    }
    (void)scan_char(&scan, '\0'); /* steps over blanks */
    int64_t time_ns;
    int64_t seen_ns = TIME_NEVER;
    if (scan.p != scan.end || members[COLUMN_TIME].text == NULL ||
        !trace_read_time(&reader->time, members[COLUMN_TIME], &time_ns) ||
        (members[COLUMN_SEEN].text != NULL && !trace_read_time(&reader->seen, members[COLUMN_SEEN], &seen_ns))) {
        return false;
    }
    if (members[COLUMN_POINT].text == NULL) {
        trace_make_row(ret_row, time_ns, seen_ns, SITE_NONE, 0, 0);
        return members[COLUMN_VALUE].text == NULL && members[COLUMN_STATUS].text == NULL;
    }
    double value = NAN;
    uint16_t status = 0;
    uint32_t point = trace_find_point(reader, members[COLUMN_POINT]);
    if (point == SITE_NONE || (members[COLUMN_VALUE].text != NULL && !plain_value(members[COLUMN_VALUE], &value)) ||
        !status_parse(members[COLUMN_STATUS].text, members[COLUMN_STATUS].len, &status)) {
        return false;
    }
    trace_make_row(ret_row, time_ns, seen_ns, point, value, status);
    return true;
}

/* ---- in full ----------------------------------------------------------------------------------------------------- */

static struct trace_text text_of(const json_t *value)
{
    return (struct trace_text){json_string_value(value), json_string_length(value)};
}

bool trace_json_time(struct trace_reader *reader, const json_t *object, const char *key, int64_t *ret_ns)
{
    const json_t *value = json_object_get(object, key);
    char number[TEXT_NUMBER_MAX];
    struct trace_text text = {NULL, 0};
    if (value == NULL) {
        return true;
    }
    if (json_is_string(value)) {
        text = text_of(value);
    } else if (json_is_number(value)) { /* the shortest decimal is what was written */
        text = (struct trace_text){number, text_format_number(json_number_value(value), number)};
    } else {
        trace_aside(reader, "%s is neither a text nor a number", key);
        return false;
    }
    if (!text_parse_time(text.text, text.len, ret_ns)) {
        char shown[TRACE_SHOWN_MAX + 4];
        trace_aside(reader, "%s \"%s\" is neither RFC 3339 nor Unix milliseconds", key, trace_shown(text, shown));
        return false;
    }
    return true;
}

static bool full_value(struct trace_reader *reader, const json_t *value, double *ret_value)
{
    if (value == NULL || json_is_null(value)) {
        *ret_value = NAN;
    } else if (json_is_boolean(value)) {
        *ret_value = json_is_true(value) ? 1 : 0;
    } else if (json_is_number(value)) {
        *ret_value = json_number_value(value);
    } else {
        trace_aside(reader, "value is %s, not a number",
                    json_is_string(value)  ? "a text"
                    : json_is_array(value) ? "a list"
                                           : "an object");
        return false;
    }
    return true;
}

static bool full_sample(struct trace_reader *reader, const json_t *object, int64_t time_ns, int64_t seen_ns,
                        struct trace_row *ret_row)
{
    char shown[TRACE_SHOWN_MAX + 4];
    const json_t *id = json_object_get(object, "point");
    const json_t *status_text = json_object_get(object, "status");
    double value;
    uint16_t status = 0;
    if (!json_is_string(id) || (status_text != NULL && !json_is_string(status_text))) {
        trace_aside(reader, "%s is not a text", json_is_string(id) ? "status" : "point");
        return false;
    }
    uint32_t point = trace_find_point(reader, text_of(id));
    if (point == SITE_NONE) {
        trace_aside(reader, "point \"%s\" is not in the site", trace_shown(text_of(id), shown));
        return false;
    }
    if (!full_value(reader, json_object_get(object, "value"), &value)) {
        return false;
    }
    if (status_text != NULL && !status_parse(text_of(status_text).text, text_of(status_text).len, &status)) {
        trace_aside(reader, "status \"%s\" is not known", trace_shown(text_of(status_text), shown));
        return false;
    }
    trace_make_row(ret_row, time_ns, seen_ns, point, value, status);
    return true;
}

bool trace_json_full(struct trace_reader *reader, const char *text, size_t len, struct trace_row *ret_row)
{
    json_error_t error;
    json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (!json_is_object(object)) {
        trace_aside(reader, "is no JSON object: %s", object == NULL ? error.text : "a list");
        json_decref(object);
        return false;
    }
    bool good = false;
    int64_t time_ns = 0;
    int64_t seen_ns = TIME_NEVER;
    if (json_object_get(object, "time") == NULL) {
        trace_aside(reader, "time is missing");
    } else if (trace_json_time(reader, object, "time", &time_ns) && trace_json_time(reader, object, "seen", &seen_ns)) {
        if (json_object_get(object, "do") != NULL) {
            good = trace_json_act(reader, object, time_ns, seen_ns, ret_row);
        } else if (json_object_get(object, "point") != NULL) {
            good = full_sample(reader, object, time_ns, seen_ns, ret_row);
        } else if (json_object_get(object, "value") != NULL || json_object_get(object, "status") != NULL) {
            trace_aside(reader, "point is missing");
        } else {
            trace_make_row(ret_row, time_ns, seen_ns, SITE_NONE, 0, 0);
            good = true;
        }
    }
    json_decref(object);
    return good;
}

bool trace_json_row(struct trace_reader *reader, const char *text, size_t len, struct trace_row *ret_row)
{
    return trace_json_plain(reader, text, len, ret_row) || trace_json_full(reader, text, len, ret_row);
}
