/*
 * payload: the four formats (see payload.h).
 */
#include "simulators/payload.h"
#include "model/sample.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool payload_can_say(enum mqtt_format format, uint16_t status)
{
    switch (format) {
    case FORMAT_DAVY:
        return true;
    case FORMAT_NEURON:
        return status == ST_COMM || status == ST_SENSOR; /* an error code, a null */
    case FORMAT_JSON:
    case FORMAT_THINGSBOARD:
    case FORMAT_SPARKPLUG:
        break;
    }
    return status == ST_SENSOR; /* a null */
}

bool payload_tells_time(const struct site_source *source)
{
    bool mapped = source->format != FORMAT_JSON;
    for (size_t i = 0; i < source->map_count && !mapped; i++) {
        mapped = strcmp(source->map[i].key, "time") == 0;
    }
    return mapped;
}

static void write_number(struct buf *buf, double number)
{
    if (isnan(number)) {
        buf_text(buf, "null");
    } else {
        buf_number(buf, number);
    }
}

static void write_key(struct buf *buf, const char *key, bool *first)
{
    buf_text(buf, *first ? "" : ",");
    *first = false;
    buf_json_string(buf, key);
    buf_text(buf, ":");
}

/* ---- davy -------------------------------------------------------------------------------------------------------- */

static void write_davy_value(struct buf *buf, const struct payload_item *item)
{
    if (item->status == 0) {
        write_number(buf, item->number);
        return;
    }
    char status[STATUS_TEXT_MAX];
    (void)status_format(item->status, status);
    buf_text(buf, "{");
    if (!isnan(item->number)) {
        buf_text(buf, "\"value\":");
        buf_number(buf, item->number);
        buf_text(buf, ",");
    }
    buf_printf(buf, "\"status\":\"%s\"}", status);
}

static void write_davy(const struct payload *payload, struct buf *buf)
{
    bool first = true;
    buf_printf(buf, "{\"time\":%lld,\"seq\":%llu,\"values\":{", (long long)payload->time_ms,
               (unsigned long long)payload->seq);
    for (size_t i = 0; i < payload->count; i++) {
        write_key(buf, payload->items[i].key, &first);
        write_davy_value(buf, &payload->items[i]);
    }
    buf_text(buf, "}}");
}

/* ---- neuron, thingsboard ----------------------------------------------------------------------------------------- */

enum { NEURON_NO_ANSWER = 3002 };

/* The items with (or, for neuron's errors, without) an answer of the device. */
static void write_members(const struct payload *payload, bool lost, struct buf *buf)
{
    bool first = true;
    buf_text(buf, "{");
    for (size_t i = 0; i < payload->count; i++) {
        const struct payload_item *item = &payload->items[i];
        if (((item->status & ST_COMM) != 0) != lost) {
            continue;
        }
        write_key(buf, item->key, &first);
        if (lost) {
            buf_printf(buf, "%d", NEURON_NO_ANSWER);
        } else {
            write_number(buf, item->number);
        }
    }
    buf_text(buf, "}");
}

static void write_neuron(const struct site_source *source, const struct payload *payload, struct buf *buf)
{
    buf_text(buf, "{\"node\":");
    buf_json_string(buf, source->id);
    buf_printf(buf, ",\"group\":\"sim\",\"timestamp\":%lld,\"values\":", (long long)payload->time_ms);
    write_members(payload, false, buf);
    buf_text(buf, ",\"errors\":");
    write_members(payload, true, buf);
    buf_text(buf, "}");
}

static void write_thingsboard(const struct payload *payload, struct buf *buf)
{
    buf_printf(buf, "{\"ts\":%lld,\"values\":", (long long)payload->time_ms);
    write_members(payload, false, buf);
    buf_text(buf, "}");
}

/* ---- json -------------------------------------------------------------------------------------------------------- */

/* One reference token of a JSON pointer (RFC 6901), with ~1 and ~0 undone; the caller's to free. */
static char *take_token(const char **pointer)
{
    const char *from = *pointer + 1;
    const size_t len = strcspn(from, "/");
    char *token = calloc(1, len + 1);
    for (size_t i = 0, to = 0; token != NULL && i < len; i++, to++) {
        const bool escaped = from[i] == '~' && i + 1 < len;
        i += escaped;
        token[to] = escaped ? (from[i] == '1' ? '/' : '~') : from[i];
    }
    *pointer = from + len;
    return token;
}

/* Puts a value (taken over) where a pointer leads, making objects on the way. */
static void put_at(json_t *root, const char *pointer, json_t *value)
{
    while (*pointer == '/') {
        char *token = take_token(&pointer);
        if (token == NULL) {
            break;
        }
        if (*pointer != '/') {
            (void)json_object_set_new(root, token, value); /* takes it, also when it fails */
            free(token);
            return;
        }
        json_t *next = json_object_get(root, token);
        if (!json_is_object(next)) {
            next = json_object();
            (void)json_object_set_new(root, token, next); /* as above; then nothing of it is sent */
        }
        root = next;
        free(token);
    }
    json_decref(value);
}

static const struct payload_item *find_item(const struct payload *payload, const char *key)
{
    for (size_t i = 0; i < payload->count; i++) {
        if (strcmp(payload->items[i].key, key) == 0) {
            return &payload->items[i];
        }
    }
    return NULL;
}

static json_t *mapped_value(const struct payload *payload, const char *key)
{
    const struct payload_item *item = find_item(payload, key);
    if (item != NULL) {
        return isnan(item->number) ? json_null() : json_real(item->number);
    }
    if (strcmp(key, "time") == 0) {
        return json_integer(payload->time_ms);
    }
    return strcmp(key, "seq") == 0 ? json_integer((json_int_t)payload->seq) : NULL;
}

static void write_json(const struct site_source *source, const struct payload *payload, struct buf *buf)
{
    json_t *root = json_object();
    for (size_t i = 0; i < source->map_count; i++) {
        json_t *value = mapped_value(payload, source->map[i].key);
        if (value != NULL) {
            put_at(root, source->map[i].pointer, value);
        }
    }
    char *text = json_dumps(root, JSON_COMPACT);
    buf_text(buf, text != NULL ? text : "{}");
    free(text);
    json_decref(root);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

void payload_write(const struct site_source *source, const struct payload *payload, struct buf *buf)
{
    switch (source->format) {
    case FORMAT_DAVY:
        write_davy(payload, buf);
        break;
    case FORMAT_NEURON:
        write_neuron(source, payload, buf);
        break;
    case FORMAT_THINGSBOARD:
        write_thingsboard(payload, buf);
        break;
    case FORMAT_JSON:
        write_json(source, payload, buf);
        break;
    case FORMAT_SPARKPLUG:
        break; /* by edge.c */
    }
}

void payload_write_broken(uint64_t seq, struct buf *buf)
{
    static const char *const broken[] = {"{\"time\":", "\xff\xfe garbage",
                                         "[]]",        "{\"values\":17}",
                                         "",           "{\"time\":\"yesterday\",\"values\":{\"x\":1}}"};
    buf_text(buf, broken[seq % (sizeof broken / sizeof broken[0])]);
}
