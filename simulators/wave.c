/*
 * wave: hash noise, rounding, and the table of usual values (see wave.h).
 */
#include "simulators/wave.h"
#include "simulators/encode.h"
#include <math.h>
#include <string.h>

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014): every bit of the input moves every bit of the output. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t wave_key(uint64_t seed, const char *id)
{
    uint64_t hash = mix(seed);
    for (const char *c = id; *c != '\0'; c++) {
        hash = mix(hash ^ (uint8_t)*c);
    }
    return hash;
}

/* 53 bits as a number in [0, 1). */
static double unit(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

double wave_noise(uint64_t key, int64_t tick)
{
    const uint64_t first = mix(key ^ (uint64_t)tick);
    return unit(first) - unit(mix(first));
}

double wave_round(double value, double step)
{
    if (!(step > 0)) {
        return value;
    }
    /* for 0.01 divide by 100: that gives the double nearest to the decimal, 35 x 0.01 does not */
    const double parts = nearbyint(1 / step);
    if (parts >= 1 && fabs(parts * step - 1) < 1e-9) {
        return nearbyint(value * parts) / parts;
    }
    return nearbyint(value / step) * step;
}

bool wave_is_switch(const struct site_point *point)
{
    const struct site_from *from = &point->from;
    if (from->source == SITE_NONE || from->key != NULL) {
        return false;
    }
    return encode_is_bits(from->table) || from->type == TYPE_BOOL || from->type == TYPE_BIT;
}

/* What a quiet plant shows, by the `kind` of a point.  The manual's table is this one. */
static const struct {
    const char *kind;
    double base, noise, step;
} usual[] = {
    {"ch4", 0.3, 0.02, 0.01},  {"co", 4, 1, 1},
    {"co2", 0.06, 0.01, 0.01}, {"o2", 20.8, 0.05, 0.1},
    {"h2s", 0.5, 0.2, 0.1},    {"nh3", 1, 0.5, 0.1},
    {"lel", 1, 0.5, 0.1},      {"temperature", 22, 0.2, 0.1},
    {"wind", 1.8, 0.1, 0.01},  {"airflow", 1.8, 0.1, 0.01},
    {"fan", 1, 0, 1},          {"breaker", 1, 0, 1},
    {"feed", 1, 0, 1},         {"power", 1, 0, 1},
    {"pump", 1, 0, 1},         {"smoke", 0, 0, 1},
};

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

struct wave wave_default(const struct site_point *point)
{
    struct wave wave = {.step = 0.001};
    if (point->has_range) {
        const double span = point->range_hi - point->range_lo;
        wave.base = point->range_lo + span / 2;
        wave.noise = span / 200;
    }
    for (size_t i = 0; point->kind != NULL && i < sizeof usual / sizeof usual[0]; i++) {
        if (strcmp(usual[i].kind, point->kind) == 0) {
            wave = (struct wave){.base = usual[i].base, .noise = usual[i].noise, .step = usual[i].step};
        }
    }
    if (point->has_range) {
        wave.base = clamp(wave.base, point->range_lo, point->range_hi);
    }
    if (wave_is_switch(point)) {
        wave.noise = 0;
        wave.step = 1;
        wave.base = wave.base >= 0.5 && point->kind != NULL ? 1 : 0;
    }
    if (point->resolution > 0 && !wave_is_switch(point)) {
        wave.step = point->resolution;
    }
    return wave;
}
