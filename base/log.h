/*
 * log: what the program says on stderr, for people and for grep.
 *
 *   2026-01-05T00:00:30.000Z WARN  ingest  ING-003 source=plc-1 host=… reason="timed out"
 *
 * time, level, area, stable event id, then key=value.  Every id stands in
 * docs/runbook.md with what to do.  Libraries return errors; programs and
 * agents log, once per change of state.  The same (id, subject) again within
 * its window is counted, not printed: first at once, then a count after 10 s,
 * doubling up to an hour.
 *
 * Threads: any.  A line is written whole; a stderr that cannot take it at once
 * loses the line and counts it (log_lost).
 */
#ifndef DAVY_BASE_LOG_H
#define DAVY_BASE_LOG_H

#include "base/err.h"
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Logs "key=value …" text.  `area` like "ingest", `id` like "ING-003", `subject` what repeats are told apart by. */
void log_event(enum log_level level, const char *area, const char *id, const char *subject, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
/* Says the counts that are due.  log_event does so too; called now and then (once a second) a count is never late. */
void log_tick(void);
void log_set_level(enum log_level least);
uint64_t log_lost(void);

#endif
