/*
 * sim_trace: a scenario as a trace file: what davy would take in from the
 * simulated field, row by row, in order of arrival.
 *
 * The samples are those that the live devices show at their ticks, after the
 * way through registers or payload; faults become what a reader makes of them:
 * samples without value with `comm`, later arrival, swapped order.  The last
 * row moves the clock to the scenario's end.
 */
#ifndef DAVY_SIMULATORS_SIM_TRACE_H
#define DAVY_SIMULATORS_SIM_TRACE_H

#include "base/err.h"
#include "simulators/scenario.h"
#include <stdint.h>
#include <stdio.h>

/* Writes the whole scenario; gives how many samples that were (may be NULL). */
enum err_code sim_trace_write(const struct site *site, const struct scenario *scenario, FILE *out,
                              uint64_t *ret_samples, struct err *err) MUST_CHECK;

#endif
