/*
 * agent: a piece of work that can be called again and again; runner: a thread
 * (or a test, or replay) that calls a set of them.
 *
 * An agent never blocks, sleeps or reads a clock.  do_work does what there is
 * to do, bounded, and returns how much that was; AGENT_FINISHED says that its
 * inputs have ended and its outputs are closed.  Which agents share a thread
 * is a setting of the pipeline, not of the agent.
 *
 * A runner's cycle: read the clock once, call each agent; when all returned 0
 * for a while, park on the doorbell and sleep until the bell, one of the
 * agents' descriptors, or the earliest of their deadlines.
 *
 * The sleep is never longer than 100 ms (a second line of defence).  A deadline
 * already past, of an agent that had nothing it could do, is tried again every
 * millisecond.
 *
 * Threads: runner_start makes the one thread; everything an agent owns is used
 * by that thread only.  runner_join waits until every agent has finished.
 */
#ifndef DAVY_BASE_AGENT_H
#define DAVY_BASE_AGENT_H

#include "base/doorbell.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum { AGENT_FINISHED = -1 };

struct agent {
    const char *name;                           /* borrowed, const */
    void *self;                                 /* borrowed by the runner until joined */
    int (*do_work)(void *self, int64_t now_ns); /* work done, 0 idle, AGENT_FINISHED */
    int64_t (*next_due)(void *self);            /* earliest time it wants to be called at; may be NULL */
    int (*wait_fd)(void *self);                 /* readable means work; may be NULL */
    bool prompt; /* an alarm may wait for it: its thread asks for short turns (base/slice.h) */
};

struct runner;
enum { RUNNER_AGENTS_MAX = 16 };

/* Starts a named thread (15 characters) for n agents (copied).  `bell` is the thread's bell, borrowed. */
enum err_code runner_start(const char *name, const struct agent *agents, int n, struct doorbell *bell,
                           struct runner **ret_runner, struct err *err) MUST_CHECK;
/* Waits for the end of all its agents and frees it.  Accepts NULL. */
void runner_join(struct runner *runner);

#endif
