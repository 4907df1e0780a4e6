/*
 * journal_ahead: a short stretch of the journal read ahead, so that asking for
 * the next event does not open the database each time.
 *
 * Events are given out one by one, in order, each with those behind it that are
 * there too: what is said of an alarm in one moment stands together in the
 * journal (an alarm may be raised and suppressed at once), and was committed
 * together, so it is either all there or not at all.
 *
 * Memory: its own, bounded: AHEAD_EVENTS of them.  Thread: the sink's.
 */
#ifndef DAVY_ALERTING_JOURNAL_AHEAD_H
#define DAVY_ALERTING_JOURNAL_AHEAD_H

#include "store/store.h"

enum {
    AHEAD_EVENTS = 64, /* read at once */
    AHEAD_SIGHT = 4,   /* an event is given with so many behind it, where there are */
};

struct journal_ahead {
    struct store_event events[AHEAD_EVENTS]; /* their texts stand in `bytes` */
    size_t count, at;
    struct buf bytes;
    size_t places[AHEAD_EVENTS]; /* where the texts of each begin */
};

void journal_ahead_done(struct journal_ahead *ahead);

/* Gives the first event behind `after` (borrowed until the next call), and how many stand behind it in the array; NULL
 * when there is none, or (*err filled, code not ERR_NONE) the journal cannot be read. */
enum err_code journal_ahead_next(struct journal_ahead *ahead, struct store *store, uint64_t after,
                                 const struct store_event **ret_event, size_t *ret_behind, struct err *err) MUST_CHECK;

#endif
