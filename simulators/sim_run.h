/*
 * sim_run: the live field: devices and publishers of a site, playing a scenario
 * or a recording, on one loop until told to stop.
 */
#ifndef DAVY_SIMULATORS_SIM_RUN_H
#define DAVY_SIMULATORS_SIM_RUN_H

#include "base/err.h"
#include "simulators/scenario.h"
#include <stdbool.h>
#include <stdio.h>

struct recording;

struct sim_run_options {
    int64_t run_ns; /* end after so long; 0: not */
    bool once;      /* end with the scenario's length, or the recording's end */
    double speed;   /* of a recording */
    FILE *notes;    /* what is listening, and "ready" */
};

/* Plays the scenario from now on.  Returns when a signal (SIGINT, SIGTERM) or the options end it. */
enum err_code sim_run(const struct site *site, const struct scenario *scenario, const struct sim_run_options *options,
                      struct err *err) MUST_CHECK;

/* Plays a recording.  Returns likewise. */
enum err_code sim_run_recording(const struct site *site, struct recording *recording,
                                const struct sim_run_options *options, struct err *err) MUST_CHECK;

#endif
