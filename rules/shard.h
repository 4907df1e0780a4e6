/*
 * shard: judges its part of the points and alarms.
 *
 * A shard is driven either as an agent on its thread (shard_agent) or by hand
 * by replay (shard_sample, shard_next_due, shard_due): the same code.
 * It follows its own clock, which is what the drivers hand down: the times of
 * receipt of samples and the runner's now.
 *
 * Judging writes verdicts into the shard's verdict ring, for one sample or one
 * phase of one instant in rising order of alarm index, STEP at most once per
 * alarm.  A sample is only taken when the ring has room for all it can cause.
 *
 * Memory: all at shard_new; judging allocates nothing.
 */
#ifndef DAVY_RULES_SHARD_H
#define DAVY_RULES_SHARD_H

#include "base/agent.h"
#include "base/counter.h"
#include "base/ring.h"
#include "model/board.h"
#include "model/queues.h"
#include "model/site.h"
#include "rules/rules.h"

struct shard;

/* The order of one instant (contract 9, "Events of one instant, several alarms"); shelf ends come between the last two. */
enum due_phase { DUE_DELAYS, DUE_STALENESS, DUE_SECONDS };

struct shard_config {
    const struct site *site;   /* borrowed, like all below */
    const struct rules *rules;
    unsigned index, count;     /* this shard, of how many */
    struct ring *const *inputs; /* sample rings, one per worker; may be NULL when driven by hand */
    unsigned input_count;
    struct ring *store;        /* out: samples of home points with final status; NULL: not kept */
    struct doorbell *store_bell; /* may be NULL */
    struct ring *verdicts;     /* out: struct verdict */
    struct doorbell *verdict_bell; /* may be NULL */
    struct board *board;       /* home points; may be NULL */
    struct counters *counters; /* may be NULL */
    bool live;                 /* a live run counts its start as when every point was last heard of */
    bool keep;                 /* say VERDICT_KEEP too */
    int64_t start_ns;          /* the clock at start; replay: the first row's */
};

enum err_code shard_new(const struct shard_config *config, struct shard **ret_shard, struct err *err) MUST_CHECK;
void shard_free(struct shard *shard);

/* How many verdicts one sample or one phase of one instant can cause at most; the ring must hold that many. */
size_t shard_fan_out(const struct rules *rules, unsigned index, unsigned count);

/* Restore, before the first sample: a kept verdict (VERDICT_KEEP, or STEP for blind/unless flags), and the newest
 * reading of a point. */
void shard_restore(struct shard *shard, const struct verdict *kept);
void shard_restore_point(struct shard *shard, uint32_t point, const struct board_entry *entry);
/* Fills windows, averages and the reference of unchanged() with a stored good reading, judging nothing; those of a point
 * in the order of time, before its shard_restore_point. */
void shard_restore_reading(struct shard *shard, uint32_t point, int64_t time_ns, double value);

/* By hand: the earliest moment, in alarm time, at which a delay is over at or before this sample though the clock has not
 * reached it, because the sample's own time is ahead; TIME_NEVER: none.  And the end of the delays of that moment. */
int64_t shard_first_before(const struct shard *shard, const struct sample *sample);
void shard_before(struct shard *shard, const struct sample *sample, int64_t end_ns);
/* By hand: judges one sample (sample->seen_ns is the clock; deadlines up to it must have been run).  Writes verdicts,
 * and for a home point the sample with its final status to the store ring. */
void shard_sample(struct shard *shard, const struct sample *sample);
/* The clock of the earliest thing that is due (delay, staleness, whole second), TIME_NEVER if nothing. */
int64_t shard_next_due(const struct shard *shard);
/* Runs one phase of the instant `clock_ns`. */
void shard_due(struct shard *shard, int64_t clock_ns, enum due_phase phase);

/* As an agent: merges its input rings by time of receipt, runs what is due in between, passes marks on, and closes its
 * outputs when all inputs have ended. */
struct agent shard_agent(struct shard *shard);

/* Bytes of state, for ./bench. */
struct shard_bytes {
    size_t all;
    size_t quiet; /* of a point: what a sample touches that changes nothing, at a plain point */
    size_t point, alarm;
    size_t window; /* on average, with what it holds; 0: no windows */
};
struct shard_bytes shard_bytes(const struct shard *shard);

#endif
