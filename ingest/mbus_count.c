/*
 * mbus_count: the numbers the bus worker lets be seen.
 *
 *   ingest.<source>.<what>       of a connection: how much of what
 *   bus.<source>.state           how the connection is
 *   bus.<source>.<unit>.<what>   of one unit behind it
 *
 * A site sees those of bus.* as samples when it has points davy.bus.…  The
 * last exception of each point is kept too, in a cell of its own.
 *
 * Counters are made at start; afterwards the worker's thread writes them.
 */
#include "ingest/mbus_state.h"

#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

static const struct {
    const char *what, *help;
} unit_counters[] = {
    {"state", "0 answers, 1 its last request was in vain, 2 no connection or not heard on it yet, 3 silent"},
    {"polls", "block reads of the unit started"},
    {"timeouts", "its requests without an answer in time"},
    {"exceptions", "its answers that were Modbus exceptions"},
    {"exception", "code of its last exception"},
};
enum { UNIT_COUNTERS = sizeof unit_counters / sizeof *unit_counters, NAME_MAX_BYTES = 256 };

static struct counter *source_counter(const struct bus_link *link, const char *what, const char *help)
{
    char name[NAME_MAX_BYTES];
    (void)snprintf(name, sizeof name, "ingest.%s.%s", link->source->id, what);
    return counter_new(link->worker->config.counters, name, "", help);
}

static struct counter *unit_counter(const struct bus_unit *unit, size_t i)
{
    char name[NAME_MAX_BYTES];
    (void)snprintf(name, sizeof name, "bus.%s.%u.%s", unit->link->source->id, unit->unit, unit_counters[i].what);
    return counter_new(unit->link->worker->config.counters, name, "", unit_counters[i].help);
}

void count_link_begin(struct bus_link *link)
{
    char name[NAME_MAX_BYTES];
    (void)snprintf(name, sizeof name, "bus.%s.state", link->source->id);
    link->count = (struct bus_counters){
        .polls = source_counter(link, "polls", "block reads started"),
        .timeouts = source_counter(link, "timeouts", "requests without an answer in time"),
        .exceptions = source_counter(link, "exceptions", "answers that were Modbus exceptions"),
        .late_replies = source_counter(link, "late_replies", "late, doubled or foreign answers thrown away"),
        .bad_replies = source_counter(link, "bad_replies", "answers that did not match or were no Modbus"),
        .reconnects = source_counter(link, "reconnects", "connections made anew"),
        .renewals = source_counter(link, "renewals", "of RTU over TCP: made anew since an answer was late"),
        .skipped = source_counter(link, "skipped", "polls skipped: the last not done, or no room"),
        .connected = source_counter(link, "connected", "1 while there is a connection"),
        .faster = source_counter(link, "faster", "block reads polled faster, their hazard being in alarm"),
        .state = counter_new(link->worker->config.counters, name, "",
                             "0 answers, 2 no connection or not heard on it yet, 3 none of its units answers"),
    };
}

void count_unit_begin(struct bus_unit *unit)
{
    unit->count = (struct unit_counters){
        .state = unit_counter(unit, 0),
        .polls = unit_counter(unit, 1),
        .timeouts = unit_counter(unit, 2),
        .exceptions = unit_counter(unit, 3),
        .exception = unit_counter(unit, 4),
    };
}

/* ---- states ---- */

enum shown_state { SHOWN_ANSWERS, SHOWN_MISSED, SHOWN_DOWN, SHOWN_SILENT };

static enum shown_state state_of(const struct bus_unit *unit)
{
    if (unit->link->state != LINK_UP) {
        return SHOWN_DOWN;
    }
    if (unit_is_given_up(unit)) {
        return SHOWN_SILENT;
    }
    return !unit->heard ? SHOWN_DOWN : unit->misses > 0 ? SHOWN_MISSED : SHOWN_ANSWERS;
}

/* A connection is as well as the best of its units. */
void count_states(struct bus_link *link)
{
    enum shown_state best = SHOWN_SILENT;
    for (uint32_t i = 0; i < link->unit_count; i++) {
        const enum shown_state state = state_of(&link->units[i]);
        counter_set(link->units[i].count.state, state);
        best = state < best ? state : best;
    }
    counter_set(link->count.state, best == SHOWN_MISSED ? SHOWN_ANSWERS : best);
}

void count_exception(struct bus_unit *unit, uint8_t exception)
{
    counter_add(unit->link->count.exceptions, 1);
    counter_add(unit->count.exceptions, 1);
    counter_set(unit->count.exception, exception);
}

void count_timeout(struct bus_unit *unit)
{
    counter_add(unit->link->count.timeouts, 1);
    counter_add(unit->count.timeouts, 1);
}

void count_poll(struct bus_read *read)
{
    counter_add(read->link->count.polls, 1);
    counter_add(read->unit->count.polls, 1);
}

/* ---- before there is a worker ---- */

/* Marks the units of a source that some point has. */
static void find_units(const struct site *site, uint32_t source, bool ret_units[256])
{
    memset(ret_units, 0, 256 * sizeof *ret_units);
    for (size_t i = 0; i < site->point_count; i++) {
        if (site->points[i].from.source == source) {
            ret_units[site->points[i].from.unit] = true;
        }
    }
}

size_t mbus_counter_count(const struct site *site)
{
    bool units[256];
    size_t count = 0;
    for (uint32_t s = 0; s < site->source_count; s++) {
        if (!mbus_is_source(&site->sources[s])) {
            continue;
        }
        find_units(site, s, units);
        for (size_t i = 0; i < 256; i++) {
            count += units[i] ? UNIT_COUNTERS : 0;
        }
        count++;
    }
    return count;
}

/* True when the text behind "davy.bus." names a counter the worker will have. */
static bool is_counter(const struct site *site, const char *name)
{
    const char *what = strrchr(name, '.');
    for (uint32_t s = 0; what != NULL && s < site->source_count; s++) {
        const size_t len = strlen(site->sources[s].id);
        if (!mbus_is_source(&site->sources[s]) || strncmp(name, site->sources[s].id, len) != 0 || name[len] != '.') {
            continue;
        }
        if (strcmp(name + len, ".state") == 0) {
            return true;
        }
        char *end;
        const unsigned long unit = strtoul(name + len + 1, &end, 10);
        bool units[256];
        find_units(site, s, units);
        for (size_t i = 0; end == what && end != name + len + 1 && unit < 256 && units[unit] && i < UNIT_COUNTERS;
             i++) {
            if (strcmp(what + 1, unit_counters[i].what) == 0) {
                return true;
            }
        }
    }
    return false;
}

void count_check(const struct site *site, struct mistakes *mistakes)
{
    static const char prefix[] = "davy.bus.";
    char path[SITE_PATH_MAX];
    for (uint32_t i = 0; i < site->point_count; i++) {
        const char *id = site->points[i].id;
        if (strncmp(id, prefix, sizeof prefix - 1) == 0 && !is_counter(site, id + sizeof prefix - 1)) {
            const char *file = site_point_path(site, i, "id", path);
            mistakes_add(
                mistakes, file, path,
                "davy.bus.<source>.state, or davy.bus.<source>.<unit>. and state, polls, timeouts, exceptions or "
                "exception, of a unit that points have",
                "\"%s\" is no number of the field bus", id);
        }
    }
}
