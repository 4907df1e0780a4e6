/*
 * rule_values: the short form of a series in a rule test.
 *
 *   0.2x10          ten samples of 0.2
 *   0.2..1.4/13     13 samples from 0.2 to 1.4 in even steps, both included
 *   stale           a flagged sample without value       (stalex3: three)
 *   calibrating:1.6x2   two samples of 1.6 with that flag (range+manual:… too)
 *   _x5             five places without a sample
 *
 * Words are parted by blanks.  Pure; no memory of its own.
 */
#ifndef DAVY_APP_RULE_VALUES_H
#define DAVY_APP_RULE_VALUES_H

#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct rule_place {
    bool empty;      /* no sample here */
    double value;    /* NaN: none */
    uint16_t status;
};

enum { RULE_PLACES_MAX = 1000000 }; /* of one series */

/* Called for each place in order; return false to stop. */
typedef bool rule_place_fn(void *self, const struct rule_place *place);

/* Reads the whole text.  ERR_INPUT names the word at fault and what is allowed. */
enum err_code rule_values_read(const char *text, rule_place_fn *fn, void *self, struct err *err) MUST_CHECK;

#endif
