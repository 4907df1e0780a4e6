/*
 * fault: the kinds of trouble a source can have, and which one holds when.
 *
 * Pure.  The table in fault.c says for each kind its name, what argument it
 * takes, which sources can have it and whether it strikes a whole connection;
 * loading, the live devices and the trace writer all go by it.
 */
#ifndef DAVY_SIMULATORS_FAULT_H
#define DAVY_SIMULATORS_FAULT_H

#include "simulators/scenario.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads "timeout", "exception:2", "delay:800ms", "clock:-1h" …  NULL when it is one; else why it is none. */
const char *fault_parse(const char *text, enum fault_kind *ret_kind, int64_t *ret_value);

/* The kind's name. */
const char *fault_name(enum fault_kind kind);

/* True when it is one of those that let every request be answered as ever. */
bool fault_is_harmless(enum fault_kind kind);

/* True when that source can have it. */
bool fault_fits(enum fault_kind kind, const struct site_source *source);

/* True when it strikes the connection, not a single unit. */
bool fault_is_whole(enum fault_kind kind);

/* All names that source can have, as "timeout, silent, …". */
void fault_names(const struct site_source *source, char *ret_text, size_t size);

/* Gives the fault of a source (and unit) at t_ns: the one that began last; NULL when there is none. */
const struct fault *fault_at(const struct scenario *scenario, uint32_t source, int32_t unit, int64_t t_ns);

/* Gives when the running stretch of faults of this kind ends: back-to-back and overlapping ones count as one. */
int64_t fault_end(const struct scenario *scenario, uint32_t source, enum fault_kind kind, int64_t t_ns);

#endif
