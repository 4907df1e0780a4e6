/*
 * incidents: from the events of a script to the course of each point (see
 * incidents.h).
 *
 * A ramp starts where the line is at that moment, so legs are built in order
 * of time with course_centre over the legs so far.
 */
#include "simulators/incidents.h"
#include "simulators/course.h"
#include <stdlib.h>

void incidents_done(struct incidents *incidents)
{
    free(incidents->list);
    *incidents = (struct incidents){0};
}

bool incidents_add(struct incidents *incidents, struct incident incident)
{
    if (incidents->count >= INCIDENTS_MAX) {
        return false;
    }
    if (incidents->count == incidents->room) {
        const size_t room = incidents->room == 0 ? 64 : incidents->room * 2;
        struct incident *list = realloc(incidents->list, room * sizeof *list);
        if (list == NULL) {
            return false;
        }
        incidents->list = list;
        incidents->room = room;
    }
    incidents->list[incidents->count++] = incident;
    return true;
}

static int compare(const void *left, const void *right)
{
    const struct incident *a = left;
    const struct incident *b = right;
    if (a->point != b->point) {
        return a->point < b->point ? -1 : 1;
    }
    if (a->at_ns != b->at_ns) {
        return a->at_ns < b->at_ns ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

/* What is being built for one point. */
struct build {
    struct leg *legs;
    struct hold *freezes, *flags;
    size_t freeze_count, flag_count;
};

static void end_holds(struct hold *holds, size_t count, int64_t at_ns)
{
    for (size_t i = 0; i < count; i++) {
        if (holds[i].end_ns > at_ns) {
            holds[i].end_ns = at_ns;
        }
    }
}

static void apply(struct build *build, struct sim_point *point, const struct incident *incident)
{
    const double base = point->wave.base;
    struct leg *leg = &build->legs[point->leg_count];
    const struct hold hold = {.at_ns = incident->at_ns, .end_ns = incident->end_ns, .status = incident->status};
    switch (incident->kind) {
    case INCIDENT_RAMP:
        *leg = (struct leg){incident->at_ns, incident->end_ns, course_centre(point, incident->at_ns), incident->to};
        point->leg_count++;
        break;
    case INCIDENT_SET:
        *leg = (struct leg){incident->at_ns, incident->at_ns, incident->to, incident->to};
        point->leg_count++;
        break;
    case INCIDENT_FREEZE:
        build->freezes[build->freeze_count++] = hold;
        break;
    case INCIDENT_STATUS:
        build->flags[build->flag_count++] = hold;
        break;
    case INCIDENT_RELEASE:
        *leg = (struct leg){incident->at_ns, incident->at_ns, base, base};
        point->leg_count++;
        end_holds(build->freezes, build->freeze_count, incident->at_ns);
        end_holds(build->flags, build->flag_count, incident->at_ns);
        break;
    }
}

static void build_point(struct arena *arena, struct sim_point *point, const struct incident *list, size_t count)
{
    struct build build = {.legs = ARENA_ARRAY(arena, struct leg, count + 1)};
    if (count > 0) {
        build.freezes = ARENA_ARRAY(arena, struct hold, count);
        build.flags = ARENA_ARRAY(arena, struct hold, count);
    }
    build.legs[0] = (struct leg){.from = point->wave.base, .to = point->wave.base};
    point->legs = build.legs;
    point->leg_count = 1;
    for (size_t i = 0; i < count; i++) {
        apply(&build, point, &list[i]);
    }
    point->freezes = build.freezes;
    point->freeze_count = build.freeze_count;
    point->flags = build.flags;
    point->flag_count = build.flag_count;
}

void incidents_build(struct incidents *incidents, struct scenario *scenario, size_t point_count)
{
    if (incidents->count > 0) {
        qsort(incidents->list, incidents->count, sizeof incidents->list[0], compare);
    }
    size_t next = 0;
    for (uint32_t point = 0; point < point_count; point++) {
        const size_t first = next;
        while (next < incidents->count && incidents->list[next].point == point) {
            next++;
        }
        build_point(&scenario->arena, &scenario->points[point], &incidents->list[first], next - first);
    }
}
