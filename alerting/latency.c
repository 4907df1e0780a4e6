/*
 * latency: quarter-octave buckets.  See latency.h.
 *
 *   bucket 4k + q:  2^k (1 + q/4)  <=  microseconds  <  2^k (1 + (q+1)/4)
 */
#include "alerting/latency.h"
#include "base/clock.h"

static unsigned bucket_of(uint64_t us)
{
    const unsigned octave = 63u - (unsigned)__builtin_clzll(us);
    const unsigned quarter = octave >= 2 ? (unsigned)(us >> (octave - 2)) & 3u : (unsigned)(us << (2 - octave)) & 3u;
    const unsigned bucket = 4 * octave + quarter;
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

static uint64_t upper_edge(unsigned bucket)
{
    const uint64_t quarters = 5 + bucket % 4; /* of 2^octave */
    const uint64_t edge = (quarters << (bucket / 4)) / 4;
    return edge == 0 ? 1 : edge;
}

void latency_add(struct latency *latency, int64_t duration_ns, uint64_t times)
{
    const int64_t us = duration_ns / NS_PER_US;
    latency->counts[bucket_of(us < 1 ? 1 : (uint64_t)us)] += times;
    latency->total += times;
}

uint64_t latency_percentile_us(const struct latency *latency, unsigned percent)
{
    if (latency->total == 0) {
        return 0;
    }
    const uint64_t wanted = (latency->total * percent + 99) / 100;
    uint64_t seen = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        seen += latency->counts[i];
        if (seen >= wanted && seen > 0) {
            return upper_edge(i);
        }
    }
    return upper_edge(LATENCY_BUCKETS - 1);
}
