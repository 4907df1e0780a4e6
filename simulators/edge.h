/*
 * edge: one Sparkplug B edge node, as the messages it would send.
 *
 * The points of a source whose keys begin with the same `group/node` are one
 * node; a further level before the metric's name is one of its devices.  Every
 * metric has an alias; births tell names, later messages only aliases.  The
 * node counts its messages (seq) and its connections (bdSeq).
 *
 * Pure: messages go to `send`.  Memory: its own lists; site, scenario and
 * gateway are borrowed.
 */
#ifndef DAVY_SIMULATORS_EDGE_H
#define DAVY_SIMULATORS_EDGE_H

#include "simulators/gateway.h"

struct edge_metric {
    const char *name;
    uint32_t scope; /* 0: the node, else devices[scope - 1] */
    uint64_t alias;
    size_t place; /* of its point in the gateway */
};

typedef void edge_send_fn(void *self, const char *topic, const char *bytes, size_t len);

struct edge {
    struct gateway gateway; /* of the node's points alone */
    char *id;               /* "group/node" */
    struct edge_metric *metrics;
    size_t metric_count;
    char **devices;
    size_t device_count;
    uint8_t seq;
    uint64_t bdseq; /* of the next connection */
    struct buf topic, bytes;
    edge_send_fn *send;
    void *send_self;
};

/* How data is to be said. */
struct edge_how {
    bool historical;
    bool wrong_alias; /* aliases that no birth gave */
    bool lost;        /* counted, but not sent */
    int64_t copies;   /* sent so often in all; 0: once */
    int64_t shift_ns; /* how far the node's clock is off */
    bool broken;      /* something that is no payload goes before it */
};

/* Gives "group/node" of a key in ret_id; false when the key has no such levels. */
bool edge_id(const char *key, struct buf *ret_id);

enum err_code edge_init(struct edge *edge, const struct site *site, const struct scenario *scenario, uint32_t source,
                        const char *id, struct err *err) MUST_CHECK;
void edge_done(struct edge *edge);

/* The birth of the node and of all its devices, with what the points show at t_ns. */
void edge_send_births(struct edge *edge, int64_t t_ns, int64_t epoch_ns);
/* What the gateway's message says: one Sparkplug message for the node and each device that has something to say. */
void edge_send_data(struct edge *edge, const struct gateway_message *message, int64_t epoch_ns, struct edge_how how);
/* Writes the death of the connection that carries bdseq, for the will and for a goodbye. */
void edge_write_death(struct edge *edge, int64_t time_ms, struct buf *ret_topic, struct buf *ret_bytes);
/* The topic on which it takes commands. */
void edge_command_topic(const struct edge *edge, struct buf *ret_topic);

#endif
