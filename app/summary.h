/*
 * summary: a run in a few lines, for the end of `davy run --summary` and ./demo.
 */
#ifndef DAVY_APP_SUMMARY_H
#define DAVY_APP_SUMMARY_H

#include "base/counter.h"
#include <stdio.h>

/* Prints samples taken in, events, alarms raised by level, and the time from receipt to journal (p50, p99). */
void summary_print(const struct counters *counters, FILE *out);

/* How many samples and events were dropped at a stop because the disk took nothing. */
uint64_t summary_dropped(const struct counters *counters);

#endif
