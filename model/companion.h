/*
 * companion: what a register beside a value says about the value.
 *
 * Many devices keep the truth of a reading in another register: a state that
 * says "calibrating", a word order that an installer chose, a number of
 * decimals.  Such a companion is read in the same poll as its value; the value
 * is then understood as the companion says.
 *
 * Pure; used by the reader (ingest) and by the field that is played
 * (simulators), so that both understand a companion alike.
 */
#ifndef DAVY_MODEL_COMPANION_H
#define DAVY_MODEL_COMPANION_H

#include "model/site.h"

/* Takes in what a companion's raw number (not finite: none) says: changes `from` in order or scale, or adds flags.
 * False when the value cannot be understood by it: no such case, a divisor of zero. */
bool companion_apply(const struct site_companion *companion, double raw, struct site_from *from, uint16_t *status);

/* Gives a raw number by which the companion adds just these flags (of a use other than STATUS: by which the value is
 * plain); false when there is none. */
bool companion_raw(const struct site_companion *companion, uint16_t status, double *ret_raw);

/* Gives the raw number's value of an enumeration; false when it is none of it. */
bool companion_value(const struct site_extra *extra, double raw, double *ret_value);

#endif
