/*
 * payloads: see payloads.h.
 */
#include "payloads.h"

#include <string.h>

static void varint(struct buf *buf, uint64_t value)
{
    for (; value > 0x7F; value >>= 7) {
        const unsigned char byte = (unsigned char)(value | 0x80);
        buf_add(buf, &byte, 1);
    }
    const unsigned char last = (unsigned char)value;
    buf_add(buf, &last, 1);
}

static void whole(struct buf *buf, unsigned number, uint64_t value)
{
    varint(buf, number << 3);
    varint(buf, value);
}

static void bytes(struct buf *buf, unsigned number, const void *data, size_t len)
{
    varint(buf, number << 3 | 2);
    varint(buf, len);
    buf_add(buf, data, len);
}

static void fixed(struct buf *buf, unsigned number, const void *data, size_t len)
{
    varint(buf, number << 3 | (len == 8 ? 1 : 5));
    buf_add(buf, data, len); /* the machines we test on are little-endian, as protobuf is */
}

static void quality(struct buf *metric, int code)
{
    struct buf set = {0};
    struct buf value = {0};
    whole(&value, 1, 3);
    whole(&value, 3, (uint64_t)(code < 0 ? 0 : code));
    bytes(&set, 1, "Quality", 7);
    bytes(&set, 2, value.data, value.len);
    bytes(metric, 9, set.data, set.len);
    buf_done(&value);
    buf_done(&set);
}

static void value(struct buf *metric, const struct told *told)
{
    const float single = (float)told->real;
    switch (told->field) {
    case VALUE_INT:
    case VALUE_LONG:
    case VALUE_BOOL:
        whole(metric, told->field, told->whole);
        break;
    case VALUE_FLOAT:
        fixed(metric, told->field, &single, sizeof single);
        break;
    case VALUE_DOUBLE:
        fixed(metric, told->field, &told->real, sizeof told->real);
        break;
    case VALUE_TEXT:
        bytes(metric, told->field, told->text, strlen(told->text));
        break;
    case VALUE_NONE:
        break;
    }
}

static void add_metric(struct buf *buf, const struct told *told)
{
    struct buf metric = {0};
    if (told->name != NULL) {
        bytes(&metric, 1, told->name, strlen(told->name));
    }
    if (told->alias != 0) {
        whole(&metric, 2, told->alias);
    }
    if (told->time_ms != 0) {
        whole(&metric, 3, told->time_ms);
    }
    if (told->type != 0) {
        whole(&metric, 4, told->type);
    }
    if (told->historical) {
        whole(&metric, 5, 1);
    }
    if (told->null) {
        whole(&metric, 7, 1);
    }
    if (told->quality != 0) {
        quality(&metric, told->quality);
    }
    value(&metric, told);
    bytes(buf, 2, metric.len > 0 ? metric.data : "", metric.len);
    buf_done(&metric);
}

void payload_build(struct buf *buf, uint64_t time_ms, int seq, const struct told *metrics, size_t n)
{
    if (time_ms != 0) {
        whole(buf, 1, time_ms);
    }
    for (size_t i = 0; i < n; i++) {
        add_metric(buf, &metrics[i]);
    }
    if (seq != NO_SEQ) {
        whole(buf, 3, (uint64_t)seq);
    }
}
