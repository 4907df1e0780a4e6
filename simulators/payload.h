/*
 * payload: a gateway's message in the format of its source.
 *
 * Pure.  What a format cannot say (a status in JSON of others) is told by
 * payload_can_say, so that a scenario asking for it is refused.
 *
 *   davy         {"time", "seq", "values": {key: v or {"value", "status"}}}
 *   neuron       {"node", "group", "timestamp", "values": {key: v}, "errors": {key: 3002}}
 *   thingsboard  {"ts", "values": {key: v}}
 *   sparkplug    no message of a gateway: see edge.h
 *   json         the object that the source's map describes: each key's value at its pointer
 */
#ifndef DAVY_SIMULATORS_PAYLOAD_H
#define DAVY_SIMULATORS_PAYLOAD_H

#include "base/buf.h"
#include "model/site.h"
#include "simulators/course.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One reading of a message; the key is borrowed. */
struct payload_item {
    const char *key;
    double number; /* as the device sends it; NaN: none */
    uint16_t status;
};

struct payload {
    int64_t time_ms;
    uint64_t seq;
    const struct payload_item *items;
    size_t count;
};

/* True when a status can be told in the format. */
bool payload_can_say(enum mqtt_format format, uint16_t status);

/* True when a message of the source says when its readings were taken. */
bool payload_tells_time(const struct site_source *source);

/* Writes the message of a source; Sparkplug's are written by edge.h. */
void payload_write(const struct site_source *source, const struct payload *payload, struct buf *buf);

/* Writes something that is no message: of several kinds, by turns. */
void payload_write_broken(uint64_t seq, struct buf *buf);

#endif
