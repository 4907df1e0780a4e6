/*
 * manager: the agent that owns the alarm book of a running monitor.
 *
 * Drains the verdict rings and the command ring, applies them to the book,
 * writes events, alarm states and kept conditions in one batch per cycle, then
 * tells the sinks that there is something new.  An event exists once its batch
 * is on disk; nobody hears of it before.
 *
 * Threads: its own ("alerting"), because committing waits for the disk.
 */
#ifndef DAVY_ALERTING_MANAGER_H
#define DAVY_ALERTING_MANAGER_H

#include "alerting/alarm_book.h"
#include "alerting/told.h"
#include "base/agent.h"
#include "base/counter.h"
#include "base/ring.h"
#include "model/alarmed.h"
#include "model/queues.h"
#include "store/store.h"

struct manager;

/* State records: "shown/<alarm>" holds the retained state (event_format_state) of every alarm that is not all well. */
#define MANAGER_SHOWN "shown/"

/* A desk where acts are handed in and answered: two rings, both shared with one other thread. */
struct manager_desk {
    struct ring *commands; /* struct act in; NULL: nobody sits there */
    struct ring *answers;  /* struct answer out; may be NULL */
    struct doorbell *bell; /* rung when there is an answer; may be NULL */
};
enum { MANAGER_DESKS = 2 };

struct manager_config {
    const struct site *site; /* borrowed, like all below */
    struct store *store;
    const struct board *board;
    struct ring *const *verdicts;          /* one per shard */
    struct doorbell *const *verdict_bells; /* rung when room was made that is waited for; entries may be NULL */
    unsigned shard_count;
    struct manager_desk desks[MANAGER_DESKS];
    struct doorbell *const *sink_bells; /* rung after a commit with events */
    size_t sink_count;
    struct told *told;        /* when the newest event was on the disk; may be NULL */
    struct safe_source *safe; /* one per source; may be NULL */
    struct counters *counters;
    enum run_status status;
    struct alarmed *alarmed;       /* which hazards are in alarm; may be NULL */
    struct doorbell *alarmed_bell; /* rung when that has changed; may be NULL */
    const struct cell *give_up; /* from this time of the clock (0: never) on a manager whose commits fail drops what it
                                   has and what still comes; may be NULL */
};

/* Makes it and loads every alarm's record from the store.  Alarms in the store whose rule or point is gone from the
 * site and that were not all well are closed with the reason (an event `closed` by "davy" in the first cycle).  A
 * record that cannot be read is logged and counted, and its alarm starts afresh. */
enum err_code manager_new(const struct manager_config *config, struct manager **ret_manager,
                          struct err *err) MUST_CHECK;
void manager_free(struct manager *manager);

/* Calls fn with what was kept, for shard_restore, before the start: VERDICT_KEEP for every kept condition of unchanged
 * rules, and a VERDICT_STEP (level, flags, time as last reported) for every alarm that was ever heard of.  For an alarm
 * of a changed rule the STEP comes alone: its conditions start afresh, and a first judgement that differs from that
 * level is a step like any other, so an active alarm of a changed rule is eased or cleared by what the rule says now.
 */
typedef void manager_kept_fn(void *self, const struct verdict *kept);
void manager_kept(struct manager *manager, manager_kept_fn *fn, void *self);

/* The tickets, one per shard, up to which the alarms as loaded have seen what was marked; before the start. */
const uint64_t *manager_taken(const struct manager *manager);

/* Finishes when all verdict rings have ended and been applied, or dropped after give_up. */
struct agent manager_agent(struct manager *manager);

#endif
