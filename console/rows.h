/*
 * rows: points, samples and buckets as JSON objects, with the names, numbers
 * and times that `davy query --format ndjson` prints.
 *
 * Pure.
 */
#ifndef DAVY_CONSOLE_ROWS_H
#define DAVY_CONSOLE_ROWS_H

#include "base/buf.h"
#include "console/ask.h"
#include "model/board.h"
#include "model/site.h"
#include "store/store.h"

/* {"id","name","value","unit","status","time"}: the newest reading; one not heard of has value and time null and the
 * status "unknown". */
void rows_point(struct buf *out, const struct site_point *point, const struct board_entry *newest);
/* The same, and what the site says of it: kind, hazard, range, every, stale, source, tags, alarms. */
void rows_point_whole(struct buf *out, const struct site *site, uint32_t point, const struct board_entry *newest);
/* {"time","value","status"} */
void rows_sample(struct buf *out, const struct store_row *row);
/* {"time", …} with the aggregates in the order asked. */
void rows_bucket(struct buf *out, const struct store_bucket *bucket, const int *aggs, size_t count);

/* ,"key":"text" or ,"key":null */
void rows_text(struct buf *out, const char *key, const char *text);
/* ,"key":"10m", or null when it is not more than nothing. */
void rows_duration(struct buf *out, const char *key, int64_t duration_ns);

/* Finds "key":"…" at the top of one of our own objects (events, states), whose texts never hold an unescaped quote;
 * gives the text as it stands there, escapes and all, and its length, or NULL. */
const char *rows_find(const char *json, size_t len, const char *key, size_t *ret_len);

#endif
