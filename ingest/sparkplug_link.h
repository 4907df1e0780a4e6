/*
 * sparkplug_link: a host application's connection to its broker, by way of
 * paho.
 *
 *   DOWN --connect, the death as will--> CONNECTING --> CONNECTED --subscribe--> SUBSCRIBING --> SUBSCRIBED
 *    ^                                       |failed        |lost                  |              | birth published
 *    +---------------------------------------+--------------+----------------------+--- lost --- UP
 *
 * Each step to the right of DOWN, CONNECTED and SUBSCRIBED is taken by
 * spb_link_step, the others are noted by paho's callbacks.  The session is a
 * clean one, as the specification asks: what a node said while we were away is
 * told by its next birth.  Readings are subscribed to with QoS 0, as they are
 * sent: a broker gives nothing again to a clean session, so acknowledging them
 * would promise what cannot be held; what is lost on the way is found by seq.
 * Deaths, which have none, and our own STATE come with QoS 1.
 *
 * Threads: as the host; `lock` is its mutex, held by whoever calls, and given
 * up while paho is called.
 */
#ifndef DAVY_INGEST_SPARKPLUG_LINK_H
#define DAVY_INGEST_SPARKPLUG_LINK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/site.h"
#include <pthread.h>

enum spb_link_state {
    SPB_LINK_DOWN,
    SPB_LINK_CONNECTING,
    SPB_LINK_CONNECTED,
    SPB_LINK_SUBSCRIBING,
    SPB_LINK_SUBSCRIBED,
    SPB_LINK_UP,
};

/* What the host wants to know.  Both are called by paho's callback thread, without the lock. */
struct spb_link_owner {
    void (*changed)(void *self); /* spb_link_step has something to do */
    void (*message)(void *self, const char *topic, size_t topic_len, const char *payload, size_t len, bool retained);
    void *self;
};

enum { SPB_HOST_MAX = 256 };

struct spb_link {
    const struct site_source *source;
    struct spb_link_owner owner;
    pthread_mutex_t *lock;
    void *client; /* MQTTAsync; const after start, and so are those below */
    char host[SPB_HOST_MAX];
    uint16_t port;
    uint64_t seed;
    char *state_topic;
    char **filters; /* our own STATE, the site's topics, the deaths among them */
    int *qos;
    int filter_count;

    enum spb_link_state state; /* lock, and all below */
    int64_t state_ms;          /* the timestamp of the will, and so of the birth */
    bool was_up, announced_down;
    int reason;
    int64_t retry_ns, down_since_ns; /* mono */
    unsigned tries;
};

enum err_code spb_link_init(struct spb_link *link, const struct site *site, const struct site_source *source,
                            const struct spb_link_owner *owner, pthread_mutex_t *lock, struct arena *arena,
                            struct err *err) MUST_CHECK;
/* Takes the next step; gives when to call again (mono).  *ret_born: our birth was published just now, *ret_lost: the
 * connection is gone. */
int64_t spb_link_step(struct spb_link *link, int64_t mono_ns, int64_t now_ns, bool *ret_born, bool *ret_lost);

/* Without the lock: asks a node for its birth; says again that we are online.  Lost when there is no connection. */
void spb_link_ask(struct spb_link *link, const char *node, int64_t now_ns);
void spb_link_say_online(struct spb_link *link, int64_t state_ms);

/* Without the lock, when no more steps are taken: says that we go offline, disconnects.  No callback comes after it. */
void spb_link_done(struct spb_link *link, int64_t now_ns);

#endif
