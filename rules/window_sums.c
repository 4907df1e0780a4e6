/* window_sums: see window_sums.h. */
#include "rules/window_sums.h"

#include "base/clock.h"
#include <math.h>
#include <stdbool.h>

static double seconds_after(const struct reference *reference, int64_t time_ns)
{
    return (double)(time_ns - reference->time_ns) / (double)NS_PER_S;
}

static inline struct twofold signed_twofold(struct twofold a, bool add)
{
    return add ? a : twofold_negate(a);
}

static inline void move_sample(struct sums *sums, uint8_t needs, const struct reference *reference, int64_t time_ns,
                               double value, bool add)
{
    const struct twofold x = twofold_sum(value, -reference->value);
    sums->count += add ? 1 : UINT64_MAX;
    if ((needs & (NEED_SUM | NEED_LINE)) != 0) {
        sums->x = twofold_add(sums->x, signed_twofold(x, add));
    }
    if ((needs & NEED_SQUARES) != 0) {
        sums->xx = twofold_add(sums->xx, signed_twofold(twofold_times(x, x), add));
    }
    if ((needs & NEED_LINE) != 0) {
        const struct twofold t = twofold_of(seconds_after(reference, time_ns));
        sums->t = twofold_add(sums->t, signed_twofold(t, add));
        sums->tt = twofold_add(sums->tt, signed_twofold(twofold_times(t, t), add));
        sums->tx = twofold_add(sums->tx, signed_twofold(twofold_times(t, x), add));
    }
}

void sums_add_sample(struct sums *sums, uint8_t needs, const struct reference *reference, int64_t time_ns, double value)
{
    move_sample(sums, needs, reference, time_ns, value, true);
}

void sums_remove_sample(struct sums *sums, uint8_t needs, const struct reference *reference, int64_t time_ns,
                        double value)
{
    move_sample(sums, needs, reference, time_ns, value, false);
}

static void combine(struct sums *sums, uint8_t needs, const struct sums *b, bool add)
{
    if ((needs & (NEED_SUM | NEED_LINE)) != 0) {
        sums->x = twofold_add(sums->x, signed_twofold(b->x, add));
    }
    if ((needs & NEED_SQUARES) != 0) {
        sums->xx = twofold_add(sums->xx, signed_twofold(b->xx, add));
    }
    if ((needs & NEED_LINE) != 0) {
        sums->t = twofold_add(sums->t, signed_twofold(b->t, add));
        sums->tt = twofold_add(sums->tt, signed_twofold(b->tt, add));
        sums->tx = twofold_add(sums->tx, signed_twofold(b->tx, add));
    }
}

void sums_add(struct sums *sums, uint8_t needs, const struct sums *b)
{
    sums->count += b->count;
    sums->changes += b->changes;
    sums->unequal += b->unequal;
    combine(sums, needs, b, true);
}

void sums_remove(struct sums *sums, uint8_t needs, const struct sums *b)
{
    sums->count -= b->count;
    sums->changes -= b->changes;
    sums->unequal -= b->unequal;
    combine(sums, needs, b, false);
}

static double view_mean(const struct view *view)
{
    if (view->sums.unequal == 0) {
        return view->last;
    }
    double n = (double)view->sums.count;
    struct twofold all = twofold_add(view->sums.x, twofold_product(n, view->reference.value));
    return twofold_value(all) / n;
}

/* n * sum(ab) - sum(a) * sum(b), which is n squared times the covariance. */
static double spread(double n, struct twofold ab, struct twofold a, struct twofold b)
{
    return twofold_value(twofold_add(twofold_times(twofold_of(n), ab), twofold_negate(twofold_times(a, b))));
}

static double view_stddev(const struct view *view)
{
    if (view->sums.unequal == 0) {
        return 0.0;
    }
    double n = (double)view->sums.count;
    double squared = spread(n, view->sums.xx, view->sums.x, view->sums.x);
    return sqrt(squared > 0.0 || isnan(squared) ? squared : 0.0) / n;
}

/* Per second; NaN for fewer than 2 samples. */
static double view_slope(const struct view *view)
{
    if (view->sums.count < 2) {
        return NAN;
    }
    if (view->sums.unequal == 0) {
        return 0.0;
    }
    double n = (double)view->sums.count;
    return spread(n, view->sums.tx, view->sums.t, view->sums.x) / spread(n, view->sums.tt, view->sums.t, view->sums.t);
}

static double view_line(const struct view *view, int64_t t_ns)
{
    if (view->sums.unequal == 0) {
        return view->last;
    }
    double n = (double)view->sums.count;
    double mean_t = twofold_value(view->sums.t) / n;
    double mean_x = twofold_value(view->sums.x) / n;
    return view->reference.value + mean_x + view_slope(view) * (seconds_after(&view->reference, t_ns) - mean_t);
}

double view_eta(const struct view *view, double limit, bool up, int64_t t_ns)
{
    if (isnan(limit)) {
        return NAN;
    }
    if (view->sums.count < 3) {
        return INFINITY;
    }
    double line = view_line(view, t_ns);
    double slope = view_slope(view);
    if (isnan(line) || isnan(slope)) {
        return NAN;
    }
    if (up ? line >= limit : line <= limit) {
        return 0.0;
    }
    return (up ? slope > 0.0 : slope < 0.0) ? (limit - line) / slope : INFINITY;
}

double view_answer(const struct view *view, enum op op)
{
    if (view->sums.count == 0) {
        return NAN;
    }
    switch (op) {
    case OP_MEAN:
        return view_mean(view);
    case OP_MIN:
        return view->min;
    case OP_MAX:
        return view->max;
    case OP_RANGE:
        return view->max - view->min;
    case OP_STDDEV:
        return view_stddev(view);
    case OP_COUNT:
        return (double)view->sums.count;
    case OP_FIRST:
        return view->first;
    case OP_LAST:
        return view->last;
    case OP_DELTA:
        return view->last - view->first;
    case OP_SLOPE:
        return view_slope(view) * 60.0;
    case OP_CHANGES:
        return (double)view->sums.changes;
    default:
        return NAN;
    }
}
