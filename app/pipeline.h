/*
 * pipeline: a running monitor, from the field to the sinks.
 *
 * The one place where ingest, rules, store and alerting meet: it makes the
 * rings, gives each agent the ends it reads and writes, and decides which
 * agents share a thread.  Reading pipeline_start from top to bottom gives the
 * picture of docs/architecture.md.
 *
 * Threads: all functions from main only.  After pipeline_start nothing is
 * created; pipeline_stop drains everything that was taken in.
 */
#ifndef DAVY_APP_PIPELINE_H
#define DAVY_APP_PIPELINE_H

#include "base/counter.h"
#include "base/err.h"
#include "model/alarm.h"
#include "model/site.h"
#include "rules/rules.h"
#include <stdint.h>

struct console;
struct pipeline;

struct pipeline_config {
    const struct site *site;   /* borrowed until pipeline_stop returned, like rules */
    const struct rules *rules;
    const char *store_path;    /* made when absent */
    unsigned shards;           /* 1: one shard, on one thread with the field bus; more: a thread each */
    enum run_status status;
    const char *why, *by;      /* for the chain of changes: "start" or "reload", and whose doing it is */
    const char *record_path; /* where the wire is recorded to; NULL: it is not */
    bool record_more;        /* the recording goes on in that file */
    struct console *console; /* shows this run; borrowed until pipeline_stop returned; NULL: nobody does */
};

/* Opens the store, restores alarms, conditions and newest readings, and starts all threads.  ERR_ENV when the store or
 * a socket cannot be had; field devices and receivers that are away are no error. */
enum err_code pipeline_start(const struct pipeline_config *config, struct pipeline **ret_pipeline,
                             struct err *err) MUST_CHECK;

/* Ends the field, lets everything taken in run through, gives the sinks a few seconds.  Counters stay readable. */
void pipeline_stop(struct pipeline *pipeline);

/* Closes the store and frees, after pipeline_stop.  Accepts NULL. */
void pipeline_free(struct pipeline *pipeline);

/* Once a second: gives Davy's own counters to points named davy.*, and logs what has changed for the worse. */
void pipeline_watch(struct pipeline *pipeline, int64_t now_ns);

/* Every counter of this run; borrowed. */
const struct counters *pipeline_counters(const struct pipeline *pipeline);

#endif
