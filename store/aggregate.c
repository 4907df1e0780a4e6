/*
 * aggregate: means, extremes and counts over buckets of time, in one pass.
 *
 * Buckets start at whole multiples of their length since 1970, before it too.
 * The mean is summed with a compensation for lost digits (Neumaier, ZAMM 54,
 * 1974), so it does not depend on how many samples came before.
 */
#include "store/store.h"

enum { NOT_COUNTED = ST_COMM | ST_SENSOR | ST_CALIBRATING | ST_PAUSED };

struct aggregation {
    int64_t every_ns;
    struct store_bucket bucket; /* count 0: none begun */
    double sum, lost;
    store_bucket_fn *fn;
    void *self;
    bool stopped;
};

/* Multiples of every, rounded towards the past; at the far end of time the bucket starts where time does. */
static int64_t bucket_start(int64_t time_ns, int64_t every_ns)
{
    const int64_t rest = time_ns % every_ns;
    const int64_t back = rest < 0 ? rest + every_ns : rest;
    return time_ns < INT64_MIN + back ? INT64_MIN : time_ns - back;
}

static void sum_add(struct aggregation *aggregation, double value)
{
    const double sum = aggregation->sum + value;
    aggregation->lost +=
        fabs(aggregation->sum) >= fabs(value) ? (aggregation->sum - sum) + value : (value - sum) + aggregation->sum;
    aggregation->sum = sum;
}

static void bucket_end(struct aggregation *aggregation)
{
    struct store_bucket *const bucket = &aggregation->bucket;
    if (bucket->count == 0) {
        return;
    }
    const double sum = aggregation->sum + aggregation->lost;
    bucket->agg[AGG_MEAN] = (isfinite(sum) ? sum : aggregation->sum) / (double)bucket->count;
    bucket->agg[AGG_COUNT] = (double)bucket->count;
    aggregation->stopped = !aggregation->fn(aggregation->self, bucket);
    bucket->count = 0;
}

static void bucket_begin(struct aggregation *aggregation, int64_t start_ns, double value)
{
    aggregation->bucket = (struct store_bucket){.start_ns = start_ns};
    aggregation->bucket.agg[AGG_MIN] = value;
    aggregation->bucket.agg[AGG_MAX] = value;
    aggregation->bucket.agg[AGG_FIRST] = value;
    aggregation->sum = 0;
    aggregation->lost = 0;
}

static bool take_row(void *self, const struct store_row *row)
{
    struct aggregation *const aggregation = self;
    struct store_bucket *const bucket = &aggregation->bucket;
    if (isnan(row->value) || (row->status & NOT_COUNTED) != 0) {
        return true;
    }
    const int64_t start_ns = bucket_start(row->time_ns, aggregation->every_ns);
    if (bucket->count > 0 && start_ns != bucket->start_ns) {
        bucket_end(aggregation);
        if (aggregation->stopped) {
            return false;
        }
    }
    if (bucket->count == 0) {
        bucket_begin(aggregation, start_ns, row->value);
    }
    sum_add(aggregation, row->value);
    bucket->agg[AGG_MIN] = row->value < bucket->agg[AGG_MIN] ? row->value : bucket->agg[AGG_MIN];
    bucket->agg[AGG_MAX] = row->value > bucket->agg[AGG_MAX] ? row->value : bucket->agg[AGG_MAX];
    bucket->agg[AGG_LAST] = row->value;
    bucket->count++;
    return true;
}

enum err_code store_aggregate(struct store *store, const char *point_id, int64_t from_ns, int64_t to_ns,
                              int64_t every_ns, store_bucket_fn *fn, void *self, struct err *err)
{
    if (every_ns <= 0) {
        return err_set(err, ERR_INPUT, "a bucket must be longer than nothing");
    }
    struct aggregation aggregation = {.every_ns = every_ns, .fn = fn, .self = self};
    const enum err_code code = store_read(store, point_id, from_ns, to_ns, take_row, &aggregation, err);
    if (code == ERR_NONE && !aggregation.stopped) {
        bucket_end(&aggregation);
    }
    return code;
}
