/*
 * manager_inside: the inside of the manager, shared by manager.c (the cycle),
 * manager_load.c (what was kept) and manager_commit.c (what is written).
 *
 * A cycle:  take acts and verdicts -> book -> batch -> commit -> tell
 *
 * Verdicts of samples that a mark will follow (open) are committed together with
 * that mark, whose ticket goes into the same batch.  So a ring is taken from up to
 * a mark, as long as one is there; where none is (a ring's end, a message that
 * causes more than half a ring holds) the commit waits for it, not longer than
 * MANAGER_OPEN_NS and not with more than MANAGER_IN_HAND.
 *
 * Until the commit has succeeded the batch, the book's events and what is to be
 * told stay as they are and nothing more is taken; so rings fill, sources wait,
 * and nothing is lost.
 */
#ifndef DAVY_ALERTING_MANAGER_INSIDE_H
#define DAVY_ALERTING_MANAGER_INSIDE_H

#include "alerting/alarm_record.h"
#include "alerting/load_now.h"
#include "alerting/manager.h"
#include "base/latency.h"

enum {
    MANAGER_VERDICTS = 1024, /* taken in one cycle at most, but up to a mark: bounds the batch and the wait for it */
    MANAGER_IN_HAND = 8192,  /* taken and not committed at most */
    MANAGER_ACTS = 32,       /* likewise, of each desk */
};
#define MANAGER_OPEN_NS INT64_C(1000000000) /* how long a commit waits for marks */
#define MANAGER_TAKEN "taken"                   /* the state record of the tickets */

/* An alarm of the store that the site no longer has. */
struct manager_gone {
    struct alarm_record record; /* its texts own; book points into `bytes` */
    struct buf bytes;
    uint64_t seq; /* of its `closed`; 0: all was well, only the record goes */
};

struct manager_mark {
    uint32_t source;
    uint32_t shard;
    uint64_t ticket;
};

/* Verdicts that brought about events, for the latency. */
struct manager_seen {
    int64_t seen_ns;
    uint64_t events;
};

/* Whence the last verdict came; tells where a row's verdicts end. */
struct manager_origin {
    uint32_t step;
    unsigned shard;
};

/* What is answered at a desk after the commit. */
struct manager_answers {
    struct answer items[MANAGER_ACTS];
    size_t count;
};

struct manager_counters {
    struct counter *verdicts, *keeps, *acts, *refused, *commits, *failures, *unreadable, *lost, *p50, *p99, *judged_p50,
        *judged_p99;
    struct counter *raised_10min, *chattering, *standing, *cut, *ledger_refused;
    struct counter *events[EV_COUNT], *raised[LEVEL_COUNT];
};

struct manager {
    struct manager_config config; /* const after start, like all up to the blank line; manager thread below */
    struct manager_counters counters;

    struct alarm_book *book;
    struct manager_origin last;
    struct latency judged, latency; /* from the sample to our hand, and to the disk */
    struct load_now *load;
    struct buf json, state, scratch, record; /* reused for each event */

    struct verdict *kept; /* read at the start, given by manager_kept, gone after the first cycle */
    size_t kept_count, kept_cap;
    struct manager_gone *gone; /* likewise */
    size_t gone_count, gone_cap;
    struct buf stale; /* keys to be removed in the first cycle, each with its NUL */
    bool *changed;    /* [alarm]: its rule is not the one it was kept with; NULL after the first cycle */
    bool settled;     /* the first cycle is done */

    struct store_batch *batch;
    bool filled, sync; /* the batch holds something; … that must be on the disk before it is told */
    bool *is_touched;  /* [alarm]: its record is to be written */
    uint32_t *touched; /* the same as a list */
    size_t touched_count;
    struct manager_mark marks[MANAGER_IN_HAND];
    size_t mark_count;
    size_t in_hand;                    /* verdicts taken since the last commit */
    bool open[QUEUE_SHARDS_MAX];       /* the mark behind what was taken is still to come */
    int64_t open_ns;                   /* since when any is; TIME_NEVER: none */
    uint64_t taken[QUEUE_SHARDS_MAX];  /* ticket of the last mark */
    bool taken_new;                    /* it is not the one last written */
    struct manager_seen seen[MANAGER_IN_HAND];
    size_t seen_count;
    struct manager_answers answers[MANAGER_DESKS];

    uint64_t failed_commits; /* in a row */
    int64_t retry_ns;        /* when to try again; TIME_NEVER when all is well */
    bool ended;
    bool given_up; /* drops everything until its inputs end */
};

/* manager_load.c */
enum err_code manager_load(struct manager *manager, struct err *err) MUST_CHECK;
/* In the first cycle: closes what is gone, drops what is stale, settles the book. */
void manager_settle(struct manager *manager, int64_t now_ns);
void manager_load_done(struct manager *manager);

/* manager_commit.c */
void manager_touch(struct manager *manager, uint32_t alarm);
void manager_keep(struct manager *manager, const struct verdict *keep);
/* Puts one event and its state into the batch. */
void manager_put_event(struct manager *manager, const struct event_words *words, const char *when,
                       const struct event *event, const struct act *act);
/* Puts the book's events, the touched alarms and, if there is anything, the tickets into the batch. */
void manager_fill(struct manager *manager);
/* Commits and, when that succeeded, tells everyone; otherwise sets the time of the next try.  `cycle_mono_ns` is the
 * monotonic time at which the runner's now_ns was current. */
void manager_commit(struct manager *manager, int64_t now_ns, int64_t cycle_mono_ns);

#endif
