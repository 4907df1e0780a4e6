/*
 * course: signal + incidents -> reading (see course.h).
 *
 *   value = round(centre(t) + sine(t) + noise(tick)), t moved back while frozen
 *
 * Noise alone never carries a value out of the point's range: a quiet gas
 * sensor near 0 would otherwise be "below range" now and then.
 */
#include "simulators/course.h"
#include "base/clock.h"
#include "model/sample.h"
#include "simulators/wave.h"
#include <math.h>

/* Readings with these have no value to show. */
enum { NO_VALUE = ST_COMM | ST_SENSOR };

static const double TWO_PI = 6.283185307179586;

double course_centre(const struct sim_point *point, int64_t t_ns)
{
    const struct leg *leg = &point->legs[0];
    for (size_t i = 1; i < point->leg_count && point->legs[i].at_ns <= t_ns; i++) {
        leg = &point->legs[i];
    }
    if (t_ns < leg->end_ns) {
        const double done = (double)(t_ns - leg->at_ns) / (double)(leg->end_ns - leg->at_ns);
        return leg->from + (leg->to - leg->from) * done;
    }
    const double hours = (double)(t_ns - leg->end_ns) / (3600.0 * (double)NS_PER_S);
    return leg->to + point->wave.drift_per_h * hours;
}

int64_t course_tick(const struct sim_point *point, int64_t t_ns)
{
    return t_ns < 0 ? 0 : t_ns / point->every_ns;
}

/* The tick whose value is shown at `tick`: an earlier one while frozen.  Each turn goes back, so this ends. */
static int64_t shown_tick(const struct sim_point *point, int64_t tick)
{
    for (size_t i = 0; i < point->freeze_count; i++) {
        const struct hold *freeze = &point->freezes[i];
        const int64_t t_ns = tick * point->every_ns;
        const int64_t frozen = course_tick(point, freeze->at_ns);
        if (freeze->at_ns <= t_ns && t_ns < freeze->end_ns && frozen < tick) {
            return shown_tick(point, frozen);
        }
    }
    return tick;
}

static uint16_t flags_at(const struct sim_point *point, int64_t t_ns)
{
    uint16_t status = 0;
    for (size_t i = 0; i < point->flag_count; i++) {
        if (point->flags[i].at_ns <= t_ns && t_ns < point->flags[i].end_ns) {
            status |= point->flags[i].status;
        }
    }
    return status;
}

static double value_at(const struct sim_point *point, const struct site_point *place, int64_t tick)
{
    const struct wave *wave = &point->wave;
    const int64_t t_ns = tick * point->every_ns;
    double smooth = course_centre(point, t_ns);
    if (wave->amplitude != 0) {
        const double turn = (double)(t_ns % wave->period_ns) / (double)wave->period_ns;
        smooth += wave->amplitude * sin(TWO_PI * turn);
    }
    double value = smooth + wave->noise * wave_noise(point->key, tick);
    if (place->has_range && smooth >= place->range_lo && smooth <= place->range_hi) {
        value = fmax(place->range_lo, fmin(value, place->range_hi));
    }
    return wave_round(value, wave->step);
}

struct sim_reading course_reading(const struct sim_point *point, const struct site_point *place, int64_t tick)
{
    struct sim_reading reading = {.value = NAN, .status = flags_at(point, tick * point->every_ns)};
    if ((reading.status & NO_VALUE) == 0) {
        reading.value = value_at(point, place, shown_tick(point, tick));
    }
    return reading;
}
