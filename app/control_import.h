/*
 * control_import: what `davy import` sends to a running monitor.
 *
 * After {"do":"import"} a client sends lines (history_line.h) and "end"; they
 * go into a ring of the store's writer, which keeps them as history: no shard
 * ever sees them.  When the ring is full the client waits, so an import never
 * takes more memory than the ring and never holds up anything but itself; one
 * that makes no progress for IMPORT_PATIENCE_NS is dropped.
 * Behind the last line of a client goes a mark; it is answered when the writer
 * has committed up to there.
 *
 * Threads: the control agent's.
 */
#ifndef DAVY_APP_CONTROL_IMPORT_H
#define DAVY_APP_CONTROL_IMPORT_H

#include "base/cell.h"
#include "base/clock.h"
#include "base/doorbell.h"
#include "base/ring.h"
#include "model/site.h"

#define IMPORT_PATIENCE_NS (60 * NS_PER_S) /* without any progress, then the client is dropped */

/* The way to the writer; one for all clients. */
struct import_way {
    const struct site *site; /* borrowed, like all of it */
    struct ring *history;    /* out: struct sample */
    struct doorbell *bell;   /* the writer's */
    const struct cell *kept; /* ticket of the last mark committed */
    uint64_t next_ticket;
};

/* One client's import. */
struct import {
    uint64_t taken, unknown; /* samples; of points the running site does not have */
    uint64_t ticket;         /* of its mark; 0: not sent yet */
};

enum import_state { IMPORT_MORE, IMPORT_FULL, IMPORT_ENDED, IMPORT_NONSENSE };

/* Takes whole lines from bytes[0..len), *ret_used bytes of it: MORE when it needs more bytes, FULL when it must be
 * called again once there is room, ENDED when the end was reached and its mark sent. */
enum import_state import_take(struct import_way *way, struct import *import, const char *bytes, size_t len,
                              size_t *ret_used);
/* True when all of an ended import is committed. */
bool import_is_kept(const struct import_way *way, const struct import *import);

#endif
