/*
 * queues: what runs between the agents, and where marks say "safe".
 *
 *   worker i --sample--> [i][m] --> shard m --sample--> [m] --> writer
 *                                       \--verdict--> [m] --> manager
 *   control --act--> manager --answer--> control
 *
 * Marks.  Who keeps what it took until it is safe (the intake of MQTT messages,
 * in its spool) publishes a mark (POINT_MARK, ticket, source) to every shard
 * after its samples.  A shard passes marks on to the store ring, and to the
 * verdict ring as a verdict of kind VERDICT_MARK, after everything before them;
 * of several it may pass on the last alone.  The writer and the manager, after
 * the commit that covers it, set their cell; a ticket is safe when every cell of
 * its source has reached it.
 *
 * Samples that a mark will follow say so (SAMPLE_OPEN), and so do the verdicts
 * they cause: the manager commits only where no mark is outstanding, and writes
 * the ticket into the same batch.  So after a kill it is known to the ticket
 * what the alarms have seen.
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
    QUEUE_SAMPLES = 8192, /* slots of a sample ring: what one poll reads fits in */
    VERDICT_MARK = 255 /* verdict.kind: time_ns is the ticket, alarm the source's index */
};

/* The way up to which one source's tickets are safe, per shard. */
struct safe_source {
    struct cell stored[QUEUE_SHARDS_MAX]; /* writer thread: ticket of the last committed mark */
    struct cell judged[QUEUE_SHARDS_MAX]; /* manager thread */
};

/* The largest ticket that has been committed by writer and manager for all of `shards`.  Any thread. */
static inline uint64_t safe_ticket(const struct safe_source *source, unsigned shards)
{
    uint64_t ticket = UINT64_MAX;
    for (unsigned m = 0; m < shards; m++) {
        const uint64_t stored = cell_get(&source->stored[m]);
        const uint64_t judged = cell_get(&source->judged[m]);
        ticket = stored < ticket ? stored : ticket;
        ticket = judged < ticket ? judged : ticket;
    }
    return ticket;
}

/* What the manager answers to an act. */
struct answer {
    uint64_t ticket;
    uint64_t seq;      /* of its event */
    int32_t code;      /* enum err_code */
    char text[256];    /* why it was refused */
};

#endif
