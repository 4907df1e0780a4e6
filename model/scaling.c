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

/* Takes the new whole numbers over when they are still whole and the denominator exact. */
static void take_exact(struct site_from *from, double num, double offset, double den)
{
    const bool exact = from->scale_den > 0 && fabs(num) <= WHOLE_MAX && fabs(offset) <= WHOLE_MAX && den <= WHOLE_MAX &&
                       num == rint(num) && offset == rint(offset) && den == rint(den);
    from->scale_num = num;
    from->offset_num = offset;
    from->scale_den = exact ? den : 0;
}

void scaling_then(struct site_from *from, double factor, double add)
{
    struct site_from by = {.scale = factor, .offset = add};
    scaling_prepare(&by);
    from->scale *= factor;
    from->offset = from->offset * factor + add;
    take_exact(from, from->scale_num * by.scale_num, from->offset_num * by.scale_num + by.offset_num * from->scale_den,
               from->scale_den * by.scale_den);
}

void scaling_divide(struct site_from *from, double by)
{
    const double sign = by < 0 ? -1 : 1;
    from->scale /= by;
    from->offset /= by;
    take_exact(from, sign * from->scale_num, sign * from->offset_num, from->scale_den * fabs(by));
}
