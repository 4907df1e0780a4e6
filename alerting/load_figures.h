/*
 * load_figures: how much a stretch of alarms asks of the operator, in the
 * figures of ISA-18.2 / IEC 62682 and EEMUA 191.
 *
 * One operator is assumed.  What counts is `raised`; a shelved or suppressed
 * alarm counts too, as it is the rules that are judged here.
 *
 *   period       10 minutes, from the beginning of the stretch
 *   flood        begins with a period of more than 10 alarms, ends before the
 *                first one of fewer than 5
 *   chattering   an alarm raised 3 times or more within 60 s
 *   fleeting     an occurrence that was cleared within less than 5 s
 *   standing     an alarm that is active at the end; stale: for more than 24 h
 *
 * Used by replay on two rule sets and by `davy alarms --kpi` on the journal.
 * Pure: events in, figures out.  Memory: 24 bytes a `raised` or `cleared`, and
 * each alarm's name once.  Threads: one at a time.
 */
#ifndef DAVY_ALERTING_LOAD_FIGURES_H
#define DAVY_ALERTING_LOAD_FIGURES_H

#include "model/alarm.h"

enum {
    LOAD_TOP = 10,          /* how many of the most frequent alarms are named */
    LOAD_FLOOD_BEGINS = 10, /* more than this many in a period */
    LOAD_FLOOD_ENDS = 5,    /* fewer than this many */
    LOAD_BUSY_HOUR = 30,    /* more than this many in an hour */
    LOAD_CHATTER = 3,       /* this many within LOAD_CHATTER_NS */
};

#define LOAD_PERIOD_NS   (INT64_C(600) * 1000000000)
#define LOAD_HOUR_NS     (INT64_C(3600) * 1000000000)
#define LOAD_DAY_NS      (INT64_C(86400) * 1000000000)
#define LOAD_CHATTER_NS  (INT64_C(60) * 1000000000)
#define LOAD_FLEETING_NS (INT64_C(5) * 1000000000)

struct load_top {
    const char *alarm; /* lives as long as the load */
    uint64_t raised;
};

struct load_figures {
    int64_t from_ns, to_ns; /* the stretch: from included, to not */
    uint64_t raised;
    uint64_t by_level[LEVEL_COUNT]; /* of those, by the level they were raised at */
    uint64_t worst;                 /* most in one period, and when the first such began */
    int64_t worst_ns;
    uint64_t periods, periods_over; /* of 10 minutes; with more than 10 alarms */
    uint64_t floods, periods_in_flood;
    uint64_t hours, hours_over; /* with more than 30 alarms */
    uint64_t chattering, fleeting, standing, stale;
    struct load_top top[LOAD_TOP]; /* the most frequent first; of equal ones by name */
    size_t top_count;
    uint64_t top_raised; /* by those together */
};

struct load;

struct load *load_new(void);
void load_free(struct load *load); /* accepts NULL */

/* Takes one event; of one alarm in their order.  All but `raised` and `cleared` change nothing. */
void load_event(struct load *load, const char *alarm, enum event_kind kind, enum level level, int64_t time_ns);

/* Gives the figures of [from_ns, to_ns).  What was raised earlier counts as standing, and in no other figure. */
void load_figures(const struct load *load, int64_t from_ns, int64_t to_ns, struct load_figures *ret_figures);

/* Alarms raised in `span_ns` on average; 0 for a stretch without length. */
double load_rate(const struct load_figures *figures, int64_t span_ns);

#endif
