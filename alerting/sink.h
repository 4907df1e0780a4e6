/*
 * sink: one way in which events leave Davy.
 *
 * The journal is the outbox: each sink has a cursor, the seq up to which its
 * receiver has everything, kept in the store.  A sink reads the journal behind
 * its cursor, delivers in order, at least once, and moves the cursor when the
 * receiver has confirmed.  A receiver that is away costs nothing but time.
 *
 * Every sink runs as an agent on a thread of its own.  Making one never waits
 * for its receiver.
 */
#ifndef DAVY_ALERTING_SINK_H
#define DAVY_ALERTING_SINK_H

#include "alerting/told.h"
#include "base/agent.h"
#include "base/cell.h"
#include "base/counter.h"
#include "base/err.h"
#include "model/site.h"
#include "store/store.h"

struct sink_config {
    const struct site *site;
    const struct site_sink *sink;
    struct store *store;
    struct doorbell *bell; /* the sink's thread's bell */
    struct counters *counters;
    const struct told *told; /* may be NULL */
    const struct cell *stop; /* not 0: deliver what is there, say good-bye, finish; wall time in ns of the deadline */
};

struct sink; /* opaque; one implementation per type */

enum err_code sink_mqtt_new(const struct sink_config *config, struct sink **ret_sink, struct err *err) MUST_CHECK;
enum err_code sink_file_new(const struct sink_config *config, struct sink **ret_sink, struct err *err) MUST_CHECK;
enum err_code sink_cap_new(const struct sink_config *config, struct sink **ret_sink, struct err *err) MUST_CHECK;
enum err_code sink_webhook_new(const struct sink_config *config, struct sink **ret_sink, struct err *err) MUST_CHECK;

/* Makes the sink of config->sink->type. */
enum err_code sink_new(const struct sink_config *config, struct sink **ret_sink, struct err *err) MUST_CHECK;
void sink_free(struct sink *sink);
struct agent sink_agent(struct sink *sink);

#endif
