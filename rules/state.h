/*
 * state: what a shard knows of its points and alarms; the hot records.
 *
 * A point and an alarm take two cache lines each.  All times are int64
 * nanoseconds; INT64_MIN means "never yet", TIME_NEVER "not due".
 *
 * Two clocks meet here.  *Clock* is the time at which davy took things in.
 * *Alarm time* is the time at which they happened: at a sample its own time,
 * between samples it goes on with the clock; offset_ns is the difference.
 *
 * Steady.  Nearly all samples change nothing.  For each number (term) that an
 * alarm's conditions compare, it keeps the span around the latest within which
 * no comparison turns.  While all stay within, and no delay ends, there is
 * nothing to judge.
 *
 * Quiet.  A point that only alarms of its own read, by its value and nothing
 * else (`own`), is quiet while all of them are steady and no delay runs.  If
 * they compare the value itself with constants (`plain`), the point keeps their
 * joint span, and a good sample within touches the first line of its point and
 * nothing else.  What quiet samples mean for the alarms' times is made up for
 * when they are next looked at (shard_run.c).
 *
 * Threads: the shard's.
 */
#ifndef DAVY_RULES_STATE_H
#define DAVY_RULES_STATE_H

#include "model/alarm.h"
#include "rules/program.h"
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define NEVER_YET INT64_MIN

/* A run of entries in one of the shard's lists. */
struct run {
    uint32_t first, count;
};

struct point_state {
    /* the first line: all that a quiet sample touches */
    _Alignas(64) double value; /* last good value, NaN before the first */
    int64_t newest_ns;         /* time of the newest sample that counts; a skewed one counts by its receipt */
    int64_t seen_ns;           /* when that was taken in (live: at first the start of the run) */
    int64_t clock_ns;          /* the shard's clock at the newest quiet sample */
    struct span quiet;         /* a good sample outside may change something; SPAN_NONE: any may */
    struct run readers;        /* the alarms that read it, see reader_of */
    uint16_t status;           /* of the newest sample, with range and stale as davy sets them */
    bool heard;                /* there was a sample that counts */
    bool unknown;              /* its reading is unknown now (contract: "Which flags make a reading unknown") */
    bool behind;               /* quiet samples came since its alarms were last brought up to it */
    bool home : 1;             /* this shard stores it and writes the board */
    bool has_windows : 1;
    bool own : 1;              /* only alarms of its own read it, and nothing but its value */
    bool plain : 1;            /* own, and they compare it with constants as it is */
    bool timed : 1;            /* it is entered in the silence timers, or never becomes stale */
    /* the second line */
    int64_t good_ns;           /* time of the last good sample */
    int64_t first_ns;          /* where `age` counts from before the first good sample */
    double moved;              /* the value it last had moved to; not kept up by quiet samples */
    int64_t moved_ns;          /* when that was */
    double range_lo, range_hi; /* of the instrument; without a range infinite */
    double resolution;
    int64_t stale_ns;          /* 0: never becomes stale */
};
static_assert(sizeof(struct point_state) == 128, "two cache lines a point");

/* Bits of instance.bits; the bit of level k is the first one shifted by k. */
enum instance_bits {
    BIT_WHEN = 1 << 0,    /* last known truth of `when` */
    BIT_CLEAR = 1 << 4,   /* last known truth of `clear` */
    BIT_ENTERED = 1 << 8, /* the level is entered */
    BIT_UNLESS = 1 << 12, /* last known truth of `unless` */
    BIT_BLIND = 1 << 13,  /* a point that when or clear reads is heard of and unknown */
};

enum { INSTANCE_SPANS = 2 };

/* A rule at one point: an alarm, or a member of a group's alarm. */
struct instance {
    /* the first line: times */
    _Alignas(64) int64_t since_ns[LEVEL_COUNT - 1]; /* alarm time since when the condition of the level's next step
                                          (`when`, or `clear` once entered) holds, no earlier than its last step;
                                          TIME_NEVER: it does not */
    int64_t now_ns;               /* alarm time of the latest happening */
    int64_t offset_ns;            /* clock minus alarm time, at its latest sample */
    int64_t end_ns;               /* alarm time at which the earliest delay ends; TIME_NEVER: none runs */
    int64_t due_ns;               /* the same by the clock */
    /* the second line: what it is, and what it stands at */
    struct span spans[INSTANCE_SPANS]; /* while steady, one per term of the rule; of a rule with more: far_spans */
    uint32_t rule;                /* index into the shard's rules and site.rules; const, like the next five */
    uint32_t alarm;               /* index into site.alarms */
    uint32_t point;               /* local */
    uint32_t group;               /* index into groups, SITE_NONE for a single point */
    uint32_t slots;               /* where its window slots begin in slot_windows and slot_points */
    uint32_t far_spans;           /* where its spans begin in far_spans */
    uint16_t bits;
    uint8_t level;                /* enum level: the highest entered */
    uint8_t said;                 /* what the last verdict said (say_pack); a group's stands in struct group */
    bool steady;                  /* nothing changes while all terms are within their spans and no delay ends */
};
static_assert(sizeof(struct instance) == 128, "two cache lines an alarm");

/* A group's alarm: what its members add up to. */
struct group {
    int64_t now_ns;             /* alarm time of the latest happening at any member */
    uint32_t held[LEVEL_COUNT]; /* how many members hold this level or a higher one */
    uint32_t blind;             /* how many members are blind */
    uint32_t unless;            /* for how many members `unless` is true */
    uint32_t members;
    uint8_t said;
};

#endif
