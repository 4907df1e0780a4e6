/*
 * back_off: how long to wait before the next try, doubled with each and spread
 * so that many who lost the same thing do not come back at once.
 *
 * Pure: the spread comes from the source's id and the number of the try, so
 * every run waits alike.
 */
#ifndef DAVY_INGEST_BACK_OFF_H
#define DAVY_INGEST_BACK_OFF_H

#include <stdint.h>

/* A number of its own for each id. */
uint64_t back_off_seed(const char *id);

/* least_ns x 2^tries, a quarter up or down, within least_ns .. most_ns. */
int64_t back_off_wait(uint64_t seed, unsigned tries, int64_t least_ns, int64_t most_ns);

#endif
