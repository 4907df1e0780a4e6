/*
 * book: the inside of the alarm book, shared by its own files only
 * (alarm_book.c, book_levels.c, book_acts.c, book_suppress.c, book_shelf.c,
 * book_keep.c).  Everybody else includes alarm_book.h.
 *
 * What always holds, and what book_keep.c asks of a record it reads:
 *   active          = level is not none; then occurrence >= 1
 *   active, free    : level == judged
 *   latched         : active, judged none, level not yet acknowledged
 *   not active      : judged is none, or `unless` holds the raise back
 *   told blind      : active
 *   suppressed      : active
 */
#ifndef DAVY_ALERTING_BOOK_H
#define DAVY_ALERTING_BOOK_H

#include "alerting/alarm_book.h"
#include "base/arena.h"

/* One alarm.  Small and without pointers, so that a site of a million alarms stays a flat array. */
struct book_alarm {
    int64_t time_ns;     /* of its latest event; INT64_MIN before the first: its events never run backwards */
    int64_t raised_ns;   /* when this occurrence was raised; 0 before the first */
    int64_t shelf_ns;    /* end of the shelf; 0: not shelved */
    double value;        /* last good value heard with a verdict or an act; NaN = none */
    uint32_t occurrence; /* 0 before the first */
    uint32_t cell;       /* its place in the suppression index, SITE_NONE: not concerned */
    uint8_t judged;      /* enum level: what the rule says */
    uint8_t level;       /* enum level: what the alarm has; none when returned */
    uint8_t left;        /* enum level: the one it had when it returned; none while active */
    uint8_t peak;        /* enum level: the highest one of this occurrence */
    uint8_t acked;       /* enum level: the highest one acknowledged of this occurrence */
    bool unless;         /* the rule's `unless` as last heard */
    bool blind;          /* an input is unknown, as last heard */
    bool told_blind;     /* … and that was said */
    bool latched;        /* judged to none, kept until acknowledged */
    bool suppressed;
    bool out_of_service;
};

/* The alarms of one rule at one hazard; see book_suppress.c. */
struct book_cell {
    uint32_t rule, hazard;
    uint32_t first, count; /* its alarms: suppress.alarms[first .. first + count), rising */
    uint32_t active;       /* how many of them are active */
    uint32_t *victims;     /* cells that this one suppresses, rising */
    uint32_t *causes;      /* cells that suppress this one */
    uint32_t victim_count, cause_count;
};

/* An alarm one of whose causes began or ended in this step, with the time of that event. */
struct book_due {
    int64_t time_ns;
    uint32_t alarm;
};

struct book_suppress {
    struct book_cell *cells; /* sorted by rule, then hazard */
    uint32_t cell_count;
    uint32_t *alarms;
    struct book_due *due; /* to be settled at their own place in the step's order, rising; room for all */
    uint32_t due_count;
};

/* Alarms on the shelf, by end and then index: the first one is due first. */
struct book_shelf {
    uint32_t *alarms; /* room for every alarm */
    size_t count;
};

enum { BOOK_NO_ACT = -1 };

struct alarm_book {
    struct arena arena;
    const struct site *site;   /* borrowed */
    const struct board *board; /* borrowed; NULL: not lent */
    struct book_alarm *alarms; /* one per alarm of the site */
    struct book_suppress suppress;
    struct book_shelf shelf;
    uint64_t seq; /* the last one given */
    struct event *events;
    int32_t *event_acts; /* beside events: index into acts, BOOK_NO_ACT: no operator made it */
    size_t event_count, event_cap;
    struct act **acts; /* copies, one allocation each so that a lent one stays where it is; reused */
    size_t act_count, act_cap;
};

static inline bool book_is_active(const struct book_alarm *alarm)
{
    return alarm->level != LEVEL_NONE;
}

/* The level an acknowledgement is about: the alarm's, or the one it had when it returned. */
static inline uint8_t book_ackable(const struct book_alarm *alarm)
{
    return book_is_active(alarm) ? alarm->level : alarm->left;
}

static inline bool book_is_acked(const struct book_alarm *alarm)
{
    return alarm->acked >= book_ackable(alarm);
}

/* Appends an event of an alarm as it is now (its state after the event), at time_ns or, where that would run backwards,
 * at the time of its latest event.  `level` is the key `level`, `when_level` the level whose condition caused it. */
void book_say(struct alarm_book *book, uint32_t alarm, enum event_kind kind, uint8_t level, uint8_t when_level,
              int64_t time_ns);
/* Marks the last event as made by an act (copied). */
void book_say_act(struct alarm_book *book, const struct act *act);
/* Asks the board, if lent, for the alarm's point's last good value. */
void book_look(struct alarm_book *book, uint32_t alarm);

/* book_levels.c: ends the occurrence: `cleared`, and what that does to others. */
void book_return(struct alarm_book *book, uint32_t alarm, int64_t time_ns);

/* book_suppress.c */
void book_suppress_build(struct alarm_book *book);
void book_suppress_count(struct alarm_book *book, uint32_t alarm); /* counts an alarm that was loaded active */
/* Says `suppressed` or `unsuppressed` where an active alarm (just raised, or loaded) is not as its causes are. */
void book_suppress_settle(struct alarm_book *book, uint32_t alarm, int64_t time_ns);
/* The same as the last thing a verdict says of its alarm; at the time of the cause's event when one began or ended in
 * this step. */
void book_suppress_own(struct alarm_book *book, uint32_t alarm, int64_t time_ns);
/* Settles those whose cause began or ended in this step and whose place in the order is before `alarm`. */
void book_suppress_upto(struct alarm_book *book, uint32_t alarm);
/* After the event `raised` or `cleared` of an alarm: notes those it suppresses, to be told at that event's time. */
void book_suppress_raised(struct alarm_book *book, uint32_t alarm);
void book_suppress_cleared(struct alarm_book *book, uint32_t alarm);

/* book_shelf.c: put and take change the list and the alarm's end; they say nothing. */
void book_shelf_put(struct alarm_book *book, uint32_t alarm, int64_t end_ns);
void book_shelf_take(struct alarm_book *book, uint32_t alarm);

#endif
