/*
 * edge_link: an edge node's connection to the broker, by way of paho.
 *
 *   IDLE --connect, the death as will--> CONNECTING --> SUBSCRIBING (commands) --> UP
 *     ^                                      |                |                    |cut: says its death, disconnects
 *     +---- after RETRY ----- LEAVING <------+----------------+--------------------+
 *
 * Messages go out with QoS 0, as Sparkplug wants; what the connection loses is
 * lost, which is what the host must find out.
 *
 * Threads: one, but for paho's callbacks, which touch only what `lock` guards.
 */
#ifndef DAVY_SIMULATORS_EDGE_LINK_H
#define DAVY_SIMULATORS_EDGE_LINK_H

#include "simulators/edge.h"

struct edge_link;

/* `edge` is borrowed; `wake` is called from paho's threads whenever edge_link_work has something to do. */
enum err_code edge_link_new(const char *site_id, const struct site_source *source, size_t number, struct edge *edge,
                            void (*wake)(void *self), void *wake_self, struct edge_link **ret_link,
                            struct err *err) MUST_CHECK;

/* Connects, or disconnects (when cut), whatever is next.  Never blocks.  True when births are to be sent: the
 * connection has just come up, or a host asks. */
bool edge_link_work(struct edge_link *link, int64_t now_ns, int64_t epoch_ns, bool cut);
bool edge_link_is_up(const struct edge_link *link);
void edge_link_send(struct edge_link *link, const char *topic, const char *bytes, size_t len);

/* Says its death and begins to disconnect; no more work after it.  Accepts NULL. */
void edge_link_leave(struct edge_link *link);
/* Leaves, waits up to two seconds for its end, and frees.  Accepts NULL. */
void edge_link_free(struct edge_link *link);

#endif
