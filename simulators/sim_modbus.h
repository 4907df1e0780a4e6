/*
 * sim_modbus: every Modbus device of a site on real sockets and terminals.
 *
 * One listener for each host:port of the site's sources (sources that share
 * one share its listener), one pseudo-terminal for each serial line; all on
 * one libuv loop, so a thousand devices need one thread.
 *
 * Threads: the loop's.  Memory: the field owns all; site and scenario are
 * borrowed until sim_modbus_free.
 */
#ifndef DAVY_SIMULATORS_SIM_MODBUS_H
#define DAVY_SIMULATORS_SIM_MODBUS_H

#include "base/err.h"
#include "simulators/scenario.h"
#include <stdint.h>
#include <stdio.h>
#include <uv.h>

struct sim_modbus;

/* Makes the devices; nothing listens yet.  `start_ns` is the monotonic time (uv_hrtime) of the scenario's start. */
enum err_code sim_modbus_new(const struct site *site, const struct scenario *scenario, uint64_t start_ns,
                             struct sim_modbus **ret_field, struct err *err) MUST_CHECK;

/* Opens all listeners and says one line for each source on `notes` (may be NULL).  After a failure, too: stop, run the
 * loop, free. */
enum err_code sim_modbus_start(struct sim_modbus *field, uv_loop_t *loop, FILE *notes, struct err *err) MUST_CHECK;

/* Says how often a bound was reached, when one was; to be called after everything is closed. */
void sim_modbus_say_lost(const struct sim_modbus *field, FILE *notes);

/* Begins to close everything; the loop must run until it is done, then sim_modbus_free.  Both accept NULL. */
void sim_modbus_stop(struct sim_modbus *field);
void sim_modbus_free(struct sim_modbus *field);

#endif
