/*
 * latency: how long things took, as a histogram of fixed size.
 *
 * Sixteen buckets an octave, so a percentile is at most a sixteenth too large;
 * durations from 1 us to over 4 hours.  Pure data; one thread.
 */
#ifndef DAVY_BASE_LATENCY_H
#define DAVY_BASE_LATENCY_H

#include "base/counter.h"
#include <stdint.h>

enum { LATENCY_BUCKETS = 16 * 34 };

struct latency {
    uint64_t counts[LATENCY_BUCKETS];
    uint64_t total;
};

/* Adds `times` durations; one below a microsecond (or negative) counts as one. */
void latency_add(struct latency *latency, int64_t duration_ns, uint64_t times);
/* Gives the microseconds that `percent` of all durations do not exceed (upper edge of the bucket); 0 before the first.
 */
uint64_t latency_percentile_us(const struct latency *latency, unsigned percent);
/* Shows the median and the 99th of 100. */
void latency_show(const struct latency *latency, struct counter *p50, struct counter *p99);

#endif
