/*
 * source: what the console shows: one run of the monitor.
 *
 * The console outlives a run: on SIGHUP the old run ends and the next begins,
 * and both are shown by the same listening socket and the same streams.  So
 * nothing of a run is kept between two pieces of work but texts and numbers.
 *
 * Memory: all borrowed, and const while it is shown (console_show … console_leave).
 */
#ifndef DAVY_CONSOLE_SOURCE_H
#define DAVY_CONSOLE_SOURCE_H

#include "base/cell.h"
#include "base/counter.h"
#include "base/doorbell.h"
#include "base/ring.h"
#include "model/board.h"
#include "model/site.h"
#include "store/store.h"
#include <stdint.h>

/* A ring whose fill is told. */
struct console_queue {
    char name[32]; /* "sample.bus.0" */
    const struct ring *ring;
};

/* What the console itself counts, among the counters of the run. */
struct console_counters {
    struct counter *connections, *streams, *requests, *refused, *failed, *timeouts, *shed, *surplus, *broken;
};

struct console_source {
    const struct site *site;
    struct store *store;
    const char *store_path;
    const struct board *board;
    const struct cell *exceptions;   /* [point]: the Modbus exception by which its device refuses it; may be NULL */
    const struct counters *counters; /* all made */
    struct console_counters counts;  /* of these; may be all NULL */
    struct ring *commands;           /* out: struct act; this is its one producer */
    struct doorbell *command_bell;
    struct ring *answers; /* in: struct answer */
    const struct console_queue *queues;
    size_t queue_count;
    int64_t started_ns;
    const char *status; /* "actual", "exercise", "test" */
    unsigned shards;
    size_t clients, streams; /* connections at most, and streams among them */
};

#endif
