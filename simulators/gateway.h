/*
 * gateway: one MQTT source, as the messages it would send.
 *
 * Pure: the publisher and the trace writer step the same gateway.  A gateway
 * sends one message at each moment at which any of its points is due, holding
 * exactly the points that are; `seq` counts them from 1.  A message carries
 * the time of its samples.  Where a reordering fault holds, messages leave in
 * swapped pairs.
 *
 * Memory: the gateway owns its lists; site and scenario are borrowed.
 */
#ifndef DAVY_SIMULATORS_GATEWAY_H
#define DAVY_SIMULATORS_GATEWAY_H

#include "base/buf.h"
#include "base/err.h"
#include "simulators/payload.h"
#include "simulators/scenario.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gateway_message {
    int64_t t_ns; /* from the scenario's start */
    uint64_t seq;
};

struct gateway {
    const struct site *site;
    const struct scenario *scenario;
    uint32_t source;
    uint32_t *points; /* indices */
    size_t point_count;
    struct payload_item *items; /* [point_count], of the message being written */
    int64_t next_ns;            /* when the next message is due */
    uint64_t seq;
    bool holding; /* one of a pair waits for the other */
    struct gateway_message held;
};

enum err_code gateway_init(struct gateway *gateway, const struct site *site, const struct scenario *scenario,
                           uint32_t source, struct err *err) MUST_CHECK;
void gateway_done(struct gateway *gateway);

/* Makes the message due at gateway->next_ns and gives those that leave now, in order; returns how many (0..2). */
size_t gateway_step(struct gateway *gateway, struct gateway_message ret_messages[2]);

/* Gives the message still held back, if there is one. */
bool gateway_release(struct gateway *gateway, struct gateway_message *ret_message);

/* True when the point is in the message. */
bool gateway_holds(const struct gateway *gateway, uint32_t point, const struct gateway_message *message);

/* How far the gateway's clock is off when it stamps the message; 0 in a format without times. */
int64_t gateway_shift(const struct gateway *gateway, const struct gateway_message *message);

/* What the gateway's i-th point shows at t_ns, as its device would send it. */
struct payload_item gateway_item(const struct gateway *gateway, size_t i, int64_t t_ns);

/* Writes a message in the source's format; epoch_ns is the wall time of the scenario's start. */
void gateway_payload(const struct gateway *gateway, const struct gateway_message *message, int64_t epoch_ns,
                     struct buf *buf);

/* Prints the topic it publishes on: its first subscription with '+' as the source's id and '#' as "sim". */
void gateway_topic(const struct site_source *source, struct buf *buf);

#endif
