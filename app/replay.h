/*
 * replay: the engine on a virtual clock, for `davy replay` and `davy test`.
 *
 * The same shards and the same alarm book as in the live run, driven by hand
 * on one thread: before each row everything that is due up to its time of
 * receipt, instant by instant and phase by phase; then the row; its verdicts,
 * of however many shards, go to the book in the order of alarm index.
 *
 * Nothing of the site's store, sinks or journal is touched.  Memory: all at
 * replay_new and at the first row.  Threads: one.
 */
#ifndef DAVY_APP_REPLAY_H
#define DAVY_APP_REPLAY_H

#include "base/err.h"
#include "model/alarm.h"
#include "model/site.h"
#include "model/trace.h"
#include "rules/rules.h"
#include <stdint.h>

struct replay;

/* Called with each event as the contract's JSON, without newline. */
typedef void replay_event_fn(void *self, const struct event *event, const char *json, size_t len);

/* `site` and `rules` are borrowed. */
enum err_code replay_new(const struct site *site, const struct rules *rules, unsigned shards, enum run_status status,
                         replay_event_fn *fn, void *self, struct replay **ret_replay, struct err *err) MUST_CHECK;
void replay_free(struct replay *replay);

/* Takes one row.  ERR_NO with a reason: an act that was refused (there is no event, replay goes on). */
enum err_code replay_row(struct replay *replay, const struct trace_row *row, struct err *err) MUST_CHECK;

struct replay_figures {
    uint64_t samples;
    uint64_t acts;
    uint64_t refused; /* acts */
    uint64_t events;
    uint64_t raised[LEVEL_COUNT]; /* by level */
    int64_t first_ns, last_ns;    /* the clock at the first row and now */
};
const struct replay_figures *replay_figures(const struct replay *replay);

#endif
