/*
 * site_points: one point after the other, from JSON or from a row of a table,
 * checked and put in place.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "model/site_build.h"

#include <stdio.h>
#include <string.h>

void site_reserve_points(struct site_build *build, size_t more)
{
    struct site *site = build->site;
    const size_t needed = site->point_count + more;
    if (needed <= build->point_room) {
        return;
    }
    const size_t room = needed > 2 * build->point_room ? needed : 2 * build->point_room;
    struct site_point *points = ARENA_ARRAY(&site->arena, struct site_point, room);
    if (site->point_count > 0) {
        memcpy(points, site->points, site->point_count * sizeof *points);
    }
    site->points = points; /* the old ones stay in the arena; by doubling they are no more than the new */
    build->places = memory_resize(build->places, room, sizeof *build->places);
    build->point_room = room;
}

static uint32_t find_hazard(struct site_build *build, const struct conf_at *at, const char *id)
{
    const struct site *site = build->site;
    uint32_t hazard = table_find(&site->hazard_by_id, id, strlen(id));
    if (hazard == TABLE_NONE) {
        char hint[CONF_HINT_MAX];
        const struct conf_at here = CONF_KEY_AT(at, "hazard");
        conf_mistake(&build->conf, &here,
                     site_hint_id(hint, id, &site->hazards[0].id, sizeof site->hazards[0], site->hazard_count),
                     "\"%s\" is not a hazard of this site", id);
    }
    return hazard;
}

/* Neighbouring points often have the same tags: they then share the list. */
static void take_tags(struct site_build *build, const struct conf_tags *tags, struct site_point *point)
{
    const struct site *site = build->site;
    point->tag_count = tags->count;
    if (tags->count == 0) {
        return;
    }
    if (site->point_count > 0) {
        const struct site_point *before = &site->points[site->point_count - 1];
        bool same = before->tag_count == tags->count;
        for (size_t i = 0; same && i < tags->count; i++) { /* texts of tags are kept once: pointers tell */
            same = before->tags[i].key == tags->items[i].key && before->tags[i].value == tags->items[i].value;
        }
        if (same) {
            point->tags = before->tags;
            return;
        }
    }
    struct site_tag *copy = ARENA_ARRAY(&build->site->arena, struct site_tag, tags->count);
    for (size_t i = 0; i < tags->count; i++) {
        copy[i] = (struct site_tag){.key = tags->items[i].key, .value = tags->items[i].value};
    }
    point->tags = copy;
}

/* How often it is read while its hazard is in alarm; 0: as ever. */
static int64_t every_in_alarm(struct site_build *build, const struct conf_at *at, const struct raw_point *raw,
                              const struct site_point *point)
{
    const struct site *site = build->site;
    const bool polled = point->from.source != SITE_NONE && site->sources[point->from.source].type != SOURCE_MQTT;
    const int64_t every_ns = point->every_ns > 0 ? point->every_ns : NS_PER_S; /* as it is polled without */
    const struct conf_at here = CONF_KEY_AT(at, "every_in_alarm");
    if (raw->every_in_alarm_ns < 0) {
        const int64_t hazard_ns = point->hazard != SITE_NONE ? site->hazards[point->hazard].every_in_alarm_ns : 0;
        return polled && hazard_ns < every_ns ? hazard_ns : 0;
    }
    if (raw->hazard == NULL) {
        conf_mistake(&build->conf, &here, "name its hazard", "the point belongs to no hazard");
    } else if (raw->from.head.given && !polled) {
        conf_mistake(&build->conf, &here, "leave it out", "only Modbus is polled");
    } else if (raw->every_in_alarm_ns >= every_ns) {
        conf_mistake(&build->conf, &here, "it is to be shorter", "is no shorter than the `every` of the point");
    }
    return polled ? raw->every_in_alarm_ns : 0;
}

void site_add_point(struct site_build *build, const struct conf_at *at, struct raw_point *raw, struct site_place place)
{
    struct site *site = build->site;
    if (raw->id == NULL) {
        return; /* a mistake already */
    }
    uint32_t twin = table_add(&site->point_by_id, raw->id, (uint32_t)site->point_count);
    if (twin != TABLE_NONE) {
        char text[SITE_PLACE_MAX];
        const struct conf_at here = CONF_KEY_AT(at, "id");
        conf_mistake(&build->conf, &here, "give each point an id of its own", "\"%s\" is the id of %s too", raw->id,
                     site_place(build, twin, conf_file(at), text));
        return;
    }
    struct site_point *point = &site->points[site->point_count];
    *point = (struct site_point){
        .id = raw->id,
        .name = raw->name,
        .kind = raw->kind,
        .unit = raw->unit,
        .has_range = raw->range.given,
        .range_lo = raw->range.lo,
        .range_hi = raw->range.hi,
        .every_ns = raw->every_ns > 0 ? raw->every_ns : 0,
        .resolution = raw->resolution,
        .hazard = raw->hazard != NULL ? find_hazard(build, at, raw->hazard) : SITE_NONE,
        .from = {.source = SITE_NONE, .scale = 1},
    };
    if (raw->stale_ns > 0) {
        point->stale_ns = raw->stale_ns;
    } else if (point->every_ns <= INT64_MAX / 3) {
        point->stale_ns = 3 * point->every_ns;
    }
    take_tags(build, &raw->tags, point);
    if (raw->from.head.given) {
        const struct conf_at here = CONF_KEY_AT(at, "from");
        site_read_from(build, &here, &raw->from, &point->from);
    }
    point->every_in_alarm_ns = every_in_alarm(build, at, raw, point);
    build->places[site->point_count++] = place;
}

void site_read_points(struct site_build *build, uint32_t doc_index)
{
    const struct site_doc *doc = &build->docs[doc_index];
    const struct conf_at root = CONF_ROOT(doc->name, 0);
    const struct conf_at list = CONF_KEY_AT(&root, "points");
    for (size_t i = 0; i < json_array_size(doc->raw.points); i++) {
        const struct conf_at at = CONF_INDEX_AT(&list, i);
        struct raw_point raw;
        conf_read(&build->conf, &at, &point_table, json_array_get(doc->raw.points, i), &raw);
        conf_defaults(&build->conf, &point_table, &raw);
        site_add_point(build, &at, &raw, (struct site_place){.file = doc_index, .number = (uint32_t)i});
    }
}
