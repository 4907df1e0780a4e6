/*
 * ask: what the parameters of a request mean.
 *
 * Pure.  Texts are borrowed from the target.
 */
#ifndef DAVY_CONSOLE_ASK_H
#define DAVY_CONSOLE_ASK_H

#include "base/err.h"
#include "console/route.h"
#include "store/store.h"
#include <stdbool.h>
#include <stdint.h>

/* What an alarm is in one word, as its retained state says it. */
enum ask_state { STATE_ACTIVE, STATE_RETURNED, STATE_SHELVED, STATE_SUPPRESSED, STATE_OUT_OF_SERVICE, STATE_COUNT };
const char *ask_state_name(enum ask_state state);
/* STATE_COUNT: no such word. */
enum ask_state ask_state_of(const char *text, size_t len);

/* What can be asked of a bucket: the aggregates of the store, and its flags. */
enum { ASK_STATUS = AGG_KINDS, ASK_AGGS };
const char *ask_agg_name(int agg);

struct ask {
    const char *id, *kind, *hazard, *alarm; /* NULL: any */
    unsigned states;                        /* bits 1 << enum ask_state that are asked for */
    enum level level;                       /* LEVEL_NONE: any */
    int64_t from_ns, to_ns;                 /* samples: from included, to not */
    int64_t every_ns;                       /* 0: samples, not buckets */
    int aggs[ASK_AGGS];
    size_t agg_count;
    uint64_t limit; /* UINT64_MAX: none */
    uint64_t after;
    bool has_after;
};

/* ERR_INPUT names the parameter that is not known, twice, or makes no sense. */
enum err_code ask_read(enum route_kind route, const struct target *target, int64_t now_ns, struct ask *ret_ask,
                       struct err *err) MUST_CHECK;

/* Reads a whole number of text[0..len); false when it is none, or does not fit. */
bool ask_whole(const char *text, uint64_t *ret_number);

#endif
