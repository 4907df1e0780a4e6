/*
 * bucket: what is told of all samples of a stretch of time.
 *
 * Samples are added by rising time; buckets that follow one another can be
 * merged, and the result is the same to the last bit as if all their samples
 * had been added one by one.
 *
 * Counted are samples with a value and without comm, sensor, calibrating,
 * paused; late ones too.  The status is that of all samples: every flag that
 * any of them had.
 *
 * Also the arithmetic of stretches: they start at whole multiples of their
 * length since 1970, before it too; at the far ends of time they are cut.
 *
 * Pure.
 */
#ifndef DAVY_STORE_BUCKET_H
#define DAVY_STORE_BUCKET_H

#include "store/store.h"
#include "store/sum.h"

struct bucket {
    int64_t index;  /* start / length */
    uint64_t count; /* 0: no sample that counts; then the four values are NaN */
    double min, max, first, last;
    struct sum sum;
    uint16_t status;
};

/* Empties it, for the samples of the stretch `index`. */
void bucket_begin(struct bucket *bucket, int64_t index);
/* `bucket` must have been begun once, or be zero. */
void bucket_copy(struct bucket *bucket, const struct bucket *other);
void bucket_add(struct bucket *bucket, const struct store_row *row);
/* `later` follows `bucket` in time. */
void bucket_merge(struct bucket *bucket, const struct bucket *later);

/* Gives it as the outside sees it; count is not 0. */
struct store_bucket bucket_show(const struct bucket *bucket, int64_t every_ns);

/* The stretch a time lies in. */
static inline int64_t stretch_index(int64_t time_ns, int64_t len_ns)
{
    return time_ns / len_ns - (time_ns % len_ns < 0);
}

/* When it starts; the first one of all starts where time does. */
static inline int64_t stretch_start(int64_t index, int64_t len_ns)
{
    int64_t start_ns = 0;
    return __builtin_mul_overflow(index, len_ns, &start_ns) ? (index < 0 ? INT64_MIN : INT64_MAX) : start_ns;
}

static inline int64_t stretch_floor(int64_t time_ns, int64_t len_ns)
{
    return stretch_start(stretch_index(time_ns, len_ns), len_ns);
}

/* The first start not before time_ns; INT64_MAX when there is none. */
static inline int64_t stretch_ceil(int64_t time_ns, int64_t len_ns)
{
    const int64_t start_ns = stretch_floor(time_ns, len_ns);
    return start_ns == time_ns ? start_ns : stretch_start(stretch_index(time_ns, len_ns) + 1, len_ns);
}

#endif
