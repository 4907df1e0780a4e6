/*
 * reading: from a raw number to the engineering value and its status; the last
 * step of every way in.  Pure.
 */
#ifndef DAVY_INGEST_READING_H
#define DAVY_INGEST_READING_H

#include "model/companion.h"
#include "model/sample.h"
#include "model/scaling.h"
#include "model/site.h"

struct reading {
    double value;    /* NaN: none, then status is not 0 */
    uint16_t status; /* 0 or ST_SENSOR */
};

/* A device that says it has no reading. */
static inline struct reading reading_none(void)
{
    return (struct reading){.value = NAN, .status = ST_SENSOR};
}

/* Gives raw x scale + offset, or raw's value of an enumeration; no value when raw stands in `invalid`, is none of the
 * enumeration, or when the result is not finite. */
static inline struct reading reading_from_raw(const struct site_from *from, double raw)
{
    for (size_t i = 0; i < from->invalid_count; i++) {
        if (raw == from->invalid[i]) {
            return reading_none();
        }
    }
    double value = NAN;
    if (from->extra == NULL || from->extra->value_count == 0) {
        value = scaling_value(from, raw);
    } else if (!companion_value(from->extra, raw, &value)) {
        return reading_none();
    }
    return isfinite(value) ? (struct reading){.value = value, .status = 0} : reading_none();
}

#endif
