/*
 * keeper: long work on the store of a running monitor, on a thread where
 * nobody waits for it.
 *
 * Backups for now: control sends a job by a ring, the keeper does one after the
 * other, and tells by a ring how each ended.  Everybody else goes on.
 *
 * Threads: the agent's own; it waits for the disk.
 */
#ifndef DAVY_APP_KEEPER_H
#define DAVY_APP_KEEPER_H

#include "base/agent.h"
#include "base/cell.h"
#include "base/ring.h"
#include "store/store.h"

enum { KEEPER_PATH_MAX = 4096, KEEPER_SLOTS = 4 };

struct keeper_job {
    uint64_t ticket;
    char dir[KEEPER_PATH_MAX];
};

struct keeper {
    struct store *store;     /* borrowed, like all of it */
    struct ring *jobs;       /* in: struct keeper_job */
    struct ring *done;       /* out: struct answer; as many slots as jobs */
    struct doorbell *bell;   /* rung when one is done */
    const struct cell *stop; /* not 0: finish */
};

struct agent keeper_agent(struct keeper *keeper);

#endif
