/*
 * mqtt_link: one connection to a broker, as the feed sees it; the only place of
 * alerting behind which paho stands (sink_mqtt.c).
 *
 * Everything is asked for by the sink's thread and answered later through
 * cells: the state of the connection, and a receipt per message.  paho's
 * threads only set cells and ring the bell.
 */
#ifndef DAVY_ALERTING_MQTT_LINK_H
#define DAVY_ALERTING_MQTT_LINK_H

#include "base/cell.h"
#include "base/doorbell.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

struct mqtt_link;

struct mqtt_link_config {
    const char *url; /* mqtt://host[:port] or mqtts://; borrowed like all below, for the link's life */
    const char *client_id;
    const char *user, *password; /* NULL: none */
    const char *ca, *cert, *key; /* mqtts; NULL: the system's, none, none */
    struct doorbell *bell;       /* rung after every change */
};

enum mqtt_link_state { LINK_DOWN, LINK_CONNECTING, LINK_UP };

/* Whether the broker has confirmed one message.  Owned by the sender; it must stay until it is settled or the next
 * mqtt_link_connect, or mqtt_link_free, has returned. */
enum { RECEIPT_OPEN, RECEIPT_CONFIRMED, RECEIPT_FAILED };
struct mqtt_receipt {
    struct cell outcome;   /* paho's threads */
    struct doorbell *bell; /* set by mqtt_link_publish */
};

/* Makes it; nothing is connected yet.  ERR_INPUT for a URL it cannot use. */
enum err_code mqtt_link_new(const struct mqtt_link_config *config, struct mqtt_link **ret_link,
                            struct err *err) MUST_CHECK;
/* Disconnects (so that the last will is not published) and frees it.  Accepts NULL. */
void mqtt_link_free(struct mqtt_link *link);

/* Begins to connect, with a retained last will.  All that was in flight before is dropped: no receipt of it is touched
 * any more.  ERR_ENV: at once no way. */
enum err_code mqtt_link_connect(struct mqtt_link *link, const char *will_topic, const char *will,
                                struct err *err) MUST_CHECK;
enum mqtt_link_state mqtt_link_state(struct mqtt_link *link);
/* Gives why the link is down, in words. */
const char *mqtt_link_reason(const struct mqtt_link *link);

/* Hands a message over for delivery with QoS 1, in the order of the calls; `receipt` may be NULL. */
enum err_code mqtt_link_publish(struct mqtt_link *link, const char *topic, const void *payload, size_t len,
                                bool retained, struct mqtt_receipt *receipt, struct err *err) MUST_CHECK;

#endif
