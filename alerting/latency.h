/*
 * latency: how long things took, as a histogram of fixed size.
 *
 * Four buckets an octave, so a percentile is at most a quarter too large;
 * durations from 1 us to over 4 hours.  Pure data; one thread.
 */
#ifndef DAVY_ALERTING_LATENCY_H
#define DAVY_ALERTING_LATENCY_H

#include <stdint.h>

enum { LATENCY_BUCKETS = 136 };

struct latency {
    uint64_t counts[LATENCY_BUCKETS];
    uint64_t total;
};

/* Adds `times` durations; one below a microsecond (or negative) counts as one. */
void latency_add(struct latency *latency, int64_t duration_ns, uint64_t times);
/* Gives the microseconds that `percent` of all durations do not exceed (upper edge of the bucket); 0 before the first.
 */
uint64_t latency_percentile_us(const struct latency *latency, unsigned percent);

#endif
