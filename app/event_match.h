/*
 * event_match: what one list of events has that another has not.
 *
 * Two rule sets judged the same trace.  An event of the one is the event of the
 * other when it is of the same alarm, of occurrences that belong together, of
 * the same kind, and in its place among those of that kind.  Two occurrences of
 * an alarm belong together when they overlap in time, in order; so an alarm
 * raised once less does not make all later ones look moved.
 *
 * Pure.  Memory: the caller's lists, and one of differences.
 */
#ifndef DAVY_APP_EVENT_MATCH_H
#define DAVY_APP_EVENT_MATCH_H

#include "model/alarm.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An event as far as it matters here. */
struct match_event {
    int64_t time_ns;
    uint32_t alarm; /* in numbers common to both lists */
    uint32_t occurrence;
    uint32_t order; /* its place in its list */
    uint8_t kind;   /* enum event_kind */
    uint8_t level;
    bool matched; /* event_match's */
};

struct match_list {
    struct match_event *items; /* owned */
    size_t count, room;
};

enum match_kind { MATCH_ADDED, MATCH_LOST, MATCH_EARLIER, MATCH_LATER, MATCH_LEVEL, MATCH_KINDS };

/* "added" "lost" "earlier" "later" "level" */
const char *match_name(enum match_kind kind);

struct match_difference {
    enum match_kind kind;
    int64_t by_ns;            /* EARLIER, LATER: by how much; else 0 */
    struct match_event event; /* of the first list; ADDED: of the second */
    struct match_event other; /* EARLIER, LATER, LEVEL: of the second */
};

struct match_result {
    struct match_difference *items; /* owned; by time, then in the order of alarms */
    size_t count, room;
    uint64_t same;
    uint64_t sums[MATCH_KINDS];
};

void match_add(struct match_list *list, const struct event *event, uint32_t alarm);
void match_list_done(struct match_list *list);

/* Compares; sorts both lists by alarm.  A pair that differs in time and level counts by its time. */
void event_match(struct match_list *first, struct match_list *second, struct match_result *ret_result);
void match_result_done(struct match_result *result);

#endif
