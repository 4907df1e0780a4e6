/*
 * broker_link: a source's connection to its MQTT broker, by way of paho.
 *
 *   DOWN ── connect ──► CONNECTING ──► CONNECTED ── subscribe ──► SUBSCRIBING ──► UP
 *    ▲                       │failed       │lost                       │lost       │lost
 *    └───────────────────────┴─────────────┴───────────────────────────┴───────────┘
 *
 * broker_link_step takes the steps that are due (broker_step.c), the others are
 * noted by paho's callbacks (broker_link.c).  A try that failed is followed by
 * the next with back-off, for ever.  The broker may keep the session of a link
 * that is not clean; then nothing is subscribed to again, and UP follows at once.
 *
 * A broker may refuse subscriptions one by one, or not answer.  The link is UP
 * once it has answered at all; what it refused is asked for again with back-off,
 * for rights are given while we run.
 *
 * Threads: the owner's thread steps, with `lock` held, which is given up while
 * paho is called (paho holds its own lock in its callbacks).  Memory: the
 * owner's struct, and the arena's.
 */
#ifndef DAVY_INGEST_BROKER_LINK_H
#define DAVY_INGEST_BROKER_LINK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/cell.h"
#include "base/err.h"
#include "ingest/mqtt_socket.h"
#include "model/site.h"
#include <pthread.h>

enum broker_state { BROKER_DOWN, BROKER_CONNECTING, BROKER_CONNECTED, BROKER_SUBSCRIBING, BROKER_UP };

/* A message as paho gives it. */
struct broker_message {
    const char *topic; /* need not end in NUL */
    size_t topic_len;
    const char *payload;
    size_t len;
    int qos;
    bool retained, repeated;
};

/* What the owner is told.  changed and message are called by paho's callback thread, without the lock. */
struct broker_owner {
    void (*changed)(void *self); /* broker_link_step has something to do */
    /* False: the message must stay with the broker.  Then the connection is cut. */
    bool (*message)(void *self, const struct broker_message *message);
    /* With the lock, before each try to connect: writes the last will, for config.will_topic. */
    void (*write_will)(void *self, struct buf *ret_text);
    void *self;
};

/* What is subscribed to. */
struct broker_filter {
    const char *topic;
    int qos;
    bool open; /* lock: not granted, as far as we know */
};

struct broker_config {
    const struct site *site;
    const struct site_source *source;
    bool clean;             /* a session that ends with the connection */
    const char *will_topic; /* retained, QoS 1; NULL: no will */
    struct broker_filter *filters;
    size_t filter_count;
    struct broker_owner owner;
    pthread_mutex_t *lock;
};

/* One way of asking: for so many topics.  What paho answers has another form for one than for several. */
struct broker_asking {
    struct broker_link *link;
    size_t count;
};

enum { BROKER_HOST_MAX = 256 };

struct broker_link {
    struct broker_config config; /* const after broker_link_init, like all up to the blank line */
    void *client;                /* MQTTAsync */
    char host[BROKER_HOST_MAX];
    uint16_t port;
    bool encrypted;
    uint64_t seed; /* of the jitter */

    struct cell tls;       /* enum tls_trouble of the try under way; paho's threads, the stepping one before it */
    struct sockets before; /* connections to this port when ours was not made yet; stepping thread, while DOWN */
    struct broker_asking *askings; /* [filter_count + 1], const */
    char **asked;                  /* [filter_count] what is asked for now, in paho's form; stepping thread */
    int *asked_qos;

    enum broker_state state; /* lock, and all below */
    bool asking;             /* a subscription is under way */
    size_t *asked_at;        /* [filter_count] which filters it is for */
    size_t asked_count;
    bool session;     /* the broker still knew us */
    bool subscribed;  /* once since the start: the site's topics may be new to an old session */
    bool refused;     /* it was told that not everything is granted */
    bool unanswered;  /* a subscription ended without an answer */
    bool ready;       /* UP was told */
    int reason;       /* paho's, of the last trouble */
    const char *told; /* why there is no connection, as last told; NULL: there is one */
    int64_t retry_ns; /* mono: when to connect, while DOWN; 0: not set yet */
    int64_t down_since_ns;
    int64_t ask_ns; /* mono: when to ask for what is open, or to say that no answer comes; TIME_NEVER: neither */
    unsigned tries, ask_tries;
};

/* Makes the client; nothing is connected yet.  ERR_INPUT for a URL it cannot use. */
enum err_code broker_link_init(struct broker_link *link, const struct broker_config *config, struct arena *arena,
                               struct err *err) MUST_CHECK;
/* Without the lock, when no more steps are taken: disconnects.  No callback comes after it.  Accepts a zeroed link. */
void broker_link_done(struct broker_link *link);

/* What a step found. */
enum broker_news {
    BROKER_NOTHING,
    BROKER_FAILED, /* there is no connection: it is gone, or could not be made */
    BROKER_MET,    /* connected */
    BROKER_READY,  /* UP */
};
/* Lock held: takes the next step.  Gives when to call again (mono), unless `changed` comes before. */
int64_t broker_link_step(struct broker_link *link, int64_t mono_ns, enum broker_news *ret_news);

/* Without the lock: hands a message over; gives paho's token of it, 0 when there is no connection. */
int broker_link_publish(struct broker_link *link, const char *topic, const struct buf *payload, int qos, bool retain);
/* Without the lock: waits until that message has gone, for a while. */
void broker_link_flush(struct broker_link *link, int token);
bool broker_link_connected(struct broker_link *link);

/* ---- between broker_step.c and broker_link.c --------------------------------------------------------------------- */

/* Lock held, given up while paho is called. */
void broker_link_connect(struct broker_link *link);
/* Likewise: subscribes to all filters that are open.  False: it could not be sent. */
bool broker_link_subscribe(struct broker_link *link);
/* Lock held or not: ends the connection; true when that is certain. */
bool broker_link_cut(const struct broker_link *link);
/* paho's threads, without the lock: what the broker granted of `count` topics; NULL: none of them. */
void broker_link_answered(struct broker_link *link, size_t count, const int *granted);
/* paho's threads, without the lock: no answer will come. */
void broker_link_unanswered(struct broker_link *link);
/* Takes the source's url apart; gives it as paho wants it. */
enum { BROKER_URI_MAX = 512 };
enum err_code broker_link_read_url(struct broker_link *link, char ret_uri[BROKER_URI_MAX], struct err *err) MUST_CHECK;

#endif
