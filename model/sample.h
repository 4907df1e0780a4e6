/*
 * sample: one reading of one point, the record that travels left to right.
 *
 * A plain value without pointers or text: 32 bytes, two per cache line.  Value,
 * time and status travel together; trouble is data: a reading that could not
 * be taken is a sample without value (NaN) and with a flag, in order, in the
 * same ring.
 */
#ifndef DAVY_MODEL_SAMPLE_H
#define DAVY_MODEL_SAMPLE_H

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Status bits, in the order in which they are printed.  0 is "good". */
enum status {
    ST_COMM = 1 << 0,        /* no or wrong answer from the device */
    ST_SENSOR = 1 << 1,      /* the device says it has no reading, NaN, infinity */
    ST_RANGE = 1 << 2,       /* outside the point's range */
    ST_CALIBRATING = 1 << 3,
    ST_STALE = 1 << 4,
    ST_LATE = 1 << 5,        /* older than the newest of its point: stored, not judged */
    ST_SKEW = 1 << 6,        /* more than 60 s in the future: judged at its time of receipt */
    ST_MANUAL = 1 << 7,
    ST_MERGED = 1 << 8,
    ST_PAUSED = 1 << 9,
    ST_COUNT = 10,
    /* a reading with one of these is unknown (contract: "Which flags make a reading unknown") */
    ST_UNKNOWN = ST_COMM | ST_SENSOR | ST_CALIBRATING | ST_PAUSED | ST_STALE,
    /* on the way to a shard only, which takes them off */
    SAMPLE_OPEN = 1 << 10,   /* a mark will follow; what is judged until then belongs together */
    SAMPLE_JUDGED = 1 << 11, /* taken again after a restart: judged before it, so it is only to be known and stored */
    SAMPLE_BITS = SAMPLE_OPEN | SAMPLE_JUDGED,
};

/* A mark is no reading: it asks "everything up to here" to be made safe and comes out at the far end of every ring in
 * order (see model/queues.h).  point is POINT_MARK, time_ns the ticket, status the index of the source that marks. */
#define POINT_MARK UINT32_MAX

struct sample {
    int64_t time_ns; /* when the field says it happened, UTC; whole milliseconds once in a ring */
    int64_t seen_ns; /* when davy took it in, by its clock; never falls within one ring */
    double value;    /* in the point's unit; NaN = no value, then a status bit is set */
    uint32_t point;  /* index into site.points; never leaves the process */
    uint16_t status; /* enum status bits */
    uint16_t seq;    /* per producer and point, wraps; a gap shows a loss */
};
static_assert(sizeof(struct sample) == 32, "two samples per cache line");

enum { STATUS_TEXT_MAX = 96 };

/* Prints "good" or the flags joined by '+', in enum order.  Returns the length. */
size_t status_format(uint16_t status, char ret_text[STATUS_TEXT_MAX]);

/* Reads that form ("" is good) from text[0..len).  False on an unknown word; then *ret_status is untouched. */
bool status_parse(const char *text, size_t len, uint16_t *ret_status);

/* Cuts a time to whole milliseconds, towards the past: the grain of the contract's times, so that what is stored or
 * exported judges the same again. */
static inline int64_t sample_cut_time(int64_t time_ns)
{
    int64_t rest_ns = time_ns % 1000000;
    if (time_ns < INT64_MIN + 1000000) {
        return time_ns - rest_ns; /* at the beginning of time there is nothing before */
    }
    return time_ns - (rest_ns < 0 ? rest_ns + 1000000 : rest_ns);
}

/* Sets what every reader of the field must set: a NaN or infinite value becomes no value, and no value without a flag
 * gets ST_SENSOR. */
static inline void sample_settle(struct sample *sample)
{
    if (!isfinite(sample->value)) {
        sample->value = NAN;
        if (sample->status == 0) {
            sample->status = ST_SENSOR;
        }
    }
}

#endif
