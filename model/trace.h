/*
 * trace: recorded samples, acts and clock rows, read and written.
 *
 * CSV with header `time,point,value,status[,seen]` (any order, status and seen
 * may be missing) or NDJSON; which of them is seen from the first byte.  Rows
 * come one at a time in order of arrival.  A broken row is set aside: reported
 * through `aside` with its line and reason, counted, and reading goes on.
 *
 * Reads from a file or, with "-", from standard input (a pipe works).  Memory:
 * one buffer; a row's texts are borrowed until the next call.
 */
#ifndef DAVY_MODEL_TRACE_H
#define DAVY_MODEL_TRACE_H

#include "base/err.h"
#include "model/alarm.h"
#include "model/sample.h"
#include "model/site.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum trace_kind { TRACE_SAMPLE, TRACE_ACT, TRACE_CLOCK };

struct trace_row {
    enum trace_kind kind;
    int64_t time_ns;
    int64_t seen_ns;      /* time of receipt, or TIME_NEVER when the row does not say */
    struct sample sample; /* SAMPLE: point, value, status set; times as above */
    struct act act;       /* ACT */
};

struct trace_reader;
typedef void trace_aside_fn(void *self, const char *file, uint64_t line, const char *reason);

/* Opens a trace; `site` is borrowed and names the points and alarms.  A file that is not there: ERR_INPUT. */
enum err_code trace_open(const char *file, const struct site *site, trace_aside_fn *aside, void *aside_self,
                         struct trace_reader **ret_reader, struct err *err) MUST_CHECK;
void trace_close(struct trace_reader *reader);

/* Has `fn` called before each further read from the file, which may have to wait when it is a pipe. */
void trace_before_read(struct trace_reader *reader, void (*fn)(void *self), void *self);

/* Reads the next good row.  False at the end or when reading failed (then trace_error tells). */
bool trace_next(struct trace_reader *reader, struct trace_row *ret_row);
const struct err *trace_error(const struct trace_reader *reader); /* NULL: none */
uint64_t trace_rows(const struct trace_reader *reader);      /* good rows so far */
uint64_t trace_set_aside(const struct trace_reader *reader); /* broken rows so far */

/* Writes one CSV line `time,point,value,status` (times as RFC 3339 with ms), with `,seen` when with_seen. */
void trace_write_header(FILE *out, bool with_seen);
void trace_write_sample(FILE *out, const char *point_id, const struct sample *sample, bool with_seen);

#endif
