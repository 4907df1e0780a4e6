/* shard_private: the inside of struct shard, for the shard_*.c files. */
#ifndef DAVY_RULES_SHARD_PRIVATE_H
#define DAVY_RULES_SHARD_PRIVATE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/latency.h"
#include "model/sample.h"
#include "rules/evaluate.h"
#include "rules/rules_private.h"
#include "rules/shard.h"
#include "rules/state.h"
#include "rules/timers.h"
#include "rules/silence.h"
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
    uint32_t *local;              /* [site point] -> local index, SITE_NONE: not of this shard; see local_of */
    bool all_local;               /* every site point is of this shard: local and site indices are the same */
    bool all_plain;               /* every point is plain */
    uint32_t *site_points;        /* [local] -> site point */
    struct point_state *points;
    struct run *point_windows;    /* [local] -> run of windows */
    struct window **windows;
    uint32_t window_count;
    uint32_t *readers;            /* instances that read a point, rising; see reader_of */
    struct silence silence;          /* which point becomes stale next */
    /* instances, in the order of their alarms */
    uint32_t instance_count;
    struct instance *instances;
    struct span *far_spans;       /* [instance.far_spans + term], of rules with more than INSTANCE_SPANS terms */
    double *terms;                /* of the instance being judged; room for the rule with the most */
    struct window **slot_windows; /* [instance.slots + slot] */
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
    struct latency latency;       /* from taking a sample in to here, of those that changed a judgement */
    struct counter *samples, *late, *equal, *skewed, *verdicts, *waits, *p50, *p99;
};

/* The most verdicts judging one instance can give: a mark held back, for each level a kept one, and one step before and
 * one after. */
enum { VERDICTS_PER_INSTANCE = 1 + 2 * (LEVEL_COUNT - 1) + 4 };

/* The local index of a site point. */
static inline uint32_t local_of(const struct shard *shard, uint32_t point)
{
    return shard->all_local ? point : shard->local[point];
}

/* The k-th instance that reads a point; an only one stands in the run itself. */
static inline uint32_t reader_of(const struct shard *shard, struct run run, uint32_t k)
{
    return run.count == 1 ? run.first : shard->readers[run.first + k];
}

/* The spans of an instance's terms, in itself when there is room. */
static inline struct span *instance_spans(const struct shard *shard, struct instance *inst,
                                          const struct conditions *conditions)
{
    return conditions->term_count > INSTANCE_SPANS ? &shard->far_spans[inst->far_spans] : inst->spans;
}

/* When a sample happened, as far as the order of its point's samples goes. */
static inline int64_t sample_effective_time(const struct sample *sample)
{
    return (sample->status & ST_SKEW) != 0 ? sample->seen_ns : sample->time_ns;
}

/* What the instance's conditions are worked out in, at alarm time t. */
static inline struct frame judge_frame(const struct shard *shard, const struct instance *inst,
                                       const struct judge_rule *rule, int64_t t_ns)
{
    return (struct frame){
        .now_ns = t_ns,
        .own = &shard->points[inst->point],
        .points = shard->points,
        .point_slots = rule->point_slots,
        .windows = shard->slot_windows + inst->slots,
        .window_points = shard->slot_points + inst->slots,
    };
}

/* ---- shard.c: as shard_sample and shard_due, but may stop for want of room in the verdict ring (false); then
 * shard_go_on takes it up again. ---- */

bool shard_begin_sample(struct shard *shard, const struct sample *sample);
bool shard_begin_due(struct shard *shard, int64_t clock_ns, enum due_phase phase);
bool shard_go_on(struct shard *shard);

/* Takes a good reading into the point's state and its windows. */
void shard_take_good(struct shard *shard, uint32_t local, double value, int64_t time_ns);
/* Takes a sample that counts, with its final status, into the point's state. */
void shard_take_reading(struct shard *shard, uint32_t local, const struct sample *sample);
/* Shows the point's state, its newest reading being `value`, on the board, if it is at home here. */
void shard_write_board(const struct shard *shard, uint32_t local, double value);
/* Gives a home point's sample to the store; there is room. */
void shard_keep(struct shard *shard, const struct sample *sample);
/* The earliest delay of those who read a point that is over at or before alarm time `upto`; TIME_NEVER: none. */
int64_t shard_first_end(const struct shard *shard, struct run readers, int64_t upto_ns);

#define SHARD_SKEW_NS (60 * NS_PER_S) /* contract 3: more than 60 s in the future */

/* ---- shard_run.c ---- */

/* Takes and judges the sample the short way, the store ring (which has room) and the counters included; false (nothing
 * done) when it must go the long way. */
bool run_one(struct shard *shard, const struct sample *sample);
/* As many as can go the short way, of n samples received before `before_ns` and before anything is due; stops at a
 * mark, and where the store ring is full. */
size_t run_samples(struct shard *shard, const struct sample *samples, size_t n, int64_t before_ns);
/* Whether the sample would change nothing but the point's newest reading. */
bool quiet_is(const struct shard *shard, const struct sample *sample);
/* Brings a point's alarms up to its quiet samples.  Before anything else is done with a plain point. */
void quiet_end(struct shard *shard, uint32_t local);
/* After a sample was judged: finds the span of values that would change nothing. */
void quiet_begin(struct shard *shard, uint32_t local);

/* ---- shard_agent.c ---- */

void shard_agent_init(struct shard *shard);

/* ---- shard_judge.c ---- */

/* Judges instance i by a sample of that time. */
void judge_by_sample(struct shard *shard, uint32_t i, int64_t time_ns);
/* Judges instance i at alarm time t (or its latest happening, if that is later). */
void judge_instance(struct shard *shard, uint32_t i, int64_t t_ns);
/* Ends the delays of instance i that are over first, all at one moment. */
void judge_delays(struct shard *shard, uint32_t i);
/* Gives the verdict of the group judged last, if its state is another than it said. */
void judge_group_end(struct shard *shard);
/* What of an instance a judgement can change and others count. */
struct was {
    int64_t since_ns[LEVEL_COUNT - 1];
    uint16_t bits;
    uint8_t level;
};
struct was judge_was(const struct instance *inst);
/* After a restore: takes bits and since as they stand now, in place of what was; says nothing. */
void judge_restored(struct shard *shard, uint32_t i, const struct was *was);
/* After a restore of a reading: takes it in who is blind now; says nothing. */
void judge_sight(struct shard *shard, uint32_t i);
/* Says the mark in hand. */
void judge_say_mark(struct shard *shard);
/* Packs what a verdict says; never SAID_UNTOLD. */
enum { SAID_UNTOLD = UINT8_MAX };
uint8_t say_pack(enum level level, bool unless, bool blind);

#endif
