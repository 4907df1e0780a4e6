/*
 * edge_payload: Sparkplug B payloads as an edge node writes them.
 *
 * Written from the public format, apart from the monitor's reader: the two meet
 * on the wire.  Pure; memory: the caller's buffers.
 */
#ifndef DAVY_SIMULATORS_EDGE_PAYLOAD_H
#define DAVY_SIMULATORS_EDGE_PAYLOAD_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

struct edge_value {
    const char *name; /* NULL: only the alias */
    uint64_t alias;   /* 0: none */
    bool typed;       /* births tell the datatype */
    bool historical;
    double number; /* NaN: is_null */
};

/* A payload is begun, gets its metrics, and is ended. */
void edge_payload_begin(struct buf *buf, int64_t time_ms);
void edge_payload_value(struct buf *buf, int64_t time_ms, const struct edge_value *value);
void edge_payload_bdseq(struct buf *buf, uint64_t bdseq);
void edge_payload_rebirth(struct buf *buf);      /* "Node Control/Rebirth", false */
void edge_payload_end(struct buf *buf, int seq); /* < 0: without */

/* True when a command asks for a rebirth. */
bool edge_payload_asks(const char *bytes, size_t len);

#endif
