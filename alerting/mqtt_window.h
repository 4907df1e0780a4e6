/*
 * mqtt_window: what is in flight to the broker, and what goes next.
 *
 *    cursor            sent                  newest
 *   ...|-- in flight ---|---- not yet sent ----|      (seq of the journal)
 *
 * At most MQTT_WINDOW events are in flight, each with two messages: the event
 * and its alarm's retained state.  They are settled in order, so the cursor
 * never passes an event that is not confirmed.
 *
 * Once caught up on a new connection, the retained state of every alarm that is
 * not well is sent anew, because the broker may have lost it; no newer event
 * overtakes that.
 *
 * Threads: the sink's; the receipts are settled by the link.
 */
#ifndef DAVY_ALERTING_MQTT_WINDOW_H
#define DAVY_ALERTING_MQTT_WINDOW_H

#include "alerting/mqtt_link.h"
#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MQTT_WINDOW = 64 };

/* One event in flight, or one retained state sent anew (seq 0). */
struct mqtt_slot {
    uint64_t seq;
    unsigned parts;
    struct mqtt_receipt receipts[2];
};

struct mqtt_window {
    const char *site_id; /* borrowed, like the next two */
    struct store *store;
    struct mqtt_link *link;
    struct mqtt_slot slots[MQTT_WINDOW];
    size_t head, count;
    uint64_t sent_seq; /* the newest event handed over */
    bool renewed;      /* the states were sent anew on this connection */
    struct buf anew;   /* what of them is still to be sent: alarm NUL state NUL … */
    size_t anew_at;
    struct buf topic; /* scratch */
    struct err err;   /* why the last hand-over failed */
    bool failed;
};

/* Starts over on a new connection, behind the event `after`.  The link holds no receipt of an earlier one any more. */
void mqtt_window_begin(struct mqtt_window *window, uint64_t after);
void mqtt_window_done(struct mqtt_window *window);

/* Hands over what there is room for; says whether that was anything.  ERR_ENV: the connection is no good. */
enum err_code mqtt_window_send(struct mqtt_window *window, uint64_t confirmed, bool *ret_some,
                               struct err *err) MUST_CHECK;
/* Takes off what is confirmed, oldest first, and moves *cursor behind it; says how many events that were and whether
 * anything moved.  ERR_ENV: a message failed. */
enum err_code mqtt_window_settle(struct mqtt_window *window, uint64_t *cursor, uint64_t *ret_events, bool *ret_some,
                                 struct err *err) MUST_CHECK;

/* Gives davy/v1/<site>/<branch><leaf> (borrowed until the next call).  What a topic may not hold is percent-encoded. */
const char *mqtt_window_topic(struct mqtt_window *window, const char *branch, const char *leaf, size_t leaf_len);

#endif
