/*
 * scenario_events: the script of a scenario.
 *
 * An event names a moment, a point or a source, and one thing that happens to
 * it.  What a device cannot say on the wire (a status flag on a Modbus point
 * without a status register or an "invalid" value, say) is a mistake here, so that the live run and
 * the trace never differ.
 */
#include "base/clock.h"
#include "base/text.h"
#include "model/sample.h"
#include "simulators/encode.h"
#include "simulators/fault.h"
#include "simulators/payload.h"
#include "simulators/scenario_read.h"
#include "simulators/wave.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ramp {
    struct conf_head head;
    double to;
    int64_t over_ns;
};

struct flag {
    struct conf_head head;
    const char *flag;
    int64_t for_ns;
};

struct event_entry {
    struct conf_head head;
    int64_t at_ns, freeze_ns, for_ns;
    uint32_t unit, release;
    double set;
    const char *point, *source, *fault;
    struct ramp ramp;
    struct flag status;
};

static const struct conf_key ramp_keys[] = {
    {"to", CONF_NUMBER, offsetof(struct ramp, to), .required = true, .lo = -SCENARIO_VALUE_MOST,
     .hi = SCENARIO_VALUE_MOST, .help = "where it ends and stays"},
    {"over", CONF_DURATION, offsetof(struct ramp, over_ns), .required = true, .help = "how long it takes"},
};

static const struct conf_table ramp_table = {.name = "events[].ramp",
                                             .about = "An even change of what the signal stands at.",
                                             .keys = ramp_keys,
                                             .count = sizeof ramp_keys / sizeof ramp_keys[0]};

static const struct conf_key flag_keys[] = {
    {"flag", CONF_TEXT, offsetof(struct flag, flag), .required = true,
     .help = "sensor, calibrating, paused, manual, comm, joined by +"},
    {"for", CONF_DURATION, offsetof(struct flag, for_ns), .lo = 1, .fallback_note = "for ever", .help = "how long"},
};

static const struct conf_table flag_table = {
    .name = "events[].status",
    .about = "What the device says about its reading, as far as its wire can say it.",
    .keys = flag_keys,
    .count = sizeof flag_keys / sizeof flag_keys[0]};

static const struct conf_key event_keys[] = {
    {"at", CONF_DURATION, offsetof(struct event_entry, at_ns), .required = true,
     .help = "when, from the scenario's start"},
    {"point", CONF_TEXT, offsetof(struct event_entry, point), .help = "the point, or a pattern for several"},
    {"ramp", CONF_TABLE, offsetof(struct event_entry, ramp), .table = &ramp_table,
     .help = "the signal moves to another value and stays there"},
    {"set", CONF_NUMBER, offsetof(struct event_entry, set), .lo = -SCENARIO_VALUE_MOST, .hi = SCENARIO_VALUE_MOST,
     .help = "the signal jumps to a value and stays there"},
    {"freeze", CONF_DURATION, offsetof(struct event_entry, freeze_ns), .lo = 1,
     .help = "the value stands still for so long"},
    {"status", CONF_TABLE, offsetof(struct event_entry, status), .table = &flag_table,
     .help = "the reading carries a status flag"},
    {"release", CONF_BOOL, offsetof(struct event_entry, release),
     .help = "true: back to the undisturbed signal; ends freezes and flags"},
    {"source", CONF_TEXT, offsetof(struct event_entry, source), .help = "the source"},
    {"unit", CONF_WHOLE, offsetof(struct event_entry, unit), .lo = 0, .hi = 255, .fallback_note = "all",
     .help = "the one unit of the source that has the fault"},
    {"fault", CONF_TEXT, offsetof(struct event_entry, fault), .help = "what the source does wrong"},
    {"for", CONF_DURATION, offsetof(struct event_entry, for_ns), .lo = 1, .fallback_note = "for ever",
     .help = "how long the fault lasts"},
};

const struct conf_table scenario_event_table = {
    .name = "events[]",
    .about = "One thing that happens: to a point (ramp, set, freeze, status or release), or to a source (fault).",
    .keys = event_keys,
    .count = sizeof event_keys / sizeof event_keys[0]};

/* One event being read, with its place for mistakes. */
struct place {
    struct scenario_reader *reader;
    const struct conf_at *at;
    const json_t *json;
    uint32_t order;
};

static bool has(const struct place *place, const char *key)
{
    return json_object_get(place->json, key) != NULL;
}

/* A mistake at one of the event's keys. */
static void complain(const struct place *place, const char *key, const char *hint, const char *fact)
{
    const struct conf_at inner = CONF_KEY_AT(place->at, key);
    conf_mistake(&place->reader->conf, &inner, hint, "%s", fact);
}

/* True when one of the keys was written, which is a mistake. */
static bool has_strangers(const struct place *place, const char *const *keys, const char *fact)
{
    for (; *keys != NULL; keys++) {
        if (has(place, *keys)) {
            complain(place, *keys, "remove it", fact);
            return true;
        }
    }
    return false;
}

/* at + length, or "for ever" when there is none (-1) or the sum is too large. */
static int64_t end_of(int64_t at_ns, int64_t length_ns)
{
    return length_ns < 0 || at_ns > INT64_MAX - length_ns ? INT64_MAX : at_ns + length_ns;
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

/* Flags a device sends; the others are davy's own findings. */
enum { DEVICE_FLAGS = ST_COMM | ST_SENSOR | ST_CALIBRATING | ST_MANUAL | ST_PAUSED };

static bool can_say(const struct scenario_reader *reader, uint32_t point, uint16_t status)
{
    const struct site_from *from = &reader->site->points[point].from;
    struct raw raw;
    if (from->source == SITE_NONE) {
        return true;
    }
    const struct site_source *source = &reader->site->sources[from->source];
    if (source->type == SOURCE_MQTT) {
        return payload_can_say(source->format, status);
    }
    return encode_can_say(from, status) || (status == ST_SENSOR && encode_invalid(from, &raw));
}

static void take_incident(struct scenario_reader *reader, const struct conf_at *at, uint32_t point, const void *what)
{
    struct incident incident = *(const struct incident *)what;
    incident.point = point;
    if (incident.kind == INCIDENT_STATUS && !can_say(reader, point, incident.status)) {
        conf_mistake(&reader->conf, at,
                     "Modbus shows only what the point's \"status\" registers can say, and \"sensor\" by a value from its "
                     "\"invalid\" or a NaN; json, thingsboard and sparkplug only \"sensor\", neuron also \"comm\"",
                     "point \"%s\" cannot show that status", reader->site->points[point].id);
    } else if (!incidents_add(&reader->incidents, incident)) {
        conf_mistake(&reader->conf, at, "use narrower patterns", "more than %d events of points", INCIDENTS_MAX);
    }
}

static bool read_flag(const struct place *place, const struct flag *flag, struct incident *ret_incident)
{
    uint16_t status = 0;
    if (flag->flag == NULL) {
        return false; /* was a mistake already */
    }
    if (!status_parse(flag->flag, strlen(flag->flag), &status) || status == 0 || (status & ~DEVICE_FLAGS) != 0) {
        complain(place, "status", "use sensor, calibrating, paused, manual or comm, joined by +",
                 "flag is none that a device can send");
        return false;
    }
    ret_incident->kind = INCIDENT_STATUS;
    ret_incident->status = status;
    ret_incident->end_ns = end_of(ret_incident->at_ns, flag->for_ns);
    return true;
}

static bool read_action(const struct place *place, const struct event_entry *event, struct incident *ret_incident)
{
    if (event->ramp.head.given) {
        ret_incident->kind = INCIDENT_RAMP;
        ret_incident->to = event->ramp.to;
        ret_incident->end_ns = end_of(event->at_ns, event->ramp.over_ns);
        return !isnan(event->ramp.to) && event->ramp.over_ns >= 0;
    }
    if (event->status.head.given) {
        return read_flag(place, &event->status, ret_incident);
    }
    if (event->freeze_ns > 0) {
        ret_incident->kind = INCIDENT_FREEZE;
        ret_incident->end_ns = end_of(event->at_ns, event->freeze_ns);
        return true;
    }
    if (event->release == 0) {
        complain(place, "release", "write true or leave it out", "can only be true");
        return false;
    }
    ret_incident->kind = event->release == 1 ? INCIDENT_RELEASE : INCIDENT_SET;
    ret_incident->to = event->set;
    return event->release == 1 || !isnan(event->set);
}

static const char *const point_keys[] = {"ramp", "set", "freeze", "status", "release", NULL};
static const char *const source_keys[] = {"unit", "fault", "for", NULL};

static void read_point_event(const struct place *place, const struct event_entry *event)
{
    size_t named = 0;
    for (size_t i = 0; point_keys[i] != NULL; i++) {
        named += has(place, point_keys[i]);
    }
    if (named != 1) {
        conf_mistake(&place->reader->conf, place->at, "give one of ramp, set, freeze, status, release",
                     named == 0 ? "says nothing that happens to the point" : "says several things at once");
        return;
    }
    struct incident incident = {.at_ns = event->at_ns, .end_ns = event->at_ns, .order = place->order};
    if (!has_strangers(place, source_keys, "belongs to an event of a source") && read_action(place, event, &incident)) {
        const struct conf_at inner = CONF_KEY_AT(place->at, "point");
        scenario_each_point(place->reader, &inner, event->point, take_incident, &incident);
    }
}

/* ---- sources ----------------------------------------------------------------------------------------------------- */

static bool unit_exists(const struct site *site, uint32_t source, int32_t unit)
{
    for (size_t i = 0; i < site->point_count; i++) {
        if (site->points[i].from.source == source && site->points[i].from.unit == unit) {
            return true;
        }
    }
    return false;
}

/* What the source can have is the hint. */
static void complain_fault(const struct place *place, uint32_t source, const char *fact)
{
    char names[200], hint[240];
    if (source == TABLE_NONE) {
        complain(place, "fault", NULL, fact);
        return;
    }
    fault_names(&place->reader->site->sources[source], names, sizeof names);
    (void)snprintf(hint, sizeof hint, "it can have %s", names);
    complain(place, "fault", hint, fact);
}

static bool check_fault(const struct place *place, const struct fault *fault)
{
    const struct site *site = place->reader->site;
    const struct site_source *source = &site->sources[fault->source];
    if (!fault_fits(fault->kind, source)) {
        complain_fault(place, fault->source, "is none that this source can have");
        return false;
    }
    if (fault->unit == FAULT_ANY_UNIT) {
        return true;
    }
    if (source->type == SOURCE_MQTT || !unit_exists(site, fault->source, fault->unit)) {
        complain(place, "unit", "use a unit of one of its points", "no point of the source has this unit");
        return false;
    }
    if (fault_is_whole(fault->kind)) {
        complain(place, "unit", "remove it", "this fault strikes the whole connection");
        return false;
    }
    return true;
}

static void read_source_event(const struct place *place, const struct event_entry *event)
{
    struct scenario_reader *reader = place->reader;
    if (has_strangers(place, point_keys, "belongs to an event of a point")) {
        return;
    }
    if (event->fault == NULL) {
        if (!has(place, "fault")) {
            conf_mistake(&reader->conf, place->at, "add \"fault\"", "says nothing that happens to the source");
        }
        return;
    }
    struct fault fault = {.at_ns = event->at_ns,
                          .end_ns = end_of(event->at_ns, event->for_ns),
                          .source = table_find(&reader->site->source_by_id, event->source, strlen(event->source)),
                          .order = place->order,
                          .unit = event->unit == CONF_ABSENT ? FAULT_ANY_UNIT : (int32_t)event->unit};
    const char *wrong = fault_parse(event->fault, &fault.kind, &fault.value);
    if (wrong != NULL) {
        complain_fault(place, fault.source, wrong);
    }
    if (fault.source == TABLE_NONE) {
        complain(place, "source", "use an id of the site's sources", "source is not in the site");
    }
    if (wrong == NULL && fault.source != TABLE_NONE && check_fault(place, &fault)) {
        reader->faults[reader->fault_count++] = fault;
    }
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static void read_event(const struct place *place, json_t *json)
{
    struct conf *conf = &place->reader->conf;
    struct event_entry event;
    const size_t before = conf->mistakes->total;
    conf_read(conf, place->at, &scenario_event_table, json, &event);
    if (conf->mistakes->total != before) {
        return; /* what follows would only say it again */
    }
    const int64_t length_ns = place->reader->scenario->length_ns;
    if (length_ns > 0 && event.at_ns > length_ns) {
        complain(place, "at", "make the scenario's \"length\" longer", "is after the scenario's end");
    }
    if ((event.point == NULL) == (event.source == NULL)) {
        conf_mistake(conf, place->at, "name either a \"point\" or a \"source\"",
                     event.point == NULL ? "names neither point nor source" : "names both a point and a source");
    } else if (event.point != NULL) {
        read_point_event(place, &event);
    } else {
        read_source_event(place, &event);
    }
}

void scenario_read_events(struct scenario_reader *reader, const struct conf_at *at, const json_t *events)
{
    const size_t count = json_array_size(events);
    reader->faults = calloc(count + 1, sizeof reader->faults[0]);
    if (reader->faults == NULL) {
        conf_mistake(&reader->conf, at, NULL, "no memory for %zu events", count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct conf_at inner = CONF_INDEX_AT(at, i);
        json_t *json = json_array_get(events, i);
        const struct place place = {reader, &inner, json, (uint32_t)i};
        read_event(&place, json);
    }
}
