/*
 * publisher: one connection to a broker that delivers texts in order.
 *
 * Beside edge_link the only file of the simulators that knows paho.  Its known traps: all
 * clients of a process share paho's threads, so a callback must not block or
 * call back in; a message that paho has taken may be lost with the connection,
 * so each stays in our queue until the broker has confirmed it.
 *
 * Threads: one, but for paho's callbacks, which touch only what `lock` guards.
 */
#ifndef DAVY_SIMULATORS_PUBLISHER_H
#define DAVY_SIMULATORS_PUBLISHER_H

#include "base/err.h"
#include "model/site.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct publisher;

/* Makes one for a source of a site; `wake` is called from paho's threads whenever publisher_work has something to do.
 */
enum err_code publisher_new(const char *site_id, const struct site_source *source, size_t queue,
                            void (*wake)(void *self), void *wake_self, struct publisher **ret_publisher,
                            struct err *err) MUST_CHECK;

/* Puts a text at the end of the queue (copied); the oldest goes when it is full. */
void publisher_put(struct publisher *publisher, const char *text, size_t len);

/* The same on a topic of its own (copied), with its QoS, to be retained or not. */
struct publisher_manner {
    const char *topic;
    size_t topic_len;
    int qos;
    bool retained;
};
void publisher_put_as(struct publisher *publisher, const struct publisher_manner *manner, const char *text, size_t len);

/* How many texts wait to be delivered. */
size_t publisher_waiting(const struct publisher *publisher);

/* Connects, disconnects (when cut) or delivers, whatever is next.  Never blocks. */
void publisher_work(struct publisher *publisher, int64_t now_ns, bool cut);

/* Texts dropped so far because the queue was full. */
uint64_t publisher_dropped(const struct publisher *publisher);

/* Disconnects and frees; blocks for up to a second.  Accepts NULL. */
void publisher_free(struct publisher *publisher);

#endif
