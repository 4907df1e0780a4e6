/*
 * query_out: what `davy query` prints about points: a line of CSV or NDJSON for
 * each sample, bucket or newest reading, as they come.
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
    bool with_point;      /* a column says which point: more than one was asked for */
    int aggs[QUERY_AGGS]; /* enum store_agg or QUERY_STATUS, in the order asked */
    size_t agg_count;
    const char *point; /* of the next lines; need not end in NUL */
    size_t point_len;
    struct buf line;
};

/* Reads "mean,max,status" into aggs. */
enum err_code query_out_aggs(struct query_out *out, const char *list, struct err *err) MUST_CHECK;
/* The columns of CSV; nothing for NDJSON. */
void query_out_header(const struct query_out *out);

/* Each false when the line could not be written; `self` is a struct query_out. */
bool query_out_sample(void *self, const struct store_row *row);
bool query_out_bucket(void *self, const struct store_bucket *bucket);

/* The pieces of a line, for those who know more about a row: its time and point; further members; its end. */
void query_out_begin(struct query_out *out, int64_t time_ns);
void query_out_time(struct query_out *out, const char *name, int64_t time_ns);
void query_out_value(struct query_out *out, const char *name, double value); /* none when it is not finite */
void query_out_status(struct query_out *out, uint16_t status);
bool query_out_end(struct query_out *out);

void query_out_done(struct query_out *out);

#endif
