/*
 * sparkplug_wire: the bytes of a Sparkplug B payload, read where they lie.
 *
 * A payload is a protobuf message.  It is read by a cursor of our own, not by
 * a generated parser: nothing is allocated, whatever the bytes say; the work
 * is at most a few passes over them; and a part that cannot be read is set
 * aside with its place while the others are taken.  A generated parser builds
 * a tree of the whole message first and gives it up at the first fault; here
 * it serves as the oracle of the tests.
 *
 *   Payload   1 timestamp  2 metrics*  3 seq  4 uuid  5 body
 *   Metric    1 name  2 alias  3 timestamp  4 datatype  5 is_historical  6 is_transient  7 is_null  8 metadata
 *             9 properties  10 int  11 long  12 float  13 double  14 boolean  15 string  16 bytes  17 dataset
 *             18 template  19 extension
 *   PropertySet 1 keys*  2 values*;  PropertyValue 1 type  2 is_null  3 int  4 long  5 float  6 double  7 boolean …
 *
 * As protobuf asks: fields come in any order, the last of several counts, and
 * unknown ones are passed over.
 *
 * Pure.  Memory: spans lie in the caller's bytes.
 */
#ifndef DAVY_INGEST_SPARKPLUG_WIRE_H
#define DAVY_INGEST_SPARKPLUG_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spb_span {
    const char *data; /* not ended by NUL; NULL when there is none */
    size_t len;
};

/* What a payload says of itself. */
struct spb_payload {
    bool has_time, has_seq;
    uint64_t time_ms, seq;
    size_t metrics;
};

enum spb_datatype {
    SPB_UNKNOWN,
    SPB_INT8,
    SPB_INT16,
    SPB_INT32,
    SPB_INT64,
    SPB_UINT8,
    SPB_UINT16,
    SPB_UINT32,
    SPB_UINT64,
    SPB_FLOAT,
    SPB_DOUBLE,
    SPB_BOOLEAN,
    SPB_STRING,
    SPB_DATETIME,
    SPB_TEXT,
    SPB_UUID,
    SPB_DATASET,
    SPB_BYTES,
    SPB_FILE,
    SPB_TEMPLATE,
    SPB_DATATYPES = 35 /* 20 to 34: property sets and arrays; no value of a point */
};

/* Which of the value fields stands in a metric. */
enum spb_kind {
    SPB_NONE,
    SPB_AS_INT,
    SPB_AS_LONG,
    SPB_AS_FLOAT,
    SPB_AS_DOUBLE,
    SPB_AS_BOOLEAN,
    SPB_AS_OTHER /* text, bytes, data set, template: nothing a point can show */
};

struct spb_metric {
    struct spb_span name;
    bool has_alias, has_time, has_quality;
    bool historical, transient, is_null;
    uint64_t alias, time_ms;
    uint32_t datatype; /* SPB_UNKNOWN: not told */
    int32_t quality;   /* of the property "Quality" */
    enum spb_kind kind;
    uint64_t whole; /* int, long, boolean */
    float f32;
    double f64;
    size_t offset; /* where it begins in the payload */
};

struct spb_cursor {
    const char *start, *at, *end;
};

/* Reads what stands around the metrics and sees that the frame of the whole is sound.  Gives NULL, or a reason (const
 * text) and the place. */
const char *spb_payload_read(const char *data, size_t len, struct spb_payload *ret_payload, size_t *ret_offset);

/* Walks the metrics of a payload that spb_payload_read found sound.  spb_metric_next gives false at the end; a metric
 * that cannot be read gives true and a reason with its place. */
void spb_metrics_begin(struct spb_cursor *cursor, const char *data, size_t len);
bool spb_metric_next(struct spb_cursor *cursor, struct spb_metric *ret_metric, const char **ret_reason);

/* Gives the number a metric's value is, by this datatype: integers that fit it, booleans as 0 and 1, a float as the
 * shortest decimal, a date as its milliseconds; NaN when it is null.  Gives NULL, or the reason why it is none. */
const char *spb_metric_value(const struct spb_metric *metric, uint32_t datatype, double *ret_value);

#endif
