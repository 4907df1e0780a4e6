/* real32: see real32.h. */
#include "model/real32.h"

#include <math.h>

/* Powers of ten up to 10^22 are doubles without error, so a quotient by one of them is correctly rounded. */
static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
enum { POWERS = sizeof powers / sizeof *powers };

/* A float has at most 9 significant decimal digits; whole numbers up to here are exact in it and in the quotient. */
#define DIGITS_LIMIT 1e9

double real32_value(float value)
{
    double exact = (double)value;
    if (!isfinite(exact) || exact == 0.0 || fabs(exact) >= DIGITS_LIMIT) {
        return exact;
    }
    for (int places = 0; places < POWERS; places++) {
        double digits = rint(exact * powers[places]);
        if (fabs(digits) >= DIGITS_LIMIT) {
            break;
        }
        double decimal = digits / powers[places];
        if ((float)decimal == value) {
            return decimal;
        }
    }
    return exact; /* so small that fixed decimals do not reach it */
}
