/*
 * course: what a point shows at one of its ticks.
 *
 * The one place where signal, ramps, freezes and flags meet.  Pure: live
 * simulators and the trace writer ask the same function, in any order.
 */
#ifndef DAVY_SIMULATORS_COURSE_H
#define DAVY_SIMULATORS_COURSE_H

#include "simulators/scenario.h"
#include <stdint.h>

/* What the device knows: a value, and what it says about it. */
struct sim_reading {
    double value;    /* NaN: no value */
    uint16_t status; /* enum status bits */
};

/* Gives the line the signal moves around at t_ns: base, ramps and drift. */
double course_centre(const struct sim_point *point, int64_t t_ns);

/* Gives the tick that is the newest at t_ns (0 before the start). */
int64_t course_tick(const struct sim_point *point, int64_t t_ns);

/* Gives what is shown at a tick.  `place` says the point's range. */
struct sim_reading course_reading(const struct sim_point *point, const struct site_point *place, int64_t tick);

#endif
