/*
 * against: `davy replay SITE TRACE... --against OTHER_SITE`, two rule sets over
 * the same trace in one pass.
 *
 * Each row is read once and given to both engines (both_sites.h); their events
 * are kept as far as event_match and load_figures need them, and what differs
 * is printed at the end with the operator load of both.
 *
 * Memory: about 100 bytes an event of either side; samples leave nothing
 * behind.  Threads: one.
 */
#ifndef DAVY_APP_AGAINST_H
#define DAVY_APP_AGAINST_H

#include "base/err.h"
#include "model/site.h"
#include "rules/rules.h"
#include <stdbool.h>
#include <stddef.h>

struct against_side {
    const char *name; /* as the user named the site file */
    const struct site *site;
    const struct rules *rules;
};

struct against_config {
    struct against_side sides[2]; /* SITE, then OTHER_SITE; borrowed */
    unsigned shards;
    bool ndjson;
    const char *const *traces;
    size_t trace_count;
};

/* Replays and prints: differences and figures on stdout, a summary on stderr.  ERR_NO when the events differ (then err
 * is not filled: the answer stands on stdout). */
enum err_code against_run(const struct against_config *config, struct err *err) MUST_CHECK;

#endif
