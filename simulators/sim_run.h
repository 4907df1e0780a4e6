/*
 * sim_run: the live field: devices and publishers of a site on one loop until
 * told to stop.
 */
#ifndef DAVY_SIMULATORS_SIM_RUN_H
#define DAVY_SIMULATORS_SIM_RUN_H

#include "base/err.h"
#include "simulators/scenario.h"
#include <stdbool.h>
#include <stdio.h>

struct sim_run_options {
    int64_t run_ns; /* end after so long; 0: not */
    bool once;      /* end with the scenario's length */
    FILE *notes;    /* what is listening, and "ready" */
};

/* Plays the scenario from now on.  Returns when a signal (SIGINT, SIGTERM) or the options end it. */
enum err_code sim_run(const struct site *site, const struct scenario *scenario, const struct sim_run_options *options,
                      struct err *err) MUST_CHECK;

#endif
