/* scaling: see scaling.h. */
#include "model/scaling.h"

/* Whole numbers of at most 15 digits times a power of ten up to 10^9 stay far from where doubles lose units. */
static const double denominators[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
enum { DENOMINATORS = sizeof denominators / sizeof *denominators };
#define WHOLE_MAX 1e15

/* True when value is the double nearest to a whole number / den; gives that number. */
static bool over(double value, double den, double *ret_num)
{
    const double num = rint(value * den);
    if (fabs(num) > WHOLE_MAX || num / den != value) {
        return false;
    }
    *ret_num = num;
    return true;
}

void scaling_prepare(struct site_from *from)
{
    from->scale_den = 0;
    for (int i = 0; i < DENOMINATORS; i++) {
        double num = 0;
        double offset = 0;
        if (over(from->scale, denominators[i], &num) && over(from->offset, denominators[i], &offset)) {
            from->scale_num = num;
            from->offset_num = offset;
            from->scale_den = denominators[i];
            return;
        }
    }
}
