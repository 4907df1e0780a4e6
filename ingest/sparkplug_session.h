/*
 * sparkplug_session: what a Sparkplug B host application knows of its edge
 * nodes, and what follows from each message.
 *
 * One session is one source: one connection to one broker.  It knows the edge
 * nodes and devices that points of the site name (`group/node/metric` or
 * `group/node/device/metric`); messages of others are passed over.
 *
 *   a node     UNKNOWN --NBIRTH--> ONLINE --NDEATH--> OFFLINE
 *                 ^                |    ^                |
 *       we lost   |        missing |    | NBIRTH         | NBIRTH --> ONLINE
 *       the broker|                v    |
 *                 +------------- UNSURE +
 *
 *   ONLINE   messages in the order of their seq; one that comes too early waits for those missing, `reorder` long
 *   UNSURE   something is missing: a rebirth is asked for; until then only metrics told by name are taken, since an
 *            alias may mean another metric by now
 *   UNKNOWN, OFFLINE   nothing is taken; data asks for a rebirth
 *
 * Trouble is data.  Whenever a point's metric is lost (death of its node or
 * device, loss of the broker, a birth without it, no birth for PATIENCE) the
 * point gets one sample without value, flagged comm+stale, behind its newest.
 *
 * Time.  A reading has its metric's time, else its payload's, else that of its
 * receipt.  A mark of loss has the time of receipt, told by the node's clock
 * when that is more than a second behind ours: otherwise all that comes after
 * the next birth would be late.  Births restate: a value older than the mark
 * goes directly behind it.  A historical value keeps its time and goes in as
 * late, whatever came before.
 *
 * Nothing of this is kept over a restart: aliases may have changed meanwhile,
 * so a rebirth is asked for instead.
 *
 * Pure: no clock, socket, thread or log; what is worth telling goes to `told`.
 * One caller at a time.  Memory: sized by the site at the start; a birth may
 * grow its node's list of aliases and a message that waits is copied, both
 * within bounds.
 */
#ifndef DAVY_INGEST_SPARKPLUG_SESSION_H
#define DAVY_INGEST_SPARKPLUG_SESSION_H

#include "base/clock.h"
#include "ingest/mqtt_decode.h"
#include "ingest/sparkplug_topic.h"

#define SPB_PATIENCE_NS    (10 * NS_PER_S) /* without birth: then what should have been born is lost */
#define SPB_ASK_MIN_NS     NS_PER_S        /* between two requests for a rebirth … */
#define SPB_ASK_MAX_NS     (300 * NS_PER_S)
#define SPB_CLOCK_SLACK_NS NS_PER_S /* a node's clock this much behind ours is as good as ours */
#define SPB_LOST           (ST_COMM | ST_STALE)
enum {
    SPB_HELD_MAX = 32,         /* messages of a node that wait for a missing one */
    SPB_HELD_BYTES = 1 << 20,  /* and their bytes */
    SPB_ALIASES_MAX = 1 << 16, /* of one node; more are not known by alias */
    SPB_SKEW_S = 60,           /* as the contract's skew: such a sample counts by its receipt */
};

enum spb_state { SPB_NODE_UNKNOWN, SPB_NODE_ONLINE, SPB_NODE_UNSURE, SPB_NODE_OFFLINE };

/* What is worth a line of the log. */
enum spb_note {
    SPB_NOTE_BORN,    /* a node or device: its birth was taken */
    SPB_NOTE_DEAD,    /* its points are lost: detail says why */
    SPB_NOTE_UNSURE,  /* a rebirth is wanted: detail says why */
    SPB_NOTE_UNNAMED, /* detail: a key of the site that its birth does not have */
};
typedef void spb_told_fn(void *self, enum spb_note note, const char *who, const char *detail);

struct spb_counts {
    uint64_t messages, repeats, births, deaths, gaps, historical, foreign;
};

/* One metric the site names; several points may. */
struct spb_item {
    const char *key;
    uint32_t node, scope;  /* scope: whose metric it is, or is thought to be while it is not bound */
    uint32_t before, next; /* of the same scope; SITE_NONE: the first, the last */
    uint32_t datatype;     /* as born */
    uint32_t seen;         /* number of the birth that had it last */
    bool bound;            /* a birth had it */
    bool lost;             /* its last sample was a mark of loss */
    bool marked;           /* no reading came by its own time behind that mark yet */
    int64_t newest_ns;     /* INT64_MIN: none yet */
    int64_t mark_ns;
};

/* A node itself, or one of its devices. */
struct spb_scope {
    const char *id; /* "group/node" or "group/node/device" */
    uint32_t node;
    uint32_t next;                  /* of the same node; SITE_NONE: the last */
    uint32_t first_item, last_item; /* SITE_NONE: it has none */
    bool is_device;
    bool born;
    bool has_aliases; /* its node's list may have some of it */
    int64_t wait_ns;  /* mono: until when a birth is waited for */
};

struct spb_alias {
    uint64_t alias;
    uint32_t item; /* SITE_NONE: no point wants it */
    uint32_t scope;
};

struct spb_held {
    char *bytes; /* topic, then payload */
    size_t topic_len, len;
    int64_t seen_ns;
    uint64_t time_ms;
    uint8_t seq;
};

struct spb_node {
    uint32_t scope; /* its own, the first of its list */
    enum spb_state state;
    bool has_bdseq, has_last, aliases_full;
    uint64_t bdseq;
    uint8_t expected, last_seq;
    uint64_t last_time_ms;
    int64_t lag_ns;            /* receipt less the time of its newest payload */
    struct spb_alias *aliases; /* by alias */
    size_t alias_count, alias_room;
    struct spb_held held[SPB_HELD_MAX]; /* by seq, as they follow `expected` */
    size_t held_count, held_bytes;
    int64_t held_until_ns; /* mono */
    bool ask;              /* a rebirth is wanted */
    bool heard;            /* and the node has said something since */
    int64_t ask_ns;        /* mono: not before */
    int64_t asked_ns;
    unsigned tries;
    uint64_t seed;
};

struct spb_session {
    const char *host_id;
    int64_t reorder_ns;
    struct mqtt_keys keys;
    struct table scopes_by_id; /* -> scope */
    struct spb_node *nodes;
    uint32_t node_count;
    struct spb_scope *scopes;
    uint32_t scope_count;
    struct spb_item *items; /* [keys.count], at the first target of each key */
    uint32_t births;        /* the number of the birth being read, to know what it had */
    uint32_t online;        /* nodes that are ONLINE */
    bool connected;
    bool presume;     /* looking at a saved message: all names are as born */
    bool state_again; /* our STATE was said to be offline: say it again */
    int64_t due_ns;   /* mono: when spb_session_tick is next wanted */
    struct spb_counts counts;
    spb_told_fn *told; /* may be NULL */
    void *told_self;
};

struct spb_message {
    const char *topic;
    size_t topic_len;
    const char *payload; /* not NULL */
    size_t len;
    bool retained;
    int64_t seen_ns;
    int64_t mono_ns;
};

/* Makes it; mono_ns is the start.  Gives its lists back with spb_session_done. */
void spb_session_init(struct spb_session *session, const struct site *site, uint32_t source, int64_t mono_ns,
                      struct arena *arena);
void spb_session_done(struct spb_session *session);

/* Tells what is known of an item's points from before the start: their newest sample. */
void spb_session_recall(struct spb_session *session, uint32_t item, int64_t time_ns, uint16_t status);

/* Takes a message: its samples go to the batch, what cannot be read is set aside there. */
void spb_session_take(struct spb_session *session, const struct spb_message *message, struct mqtt_batch *batch);

/* The connection stands and all is subscribed: every node is asked for its births. */
void spb_session_up(struct spb_session *session, int64_t mono_ns);
/* The connection is gone: nothing is known of any node. */
void spb_session_down(struct spb_session *session, int64_t seen_ns, struct mqtt_batch *batch);

/* Samples that were put into a batch did not get through: marks of loss are put again with the next tick, and nodes
 * that were ONLINE are UNSURE. */
void spb_session_spoilt(struct spb_session *session, int64_t mono_ns);

/* Does what is due; sets session->due_ns. */
void spb_session_tick(struct spb_session *session, int64_t seen_ns, int64_t mono_ns, struct mqtt_batch *batch);

/* Gives "group/node" of one node to be asked for a rebirth now, or NULL; it counts as asked. */
const char *spb_session_ask(struct spb_session *session, int64_t mono_ns);

/* ---- between the session's files --------------------------------------------------------------------------------- */

/* What a message is read with. */
struct spb_reading {
    struct spb_session *session;
    const struct spb_message *message;
    struct mqtt_batch *batch;
    struct spb_payload payload;
    uint32_t scope;
    bool birth;
    bool by_name; /* aliases are not to be trusted */
};

/* sparkplug_items.c: the site's keys as items, scopes and nodes. */
void spb_items_init(struct spb_session *session, const struct site *site, uint32_t source, struct arena *arena);
void spb_items_done(struct spb_session *session);
/* The scope of a topic; SITE_NONE: no point wants it. */
uint32_t spb_scope_find(const struct spb_session *session, const struct spb_topic *topic, bool device);
/* The item of a metric's name within a scope. */
uint32_t spb_item_find(const struct spb_session *session, uint32_t scope, struct spb_span name);
/* Lists the item with another scope. */
void spb_item_move(struct spb_session *session, uint32_t item, uint32_t scope);

/* sparkplug_metrics.c: metrics to samples. */
void spb_read_metrics(struct spb_reading *reading);
/* Puts the mark of loss, once; time_ns is when it was lost. */
void spb_item_lose(struct spb_session *session, uint32_t item, int64_t time_ns, int64_t seen_ns,
                   struct mqtt_batch *batch);
int64_t spb_ms_to_ns(uint64_t ms); /* -1: out of reach */

/* sparkplug_birth.c: births, deaths, aliases. */
void spb_birth_node(struct spb_reading *reading);
void spb_birth_device(struct spb_reading *reading);
void spb_scope_lose(struct spb_session *session, uint32_t scope, int64_t time_ns, int64_t seen_ns,
                    struct mqtt_batch *batch);
const struct spb_alias *spb_alias_find(const struct spb_node *node, uint64_t alias);
void spb_alias_add(struct spb_node *node, struct spb_alias alias);
/* The number of a node's MQTT session, by which its death is told from that of an earlier one. */
bool spb_find_bdseq(const struct spb_message *message, uint64_t *ret_bdseq);
#define SPB_AMBIGUOUS (SITE_NONE - 1) /* an item: the birth gave this alias twice */

/* sparkplug_order.c: messages of a node in the order of their seq. */
void spb_order_take(struct spb_reading *reading, struct spb_node *node, enum spb_type type);
/* Remembers the message just taken, to know it again. */
void spb_order_note(struct spb_node *node, const struct spb_reading *reading);
/* Takes those that waited and whose turn has come. */
void spb_order_next(struct spb_session *session, struct spb_node *node, int64_t mono_ns, struct mqtt_batch *batch);
/* A birth has come: what waited and was sent before it belongs to the session before, and only its names still mean
 * something. */
void spb_order_older(struct spb_reading *reading, struct spb_node *node);
/* What is missing does not come any more: the others go on without it, as far as they can be understood. */
void spb_order_give_up(struct spb_session *session, struct spb_node *node, int64_t mono_ns, struct mqtt_batch *batch);
/* Takes all that waits, by name. */
void spb_order_flush(struct spb_session *session, struct spb_node *node, int64_t mono_ns, struct mqtt_batch *batch);
void spb_order_drop(struct spb_node *node);

/* sparkplug_session.c */
void spb_node_turn(struct spb_session *session, struct spb_node *node, enum spb_state state);
/* From now on aliases are not trusted; what stays without birth for long is lost. */
void spb_make_unsure(struct spb_session *session, struct spb_node *node, int64_t mono_ns, const char *why);
/* When what is lost now was lost, by the node's clock. */
int64_t spb_loss_time(const struct spb_node *node, int64_t seen_ns);
void spb_want_birth(struct spb_session *session, uint32_t node, int64_t mono_ns, const char *why);
void spb_tell(const struct spb_session *session, enum spb_note note, const char *who, const char *detail);
/* Makes sure that the session is looked at by then. */
void spb_due(struct spb_session *session, int64_t mono_ns);

#endif
