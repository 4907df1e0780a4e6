/*
 * stream: the journal as server-sent events.
 *
 *   retry: 2000                 how long a browser waits before it comes again
 *
 *   id: 42                      seq; sent back as Last-Event-ID
 *   event: raised
 *   data: {"v":1,…}             the event, byte for byte
 *
 *   : alive                     every STREAM_BEAT_NS, so that both sides notice when the other is gone
 *
 *   event: lost                 the place asked for is not in the journal (any more): what follows begins elsewhere
 *   data: {"after":7,"next":100}
 *
 * A stream begins behind the seq asked for, or with what comes.  It outlives a
 * run of the monitor; the journal tells where to go on.  A client that does not
 * read is not waited for: its events stay in the journal.
 *
 * Pure formatting, and stream_more of api.h.
 */
#ifndef DAVY_CONSOLE_STREAM_H
#define DAVY_CONSOLE_STREAM_H

#include "base/buf.h"
#include "base/clock.h"
#include "console/reply.h"
#include "store/store.h"

#define STREAM_BEAT_NS (10 * NS_PER_S)

/* Puts one event as a frame. */
void stream_put(struct buf *out, const struct store_event *event);

/* True when a stream that waits has something to say: an event, or that it is alive. */
bool stream_is_due(const struct reply *reply, uint64_t last_seq, int64_t now_ns);

#endif
