/*
 * sparkplug_link: a host application's connection to its broker.
 *
 * The connection is a broker_link with a clean session, as the specification
 * asks: what a node said while we were away is told by its next birth.  Its last
 * will is our death; when the broker has answered the subscriptions our birth is
 * published, and the link is up.  Readings are subscribed to with QoS 0, as they
 * are sent: a broker gives nothing again to a clean session, so acknowledging
 * them would promise what cannot be held; what is lost on the way is found by
 * seq.  Deaths, which have none, and our own STATE come with QoS 1.
 *
 * Threads: as the host; `lock` is its mutex, held by whoever calls, and given
 * up while paho is called.
 */
#ifndef DAVY_INGEST_SPARKPLUG_LINK_H
#define DAVY_INGEST_SPARKPLUG_LINK_H

#include "ingest/broker_link.h"

/* What the host wants to know.  Both are called by paho's callback thread, without the lock. */
struct spb_link_owner {
    void (*changed)(void *self); /* spb_link_step has something to do */
    void (*message)(void *self, const struct broker_message *message);
    void *self;
};

struct spb_link {
    const struct site_source *source; /* const after start, like the next three */
    struct spb_link_owner owner;
    pthread_mutex_t *lock;
    char *state_topic;

    struct broker_link broker; /* lock, as told there, and all below */
    int64_t state_ms;          /* the timestamp of the will, and so of the birth */
    bool up;                   /* our birth was published on this connection */
};

enum err_code spb_link_init(struct spb_link *link, const struct site *site, const struct site_source *source,
                            const struct spb_link_owner *owner, pthread_mutex_t *lock, struct arena *arena,
                            struct err *err) MUST_CHECK;
/* Takes the next step; gives when to call again (mono).  *ret_born: our birth was published just now, *ret_lost: the
 * connection is gone. */
int64_t spb_link_step(struct spb_link *link, int64_t mono_ns, int64_t now_ns, bool *ret_born, bool *ret_lost);

/* Lock held: our birth is out, and the connection stands. */
bool spb_link_up(const struct spb_link *link);

/* Without the lock: asks a node for its birth; says again that we are online.  Lost when there is no connection. */
void spb_link_ask(struct spb_link *link, const char *node, int64_t now_ns);
void spb_link_say_online(struct spb_link *link, int64_t state_ms);

/* Without the lock, when no more steps are taken: says that we go offline, disconnects.  No callback comes after it. */
void spb_link_done(struct spb_link *link, int64_t now_ns);

#endif
