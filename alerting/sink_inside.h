/*
 * sink_inside: what every kind of sink begins with.
 */
#ifndef DAVY_ALERTING_SINK_INSIDE_H
#define DAVY_ALERTING_SINK_INSIDE_H

#include "alerting/sink.h"

/* The first member of each implementation's struct. */
struct sink {
    struct agent agent;
    void (*free)(struct sink *sink);
};

/* True once the pipeline wants the sink to end; *ret_deadline_ns is then the wall time at which it must. */
static inline bool sink_is_stopping(const struct sink_config *config, int64_t *ret_deadline_ns)
{
    const uint64_t deadline = config->stop == NULL ? 0 : cell_get(config->stop);
    *ret_deadline_ns = (int64_t)deadline;
    return deadline != 0;
}

#endif
