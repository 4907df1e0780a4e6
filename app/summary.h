/*
 * summary: a run in a few lines, for the end of `davy run --summary` and ./demo.
 */
#ifndef DAVY_APP_SUMMARY_H
#define DAVY_APP_SUMMARY_H

#include "base/counter.h"
#include <stdio.h>

/* Prints samples taken in, events, alarms raised by level, and the time from receipt to journal (p50, p99). */
void summary_print(const struct counters *counters, FILE *out);

#endif
