/*
 * trace_rows: rows of a trace on their way out, put in order of arrival.
 *
 * A sample may arrive later than it was taken (a slow answer, a gateway that
 * was cut off), so a row waits here until nothing earlier can come.
 *
 * Memory: a heap that grows with what is on its way at one time.
 */
#ifndef DAVY_SIMULATORS_TRACE_ROWS_H
#define DAVY_SIMULATORS_TRACE_ROWS_H

#include "model/sample.h"
#include "model/site.h"
#include <stdbool.h>
#include <stdio.h>

struct trace_pending {
    struct sample sample;
    uint64_t number; /* order of those that arrive together */
};

struct trace_rows {
    const struct site *site;
    FILE *out;
    bool with_seen;
    struct trace_pending *heap; /* owned */
    size_t count, room;
    uint64_t number;
    uint64_t written;
};

void trace_rows_done(struct trace_rows *rows);

/* Takes a row; sample.seen_ns says when it arrives.  False: out of memory. */
bool trace_rows_add(struct trace_rows *rows, const struct sample *sample);

/* Writes all rows that arrive before t_ns. */
void trace_rows_flush(struct trace_rows *rows, int64_t t_ns);

#endif
