/*
 * care_inside: what the slices of the agent care share.
 */
#ifndef DAVY_STORE_CARE_INSIDE_H
#define DAVY_STORE_CARE_INSIDE_H

#include "base/clock.h"
#include "store/db.h"
#include "store/hours.h"
#include "store/tier_make.h"

struct care_counters {
    struct counter *rounds, *failures, *tier_rows, *tier_blocks, *tier_bytes;
};

struct store_care {
    struct store_care_config config;
    struct tier_maker *maker;
    struct hours hours;
    rocksdb_writebatch_t *batch; /* of the slice */
    int64_t now_ns;              /* of the slice */
    unsigned phase;              /* of the round */
    uint32_t series;             /* of the phase: the next one */
    bool in_round;
    bool failed, failed_now; /* something did, in the round before, in this one */
    int64_t began_ns;        /* of the round */
    int64_t due_ns;          /* of the next slice */
    struct care_counters counters;
};

void care_count(struct counter *counter, uint64_t n); /* the counter may be NULL */

#endif
