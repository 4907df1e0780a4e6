/*
 * explain: why an alarm fired, or what it still waits for.
 *
 * The journal tells what happened (story.h); the stored samples, judged once
 * more by the real engine (rejudge.h), tell what brought it about: each change
 * of a condition with the sample that caused it, each delay, each level
 * entered and left.  Both are printed as one list in the order of time.  Where
 * judging again does not lead to what the journal says, that is said.
 *
 * Threads: one; reads beside a running monitor.
 */
#ifndef DAVY_APP_EXPLAIN_H
#define DAVY_APP_EXPLAIN_H

#include "base/err.h"
#include "model/site.h"
#include "rules/rules.h"
#include "store/store.h"
#include <stdio.h>

struct explain_config {
    const struct site *site; /* borrowed, like all below */
    const struct rules *rules;
    uint32_t alarm;
    uint32_t occurrence; /* 0: the last one */
    struct store *store;
    int64_t now_ns; /* up to when to judge: now, or the end of what was recorded */
    FILE *out;
};

/* Prints.  ERR_NO when the journal has no such occurrence. */
enum err_code explain(const struct explain_config *config, struct err *err) MUST_CHECK;

#endif
