/*
 * garble: a campaign of requests against servers that garble (garble_server),
 * driven through the real Modbus worker, every sample judged.
 *
 * A sample is right when it has the value that its point was given by the
 * newest request that the server has seen for it, and came within the time-out;
 * or when it is `comm` without a value.  All else is wrong.  At the end the
 * server turns honest, and every point must get a new value: one that does not
 * is stuck.
 *
 * Used by the unit test in small and by "./bench garble" with a million.
 */
#ifndef DAVY_TESTS_INGEST_GARBLE_H
#define DAVY_TESTS_INGEST_GARBLE_H

#include "garble_server.h"
#include <stdint.h>

struct garble_campaign {
    unsigned links;
    uint64_t requests; /* how many the server is to see */
    uint64_t seed;
    int64_t limit_ns; /* give up after this */
};

struct garble_result {
    uint64_t requests;
    uint64_t good, comm;
    uint64_t foreign; /* wrong: a value of another point or of none */
    uint64_t old;     /* wrong: the answer to an earlier request, or a second time */
    uint64_t late;    /* wrong: after its time-out */
    uint64_t odd;     /* wrong: any other status */
    uint64_t stuck;   /* points without a value at the end */
    uint64_t kinds[GARBLE_KINDS];
    int64_t took_ns;
    int64_t back_ns;      /* honest again: until the last point had a value */
    int64_t longest_ns;   /* the longest time that a point was without a value */
    int64_t memory_bytes; /* what the process grew by from a fifth of the requests on */
    int64_t descriptors;  /* likewise */
};

/* Runs it; false when it cannot be set up. */
bool garble_run(const struct garble_campaign *campaign, struct garble_result *ret_result);

#endif
