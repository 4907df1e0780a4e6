/*
 * sim_edge: the edge nodes of a Sparkplug source, played.
 *
 * Each node steps its own gateway on the loop's clock and has a connection of
 * its own.  While it is cut off its data waits, at most PUBLISHER_QUEUE moments
 * of it, and goes out behind the next births as history.  A host that asks for
 * a rebirth gets it at once.
 *
 * Threads: the loop's.  Memory: owns all; site and scenario are borrowed.
 */
#ifndef DAVY_SIMULATORS_SIM_EDGE_H
#define DAVY_SIMULATORS_SIM_EDGE_H

#include "base/err.h"
#include "simulators/sim_mqtt.h"

struct sim_edge;

/* Makes all nodes of a source. */
enum err_code sim_edge_new(const struct site *site, const struct scenario *scenario, uint32_t source,
                           void (*wake)(void *self), void *wake_self, struct sim_edge **ret_edge,
                           struct err *err) MUST_CHECK;
/* Does what is due at t_ns. */
void sim_edge_play(struct sim_edge *edge, int64_t t_ns, int64_t epoch_ns);
/* Moments of data dropped so far because nobody took them. */
uint64_t sim_edge_dropped(const struct sim_edge *edge);
void sim_edge_free(struct sim_edge *edge);

#endif
