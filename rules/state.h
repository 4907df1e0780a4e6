/*
 * state: what a shard knows of its points and alarms; the hot records.
 *
 * A point and the one alarm it usually has take a cache line each.  All times
 * are int64 nanoseconds; INT64_MIN means "never yet", TIME_NEVER "not due".
 *
 * Two clocks meet here.  *Clock* is the time at which davy took things in.
 * *Alarm time* is the time at which they happened: at a sample its own time,
 * between samples it goes on with the clock; offset_ns is the difference.
 *
 * Threads: the shard's.
 */
#ifndef DAVY_RULES_STATE_H
#define DAVY_RULES_STATE_H

#include "model/alarm.h"
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define NEVER_YET INT64_MIN

struct point_state {
    double value;        /* last good value, NaN before the first */
    int64_t newest_ns;   /* time of the newest sample that counts; a skewed one counts by its receipt */
    int64_t seen_ns;     /* clock at which that was taken in (live: at first the start of the run) */
    int64_t good_ns;     /* time of the last good sample */
    int64_t first_ns;    /* where `age` counts from before the first good sample */
    double moved;        /* the value it last had moved to */
    int64_t moved_ns;    /* when that was */
    uint16_t status;     /* of the newest sample, with range and stale as davy sets them */
    bool heard;          /* there was a sample that counts */
    bool unknown;        /* its reading is unknown now (contract: "Which flags make a reading unknown") */
    bool home;           /* this shard stores it and writes the board */
    bool has_windows;
};
static_assert(sizeof(struct point_state) <= 64, "one cache line a point");

/* Bits of instance.bits; the bit of level k is the first one shifted by k. */
enum instance_bits {
    BIT_WHEN = 1 << 0,    /* last known truth of `when` */
    BIT_CLEAR = 1 << 4,   /* last known truth of `clear` */
    BIT_ENTERED = 1 << 8, /* the level is entered */
    BIT_UNLESS = 1 << 12, /* last known truth of `unless` */
    BIT_BLIND = 1 << 13,  /* a point that when or clear reads is heard of and unknown */
};

/* A rule at one point: an alarm, or a member of a group's alarm. */
struct instance {
    int64_t since_ns[LEVEL_COUNT - 1]; /* alarm time since when the condition of the level's next step (`when`, or `clear`
                                          once entered) holds, no earlier than its last step; TIME_NEVER: it does not */
    int64_t now_ns;                    /* alarm time of the latest happening */
    int64_t offset_ns;                 /* clock minus alarm time, at its latest sample */
    int64_t due_ns;                    /* clock of the earliest delay's end; TIME_NEVER: none */
    uint16_t bits;
    uint8_t level;                     /* enum level: the highest entered */
    uint8_t said;                      /* what the last verdict said (say_pack); a group's stands in struct group */
    uint32_t heap_pos;                 /* see timers.h */
};
static_assert(sizeof(struct instance) <= 64, "one cache line an alarm");

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
