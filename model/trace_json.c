/*
 * trace_json: one line of an NDJSON trace.
 *
 * Plain samples and clock rows are read by trace_quick.c.  All else - acts, odd
 * forms, mistakes - is read here by jansson, which also finds the reason when a
 * row must be set aside.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/trace_reader.h"
#include <math.h>
#include <string.h>

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

/* The length of a bare NaN, Infinity or -Infinity that begins here, else 0. */
static size_t no_number_len(const char *text, size_t len)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t word_len = strlen(words[i]);
        if (len >= word_len && memcmp(text, words[i], word_len) == 0) {
            return word_len;
        }
    }
    return 0;
}

/* Copies the line with null in place of such words, which are not JSON but which some writers print (Python's json among
 * them); false when there is none. */
static bool null_for_no_number(const char *text, size_t len, struct buf *ret_line)
{
    bool in_text = false;
    bool any = false;
    for (size_t i = 0; i < len;) {
        const size_t word_len = in_text ? 0 : no_number_len(text + i, len - i);
        if (word_len > 0) {
            buf_text(ret_line, "null");
            any = true;
            i += word_len;
            continue;
        }
        const size_t taken = in_text && text[i] == '\\' && i + 1 < len ? 2 : 1;
        in_text = in_text != (text[i] == '"');
        buf_add(ret_line, text + i, taken);
        i += taken;
    }
    return any;
}

static json_t *parse_line(const char *text, size_t len, json_error_t *error)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL;
    json_t *object = json_loadb(text, len, flags, error);
    struct buf line = {0};
    json_error_t again;
    if (object == NULL && null_for_no_number(text, len, &line)) {
        object = json_loadb(line.data, line.len, flags, &again);
    }
    buf_done(&line);
    return object;
}

bool trace_json_row(struct trace_reader *reader, const char *text, size_t len, struct trace_row *ret_row)
{
    json_error_t error;
    json_t *object = parse_line(text, len, &error);
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
