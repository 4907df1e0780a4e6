/* rows: see rows.h. */
#include "console/rows.h"

#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Lists are long: all below is put together by hand, without printf. */
static void put_key(struct buf *out, const char *key)
{
    buf_add(out, ",\"", 2);
    buf_text(out, key);
    buf_add(out, "\":", 2);
}

void rows_text(struct buf *out, const char *key, const char *text)
{
    put_key(out, key);
    if (text == NULL) {
        buf_text(out, "null");
    } else {
        buf_json_string(out, text);
    }
}

static void put_value(struct buf *out, const char *key, double value)
{
    buf_text(out, key);
    if (isfinite(value)) {
        buf_number(out, value);
    } else {
        buf_text(out, "null");
    }
}

static void put_time(struct buf *out, const char *key, int64_t time_ns)
{
    char text[TEXT_TIME_MAX];
    const size_t len = text_format_time(time_ns, text);
    buf_text(out, key);
    buf_add(out, "\"", 1);
    buf_add(out, text, len);
    buf_add(out, "\"", 1);
}

static void put_status(struct buf *out, uint16_t status)
{
    char text[STATUS_TEXT_MAX];
    const size_t len = status_format(status, text);
    buf_text(out, ",\"status\":\"");
    buf_add(out, text, len);
    buf_add(out, "\"", 1);
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

static void begin_point(struct buf *out, const struct site_point *point, const struct board_entry *newest)
{
    const bool heard = newest->status != BOARD_UNHEARD;
    buf_text(out, "{\"id\":");
    buf_json_string(out, point->id);
    rows_text(out, "name", point->name != NULL ? point->name : point->id);
    put_value(out, ",\"value\":", heard ? newest->value : (double)NAN);
    rows_text(out, "unit", point->unit);
    if (heard) {
        put_status(out, newest->status);
        put_time(out, ",\"time\":", newest->time_ns);
    } else {
        buf_text(out, ",\"status\":\"unknown\",\"time\":null");
    }
}

void rows_point(struct buf *out, const struct site_point *point, const struct board_entry *newest)
{
    begin_point(out, point, newest);
    buf_text(out, "}");
}

void rows_duration(struct buf *out, const char *key, int64_t duration_ns)
{
    char text[TEXT_DURATION_MAX];
    if (duration_ns > 0) {
        (void)text_format_duration(duration_ns, text);
    }
    rows_text(out, key, duration_ns > 0 ? text : NULL);
}

static void put_tags(struct buf *out, const struct site_point *point)
{
    buf_text(out, ",\"tags\":{");
    for (size_t i = 0; i < point->tag_count; i++) {
        buf_text(out, i == 0 ? "" : ",");
        buf_json_string(out, point->tags[i].key);
        buf_text(out, ":");
        buf_json_string(out, point->tags[i].value);
    }
    buf_text(out, "}");
}

static bool is_member(const struct site_alarm *alarm, uint32_t point)
{
    for (size_t i = 0; i < alarm->member_count; i++) {
        if (alarm->members[i] == point) {
            return true;
        }
    }
    return false;
}

static void put_alarms(struct buf *out, const struct site *site, uint32_t point)
{
    bool any = false;
    buf_text(out, ",\"alarms\":[");
    for (size_t i = 0; i < site->alarm_count; i++) {
        if (is_member(&site->alarms[i], point)) {
            buf_text(out, any ? "," : "");
            buf_json_string(out, site->alarms[i].name);
            any = true;
        }
    }
    buf_text(out, "]");
}

void rows_point_whole(struct buf *out, const struct site *site, uint32_t point, const struct board_entry *newest)
{
    const struct site_point *said = &site->points[point];
    begin_point(out, said, newest);
    rows_text(out, "kind", said->kind);
    rows_text(out, "hazard", said->hazard == SITE_NONE ? NULL : site->hazards[said->hazard].id);
    if (said->has_range) {
        put_value(out, ",\"range\":[", said->range_lo);
        put_value(out, ",", said->range_hi);
        buf_text(out, "]");
    } else {
        buf_text(out, ",\"range\":null");
    }
    rows_duration(out, "every", said->every_ns);
    rows_duration(out, "stale", said->stale_ns);
    rows_text(out, "source", said->from.source == SITE_NONE ? NULL : site->sources[said->from.source].id);
    put_tags(out, said);
    put_alarms(out, site, point);
    buf_text(out, "}");
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

void rows_sample(struct buf *out, const struct store_row *row)
{
    put_time(out, "{\"time\":", row->time_ns);
    put_value(out, ",\"value\":", row->value);
    put_status(out, row->status);
    buf_text(out, "}");
}

void rows_bucket(struct buf *out, const struct store_bucket *bucket, const int *aggs, size_t count)
{
    put_time(out, "{\"time\":", bucket->start_ns);
    for (size_t i = 0; i < count; i++) {
        if (aggs[i] == ASK_STATUS) {
            put_status(out, bucket->status);
            continue;
        }
        put_key(out, ask_agg_name(aggs[i]));
        put_value(out, "", bucket->agg[aggs[i]]);
    }
    buf_text(out, "}");
}

/* ---- reading our own --------------------------------------------------------------------------------------------- */

const char *rows_find(const char *json, size_t len, const char *key, size_t *ret_len)
{
    char pattern[64];
    const int pattern_len = snprintf(pattern, sizeof pattern, "\"%s\":\"", key);
    const char *at = memmem(json, len, pattern, (size_t)pattern_len);
    if (at == NULL) {
        return NULL;
    }
    at += pattern_len;
    const char *end = at;
    while (end < json + len && *end != '"') {
        end += *end == '\\' && end + 1 < json + len ? 2 : 1;
    }
    *ret_len = (size_t)((end < json + len ? end : json + len) - at);
    return at;
}
