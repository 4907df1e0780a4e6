/*
 * history_line: one sample as a line of text, between `davy import` and the
 * monitor it feeds.
 *
 *   1767571200000,1767571200012,4,41.5,tank-7/level\n
 *   time ms       seen ms       │ │    point id, which the monitor looks up in the site it runs
 *                          status value, "" for none
 *
 * Pure functions.  Threads: any.
 */
#ifndef DAVY_APP_HISTORY_LINE_H
#define DAVY_APP_HISTORY_LINE_H

#include "model/sample.h"
#include "model/site.h"

enum { HISTORY_LINE_MAX = 640 }; /* an id of 128 characters has up to 512 bytes */

/* Writes a line with its end; gives the length. */
size_t history_line_format(const struct sample *sample, const char *point_id, char ret_line[HISTORY_LINE_MAX]);

enum history_line { HISTORY_SAMPLE, HISTORY_UNKNOWN_POINT, HISTORY_NONSENSE };

/* Reads one (without its end) for the points of a site. */
enum history_line history_line_parse(const struct site *site, const char *line, size_t len, struct sample *ret_sample)
    __attribute__((warn_unused_result));

#endif
