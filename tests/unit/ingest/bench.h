/*
 * bench: the Modbus worker, called by hand as a runner would, for the stories
 * of unit.ingest.bus, bus_rtu and bus_share.
 *
 * Every sample is looked at: the right value, `comm` without a value, or
 * wrong, which fails the story when it stops.
 */
#ifndef DAVY_TESTS_INGEST_BENCH_H
#define DAVY_TESTS_INGEST_BENCH_H

#include "device.h"
#include "field.h"

static const int64_t poll_ns = 20 * NS_PER_MS;

/* The worker, called by hand as a runner would. */
struct bench {
    struct field *field;
    struct mbus_worker *worker;
    struct agent agent;
    struct doorbell *bell;
    struct cell stop;
    struct alarmed alarmed;
    struct cell active[2]; /* [hazard] */
    struct clock clock;
    uint64_t good; /* samples with the right value */
    uint64_t comm; /* samples without value, comm */
    uint64_t good_of[FIELD_POINTS];
    uint64_t comm_of[FIELD_POINTS];
    uint64_t wrong; /* anything else */
    int64_t last_seen_ns;
};

void bench_start(struct bench *bench, struct field *field);
/* One cycle: work, and when there is none sleep until there may be. */
int bench_cycle(struct bench *bench);
void bench_run_for(struct bench *bench, int64_t length_ns);
/* Runs until *count has grown by `more`, at most ten seconds. */
void bench_run_until(struct bench *bench, const uint64_t *count, uint64_t more);
/* Ends it all; not one value was wrong. */
void bench_stop(struct bench *bench);

/* Three points in one block, one on its own. */
struct field *four_points(enum source_type type, uint16_t port);
/* Where no answer is held back on purpose, a loaded machine may take its time. */
struct field *patient(struct field *field);

#endif
