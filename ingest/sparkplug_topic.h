/*
 * sparkplug_topic: what a topic of Sparkplug B says, and the few messages a
 * host application sends itself.
 *
 *   spBv1.0/<group>/<type>/<node>            NBIRTH NDEATH NDATA NCMD
 *   spBv1.0/<group>/<type>/<node>/<device>   DBIRTH DDEATH DDATA DCMD
 *   spBv1.0/STATE/<host>
 *
 * Pure.  Memory: spans lie in the caller's topic.
 */
#ifndef DAVY_INGEST_SPARKPLUG_TOPIC_H
#define DAVY_INGEST_SPARKPLUG_TOPIC_H

#include "base/buf.h"
#include "ingest/sparkplug_wire.h"

enum spb_type {
    SPB_NBIRTH,
    SPB_NDEATH,
    SPB_NDATA,
    SPB_NCMD,
    SPB_DBIRTH,
    SPB_DDEATH,
    SPB_DDATA,
    SPB_DCMD,
    SPB_STATE,
    SPB_TYPES
};

struct spb_topic {
    enum spb_type type;
    struct spb_span group, node; /* STATE: node is the host's id */
    struct spb_span device;      /* only of the D types */
};

/* Gives NULL, or why it is none of the three forms. */
const char *spb_topic_read(const char *topic, size_t len, struct spb_topic *ret_topic);

static inline bool spb_is_device_type(enum spb_type type)
{
    return type >= SPB_DBIRTH && type <= SPB_DCMD;
}

/* Writes the topic and the payload of a request for a rebirth. */
void spb_write_rebirth_topic(struct buf *buf, const char *group_and_node);
void spb_write_rebirth(struct buf *buf, int64_t time_ms);

/* Writes the topic and payload of the host's own STATE. */
void spb_write_state_topic(struct buf *buf, const char *host_id);
void spb_write_state(struct buf *buf, bool online, int64_t time_ms);

/* Writes the subscription to the deaths of those nodes that a subscription hears; false when it hears of none. */
bool spb_write_death_filter(struct buf *buf, const char *filter);

/* True when a STATE payload says that the host is offline. */
bool spb_state_is_offline(const char *payload, size_t len);

#endif
