/*
 * query_out: what `davy query` prints: samples, buckets or newest readings as
 * CSV or NDJSON, one line each, as they come.
 *
 * Threads: main.
 */
#ifndef DAVY_APP_QUERY_OUT_H
#define DAVY_APP_QUERY_OUT_H

#include "base/buf.h"
#include "store/store.h"

enum query_kind { QUERY_SAMPLES, QUERY_BUCKETS, QUERY_NEWEST, QUERY_PROVENANCE, QUERY_CHANGES };

/* The aggregates that can be asked for: those of the store, and the status. */
enum { QUERY_STATUS = AGG_KINDS, QUERY_AGGS };

struct query_out {
    enum query_kind kind;
    bool ndjson;
    bool with_point; /* a column says which point: more than one was asked for */
    int aggs[QUERY_AGGS]; /* enum store_agg or QUERY_STATUS, in the order asked */
    size_t agg_count;
    const char *point; /* of the next lines; need not end in NUL */
    size_t point_len;
    struct buf line;
};

/* Reads "mean,max,status" into aggs. */
enum err_code query_out_aggs(struct query_out *out, const char *list, struct err *err) MUST_CHECK;
void query_out_header(const struct query_out *out);
/* Each false when the line could not be written; `self` is a struct query_out. */
bool query_out_sample(void *self, const struct store_row *row);
bool query_out_bucket(void *self, const struct store_bucket *bucket);
void query_out_done(struct query_out *out);

#endif
