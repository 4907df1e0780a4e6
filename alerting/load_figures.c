/*
 * load_figures: see load_figures.h.
 *
 * Events are only noted as they come, since the end of the stretch may not be
 * known before.  The figures are made in two walks: one in the order they came,
 * with a small state per alarm, and one over the times of raising, sorted, which
 * skips empty periods however long they are.
 */
#include "alerting/load_figures.h"

#include "base/memory.h"
#include "base/table.h"
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct note {
    int64_t time_ns;
    uint32_t alarm;
    uint8_t level; /* LEVEL_NONE: cleared */
};

struct load {
    struct table by_name;
    char **names; /* [alarm] */
    uint32_t alarm_count, alarm_room;
    struct note *notes;
    size_t count, room;
};

struct load *load_new(void)
{
    struct load *load = memory_new(1, sizeof *load);
    table_init(&load->by_name);
    return load;
}

void load_free(struct load *load)
{
    if (load == NULL) {
        return;
    }
    for (uint32_t i = 0; i < load->alarm_count; i++) {
        free(load->names[i]);
    }
    table_done(&load->by_name);
    free(load->names);
    free(load->notes);
    free(load);
}

static uint32_t alarm_of(struct load *load, const char *name)
{
    uint32_t alarm = table_find(&load->by_name, name, strlen(name));
    if (alarm != TABLE_NONE) {
        return alarm;
    }
    if (load->alarm_count == load->alarm_room) {
        load->alarm_room = load->alarm_room == 0 ? 64 : load->alarm_room * 2;
        load->names = memory_resize(load->names, load->alarm_room, sizeof *load->names);
    }
    alarm = load->alarm_count++;
    load->names[alarm] = memory_strdup(name);
    (void)table_add(&load->by_name, load->names[alarm], alarm); /* it was not there a moment ago */
    return alarm;
}

void load_event(struct load *load, const char *alarm, enum event_kind kind, enum level level, int64_t time_ns)
{
    if (kind != EV_RAISED && kind != EV_CLEARED) {
        return;
    }
    if (load->count == load->room) {
        load->room = load->room == 0 ? 256 : load->room * 2;
        load->notes = memory_resize(load->notes, load->room, sizeof *load->notes);
    }
    load->notes[load->count++] = (struct note){
        .time_ns = time_ns,
        .alarm = alarm_of(load, alarm),
        .level = (uint8_t)(kind == EV_RAISED ? level : LEVEL_NONE),
    };
}

/* ---- alarm by alarm ---------------------------------------------------------------------------------------------- */

struct alarm_state {
    int64_t raised_ns;                /* of the occurrence that is active */
    int64_t latest[LOAD_CHATTER - 1]; /* the last ones counted, the newest first */
    uint64_t raised;
    bool active, chatters;
};

/* Sums that may run over when times are absurd: then the difference is as large as can be. */
static int64_t between(int64_t from_ns, int64_t to_ns)
{
    int64_t span_ns = 0;
    return __builtin_sub_overflow(to_ns, from_ns, &span_ns) ? INT64_MAX : span_ns;
}

static void count_raise(struct alarm_state *alarm, const struct note *note, struct load_figures *figures)
{
    const int last = LOAD_CHATTER - 2;
    if (alarm->raised > (uint64_t)last && between(alarm->latest[last], note->time_ns) <= LOAD_CHATTER_NS) {
        alarm->chatters = true;
    }
    memmove(alarm->latest + 1, alarm->latest, (size_t)last * sizeof *alarm->latest);
    alarm->latest[0] = note->time_ns;
    alarm->raised++;
    figures->raised++;
    figures->by_level[note->level]++;
}

static void walk_alarms(const struct load *load, struct alarm_state *alarms, struct load_figures *figures)
{
    for (size_t i = 0; i < load->count; i++) {
        const struct note *note = &load->notes[i];
        struct alarm_state *alarm = &alarms[note->alarm];
        if (note->time_ns >= figures->to_ns) {
            continue;
        }
        if (note->level != LEVEL_NONE) {
            alarm->active = true;
            alarm->raised_ns = note->time_ns;
            if (note->time_ns >= figures->from_ns) {
                count_raise(alarm, note, figures);
            }
        } else if (alarm->active) {
            alarm->active = false;
            figures->fleeting +=
                alarm->raised_ns >= figures->from_ns && between(alarm->raised_ns, note->time_ns) < LOAD_FLEETING_NS;
        }
    }
}

/* Puts an alarm where it belongs among the most frequent. */
static void rank(struct load_figures *figures, const char *name, uint64_t raised)
{
    size_t at = figures->top_count;
    while (at > 0 && (figures->top[at - 1].raised < raised ||
                      (figures->top[at - 1].raised == raised && strcmp(figures->top[at - 1].alarm, name) > 0))) {
        at--;
    }
    if (at == LOAD_TOP) {
        return;
    }
    figures->top_count += figures->top_count < LOAD_TOP;
    memmove(figures->top + at + 1, figures->top + at, (figures->top_count - 1 - at) * sizeof *figures->top);
    figures->top[at] = (struct load_top){.alarm = name, .raised = raised};
}

static void sum_alarms(const struct load *load, const struct alarm_state *alarms, struct load_figures *figures)
{
    for (uint32_t i = 0; i < load->alarm_count; i++) {
        const struct alarm_state *alarm = &alarms[i];
        figures->chattering += alarm->chatters;
        figures->standing += alarm->active;
        figures->stale += alarm->active && between(alarm->raised_ns, figures->to_ns) > LOAD_DAY_NS;
        if (alarm->raised > 0) {
            rank(figures, load->names[i], alarm->raised);
        }
    }
    for (size_t i = 0; i < figures->top_count; i++) {
        figures->top_raised += figures->top[i].raised;
    }
}

/* ---- period by period -------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* How many spans the stretch has, the last one perhaps cut short. */
static uint64_t spans(const struct load_figures *figures, int64_t span_ns)
{
    const int64_t length_ns = between(figures->from_ns, figures->to_ns);
    return length_ns <= 0 ? 0 : (uint64_t)((length_ns - 1) / span_ns) + 1;
}

/* Gives the number of times in the span in which times[at] lies, and which span that is. */
static size_t count_span(const struct load_figures *figures, const int64_t *times, size_t count, size_t at,
                         int64_t span_ns, int64_t *ret_span)
{
    *ret_span = between(figures->from_ns, times[at]) / span_ns;
    size_t n = 1;
    while (at + n < count && between(figures->from_ns, times[at + n]) / span_ns == *ret_span) {
        n++;
    }
    return n;
}

static void walk_periods(const int64_t *times, size_t count, struct load_figures *figures)
{
    int64_t before = -2; /* the period before, if it had any alarm */
    bool flood = false;
    for (size_t at = 0; at < count;) {
        int64_t period = 0;
        const size_t n = count_span(figures, times, count, at, LOAD_PERIOD_NS, &period);
        const bool goes_on = flood && period == before + 1 && n >= LOAD_FLOOD_ENDS;
        flood = goes_on || n > LOAD_FLOOD_BEGINS;
        figures->floods += flood && !goes_on;
        figures->periods_in_flood += flood;
        figures->periods_over += n > LOAD_FLOOD_BEGINS;
        if (n > figures->worst) {
            figures->worst = n;
            figures->worst_ns = figures->from_ns + period * LOAD_PERIOD_NS;
        }
        before = period;
        at += n;
    }
}

static void walk_hours(const int64_t *times, size_t count, struct load_figures *figures)
{
    for (size_t at = 0; at < count;) {
        int64_t hour = 0;
        const size_t n = count_span(figures, times, count, at, LOAD_HOUR_NS, &hour);
        figures->hours_over += n > LOAD_BUSY_HOUR;
        at += n;
    }
}

/* The times of raising within the stretch, sorted. */
static int64_t *raise_times(const struct load *load, const struct load_figures *figures, size_t *ret_count)
{
    int64_t *times = memory_new(load->count, sizeof *times);
    size_t count = 0;
    for (size_t i = 0; i < load->count; i++) {
        const struct note *note = &load->notes[i];
        if (note->level != LEVEL_NONE && note->time_ns >= figures->from_ns && note->time_ns < figures->to_ns) {
            times[count++] = note->time_ns;
        }
    }
    qsort(times, count, sizeof *times, by_time);
    *ret_count = count;
    return times;
}

void load_figures(const struct load *load, int64_t from_ns, int64_t to_ns, struct load_figures *ret_figures)
{
    struct load_figures figures = {.from_ns = from_ns, .to_ns = to_ns};
    struct alarm_state *alarms = memory_new(load->alarm_count, sizeof *alarms);
    walk_alarms(load, alarms, &figures);
    sum_alarms(load, alarms, &figures);
    free(alarms);
    size_t count = 0;
    int64_t *times = raise_times(load, &figures, &count);
    figures.periods = spans(&figures, LOAD_PERIOD_NS);
    figures.hours = spans(&figures, LOAD_HOUR_NS);
    walk_periods(times, count, &figures);
    walk_hours(times, count, &figures);
    free(times);
    *ret_figures = figures;
}

double load_rate(const struct load_figures *figures, int64_t span_ns)
{
    const int64_t length_ns = between(figures->from_ns, figures->to_ns);
    return length_ns <= 0 ? 0.0 : (double)figures->raised * (double)span_ns / (double)length_ns;
}
