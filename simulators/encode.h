/*
 * encode: an engineering value as a device would hold it in its registers.
 *
 * Pure; the inverse of what a reader does with scale, offset, type and byte
 * order.  What does not fit saturates at the type's end.  encode_seen gives
 * back what a reader will get, with all rounding, so that a trace holds the
 * same numbers as the wire.
 */
#ifndef DAVY_SIMULATORS_ENCODE_H
#define DAVY_SIMULATORS_ENCODE_H

#include "model/site.h"
#include "simulators/course.h"
#include <stdbool.h>
#include <stdint.h>

/* A raw value: up to four registers as one number (most significant register first, after the byte order was undone),
 * and which of its bits belong to the point. */
struct raw {
    uint64_t bits;
    uint64_t mask;
};

/* Gives the raw form of a value (not NaN). */
struct raw encode_value(const struct site_from *from, double value);

/* Gives a raw form that means "no reading": the first of `invalid`, or NaN.  False when the point has none. */
bool encode_invalid(const struct site_from *from, struct raw *ret_raw);

/* Merges a raw value into the registers (or the single bit, as 0 or 1) at which its point stands. */
void encode_put(const struct site_from *from, struct raw raw, uint16_t *registers);

/* Gives the raw number that stands in the registers (or the single bit). */
double encode_number_at(const struct site_from *from, const uint16_t *registers);

/* Which companion of the point shows these flags; its count when none does. */
size_t encode_sayer(const struct site_from *from, uint16_t status);

/* True when some companion of the point can show these flags. */
bool encode_can_say(const struct site_from *from, uint16_t status);

/* Gives the raw number of companion `i` for a reading with these flags: what it shows of them, else that all is well.
 * False when it cannot even say that. */
bool encode_companion(const struct site_from *from, size_t i, uint16_t status, double *ret_raw);

/* Gives the raw form of a companion's number. */
struct raw encode_raw(const struct site_from *from, double number);

/* Gives what a reader makes of a device's reading of this point: the value after the way through the registers, or no
 * value with `sensor`. */
struct sim_reading encode_seen(const struct site_from *from, struct sim_reading reading);

/* The same for a point whose device sends numbers as text: only scale, offset and `invalid` are between. */
struct sim_reading encode_told(const struct site_from *from, struct sim_reading reading);

/* Gives the number that such a device sends for a value. */
double encode_number_told(const struct site_from *from, double value);

/* Gives the raw form of a reading: its value, or "no reading". */
struct raw encode_reading(const struct site_from *from, struct sim_reading reading);

/* True for the tables of single bits. */
static inline bool encode_is_bits(enum mbus_table table)
{
    return table == TABLE_COIL || table == TABLE_DISCRETE;
}

/* Registers or bits a point takes. */
unsigned encode_width(const struct site_from *from);

#endif
