/*
 * trace_scan: the parts of the usual line of a trace, taken from its text in
 * place, without copying and without looking for their end first.
 *
 * Each takes the form it knows at p and gives where that ended, NULL for
 * everything else: blanks, quotes, escapes, words, mistakes.  What one of them
 * takes is what the full reader (trace_value.c) makes of it.  What stands behind
 * the end is for the caller to look at.
 *
 * The text may be looked at up to TRACE_SLACK bytes behind p; the byte behind
 * the last one that was read from the file is NUL, which all stop at.
 */
#ifndef DAVY_MODEL_TRACE_SCAN_H
#define DAVY_MODEL_TRACE_SCAN_H

#include "model/trace_reader.h"

/* Any number in JSON's grammar, correctly rounded; `stop` is what usually stands behind it. */
const char *trace_scan_number(const char *p, char stop, double *ret_value);

/* Any time that text_parse_time reads, without quotes; `last` is the one that was read last in this column. */
const char *trace_scan_time(struct trace_reader *reader, struct trace_time *last, const char *p, int64_t *ret_ns);

/* A number of NDJSON as a time: whole Unix milliseconds, not negative.  In the full reader it goes through a double, which
 * changes nothing up to 15 digits. */
const char *trace_scan_whole_ms(struct trace_time *last, const char *p, int64_t *ret_ns);

/* The id of a point of the site, up to `stop`. */
const char *trace_scan_point(struct trace_reader *reader, const char *p, char stop, uint32_t *ret_point);

/* "good", nothing, or words joined by '+'. */
const char *trace_scan_status(const char *p, uint16_t *ret_status);

#endif
