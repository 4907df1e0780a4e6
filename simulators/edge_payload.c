/*
 * edge_payload: see edge_payload.h.
 */
#include "simulators/edge_payload.h"

#include <math.h>
#include <string.h>

enum { INT64 = 4, DOUBLE = 10, BOOLEAN = 11 };
static const char rebirth[] = "Node Control/Rebirth";

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

static void bytes(struct buf *buf, unsigned number, const char *data, size_t len)
{
    varint(buf, number << 3 | 2);
    varint(buf, len);
    buf_add(buf, data, len);
}

static void real(struct buf *buf, unsigned number, double value)
{
    unsigned char out[8];
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (unsigned char)(bits >> (8 * i));
    }
    varint(buf, number << 3 | 1);
    buf_add(buf, out, sizeof out);
}

static void put(struct buf *buf, struct buf *metric)
{
    bytes(buf, 2, metric->data, metric->len);
    buf_done(metric);
}

void edge_payload_begin(struct buf *buf, int64_t time_ms)
{
    buf_clear(buf);
    whole(buf, 1, (uint64_t)time_ms);
}

void edge_payload_value(struct buf *buf, int64_t time_ms, const struct edge_value *value)
{
    struct buf metric = {0};
    if (value->name != NULL) {
        bytes(&metric, 1, value->name, strlen(value->name));
    }
    if (value->alias != 0) {
        whole(&metric, 2, value->alias);
    }
    whole(&metric, 3, (uint64_t)time_ms);
    if (value->typed) {
        whole(&metric, 4, DOUBLE);
    }
    if (value->historical) {
        whole(&metric, 5, 1);
    }
    if (isnan(value->number)) {
        whole(&metric, 7, 1);
    } else {
        real(&metric, 13, value->number);
    }
    put(buf, &metric);
}

void edge_payload_bdseq(struct buf *buf, uint64_t bdseq)
{
    struct buf metric = {0};
    bytes(&metric, 1, "bdSeq", 5);
    whole(&metric, 4, INT64);
    whole(&metric, 11, bdseq);
    put(buf, &metric);
}

void edge_payload_rebirth(struct buf *buf)
{
    struct buf metric = {0};
    bytes(&metric, 1, rebirth, sizeof rebirth - 1);
    whole(&metric, 4, BOOLEAN);
    whole(&metric, 14, 0);
    put(buf, &metric);
}

void edge_payload_end(struct buf *buf, int seq)
{
    if (seq >= 0) {
        whole(buf, 3, (uint64_t)seq);
    }
}

/* A command of a host holds little else: its name stands in the bytes as it is, and so does the field of a true. */
bool edge_payload_asks(const char *data, size_t len)
{
    static const char truth[] = {14 << 3, 1};
    return memmem(data, len, rebirth, sizeof rebirth - 1) != NULL && memmem(data, len, truth, sizeof truth) != NULL;
}
