/*
 * real32: what a 32-bit float of the field means as a double.
 *
 * A device that sends 1.06 as a 32-bit float sends the float nearest to 1.06,
 * which as a double reads 1.059999942779541.  Davy takes the shortest decimal
 * that rounds to the same float: 1.06.  So a limit of 1.06 is reached when the
 * device says 1.06, the centre reads the figures the sensor's display shows,
 * and samples are kept as the decimals they are.  It is never further from the
 * float than half its last place.
 */
#ifndef DAVY_MODEL_REAL32_H
#define DAVY_MODEL_REAL32_H

/* Gives the double; NaN and infinities stay what they are.  Pure, no allocation. */
double real32_value(float value);

#endif
