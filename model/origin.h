/*
 * origin: where a point's values come from and how they were made, as a text
 * that is kept for as long as the values are; and the way back from a value to
 * what the device sent.
 *
 *   {"name":"501面T1甲烷","unit":"%CH4","range":[0,10],"source":"plc-1","over":"modbus-tcp","at":"10.0.0.7:502",
 *    "unit_id":1,"table":"input","address":0,"type":"f32","order":"ABCD","scale":1,"offset":0}
 *
 * Behind it stand "companions" (registers that say something about the value,
 * and what their numbers mean) and "values" ([raw, value] of an enumeration).
 * Of MQTT sources: "source", "over", "at", "key", "scale", "offset".  What is not
 * given in the site is left out; a point without a source has none of "source"
 * and what follows.
 *
 * Pure, but for the memory of the text.
 */
#ifndef DAVY_MODEL_ORIGIN_H
#define DAVY_MODEL_ORIGIN_H

#include "base/buf.h"
#include "model/site.h"

/* Appends the JSON object of a point. */
void origin_format(struct buf *out, const struct site *site, const struct site_point *point);

/* Appends the JSON object of a rule: what its levels are and when they are entered and left. */
void origin_format_rule(struct buf *out, const struct site_rule *rule);

/* What the device sent, when it can be told from the value alone: the one raw value that gives this value.  False when
 * there is none (the value was not made so) or more than one. */
bool origin_raw(const struct site_from *from, double value, double *ret_raw);

#endif
