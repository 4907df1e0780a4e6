/*
 * sparkplug_wire: see sparkplug_wire.h.
 */
#include "ingest/sparkplug_wire.h"

#include <string.h>

/* How a field's bytes are laid out (protobuf's wire types; 3 and 4, groups, are no longer written by anybody). */
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LEN = 2, WIRE_32 = 5 };
enum { VARINT_MAX = 10 };

struct field {
    uint32_t number;
    unsigned wire;
    uint64_t whole;        /* varint, or the bits of a fixed one; else not set */
    struct spb_span bytes; /* WIRE_LEN; else not set */
};

static const char cut_short[] = "the message ends within a field";

/* Gives false when it does not end in time. */
static bool take_long_varint(struct spb_cursor *cursor, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_MAX && cursor->at < cursor->end; i++) {
        const unsigned char byte = (unsigned char)*cursor->at++;
        if (i == VARINT_MAX - 1 && byte > 1) {
            return false; /* more than 64 bits */
        }
        value |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* Most are a single byte. */
static inline bool take_varint(struct spb_cursor *cursor, uint64_t *ret_value)
{
    if (cursor->at < cursor->end && (unsigned char)*cursor->at < 0x80) {
        *ret_value = (unsigned char)*cursor->at++;
        return true;
    }
    return take_long_varint(cursor, ret_value);
}

static bool take_fixed(struct spb_cursor *cursor, unsigned size, uint64_t *ret_value)
{
    uint64_t value = 0;
    if ((size_t)(cursor->end - cursor->at) < size) {
        return false;
    }
    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)(unsigned char)cursor->at[i] << (8 * i);
    }
    cursor->at += size;
    *ret_value = value;
    return true;
}

static bool take_bytes(struct spb_cursor *cursor, struct spb_span *ret_bytes)
{
    uint64_t len;
    if (!take_varint(cursor, &len) || len > (uint64_t)(cursor->end - cursor->at)) {
        return false;
    }
    *ret_bytes = (struct spb_span){.data = cursor->at, .len = (size_t)len};
    cursor->at += len;
    return true;
}

/* Takes the next field; NULL, or why there is none.  At the end only when cursor->at is cursor->end before. */
static inline const char *take_field(struct spb_cursor *cursor, struct field *ret_field)
{
    uint64_t tag;
    bool whole = true;
    if (!take_varint(cursor, &tag)) {
        return cut_short;
    }
    if (tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3) {
        return "a field has a number that cannot be";
    }
    ret_field->number = (uint32_t)(tag >> 3);
    ret_field->wire = tag & 7;
    switch (ret_field->wire) {
    case WIRE_VARINT:
        whole = take_varint(cursor, &ret_field->whole);
        break;
    case WIRE_64:
        whole = take_fixed(cursor, 8, &ret_field->whole);
        break;
    case WIRE_32:
        whole = take_fixed(cursor, 4, &ret_field->whole);
        break;
    case WIRE_LEN:
        whole = take_bytes(cursor, &ret_field->bytes);
        break;
    default:
        return "this is no protobuf";
    }
    return whole ? NULL : cut_short;
}

static struct spb_cursor over(const char *start, struct spb_span span)
{
    return (struct spb_cursor){.start = start, .at = span.data, .end = span.data + span.len};
}

/* ---- payload ---- */

static const char *read_heading(const struct field *field, struct spb_payload *payload)
{
    static const unsigned wires[] = {
        [1] = WIRE_VARINT, [2] = WIRE_LEN, [3] = WIRE_VARINT, [4] = WIRE_LEN, [5] = WIRE_LEN};
    if (field->number >= sizeof wires / sizeof *wires) {
        return NULL;
    }
    if (field->wire != wires[field->number]) {
        return "a field of the payload is of another type than it should be";
    }
    if (field->number == 1) {
        payload->has_time = true;
        payload->time_ms = field->whole;
    } else if (field->number == 2) {
        payload->metrics++;
    } else if (field->number == 3) {
        payload->has_seq = true;
        payload->seq = field->whole;
    }
    return NULL;
}

const char *spb_payload_read(const char *data, size_t len, struct spb_payload *ret_payload, size_t *ret_offset)
{
    struct spb_payload payload = {0};
    struct spb_cursor cursor = {.start = data, .at = data, .end = data + len};
    while (cursor.at < cursor.end) {
        struct field field;
        const char *at = cursor.at;
        const char *reason = take_field(&cursor, &field);
        if (reason == NULL) {
            reason = read_heading(&field, &payload);
        }
        if (reason != NULL) {
            *ret_offset = (size_t)(at - data);
            return reason;
        }
    }
    *ret_payload = payload;
    return NULL;
}

/* ---- the property "Quality" ---- */

enum { PROPERTIES = 9 };

/* Calls of this walk the property sets of a metric (several are one, in order) and give the bytes of the wanted place
 * in keys (field 1) or values (field 2), or with `key` the place of that key.  False: there is none, or it cannot be
 * read. */
static bool find_property(struct spb_span metric, uint32_t number, const char *key, size_t *place,
                          struct spb_span *ret_bytes)
{
    size_t seen = 0;
    struct spb_cursor fields = over(metric.data, metric);
    struct field field;
    while (fields.at < fields.end && take_field(&fields, &field) == NULL) {
        struct field entry;
        if (field.number != PROPERTIES || field.wire != WIRE_LEN) {
            continue;
        }
        struct spb_cursor set = over(metric.data, field.bytes);
        while (set.at < set.end && take_field(&set, &entry) == NULL) {
            if (entry.number != number || entry.wire != WIRE_LEN) {
                continue;
            }
            const bool named =
                key != NULL && entry.bytes.len == strlen(key) && memcmp(entry.bytes.data, key, entry.bytes.len) == 0;
            if (named || (key == NULL && seen == *place)) {
                *place = seen;
                *ret_bytes = entry.bytes;
                return true;
            }
            seen++;
        }
    }
    return false;
}

/* A quality that cannot be read as a number is as good as none told. */
static void read_quality(struct spb_span metric, struct spb_metric *ret_metric)
{
    size_t place = 0;
    struct spb_span value;
    if (!find_property(metric, 1, "Quality", &place, &value) || !find_property(metric, 2, NULL, &place, &value)) {
        return;
    }
    struct spb_cursor cursor = over(metric.data, value);
    struct field field;
    bool is_null = false;
    while (cursor.at < cursor.end && take_field(&cursor, &field) == NULL) {
        const bool whole = field.wire == WIRE_VARINT;
        if (field.number == 2) {
            is_null = whole && field.whole != 0;
        } else if (field.number >= 3 && field.number <= 10) { /* of several value fields the last counts */
            ret_metric->has_quality = whole && field.number <= 4;
            ret_metric->quality = ret_metric->has_quality ? (int32_t)(uint32_t)field.whole : 0;
        }
    }
    ret_metric->has_quality = ret_metric->has_quality && !is_null;
}

/* ---- metric ---- */

static const unsigned char metric_wires[] = {
    [1] = WIRE_LEN,     [2] = WIRE_VARINT, [3] = WIRE_VARINT, [4] = WIRE_VARINT,  [5] = WIRE_VARINT,
    [6] = WIRE_VARINT,  [7] = WIRE_VARINT, [8] = WIRE_LEN,    [9] = WIRE_LEN,     [10] = WIRE_VARINT,
    [11] = WIRE_VARINT, [12] = WIRE_32,    [13] = WIRE_64,    [14] = WIRE_VARINT, [15] = WIRE_LEN,
    [16] = WIRE_LEN,    [17] = WIRE_LEN,   [18] = WIRE_LEN,   [19] = WIRE_LEN,
};

static void read_number(const struct field *field, struct spb_metric *metric)
{
    const uint32_t low = (uint32_t)field->whole;
    switch (field->number) {
    case 10:
        metric->kind = SPB_AS_INT;
        metric->whole = low;
        break;
    case 11:
        metric->kind = SPB_AS_LONG;
        metric->whole = field->whole;
        break;
    case 12:
        metric->kind = SPB_AS_FLOAT;
        memcpy(&metric->f32, &low, sizeof low);
        break;
    case 13:
        metric->kind = SPB_AS_DOUBLE;
        memcpy(&metric->f64, &field->whole, sizeof field->whole);
        break;
    case 14:
        metric->kind = SPB_AS_BOOLEAN;
        metric->whole = field->whole != 0;
        break;
    default:
        metric->kind = SPB_AS_OTHER;
        break;
    }
}

static void read_metric_field(const struct field *field, struct spb_metric *metric)
{
    switch (field->number) {
    case 1:
        metric->name = field->bytes;
        break;
    case 2:
        metric->has_alias = true;
        metric->alias = field->whole;
        break;
    case 3:
        metric->has_time = true;
        metric->time_ms = field->whole;
        break;
    case 4:
        metric->datatype = (uint32_t)field->whole;
        break;
    case 5:
        metric->historical = field->whole != 0;
        break;
    case 6:
        metric->transient = field->whole != 0;
        break;
    case 7:
        metric->is_null = field->whole != 0;
        break;
    default:
        if (field->number >= 10) {
            read_number(field, metric);
        }
        break;
    }
}

/* Gives NULL, or why it cannot be read; its place is told in any case. */
static const char *read_metric(const char *start, struct spb_span bytes, struct spb_metric *ret_metric)
{
    struct spb_cursor cursor = over(start, bytes);
    bool properties = false;
    *ret_metric = (struct spb_metric){.offset = (size_t)(bytes.data - start)};
    while (cursor.at < cursor.end) {
        struct field field;
        const char *reason = take_field(&cursor, &field);
        if (reason != NULL) {
            return reason;
        }
        if (field.number >= sizeof metric_wires) {
            continue;
        }
        if (field.wire != metric_wires[field.number]) {
            return "a field of the metric is of another type than it should be";
        }
        properties = properties || field.number == PROPERTIES;
        read_metric_field(&field, ret_metric);
    }
    if (properties) {
        read_quality(bytes, ret_metric);
    }
    return NULL;
}

void spb_metrics_begin(struct spb_cursor *cursor, const char *data, size_t len)
{
    *cursor = (struct spb_cursor){.start = data, .at = data, .end = data + len};
}

bool spb_metric_next(struct spb_cursor *cursor, struct spb_metric *ret_metric, const char **ret_reason)
{
    while (cursor->at < cursor->end) {
        struct field field;
        if (take_field(cursor, &field) != NULL) {
            cursor->at = cursor->end; /* was found sound before: cannot be */
            return false;
        }
        if (field.number == 2 && field.wire == WIRE_LEN) {
            *ret_reason = read_metric(cursor->start, field.bytes, ret_metric);
            return true;
        }
    }
    return false;
}
