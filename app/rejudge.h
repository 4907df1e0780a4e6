/*
 * rejudge: one alarm judged once more, from what the store holds.
 *
 * Reads the stored samples of all points the alarm reads, in order of receipt,
 * and has the real engine judge them by a site of this one alarm.  Every change
 * of a condition's truth, delay or level comes back as the shard's verdict,
 * with the sample or the moment that brought it about.
 *
 * It begins without a past: the first verdicts say what the first samples say.
 * What the store does not keep cannot be judged again: of two samples of one
 * time it holds the last written, the engine had judged the first.
 *
 * Memory: 48 bytes a sample, at most REJUDGE_SAMPLES; what comes later is left
 * out and told (ret_cut_ns).  Threads: one.
 */
#ifndef DAVY_APP_REJUDGE_H
#define DAVY_APP_REJUDGE_H

#include "base/err.h"
#include "model/alarm.h"
#include "model/sample.h"
#include "model/site.h"
#include "rules/rules.h"
#include "store/store.h"

enum { REJUDGE_SAMPLES = 2000000 };

enum rejudge_cause { CAUSE_SAMPLE, CAUSE_DELAY, CAUSE_STALE, CAUSE_TIME };

/* `sample` is the one that was judged; NULL unless the cause is CAUSE_SAMPLE.  verdict->alarm is 0. */
typedef void rejudge_fn(void *self, const struct verdict *verdict, enum rejudge_cause cause,
                        const struct sample *sample);

struct rejudge_config {
    const struct site *site; /* borrowed, like all below */
    const struct rules *rules;
    uint32_t alarm;
    struct store *store;
    int64_t from_ns, to_ns; /* samples of this stretch, both included, and verdicts up to its end */
    int64_t clock_ns;       /* to where the clock goes on after the last sample; TIME_NEVER: as far as delays that ended
                               by to_ns need, however late samples were received */
    rejudge_fn *fn;
    void *self;
};

struct rejudge_result {
    size_t samples;
    int64_t cut_ns; /* when the bound was reached: where judging stopped; else TIME_NEVER */
};

enum err_code rejudge(const struct rejudge_config *config, struct rejudge_result *ret_result,
                      struct err *err) MUST_CHECK;

#endif
