/* event_match: see event_match.h. */
#include "app/event_match.h"

#include "base/clock.h"
#include "base/memory.h"
#include <stdlib.h>

const char *match_name(enum match_kind kind)
{
    static const char *const names[MATCH_KINDS] = {
        [MATCH_ADDED] = "added", [MATCH_LOST] = "lost",   [MATCH_EARLIER] = "earlier",
        [MATCH_LATER] = "later", [MATCH_LEVEL] = "level",
    };
    return names[kind];
}

void match_add(struct match_list *list, const struct event *event, uint32_t alarm)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? 256 : list->room * 2;
        list->items = memory_resize(list->items, list->room, sizeof *list->items);
    }
    list->items[list->count] = (struct match_event){
        .time_ns = event->time_ns,
        .alarm = alarm,
        .occurrence = event->occurrence,
        .order = (uint32_t)list->count,
        .kind = event->kind,
        .level = event->level,
    };
    list->count++;
}

void match_list_done(struct match_list *list)
{
    free(list->items);
    *list = (struct match_list){0};
}

void match_result_done(struct match_result *result)
{
    free(result->items);
    *result = (struct match_result){0};
}

static void add(struct match_result *result, const struct match_difference *difference)
{
    if (result->count == result->room) {
        result->room = result->room == 0 ? 64 : result->room * 2;
        result->items = memory_resize(result->items, result->room, sizeof *result->items);
    }
    result->items[result->count++] = *difference;
    result->sums[difference->kind]++;
}

/* ---- occurrences ------------------------------------------------------------------------------------------------- */

/* The events of one occurrence of one alarm: they stand together. */
struct occurrence {
    struct match_event *events;
    size_t count;
    int64_t begin_ns, end_ns; /* raised, cleared; before the first occurrence: the beginning of time */
};

/* Gives the occurrence that begins at events[0]. */
static struct occurrence occurrence_at(struct match_event *events, size_t left)
{
    struct occurrence found = {.events = events, .begin_ns = events[0].time_ns, .end_ns = TIME_NEVER};
    while (found.count < left && events[found.count].alarm == events[0].alarm &&
           events[found.count].occurrence == events[0].occurrence) {
        if (events[found.count].kind == EV_CLEARED) {
            found.end_ns = events[found.count].time_ns;
        }
        found.count++;
    }
    if (events[0].occurrence == 0) {
        found.begin_ns = found.end_ns = INT64_MIN;
    }
    return found;
}

static void add_all(struct match_result *result, enum match_kind kind, const struct occurrence *occurrence)
{
    for (size_t i = 0; i < occurrence->count; i++) {
        if (!occurrence->events[i].matched) {
            add(result, &(struct match_difference){.kind = kind, .event = occurrence->events[i]});
        }
    }
}

static void compare(struct match_result *result, struct match_event *first, struct match_event *second)
{
    first->matched = second->matched = true;
    struct match_difference difference = {.event = *first, .other = *second};
    if (second->time_ns != first->time_ns) {
        const bool later = second->time_ns > first->time_ns;
        difference.kind = later ? MATCH_LATER : MATCH_EARLIER;
        difference.by_ns = later ? second->time_ns - first->time_ns : first->time_ns - second->time_ns;
    } else if (second->level != first->level) {
        difference.kind = MATCH_LEVEL;
    } else {
        result->same++;
        return;
    }
    add(result, &difference);
}

/* Two occurrences that belong together: of each kind the first is the first, the second the second. */
static void compare_occurrences(struct match_result *result, struct occurrence *first, struct occurrence *second)
{
    size_t places[EV_COUNT] = {0};
    for (size_t i = 0; i < first->count; i++) {
        struct match_event *event = &first->events[i];
        size_t *at = &places[event->kind];
        while (*at < second->count && second->events[*at].kind != event->kind) {
            (*at)++;
        }
        if (*at < second->count) {
            compare(result, event, &second->events[(*at)++]);
        }
    }
    add_all(result, MATCH_LOST, first);
    add_all(result, MATCH_ADDED, second);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static int by_alarm(const void *a, const void *b)
{
    const struct match_event *x = a;
    const struct match_event *y = b;
    if (x->alarm != y->alarm) {
        return x->alarm < y->alarm ? -1 : 1;
    }
    return (x->order > y->order) - (x->order < y->order);
}

static int by_time(const void *a, const void *b)
{
    const struct match_difference *x = a;
    const struct match_difference *y = b;
    if (x->event.time_ns != y->event.time_ns) {
        return x->event.time_ns < y->event.time_ns ? -1 : 1;
    }
    const int order = by_alarm(&x->event, &y->event);
    return order != 0 ? order : (int)x->kind - (int)y->kind;
}

static void sort(struct match_list *list)
{
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof *list->items, by_alarm);
    }
}

/* True when the one is over, with all its alarm's, before the other begins. */
static bool is_before(const struct occurrence *one, const struct occurrence *other)
{
    if (one->events[0].alarm != other->events[0].alarm) {
        return one->events[0].alarm < other->events[0].alarm;
    }
    return one->end_ns < other->begin_ns;
}

/* Fetches the next occurrence when the one in hand is done with (count 0); false when there is none. */
static bool next(struct match_list *list, size_t *at, struct occurrence *occurrence)
{
    if (occurrence->count == 0 && *at < list->count) {
        *occurrence = occurrence_at(list->items + *at, list->count - *at);
        *at += occurrence->count;
    }
    return occurrence->count > 0;
}

void event_match(struct match_list *first, struct match_list *second, struct match_result *ret_result)
{
    struct match_result result = {0};
    sort(first);
    sort(second);
    struct occurrence one = {0};
    struct occurrence other = {0};
    size_t i = 0;
    size_t j = 0;
    for (;;) {
        const bool more = next(first, &i, &one);
        if (!next(second, &j, &other) && !more) {
            break;
        }
        if (other.count == 0 || (one.count > 0 && is_before(&one, &other))) {
            add_all(&result, MATCH_LOST, &one);
            one.count = 0;
        } else if (one.count == 0 || is_before(&other, &one)) {
            add_all(&result, MATCH_ADDED, &other);
            other.count = 0;
        } else {
            compare_occurrences(&result, &one, &other);
            one.count = other.count = 0;
        }
    }
    if (result.count > 0) {
        qsort(result.items, result.count, sizeof *result.items, by_time);
    }
    *ret_result = result;
}
