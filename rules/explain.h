/*
 * explain: what a rule looks at, for whoever has to tell why an alarm is as it
 * is.  Nothing here judges.
 *
 * Pure, on compiled rules (const).  Threads: any.
 */
#ifndef DAVY_RULES_EXPLAIN_H
#define DAVY_RULES_EXPLAIN_H

#include "rules/rules.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rules_part { RULES_WHEN, RULES_CLEAR };

/* A condition that compares the own value with a constant, as most limits do. */
struct rules_limit {
    const char *op; /* "<" "<=" ">" ">=" */
    double limit;
};

/* Gives the limit of one condition of a rule's level (index into site_rule.levels); false when it is not of that form.
 */
bool rules_plain_limit(const struct rules *rules, uint32_t rule, size_t level, enum rules_part part,
                       struct rules_limit *ret_limit);

/* Gives the points an alarm reads: its own (a group: its members), then those its expressions name, each once.
 * ret_points has room for every point of the site.  Returns how many. */
size_t rules_alarm_points(const struct rules *rules, uint32_t alarm, uint32_t *ret_points);

/* Gives how long before a moment samples still bear on a rule's judgement: its longest window (of ewma eight time
 * constants, after which a thousandth is left at most), for age and unchanged() the largest constant they may be
 * compared with, and its longest delays. */
int64_t rules_memory_ns(const struct rules *rules, uint32_t rule);

#endif
