/*
 * queues: what runs between the agents, and where marks say "safe".
 *
 *   worker i --sample--> [i][m] --> shard m --sample--> [m] --> writer
 *                                       \--verdict--> [m] --> manager
 *   control --act--> manager --answer--> control
 *
 * Marks.  A source that must know when its samples are safe (MQTT, before it
 * acknowledges) publishes a mark (POINT_MARK, ticket, source) to every shard
 * after its samples.  A shard passes a mark on to the store ring, and to the
 * verdict ring as a verdict of kind VERDICT_MARK, after everything before it.
 * The writer and the manager, after the commit that covers it, set their cell;
 * a ticket is safe when every cell of its source has reached it.
 */
#ifndef DAVY_MODEL_QUEUES_H
#define DAVY_MODEL_QUEUES_H

#include "base/cell.h"
#include "base/doorbell.h"
#include "base/ring.h"
#include "model/alarm.h"
#include "model/sample.h"

enum {
    QUEUE_SHARDS_MAX = 32,
    QUEUE_WORKERS_MAX = 16,
    VERDICT_MARK = 255 /* verdict.kind: time_ns is the ticket, alarm the source's index */
};

/* The way up to which one source's tickets are safe, per shard. */
struct safe_source {
    struct cell stored[QUEUE_SHARDS_MAX]; /* writer thread: ticket of the last committed mark */
    struct cell judged[QUEUE_SHARDS_MAX]; /* manager thread */
    struct doorbell *bell;                /* rung after either moved; may be NULL; borrowed */
};

/* True when `ticket` has been committed by writer and manager for all of `shards`.  Any thread. */
static inline bool safe_reached(const struct safe_source *source, unsigned shards, uint64_t ticket)
{
    for (unsigned m = 0; m < shards; m++) {
        if (cell_get(&source->stored[m]) < ticket || cell_get(&source->judged[m]) < ticket) {
            return false;
        }
    }
    return true;
}

/* What the manager answers to an act. */
struct answer {
    uint64_t ticket;
    uint64_t seq;      /* of its event */
    int32_t code;      /* enum err_code */
    char text[256];    /* why it was refused */
};

#endif
