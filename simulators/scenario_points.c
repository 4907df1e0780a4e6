/*
 * scenario_points: the undisturbed signals of a scenario, and which points a
 * name or a pattern stands for.
 */
#include "base/clock.h"
#include "base/text.h"
#include "simulators/scenario_read.h"
#include "simulators/wave.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sine {
    struct conf_head head;
    double mean, amplitude;
    int64_t period_ns;
};

struct entry {
    struct conf_head head;
    double base, noise, drift_per_h, step;
    struct sine sine;
};

static const struct conf_key sine_keys[] = {
    {"mean", CONF_NUMBER, offsetof(struct sine, mean), .lo = -SCENARIO_VALUE_MOST, .hi = SCENARIO_VALUE_MOST,
     .help = "what it swings around; takes the place of base"},
    {"amplitude", CONF_NUMBER, offsetof(struct sine, amplitude), .required = true, .lo = -SCENARIO_VALUE_MOST,
     .hi = SCENARIO_VALUE_MOST, .help = "how far it swings"},
    {"period", CONF_DURATION, offsetof(struct sine, period_ns), .required = true, .lo = 1, .help = "of one full swing"},
};

static const struct conf_table sine_table = {.name = "points.<id>.sine",
                                             .about = "A slow swing.",
                                             .keys = sine_keys,
                                             .count = sizeof sine_keys / sizeof sine_keys[0]};

static const struct conf_key entry_keys[] = {
    {"base", CONF_NUMBER, offsetof(struct entry, base), .lo = -SCENARIO_VALUE_MOST, .hi = SCENARIO_VALUE_MOST,
     .fallback_note = "as usual for the kind", .help = "what it stands at"},
    {"noise", CONF_NUMBER, offsetof(struct entry, noise), .lo = 0, .hi = SCENARIO_VALUE_MOST, .fallback = "0",
     .help = "the farthest that noise carries it"},
    {"drift_per_h", CONF_NUMBER, offsetof(struct entry, drift_per_h), .lo = -SCENARIO_VALUE_MOST,
     .hi = SCENARIO_VALUE_MOST, .fallback = "0", .help = "slow change per hour"},
    {"step", CONF_NUMBER, offsetof(struct entry, step), .lo = 1e-9, .hi = SCENARIO_VALUE_MOST,
     .fallback_note = "the point's resolution, or as usual for the kind", .help = "the sensor's smallest step"},
    {"sine", CONF_TABLE, offsetof(struct entry, sine), .table = &sine_table, .help = "a slow swing"},
};

const struct conf_table scenario_entry_table = {
    .name = "points.<id or pattern>",
    .about =
        "The undisturbed signal of a point. An id's own entry wins over patterns, a later pattern over an earlier.",
    .keys = entry_keys,
    .count = sizeof entry_keys / sizeof entry_keys[0]};

static bool is_pattern(const char *name)
{
    return strpbrk(name, "*?") != NULL;
}

static void report_no_point(struct scenario_reader *reader, const struct conf_at *at, const char *name)
{
    const char *hint = "a pattern must fit one of the site's points";
    char nearest[CONF_HINT_MAX];
    if (!is_pattern(name)) {
        hint = "use an id of the site's points, or a pattern with * and ?";
        const size_t count = reader->site->point_count;
        const char **ids = calloc(count + 1, sizeof ids[0]);
        for (size_t i = 0; ids != NULL && i < count; i++) {
            ids[i] = reader->site->points[i].id;
        }
        const char *near = ids == NULL ? NULL : conf_hint_nearest(nearest, name, ids, count);
        hint = near != NULL ? near : hint;
        free(ids);
    }
    conf_mistake(&reader->conf, at, hint, "point \"%.128s\" is not in the site", name);
}

void scenario_each_point(struct scenario_reader *reader, const struct conf_at *at, const char *name,
                         scenario_take_fn *take, const void *what)
{
    const struct site *site = reader->site;
    bool found = false;
    if (!is_pattern(name)) {
        const uint32_t point = site_point(site, name, strlen(name));
        if (point != SITE_NONE) {
            take(reader, at, point, what);
            found = true;
        }
    }
    for (uint32_t i = 0; is_pattern(name) && i < site->point_count; i++) {
        if (text_glob(name, site->points[i].id)) {
            take(reader, at, i, what);
            found = true;
        }
    }
    if (!found) {
        report_no_point(reader, at, name);
    }
}

static void take_wave(struct scenario_reader *reader, const struct conf_at *at, uint32_t point, const void *what)
{
    (void)at; /* nothing can be wrong here */
    struct wave wave = *(const struct wave *)what;
    const struct wave usual = wave_default(&reader->site->points[point]);
    wave.base = isnan(wave.base) ? usual.base : wave.base;
    wave.step = isnan(wave.step) ? usual.step : wave.step;
    reader->scenario->points[point].wave = wave;
    reader->scenario->points[point].named = true;
}

/* Reads one entry; base and step are NaN when the kind decides. */
static struct wave read_wave(struct scenario_reader *reader, const struct conf_at *at, json_t *json)
{
    struct entry entry;
    conf_read(&reader->conf, at, &scenario_entry_table, json, &entry);
    conf_defaults(&reader->conf, &scenario_entry_table, &entry);
    struct wave wave = {.base = entry.base, .noise = entry.noise, .drift_per_h = entry.drift_per_h, .step = entry.step};
    if (entry.sine.head.given) {
        const struct sine *sine = &entry.sine;
        if (!isnan(sine->mean) && !isnan(entry.base)) {
            conf_mistake(&reader->conf, at, "keep one of them", "has both \"base\" and \"sine.mean\"");
        }
        wave.base = isnan(sine->mean) ? entry.base : sine->mean;
        wave.amplitude = isnan(sine->amplitude) ? 0 : sine->amplitude;
        wave.period_ns = sine->period_ns > 0 ? sine->period_ns : NS_PER_S; /* else it was a mistake already */
    }
    return wave;
}

static void read_entries(struct scenario_reader *reader, const struct conf_at *at, json_t *points, bool patterns)
{
    const char *name;
    json_t *value;
    json_object_foreach(points, name, value)
    {
        if (is_pattern(name) == patterns) {
            const struct conf_at inner = CONF_KEY_AT(at, name);
            const struct wave wave = read_wave(reader, &inner, value);
            scenario_each_point(reader, &inner, name, take_wave, &wave);
        }
    }
}

void scenario_read_points(struct scenario_reader *reader, const struct conf_at *at, json_t *points)
{
    read_entries(reader, at, points, true); /* patterns first: a point's own entry always wins */
    read_entries(reader, at, points, false);
}
