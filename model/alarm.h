/*
 * alarm: the words of alarms: levels, verdicts (what rules say), events (what
 * the world hears), acts (what operators do).  Plain values only.
 *
 * Rules judge and say verdicts; the alarm book in alerting/ turns verdicts and
 * acts into events.  Neither includes the other.
 */
#ifndef DAVY_MODEL_ALARM_H
#define DAVY_MODEL_ALARM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum level { LEVEL_NONE, LEVEL_BLUE, LEVEL_YELLOW, LEVEL_ORANGE, LEVEL_RED, LEVEL_COUNT };

/* "none" "blue" … ; level_parse does not take "none". */
const char *level_name(enum level level);
bool level_parse(const char *text, size_t len, enum level *ret_level);

enum verdict_kind {
    VERDICT_STEP, /* the alarm's judged level, its `unless` or its sight changed */
    VERDICT_KEEP, /* nothing to tell, but a condition's truth or delay changed: to be kept over a restart */
};

enum verdict_flags {
    VERDICT_UNLESS = 1 << 0, /* the rule's `unless` is (last known) true now */
    VERDICT_BLIND = 1 << 1,  /* an input of the alarm is unknown now */
};

/* Bits of one level's kept state (VERDICT_KEEP). */
enum keep_bits {
    KEEP_WHEN = 1 << 0,    /* last known truth of `when` */
    KEEP_CLEAR = 1 << 1,   /* last known truth of `clear` */
    KEEP_ENTERED = 1 << 2, /* the level is entered */
    KEEP_UNLESS = 1 << 3,  /* last known truth of the rule's `unless` */
};

/* What a shard says about one alarm; one cache line.  Full state after the change, not a difference. */
struct verdict {
    int64_t time_ns;    /* the alarm's time (contract 9, "At what time does a sample happen") */
    int64_t seen_ns;    /* the clock when it came about */
    int64_t since_ns;   /* KEEP: since when (alarm time) the pending condition holds; TIME_NEVER when none is pending */
    int64_t step_ns;    /* KEEP: alarm time of the level's last step; INT64_MIN before the first */
    double value;       /* last good value of the alarm's own point, NaN = none (always for groups) */
    uint32_t alarm;     /* index into site.alarms; also the order of events of one instant */
    uint32_t point;     /* the member point judged (for a group: which member; KEEP) */
    uint32_t step;      /* counts the shard's samples and instants: verdicts of one step belong together */
    uint8_t kind;       /* enum verdict_kind */
    uint8_t flags;      /* enum verdict_flags */
    uint8_t level;      /* STEP: judged level after; `unless` and `latch` not applied */
    uint8_t before;     /* STEP: judged level before */
    uint8_t keep_level; /* KEEP: index into rule.levels */
    uint8_t keep;       /* KEEP: enum keep_bits */
    uint8_t open;       /* 1: a mark will follow; verdicts up to it are committed together */
    uint8_t pad[5];
};
static_assert(sizeof(struct verdict) <= 64, "one cache line");

enum event_kind {
    EV_RAISED,
    EV_WORSENED,
    EV_EASED,
    EV_CLEARED,
    EV_BLIND,
    EV_SIGHTED,
    EV_ACKED,
    EV_UNACKED,
    EV_SHELVED,
    EV_UNSHELVED,
    EV_SUPPRESSED,
    EV_UNSUPPRESSED,
    EV_OUT_OF_SERVICE,
    EV_IN_SERVICE,
    EV_COMMENTED,
    EV_CLOSED,
    EV_COUNT
};

const char *event_name(enum event_kind kind);
bool event_parse(const char *text, size_t len, enum event_kind *ret_kind);

/* What a whole run is marked as. */
enum run_status { RUN_ACTUAL, RUN_EXERCISE, RUN_TEST };

enum act_kind {
    ACT_ACK,
    ACT_SHELVE,
    ACT_UNSHELVE,
    ACT_COMMENT,
    ACT_CLOSE,
    ACT_OUT_OF_SERVICE,
    ACT_IN_SERVICE,
    ACT_COUNT
};

/* "ack" "shelve" "unshelve" "comment" "close" "out-of-service" "in-service"; act_parse also takes '_' for '-'. */
const char *act_name(enum act_kind kind);
bool act_parse(const char *text, size_t len, enum act_kind *ret_kind);

enum { ACT_NAME_MAX = 300, ACT_BY_MAX = 128, ACT_TEXT_MAX = 1024 };

/* What an operator does; a whole value with its texts so that it fits a ring. */
struct act {
    uint64_t ticket;         /* whom to answer; 0 in a trace */
    int64_t time_ns;         /* when it was done */
    int64_t until_ns;        /* shelve: end; 0 = none given */
    int64_t for_ns;          /* shelve: length; 0 = none given */
    uint32_t alarm;          /* index into site.alarms */
    uint32_t occurrence;     /* 0 = the one at that moment */
    uint8_t kind;            /* enum act_kind */
    uint8_t level;           /* ack: LEVEL_NONE = the one at that moment */
    char by[ACT_BY_MAX];     /* "" = absent, here and below */
    char comment[ACT_TEXT_MAX];
    char cause[ACT_TEXT_MAX];
    char measure[ACT_TEXT_MAX];
};

/* One event, fixed part: one cache line.  Its texts (by, comment, …) are those of the act that made it. */
struct event {
    int64_t time_ns;
    uint64_t seq;        /* per site, from 1, without gaps */
    double value;        /* the point's last good value at that moment, NaN = none */
    int64_t until_ns;    /* shelved: its end; else 0 */
    uint32_t alarm;      /* index into site.alarms */
    uint32_t occurrence; /* 0 before the first: key left out */
    uint8_t kind;        /* enum event_kind */
    uint8_t level;       /* key `level`; LEVEL_NONE: left out */
    uint8_t when_level;  /* level whose `when` (raised, worsened) or `clear` (eased, cleared) caused it; LEVEL_NONE: none */
    uint8_t state_level; /* the alarm's level after this event */
    uint8_t acked;       /* 1: all that happened is acknowledged, after this event */
    uint8_t shelved;     /* 1: shelved after this event; likewise the next two */
    uint8_t suppressed;
    uint8_t out_of_service;
    uint8_t latched;     /* 1: judged to none, but kept until acknowledged */
    uint8_t blind;
    uint8_t pad[6];
};
static_assert(sizeof(struct event) <= 64, "one cache line");

#endif
