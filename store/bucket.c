/*
 * bucket: see bucket.h.
 */
#include "store/bucket.h"

enum { NOT_COUNTED = ST_COMM | ST_SENSOR | ST_CALIBRATING | ST_PAUSED };

void bucket_begin(struct bucket *bucket, int64_t index)
{
    sum_clear(&bucket->sum);
    bucket->index = index;
    bucket->count = 0;
    bucket->status = 0;
    bucket->min = bucket->max = bucket->first = bucket->last = (double)NAN;
}

void bucket_copy(struct bucket *bucket, const struct bucket *other)
{
    sum_copy(&bucket->sum, &other->sum);
    bucket->index = other->index;
    bucket->count = other->count;
    bucket->min = other->min;
    bucket->max = other->max;
    bucket->first = other->first;
    bucket->last = other->last;
    bucket->status = other->status;
}

void bucket_add(struct bucket *bucket, const struct store_row *row)
{
    const double value = row->value;
    bucket->status |= row->status;
    if (isnan(value) || (row->status & NOT_COUNTED) != 0) {
        return;
    }
    if (bucket->count++ == 0) {
        bucket->min = bucket->max = bucket->first = value;
    }
    bucket->min = value < bucket->min ? value : bucket->min;
    bucket->max = value > bucket->max ? value : bucket->max;
    bucket->last = value;
    sum_add(&bucket->sum, value);
}

void bucket_merge(struct bucket *bucket, const struct bucket *later)
{
    bucket->status |= later->status;
    if (later->count == 0) {
        return;
    }
    if (bucket->count == 0) {
        bucket->min = later->min;
        bucket->max = later->max;
        bucket->first = later->first;
    }
    bucket->count += later->count;
    bucket->min = later->min < bucket->min ? later->min : bucket->min;
    bucket->max = later->max > bucket->max ? later->max : bucket->max;
    bucket->last = later->last;
    sum_merge(&bucket->sum, &later->sum);
}

struct store_bucket bucket_show(const struct bucket *bucket, int64_t every_ns)
{
    return (struct store_bucket){
        .start_ns = stretch_start(bucket->index, every_ns),
        .count = bucket->count,
        .agg = {[AGG_MEAN] = sum_mean(&bucket->sum, bucket->count),
                [AGG_MIN] = bucket->min,
                [AGG_MAX] = bucket->max,
                [AGG_COUNT] = (double)bucket->count,
                [AGG_FIRST] = bucket->first,
                [AGG_LAST] = bucket->last},
        .status = bucket->status,
    };
}
