/*
 * scenario_read: what the parts of the loader share while reading: the file
 * and its heading are in scenario_load.c, the signals in scenario_points.c, the
 * script of events in scenario_events.c.
 */
#ifndef DAVY_SIMULATORS_SCENARIO_READ_H
#define DAVY_SIMULATORS_SCENARIO_READ_H

#include "model/conf.h"
#include "simulators/incidents.h"
#include "simulators/scenario.h"

struct scenario_reader {
    struct conf conf;
    const struct site *site;
    struct scenario *scenario;
    struct incidents incidents;
    struct fault *faults; /* owned; room for one per event */
    size_t fault_count;
};

#define SCENARIO_VALUE_MOST 1e9 /* no engineering value of a scenario is farther from 0 */

/* Calls `take` for each point that a name (an id or a pattern) stands for; a name that stands for none is a mistake at
 * `at`. */
typedef void scenario_take_fn(struct scenario_reader *reader, const struct conf_at *at, uint32_t point,
                              const void *what);
void scenario_each_point(struct scenario_reader *reader, const struct conf_at *at, const char *name,
                         scenario_take_fn *take, const void *what);

/* Reads the entries of `points` into the scenario's waves. */
void scenario_read_points(struct scenario_reader *reader, const struct conf_at *at, json_t *points);

/* Reads the list of events into reader->incidents and reader->faults. */
void scenario_read_events(struct scenario_reader *reader, const struct conf_at *at, const json_t *events);

/* The tables that a scenario is read by; scenario_table leads to the others. */
extern const struct conf_table scenario_table, scenario_entry_table, scenario_event_table;

#endif
