/*
 * latency: buckets of a sixteenth of an octave.  See latency.h.
 *
 *   bucket 16k + q:  2^k (1 + q/16)  <=  microseconds  <  2^k (1 + (q+1)/16)
 */
#include "base/latency.h"
#include "base/clock.h"

enum { PARTS = 16, PART_BITS = 4 };

static unsigned bucket_of(uint64_t us)
{
    const unsigned octave = 63u - (unsigned)__builtin_clzll(us);
    const uint64_t parts = octave >= PART_BITS ? us >> (octave - PART_BITS) : us << (PART_BITS - octave);
    const unsigned bucket = PARTS * octave + (unsigned)(parts % PARTS);
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

static uint64_t upper_edge(unsigned bucket)
{
    const uint64_t parts = PARTS + 1 + bucket % PARTS; /* of 2^octave */
    return (parts << (bucket / PARTS)) / PARTS;
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

void latency_show(const struct latency *latency, struct counter *p50, struct counter *p99)
{
    counter_set(p50, latency_percentile_us(latency, 50));
    counter_set(p99, latency_percentile_us(latency, 99));
}
