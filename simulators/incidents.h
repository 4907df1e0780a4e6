/*
 * incidents: the scripted events of points, sorted and turned into what
 * course.h reads: legs, freezes, flags.
 *
 * Memory: the list is the loader's and grows while reading; what is built lies
 * in the scenario's arena.
 */
#ifndef DAVY_SIMULATORS_INCIDENTS_H
#define DAVY_SIMULATORS_INCIDENTS_H

#include "simulators/scenario.h"
#include <stdbool.h>

enum incident_kind { INCIDENT_RAMP, INCIDENT_SET, INCIDENT_FREEZE, INCIDENT_STATUS, INCIDENT_RELEASE };

/* One event of one point. */
struct incident {
    int64_t at_ns, end_ns; /* ramp: its end; freeze, status: when it is over; else equal to at_ns */
    double to;             /* ramp, set */
    uint32_t point;
    uint32_t order; /* place in the file: breaks ties */
    enum incident_kind kind;
    uint16_t status; /* status */
};

/* More would be a mistake in a glob rather than a script. */
enum { INCIDENTS_MAX = 1000000 };

struct incidents {
    struct incident *list; /* owned */
    size_t count, room;
};

void incidents_done(struct incidents *incidents);

/* Adds one.  False when there are INCIDENTS_MAX already (or no memory). */
bool incidents_add(struct incidents *incidents, struct incident incident);

/* Sorts the list and gives every point of the scenario its legs, freezes and flags.  The waves must be known. */
void incidents_build(struct incidents *incidents, struct scenario *scenario, size_t point_count);

#endif
