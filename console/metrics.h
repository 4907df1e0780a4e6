/*
 * metrics: everything countable, in the text format of Prometheus (0.0.4).
 *
 * Every counter of the registry is there.  What its name says of one thing
 * among many becomes a label, so that all of one kind stand together:
 *
 *   ingest.plc-1.polls       davy_ingest_polls_total{source="plc-1"}
 *   bus.plc-1.3.timeouts     davy_bus_unit_timeouts_total{source="plc-1",unit="3"}
 *   sink.centre.behind       davy_sink_behind{sink="centre"}
 *   rules.0.samples          davy_rules_samples_total{shard="0"}
 *   alerting.raised.red      davy_alerting_raised_total{level="red"}
 *   alerting.latency_p50_us  davy_alerting_latency_p50_seconds
 *
 * Times are in seconds, whatever the counter's unit; those that only rise end in
 * _total, the others are gauges.  metrics_index_new sorts it out once a run.
 *
 * Memory: the index owns its texts; counters are borrowed.  Threads: one.
 */
#ifndef DAVY_CONSOLE_METRICS_H
#define DAVY_CONSOLE_METRICS_H

#include "base/buf.h"
#include "base/counter.h"
#include "console/reply.h"
#include "model/site.h"
#include <stddef.h>

struct metrics_index;

struct metrics_index *metrics_index_new(const struct site *site, const struct counters *counters);
void metrics_index_free(struct metrics_index *index); /* accepts NULL */

/* Puts the counters from *next on, some REPLY_PIECE bytes of them, and moves *next; false when there are no more. */
bool metrics_put_counters(struct buf *out, const struct metrics_index *index, size_t *next);

/* What is counted at this moment: alarms, points, queues, ages, disk. */
void metrics_put_now(struct buf *out, const struct console_source *source, int64_t now_ns);

/* Begins the answer; the index is borrowed until it ends. */
void metrics_begin(struct reply *reply, const struct console_source *source, struct metrics_index *index,
                   int64_t now_ns);

/* The pieces of the format: HELP and TYPE of a family ("gauge", "counter"); one sample, with labels or "". */
void metrics_family(struct buf *out, const char *name, const char *type, const char *help);
void metrics_sample(struct buf *out, const char *name, const char *labels, double value);
/* Puts key="value" with a comma in front if `out` has any label, the value escaped. */
void metrics_label(struct buf *out, const char *key, const char *value, size_t len);

#endif
