/* shard_private: the inside of struct shard, for the shard_*.c files. */
#ifndef DAVY_RULES_SHARD_PRIVATE_H
#define DAVY_RULES_SHARD_PRIVATE_H

#include "base/arena.h"
#include "base/clock.h"
#include "rules/rules_private.h"
#include "rules/shard.h"
#include "rules/state.h"
#include "rules/timers.h"
#include "rules/window.h"

/* A rule as a shard judges it; shared by its instances. */
struct judge_rule {
    const struct rule_code *code;
    uint8_t level_count;
    uint8_t levels[LEVEL_COUNT - 1]; /* enum level, low to high */
    int64_t on_delay_ns[LEVEL_COUNT - 1];
    int64_t off_delay_ns[LEVEL_COUNT - 1];
    uint32_t vote;                   /* at_least; 0: no group */
    const uint32_t *point_slots;     /* [slot] -> local point */
};

/* The cold part of an instance. */
struct instance_place {
    uint32_t rule;                 /* index into judge_rules and site.rules */
    uint32_t alarm;                /* index into site.alarms */
    uint32_t point;                /* local */
    uint32_t group;                /* index into groups, SITE_NONE for a single point */
    uint32_t slots;                /* where its window slots begin in slot_windows and slot_points */
};

/* The windows of one point and where they begin. */
struct run {
    uint32_t first, count;
};

/* What is being worked off as room allows: the delays that are due, or a list of instances. */
enum work_kind { WORK_NONE, WORK_DELAYS, WORK_BEFORE, WORK_SAMPLE, WORK_STALE, WORK_SECONDS };

struct work {
    enum work_kind kind;
    const uint32_t *list; /* instances, rising */
    uint32_t count;
    uint32_t next;
    struct sample sample; /* WORK_BEFORE: delays that ended before it, then WORK_SAMPLE: what it causes */
    uint32_t local;       /* its point */
    int64_t time_ns;      /* its effective time */
    int64_t end_ns;       /* WORK_BEFORE: the moment whose delays are ended now, in alarm time */
};

struct shard {
    struct shard_config config;
    struct arena arena;
    int64_t clock_ns;             /* what the shard has taken in or run up to */
    uint32_t step;                /* of the sample, or the phase of an instant, being worked off */
    /* points, local indices */
    uint32_t point_count;
    uint32_t *local;              /* [site point] -> local index, SITE_NONE: not of this shard */
    uint32_t *site_points;        /* [local] -> site point */
    struct point_state *points;
    struct run *point_windows;    /* [local] -> run of windows */
    struct window **windows;
    uint32_t window_count;
    struct run *point_readers;    /* [local] -> run of readers */
    uint32_t *readers;            /* instances that read a point, rising */
    struct timers stale;          /* [local point], by clock */
    /* instances, in the order of their alarms */
    uint32_t instance_count;
    struct instance *instances;
    struct instance_place *places;
    struct window **slot_windows; /* [places.slots + slot] */
    uint32_t *slot_points;        /* likewise: local point of that window */
    struct judge_rule *rules;     /* [site rule] */
    struct group *groups;
    uint32_t group_count;
    struct timers delays;         /* [instance], by clock */
    /* what time alone changes */
    uint32_t *by_second;          /* instances judged at whole seconds, rising */
    uint32_t by_second_count;
    int64_t second_ns;            /* next whole second to judge; TIME_NEVER when nothing is judged then */
    /* work in hand */
    struct work work;
    bool open;                    /* the sample in hand has a mark to follow */
    uint32_t *scratch;            /* [instance], for lists of WORK_STALE */
    uint8_t *marked;              /* [instance], while such a list is made */
    uint32_t group_open;          /* group whose member was judged last and whose verdict is due, SITE_NONE: none */
    /* agent */
    struct input *inputs;         /* [worker] */
    int phase;                    /* enum due_phase to go on with */
    bool verdicts_new, kept_new;  /* to ring the bell for, this cycle */
    struct sample mark;           /* to be passed on, the last of those held */
    unsigned marks_held;          /* how many were taken in hand for it; 0: none is */
    bool mark_said;               /* as a verdict already, because an open one came behind it */
    bool mark_urgent;             /* a verdict waits for the next mark */
    struct counter *samples, *late, *equal, *skewed, *verdicts, *waits;
};

/* The most verdicts judging one instance can give: a mark held back, for each level a kept one, and one step before and
 * one after. */
enum { VERDICTS_PER_INSTANCE = 1 + 2 * (LEVEL_COUNT - 1) + 4 };

/* ---- shard.c: as shard_sample and shard_due, but may stop for want of room in the verdict ring (false); then
 * shard_go_on takes it up again. ---- */

bool shard_begin_sample(struct shard *shard, const struct sample *sample);
bool shard_begin_due(struct shard *shard, int64_t clock_ns, enum due_phase phase);
bool shard_go_on(struct shard *shard);

/* Takes a good reading into the point's state and its windows. */
void shard_take_good(struct shard *shard, uint32_t local, double value, int64_t time_ns);

/* ---- shard_agent.c ---- */

void shard_agent_init(struct shard *shard);

/* ---- shard_judge.c ---- */

/* Judges instance i at alarm time t (or its latest happening, if that is later). */
void judge_instance(struct shard *shard, uint32_t i, int64_t t_ns);
/* Ends the delays of instance i that are over first, all at one moment. */
void judge_delays(struct shard *shard, uint32_t i);
/* Gives the verdict of the group judged last, if its state is another than it said. */
void judge_group_end(struct shard *shard);
/* After a restore: takes bits and since as they stand now, in place of `before`; says nothing. */
void judge_restored(struct shard *shard, uint32_t i, const struct instance *before);
/* After a restore of a reading: takes it in who is blind now; says nothing. */
void judge_sight(struct shard *shard, uint32_t i);
/* Says the mark in hand. */
void judge_say_mark(struct shard *shard);
/* Packs what a verdict says; never SAID_UNTOLD. */
enum { SAID_UNTOLD = UINT8_MAX };
uint8_t say_pack(enum level level, bool unless, bool blind);

#endif
