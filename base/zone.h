/*
 * zone: how far local time was from UTC at a moment, in a time zone by name.
 *
 * Read once from the machine's zone data (TZif files, RFC 8536, in $TZDIR or
 * /usr/share/zoneinfo) and pure from then on.  The C library's own way is a
 * global of the process, which threads cannot share.
 *
 * Memory: its own, some kilobytes.  Threads: any, once it is open.
 */
#ifndef DAVY_BASE_ZONE_H
#define DAVY_BASE_ZONE_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone;

/* ERR_INPUT: the machine has zone data, but not of that name; ERR_ENV: it has none, or the file cannot be read. */
enum err_code zone_open(const char *name, struct zone **ret_zone, struct err *err) MUST_CHECK;
/* Reads the bytes of such a file; NULL when they are none. */
struct zone *zone_parse(const void *bytes, size_t len);
void zone_free(struct zone *zone);

/* Seconds to add to UTC; NULL is UTC. */
int32_t zone_offset_s(const struct zone *zone, int64_t time_s);

/* ---- the rule for what comes behind the table (zone_rule.c) ---- */

/* A day of the year and a time of that day, as "M3.5.0/2", "J60" or "59". */
struct zone_day {
    char form;                /* 'M', 'J' (29 February is never counted) or 'n' (0-based) */
    int month, week, weekday; /* M: week 5 is the last */
    int day;                  /* J, n */
    int32_t time_s;           /* of the local clock that holds before */
};

struct zone_rule {
    int32_t standard_s, summer_s; /* to add to UTC */
    bool has_summer;
    struct zone_day from, to;
};

/* Reads a POSIX TZ text, "CET-1CEST,M3.5.0,M10.5.0/3"; false when it is none. */
bool zone_rule_parse(const char *text, size_t len, struct zone_rule *ret_rule);
int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t time_s);

#endif
