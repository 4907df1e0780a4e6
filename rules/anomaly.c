/* anomaly: see anomaly.h. */
#include "rules/anomaly.h"

#include <math.h>

static const double distance_most = 1e150; /* its square is finite */

struct anomaly {
    int64_t width_ns;
    int64_t part_ns;    /* length of a stretch */
    int64_t part;       /* the newest stretch, counted from the epoch; its place is its last digits */
    int64_t first_ns;   /* time of the first reading, */
    int64_t newest_ns;  /* of the newest, */
    uint64_t readings;  /* and how many there were */
    uint64_t distances; /* how many of them had a distance */
    double square;      /* q */
    /* of each stretch; where there is none, far from everything */
    double low[ANOMALY_PARTS], high[ANOMALY_PARTS];
};

static void forget(struct anomaly *anomaly, uint64_t part)
{
    const uint64_t place = part % ANOMALY_PARTS;
    anomaly->low[place] = INFINITY;
    anomaly->high[place] = INFINITY;
}

struct anomaly *anomaly_new(struct arena *arena, int64_t width_ns)
{
    struct anomaly *anomaly = ARENA_NEW(arena, struct anomaly);
    *anomaly = (struct anomaly){.width_ns = width_ns};
    anomaly->part_ns = width_ns >= ANOMALY_PARTS ? width_ns / ANOMALY_PARTS : 1;
    for (uint64_t part = 0; part < ANOMALY_PARTS; part++) {
        forget(anomaly, part);
    }
    return anomaly;
}

static int64_t part_of(const struct anomaly *anomaly, int64_t time_ns)
{
    const int64_t part = time_ns / anomaly->part_ns;
    return time_ns % anomaly->part_ns < 0 ? part - 1 : part; /* floor, before 1970 too */
}

/* Steps on to the stretch of `time_ns`; what stands a window back goes.  Counts without sign, where no difference of
 * two times overflows. */
static void advance(struct anomaly *anomaly, int64_t time_ns)
{
    const int64_t part = part_of(anomaly, time_ns);
    uint64_t steps = anomaly->readings == 0 ? 0 : (uint64_t)part - (uint64_t)anomaly->part;
    steps = steps < ANOMALY_PARTS ? steps : ANOMALY_PARTS;
    for (uint64_t back = 0; back < steps; back++) {
        forget(anomaly, (uint64_t)part - back);
    }
    anomaly->part = part;
}

static double lesser(double a, double b)
{
    return a < b ? a : b;
}

/* To the nearest kept reading, infinite when there is none.  Four at a time, so that vectors of the processor fit. */
static double distance(const struct anomaly *anomaly, double value)
{
    double nearest[4] = {INFINITY, INFINITY, INFINITY, INFINITY};
    for (int i = 0; i < ANOMALY_PARTS; i += 4) {
        for (int lane = 0; lane < 4; lane++) {
            const double low = fabs(value - anomaly->low[i + lane]);
            const double high = fabs(value - anomaly->high[i + lane]);
            nearest[lane] = lesser(nearest[lane], lesser(low, high));
        }
    }
    return lesser(lesser(nearest[0], nearest[1]), lesser(nearest[2], nearest[3]));
}

static void keep(struct anomaly *anomaly, double value)
{
    const uint64_t place = (uint64_t)anomaly->part % ANOMALY_PARTS;
    if (isinf(anomaly->low[place])) {
        anomaly->low[place] = value;
        anomaly->high[place] = value;
    } else {
        anomaly->low[place] = lesser(value, anomaly->low[place]);
        anomaly->high[place] = -lesser(-value, -anomaly->high[place]);
    }
}

/* Takes a distance into the average; passed_ns is the time since the reading before. */
static void learn(struct anomaly *anomaly, double d, double passed_ns)
{
    const double counted = lesser(d, distance_most);
    anomaly->distances++;
    const double by_time = 1.0 - exp(-passed_ns / (double)anomaly->width_ns);
    const double by_count = 1.0 / (double)anomaly->distances;
    anomaly->square += (by_time > by_count ? by_time : by_count) * (counted * counted - anomaly->square);
}

static double judge(const struct anomaly *anomaly, int64_t time_ns, double d)
{
    const double known_ns = (double)time_ns - (double)anomaly->first_ns;
    if (isinf(d) || known_ns < (double)anomaly->width_ns / ANOMALY_BEGIN_PARTS) {
        return NAN;
    }
    return d > 0.0 ? d / sqrt(anomaly->square) : 0.0;
}

double anomaly_add(struct anomaly *anomaly, int64_t time_ns, double value)
{
    advance(anomaly, time_ns);
    if (anomaly->readings == 0) {
        anomaly->first_ns = time_ns;
        anomaly->newest_ns = time_ns;
    }
    const double d = distance(anomaly, value);
    const double answer = judge(anomaly, time_ns, d);
    if (!isinf(d)) {
        learn(anomaly, d, (double)time_ns - (double)anomaly->newest_ns);
    }
    keep(anomaly, value);
    anomaly->newest_ns = time_ns;
    anomaly->readings++;
    return answer;
}
