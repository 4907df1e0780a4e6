/*
 * scenario_load: a scenario file becomes a struct scenario.
 *
 * Everything is read by tables (model/conf.h), which are the manual's
 * reference too; all mistakes of a file come out in one run.  Points that no
 * entry names get the usual signal of their kind.
 */
#include "base/clock.h"
#include "base/text.h"
#include "simulators/scenario_read.h"
#include "simulators/wave.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 16 * 1024 * 1024 }; /* a larger file is refused */

struct heading {
    struct conf_head head;
    uint32_t seed;
    json_t *start;
    int64_t length_ns;
    json_t *points, *events;
};

static const struct conf_key heading_keys[] = {
    {"seed", CONF_WHOLE, offsetof(struct heading, seed), .lo = 0, .hi = 4294967294.0, .fallback = "1",
     .help = "of the noise: same seed, same bytes"},
    {"start", CONF_ANY, offsetof(struct heading, start), .required = true,
     .help = "the trace's first moment: RFC 3339 or Unix milliseconds"},
    {"length", CONF_DURATION, offsetof(struct heading, length_ns), .required = true, .lo = 1,
     .help = "how long the trace is"},
    {"points", CONF_MAP, offsetof(struct heading, points), .table = &scenario_entry_table,
     .help = "signals by id or pattern"},
    {"events", CONF_LIST, offsetof(struct heading, events), .table = &scenario_event_table,
     .help = "what happens, and when"},
};

const struct conf_table scenario_table = {.name = "scenario",
                                          .about = "A scenario file.",
                                          .keys = heading_keys,
                                          .count = sizeof heading_keys / sizeof heading_keys[0]};

static void start_points(struct scenario *scenario, const struct site *site)
{
    scenario->points = ARENA_ARRAY(&scenario->arena, struct sim_point, site->point_count + 1);
    for (size_t i = 0; i < site->point_count; i++) {
        const struct site_point *point = &site->points[i];
        scenario->points[i].wave = wave_default(point);
        scenario->points[i].key = wave_key(scenario->seed, point->id);
        scenario->points[i].every_ns = point->every_ns > 0 ? point->every_ns : NS_PER_S;
    }
}

/* ---- the document ------------------------------------------------------------------------------------------------ */

static int compare_faults(const void *left, const void *right)
{
    const struct fault *a = left;
    const struct fault *b = right;
    if (a->at_ns != b->at_ns) {
        return a->at_ns < b->at_ns ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static void keep_faults(struct scenario_reader *reader)
{
    struct scenario *scenario = reader->scenario;
    scenario->faults = ARENA_ARRAY(&scenario->arena, struct fault, reader->fault_count + 1);
    scenario->fault_count = reader->fault_count;
    if (reader->fault_count > 0) {
        qsort(reader->faults, reader->fault_count, sizeof reader->faults[0], compare_faults);
        memcpy(scenario->faults, reader->faults, reader->fault_count * sizeof reader->faults[0]);
    }
}

/* Years 1970 to 2200: a start far from these would leave the range of times in nanoseconds. */
static int64_t read_start(struct scenario_reader *reader, const struct conf_at *at, const json_t *value)
{
    const int64_t most_ns = INT64_C(7258118400) * NS_PER_S;
    int64_t start_ns = -1;
    if (json_is_string(value)) {
        (void)text_parse_time(json_string_value(value), json_string_length(value), &start_ns); /* else it stays -1 */
    } else if (json_is_integer(value) && json_integer_value(value) <= most_ns / NS_PER_MS) {
        start_ns = json_integer_value(value) < 0 ? -1 : json_integer_value(value) * NS_PER_MS;
    }
    if (start_ns < 0 || start_ns > most_ns) {
        conf_mistake(&reader->conf, at, "write it like \"2026-01-05T00:00:00Z\"", "is not a time from 1970 to 2200");
    }
    return start_ns;
}

static void read_document(struct scenario_reader *reader, const char *file, json_t *root)
{
    const struct conf_at at = CONF_ROOT(file, 0);
    const struct conf_at start_at = CONF_KEY_AT(&at, "start");
    const struct conf_at points_at = CONF_KEY_AT(&at, "points");
    const struct conf_at events_at = CONF_KEY_AT(&at, "events");
    struct heading heading;
    conf_read(&reader->conf, &at, &scenario_table, root, &heading);
    conf_defaults(&reader->conf, &scenario_table, &heading);
    struct scenario *scenario = reader->scenario;
    scenario->seed = heading.seed;
    scenario->start_ns = heading.start == NULL ? 0 : read_start(reader, &start_at, heading.start);
    scenario->length_ns = heading.length_ns;
    start_points(scenario, reader->site);
    if (heading.points != NULL) {
        scenario_read_points(reader, &points_at, heading.points);
    }
    if (heading.events != NULL) {
        scenario_read_events(reader, &events_at, heading.events);
    }
    incidents_build(&reader->incidents, scenario, reader->site->point_count);
    keep_faults(reader);
    arena_seal(&scenario->arena);
}

enum err_code scenario_parse(const char *text, const char *file, const struct site *site, struct mistakes *mistakes,
                             struct scenario **ret_scenario, struct err *err)
{
    struct scenario *scenario = calloc(1, sizeof *scenario);
    if (scenario == NULL) {
        return err_set(err, ERR_ENV, "%s: out of memory", file);
    }
    arena_init(&scenario->arena);
    const size_t before = mistakes->total;
    struct scenario_reader reader = {
        .conf = {.arena = &scenario->arena, .mistakes = mistakes}, .site = site, .scenario = scenario};
    conf_pool_init(&reader.conf.pool);
    json_t *root = conf_parse_json(&reader.conf, file, text);
    if (root != NULL) {
        read_document(&reader, file, root);
        json_decref(root);
    }
    conf_pool_done(&reader.conf.pool);
    incidents_done(&reader.incidents);
    free(reader.faults);
    if (root == NULL || mistakes->total != before) {
        scenario_free(scenario);
        return err_set(err, ERR_INPUT, "%s: has mistakes", file);
    }
    *ret_scenario = scenario;
    return ERR_NONE;
}

enum err_code scenario_load(const char *file, const struct site *site, struct mistakes *mistakes,
                            struct scenario **ret_scenario, struct err *err)
{
    struct err why = {0};
    char *text = conf_read_file(mistakes, file, FILE_MAX_BYTES, &why);
    if (text == NULL) {
        return err_set(err, why.code, "%s", why.text);
    }
    const enum err_code code = scenario_parse(text, file, site, mistakes, ret_scenario, err);
    free(text);
    return code;
}

void scenario_free(struct scenario *scenario)
{
    if (scenario != NULL) {
        arena_done(&scenario->arena);
        free(scenario);
    }
}
