/*
 * trace_value: what a row is made of, the same for CSV and NDJSON.
 */
#include "base/clock.h"
#include "base/text.h"
#include "model/trace_reader.h"
#include <math.h>
#include <string.h>
#include <strings.h>

const char *trace_shown(struct trace_text text, char ret_text[TRACE_SHOWN_MAX + 4])
{
    size_t n = text.len < TRACE_SHOWN_MAX ? text.len : TRACE_SHOWN_MAX;
    while (n < text.len && n > 0 && ((unsigned char)text.text[n] & 0xc0) == 0x80) {
        n--; /* do not cut through a character */
    }
    for (size_t i = 0; i < n; i++) {
        ret_text[i] = (unsigned char)text.text[i] < ' ' ? '?' : text.text[i];
    }
    memcpy(ret_text + n, n < text.len ? "…" : "", n < text.len ? sizeof "…" : 1);
    return ret_text;
}

bool trace_read_time(struct trace_time *kept, struct trace_text text, int64_t *ret_ns)
{
    if (text.len == 0) {
        return false;
    }
    if (text.len == kept->len && memcmp(text.text, kept->text, text.len) == 0) {
        *ret_ns = kept->ns;
        return true;
    }
    if (!text_parse_time(text.text, text.len, ret_ns)) {
        return false;
    }
    if (text.len <= TRACE_TIME_KEPT) {
        kept->len = text.len;
        kept->ns = *ret_ns;
        memcpy(kept->text, text.text, text.len);
    }
    return true;
}

uint32_t trace_find_point(struct trace_reader *reader, struct trace_text id)
{
    const uint32_t point = site_point(reader->site, id.text, id.len);
    if (point == SITE_NONE) {
        return SITE_NONE;
    }
    if (trace_may_guess(reader)) {
        struct trace_name *last = &reader->names[reader->last_point];
        const bool right = last->after == point; /* the full reader does not guess by itself */
        reader->wrong = right ? 0 : reader->wrong + (reader->wrong < TRACE_WRONG_MAX ? 1 : 0);
        last->after = point;
    }
    reader->last_point = point;
    return point;
}

static bool is_word(struct trace_text text, const char *word)
{
    return strlen(word) == text.len && strncasecmp(text.text, word, text.len) == 0;
}

bool trace_read_value(struct trace_text text, double *ret_value)
{
    if (text.len == 0) {
        *ret_value = NAN;
        return true;
    }
    if (text_parse_number(text.text, text.len, ret_value)) {
        return true;
    }
    if (is_word(text, "true") || is_word(text, "false")) {
        *ret_value = text.len == 4 ? 1 : 0;
        return true;
    }
    if (text.text[0] == '-' || text.text[0] == '+') {
        text.text++;
        text.len--;
    }
    if (is_word(text, "nan") || is_word(text, "inf") || is_word(text, "infinity")) {
        *ret_value = NAN;
        return true;
    }
    return false;
}

void trace_make_row(struct trace_row *row, int64_t time_ns, int64_t seen_ns, uint32_t point, double value,
                    uint16_t status)
{
    row->kind = point == SITE_NONE ? TRACE_CLOCK : TRACE_SAMPLE;
    row->time_ns = time_ns;
    row->seen_ns = seen_ns;
    row->sample = (struct sample){
        .time_ns = time_ns,
        .seen_ns = seen_ns,
        .value = value,
        .point = point,
        .status = status,
    };
    sample_settle(&row->sample);
}
