/*
 * mbus_unit: one device behind a connection, and what becomes of it when it
 * does not answer.
 *
 * Units of one connection share its time.  A unit that missed two requests in
 * a row is silent: its points get `comm` at each due poll without costing the
 * line anything, and it is asked by a probe of one register, now and then.
 *
 *   answers --(2 misses)--> silent --(any answer)--> answers
 *                             | probe after 1 s, 2 s … 30 s
 *
 * All silent units of a connection share one budget: while another unit
 * answers, a probe that cost t is followed by 39 t without one, so the living
 * keep 97.5 % of the line.  When none answers there is nobody to
 * protect, and a probe follows soon.  A unit alone on its connection is never
 * silent: its own polls ask it.
 */
#include "ingest/mbus_state.h"

#include "base/log.h"

enum {
    MISSES_UNTIL_SILENT = 2,
    BUDGET_PARTS = 39, /* free time for one part of probing */
};
static const int64_t probe_wait_min_ns = NS_PER_S;
static const int64_t probe_wait_max_ns = 30 * NS_PER_S;
static const int64_t probe_pause_ns = NS_PER_S / 4; /* nobody answers: between two probes */

static bool someone_answers(const struct bus_link *link)
{
    return link->silent_count < link->unit_count;
}

/* Its polls of the time of silence are made up for at once. */
static void ask_lost_reads(struct bus_unit *unit)
{
    for (uint32_t i = 0; i < unit->read_count; i++) {
        if (unit->reads[i].lost) {
            link_due(unit->link, &unit->reads[i]);
        }
    }
}

static void wake_other_silent(struct bus_link *link)
{
    for (uint32_t i = 0; i < link->unit_count; i++) {
        if (link->units[i].silent) {
            link->units[i].probe_ns = link->worker->mono_ns;
        }
    }
    link->probe_ns = link->worker->mono_ns;
}

static void log_back(const struct bus_unit *unit)
{
    const int64_t silent_ns = unit->link->worker->mono_ns - unit->silent_since_ns;
    log_event(LOG_INFO, "ingest", "ING-004", unit->link->source->id, "source=%s unit=%u answers=again after=%llds",
              unit->link->source->id, unit->unit, (long long)(silent_ns / NS_PER_S));
}

static void log_silent(struct bus_unit *unit)
{
    unit->silent_since_ns = unit->link->worker->mono_ns;
    log_event(LOG_WARN, "ingest", "ING-003", unit->link->source->id,
              "source=%s unit=%u reason=\"no answer to %u requests\"", unit->link->source->id, unit->unit,
              unit->misses);
}

bool unit_is_given_up(const struct bus_unit *unit)
{
    return unit->silent || unit->misses >= MISSES_UNTIL_SILENT;
}

/* The hot way: an answer that changes nothing. */
static bool is_news(const struct bus_unit *unit)
{
    return unit->silent || unit->misses > 0 || !unit->heard;
}

void unit_answered(struct bus_unit *unit)
{
    struct bus_link *link = unit->link;
    if (!is_news(unit)) {
        return;
    }
    const bool alone_back = !unit->silent && unit->misses >= MISSES_UNTIL_SILENT;
    unit->misses = 0;
    unit->heard = true;
    if (alone_back) {
        log_back(unit);
    }
    const bool first = !someone_answers(link);
    const bool was_silent = unit->silent;
    unit->silent = false;
    link->silent_count -= was_silent;
    count_states(link);
    if (!was_silent) {
        return;
    }
    log_back(unit);
    if (first) {
        wake_other_silent(link); /* the line itself is back: so may be the others */
    }
    ask_lost_reads(unit);
}

static void fall_silent(struct bus_unit *unit)
{
    struct bus_link *link = unit->link;
    unit->silent = true;
    share_forget(&link->share, (uint32_t)(unit - link->units)); /* probes have a budget of their own */
    for (uint32_t i = 0; i < unit->read_count; i++) {
        unit->reads[i].demand = 0;
    }
    unit->probe_wait_ns = probe_wait_min_ns;
    unit->probe_ns = link->worker->mono_ns + unit->probe_wait_ns;
    link->silent_count++;
    log_silent(unit);
}

void unit_missed(struct bus_unit *unit, int64_t sent_ns, int64_t cost_ns)
{
    struct bus_link *link = unit->link;
    const int64_t mono_ns = link->worker->mono_ns;
    if (sent_ns < unit->missed_ns) {
        return; /* of the same silence as one that was counted */
    }
    unit->missed_ns = mono_ns;
    if (unit->misses < UINT8_MAX) {
        unit->misses++;
    }
    if (unit->silent) {
        unit->probe_wait_ns = 2 * unit->probe_wait_ns > probe_wait_max_ns ? probe_wait_max_ns : 2 * unit->probe_wait_ns;
        unit->probe_ns = mono_ns + unit->probe_wait_ns;
    } else if (unit->misses >= MISSES_UNTIL_SILENT && link->unit_count > 1) {
        fall_silent(unit);
    } else {
        if (unit->misses == MISSES_UNTIL_SILENT) {
            log_silent(unit);
        }
        count_states(link);
        return;
    }
    count_states(link);
    link->probe_ns = mono_ns + (someone_answers(link) ? BUDGET_PARTS * cost_ns : probe_pause_ns);
}

/* When nobody answers, the growing time of a single unit does not count: any of them tells that the line is back. */
static int64_t first_probe_ns(const struct bus_unit *unit)
{
    if (!unit->silent) {
        return TIME_NEVER;
    }
    return someone_answers(unit->link) && unit->probe_ns > unit->quiet_ns ? unit->probe_ns : unit->quiet_ns;
}

static bool may_probe(const struct bus_link *link, const struct bus_unit *unit)
{
    return first_probe_ns(unit) <= link->worker->mono_ns;
}

/* One probe at a time, however many requests the device takes. */
static bool is_probing(const struct bus_link *link)
{
    for (uint32_t i = 0; i < link->ask_count; i++) {
        if (link->asks[i].state != ASK_FREE && link->asks[i].read == NULL) {
            return true;
        }
    }
    return false;
}

struct bus_unit *unit_to_probe(struct bus_link *link)
{
    if (link->silent_count == 0 || link->probe_ns > link->worker->mono_ns || is_probing(link)) {
        return NULL;
    }
    for (uint32_t i = 0; i < link->unit_count; i++) {
        struct bus_unit *unit = &link->units[(link->probe_turn + i) % link->unit_count];
        if (may_probe(link, unit)) {
            link->probe_turn = (uint32_t)(unit - link->units) + 1;
            return unit;
        }
    }
    return NULL;
}

int64_t unit_next_probe(const struct bus_link *link)
{
    if (link->silent_count == 0 || is_probing(link)) {
        return TIME_NEVER;
    }
    int64_t first_ns = TIME_NEVER;
    for (uint32_t i = 0; i < link->unit_count; i++) {
        const int64_t probe_ns = first_probe_ns(&link->units[i]);
        first_ns = probe_ns < first_ns ? probe_ns : first_ns;
    }
    return first_ns < link->probe_ns ? link->probe_ns : first_ns;
}

void unit_probe(struct bus_unit *unit, struct bus_ask *ask)
{
    const struct mbus_read *read = unit->reads[0].plan;
    *ask = (struct bus_ask){.unit = unit};
    line_ask(unit->link, ask, read->table, read->address, 1);
}

void units_reset(struct bus_link *link)
{
    for (uint32_t i = 0; i < link->unit_count; i++) {
        link->units[i].misses = 0;
        link->units[i].missed_ns = 0;
        link->units[i].heard = false;
        link->units[i].silent = false;
    }
    link->silent_count = 0;
}
