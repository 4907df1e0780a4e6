/*
 * recorder: writes what goes over the wire to a file (`davy run --record`).
 *
 * The producers of ingest put copies into their taps (ingest/wire_tap.h); the
 * recorder takes them out on a thread of its own and writes them in the format
 * of model/wire.h.  It holds up nobody: when it is too slow, or the disk takes
 * nothing, records are lost and counted, and the monitor goes on.
 *
 * Threads: _new and _free by main while it does not run; all else on the
 * agent's thread, which waits for the disk.
 */
#ifndef DAVY_APP_RECORDER_H
#define DAVY_APP_RECORDER_H

#include "base/agent.h"
#include "base/cell.h"
#include "base/counter.h"
#include "base/err.h"
#include "ingest/wire_tap.h"
#include "model/site.h"
#include <stdbool.h>

struct recorder;

struct recorder_config {
    const char *path; /* borrowed, like all of it */
    bool append;      /* the same run after a reload: the file goes on */
    const struct site *site;
    struct counters *counters;
    const struct cell *stop; /* not 0: write what is there and finish */
};

/* Makes the file, with the sources of the site; on failure none is left.  ERR_INPUT when it is there already and not to be appended to. */
enum err_code recorder_new(const struct recorder_config *config, struct recorder **ret_recorder,
                           struct err *err) MUST_CHECK;
/* Removes a file that it made: the run did not come about, and the next try would find it there already.  Accepts NULL. */
void recorder_discard(const struct recorder *recorder);
/* Closes the file.  Accepts NULL. */
void recorder_free(struct recorder *recorder);

struct wire_tap *recorder_tap_bus(const struct recorder *recorder); /* NULL when there is no recorder */
struct wire_tap *recorder_tap_inbox(const struct recorder *recorder);

struct agent recorder_agent(struct recorder *recorder);

#endif
