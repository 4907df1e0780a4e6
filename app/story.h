/*
 * story: what the journal tells of one alarm, and which of its causes were
 * active when it was suppressed.
 *
 * Read in one pass over the journal.  Memory: its own, one record an event of
 * this alarm.  Threads: one.
 */
#ifndef DAVY_APP_STORY_H
#define DAVY_APP_STORY_H

#include "base/err.h"
#include "model/alarm.h"
#include "model/site.h"
#include "store/store.h"

struct story_event {
    int64_t time_ns;
    uint64_t seq;
    uint32_t occurrence; /* 0: before the first */
    uint8_t kind;        /* enum event_kind */
    uint8_t level;
    char *when; /* the condition the event names; NULL: none */
    char *text; /* for people: "raised yellow: …" */
};

struct story {
    struct story_event *events; /* in the order of the journal */
    size_t count, room;
    uint32_t occurrences; /* the last one's number */
};

/* Reads what the journal holds of an alarm of the site. */
enum err_code story_read(const struct site *site, uint32_t alarm, struct store *store, struct story *ret_story,
                         struct err *err) MUST_CHECK;
void story_done(struct story *story);

/* The first event of this kind in an occurrence; NULL when there is none. */
const struct story_event *story_find(const struct story *story, uint32_t occurrence, enum event_kind kind);

#endif
