/*
 * explain_watch: verdicts of one alarm judged again, as lines of a timeline,
 * and where its conditions stand at the end.
 */
#ifndef DAVY_APP_EXPLAIN_WATCH_H
#define DAVY_APP_EXPLAIN_WATCH_H

#include "app/rejudge.h"
#include "app/timeline.h"
#include "base/buf.h"

/* Where one level stands for one point. */
struct watch_level {
    uint8_t keep;     /* enum keep_bits */
    int64_t since_ns; /* since when the pending condition holds; TIME_NEVER: none does */
};

struct watch {
    const struct site *site; /* borrowed */
    uint32_t alarm;
    struct timeline *timeline;  /* borrowed; NULL: only the state is kept */
    struct watch_level *levels; /* [member * LEVEL_COUNT + index of the level] */
    uint8_t flags, level;       /* of the last VERDICT_STEP */
    int64_t *steps;             /* times at which a level was entered or left, or `unless` ended */
    size_t step_count, step_room;
};

void watch_init(struct watch *watch, const struct site *site, uint32_t alarm, struct timeline *timeline);
void watch_done(struct watch *watch);
void watch_verdict(void *self, const struct verdict *verdict, enum rejudge_cause cause, const struct sample *sample);

/* True when judging again took a step at that time. */
bool watch_has_step(const struct watch *watch, int64_t time_ns);

/* The delay before the next step of a level that is entered or not. */
int64_t watch_delay(const struct site_level *level, bool entered);

#endif
