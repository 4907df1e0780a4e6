/*
 * sparkplug_host: the Sparkplug B host application of each source that has the
 * format sparkplug.
 *
 * Threads.  `sparkplug`, made at start, keeps the connections, asks for births,
 * does what is due, and is the only one of ours that calls paho.  paho's
 * callback thread hands messages to the sessions.  The two share everything by
 * one mutex, which is never held while paho is called: paho holds its own in
 * its callbacks.  Whoever holds the mutex is the one writer of the router's row.
 *
 * Where a ring stays full for 2 s the message is lost, counted and told, and its
 * nodes are asked to be born again.
 */
#ifndef DAVY_INGEST_SPARKPLUG_HOST_H
#define DAVY_INGEST_SPARKPLUG_HOST_H

#include "ingest/ingest.h"
#include "model/board.h"

struct spb_host;

struct spb_config {
    const struct site *site;
    struct router *router;     /* borrowed; a row of its own */
    struct wire_tap *tap;      /* of a recording: paho's callback thread is its producer, as the inbox's; may be NULL */
    const struct board *board; /* what is known from before; may be NULL */
    struct counters *counters;
};

/* True for sources that are a host's, not the inbox's. */
bool spb_host_takes(const struct site_source *source);

/* Connects every source of the format sparkplug in the background, for ever. */
enum err_code spb_host_start(const struct spb_config *config, struct spb_host **ret_host, struct err *err) MUST_CHECK;
/* Says that it goes offline, disconnects, closes the router's rings once no callback can come. */
void spb_host_stop(struct spb_host *host);
void spb_host_free(struct spb_host *host);

#endif
