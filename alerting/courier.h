/*
 * courier: brings the journal to one receiver, one event after the other.
 *
 * What is common to all ways by which events leave one at a time: the place in
 * the journal (cursor.h), the event at hand, trying again with growing pauses,
 * one line in the log when it fails and one when it works again, counters.
 * What is brought, and how, are the trade's: a table of functions.
 *
 *            prepared              done
 *     IDLE -----------> UNDER WAY ------> IDLE, behind that event
 *       ^                   | failed
 *       '----- WAITING <----'        the same event again, in order, for ever
 *
 * The cursor moves when the receiver has the event: at least once.  Events that
 * the trade has nothing to bring for are passed over.
 *
 * Thread: the sink's.  Memory: its own; sink, goal and trade are borrowed.
 */
#ifndef DAVY_ALERTING_COURIER_H
#define DAVY_ALERTING_COURIER_H

#include "alerting/cursor.h"
#include "alerting/journal_ahead.h"
#include "alerting/sink.h"

enum courier_step { COURIER_OPEN, COURIER_DONE, COURIER_FAILED };

/* An event, and how many of those behind it are there at event + 1 … */
struct courier_event {
    const struct store_event *event;
    size_t behind;
};

struct courier_trade {
    /* Makes ready what is to be brought for an event; false: nothing, pass it over. */
    bool (*prepare)(void *self, struct courier_event event);
    /* Begins to bring it.  What can be done at once may be done here; `go_on` tells. */
    void (*begin)(void *self, int64_t now_ns);
    /* How it goes; FAILED fills *err. */
    enum courier_step (*go_on)(void *self, int64_t now_ns, struct err *err);
    /* Breaks it off (the time is up); only while it is OPEN. */
    void (*break_off)(void *self);
    /* The event is behind us, whether something was brought or not; NULL: does not matter. */
    void (*passed)(void *self, const struct store_event *event, bool brought);
    /* Adds what must be kept together with the cursor to its batch; NULL: nothing. */
    void (*keep)(void *self, struct store_batch *batch);
};

struct courier_config {
    const struct sink_config *sink; /* must outlive the courier */
    const char *cursor;             /* prefix of the cursor's key, "sink/" */
    const char *name;               /* "sink.<id>": begins the names of its counters, and tells its log lines apart */
    const char *goal;               /* where to, for the log: a URL or a path */
    const struct courier_trade *trade;
    void *self;
};

struct courier {
    struct courier_config config;
    char *name;   /* owned */
    int goal_len; /* so much of the goal is told */
    struct cursor cursor;
    struct journal_ahead ahead;
    struct counter *events, *brought, *failures, *behind;
    enum { COURIER_IDLE, COURIER_UNDER_WAY, COURIER_WAITING } phase;
    uint64_t seq;    /* of the event at hand */
    int64_t due_ns;  /* WAITING: the next try */
    unsigned failed; /* tries in a row */
    uint32_t jitter;
};

enum err_code courier_open(struct courier *courier, const struct courier_config *config, struct err *err) MUST_CHECK;
void courier_done(struct courier *courier);

/* A cycle; true when something moved. */
bool courier_work(struct courier *courier, int64_t now_ns);
/* The same while the pipeline is stopping; true while there is more to wait for.  What is away is not waited for; at
 * the deadline what is under way is broken off. */
bool courier_stop(struct courier *courier, int64_t now_ns, int64_t deadline_ns);
/* When it wants to be called; a trade's own deadlines are its own affair. */
int64_t courier_due(const struct courier *courier);

/* The pause before try number failed + 1: half a second, doubled each time up to 30 s, of which a third is left to
 * chance, so that many sites do not come back at one instant. */
int64_t courier_pause_ns(unsigned failed, uint32_t *jitter);

#endif
