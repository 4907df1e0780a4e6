/*
 * site_where: which points a rule selects.
 *
 * All texts that are compared (kinds, tags) are kept once, so comparing is
 * comparing pointers; ids without a wildcard are looked up, the others are
 * matched against every point.  The cost is points times patterns.
 */
#include "base/memory.h"
#include "base/text.h"
#include "model/site_build.h"
#include <stdlib.h>
#include <string.h>

/* One tag of `where` with the values allowed. */
struct wanted_tag {
    const char *key; /* the one copy, as in points; NULL when no point has such a tag */
    struct conf_texts values;
};

struct selection {
    struct site_build *build;
    bool *named;   /* [point], allowed by `id`; NULL: all are; owned */
    bool *hazards; /* [hazard], allowed; NULL: all points are; owned */
    const struct conf_texts *kinds;
    struct wanted_tag *tags; /* arena */
    size_t tag_count;
};

static bool has_wildcard(const char *pattern)
{
    return strpbrk(pattern, "*?") != NULL;
}

/* ---- ids --------------------------------------------------------------------------------------------------------- */

static void name_points(struct selection *selection, const struct conf_at *at, const char *pattern)
{
    struct site_build *build = selection->build;
    const struct site *site = build->site;
    if (has_wildcard(pattern)) {
        for (size_t i = 0; i < site->point_count; i++) {
            selection->named[i] = selection->named[i] || text_glob(pattern, site->points[i].id);
        }
        return;
    }
    uint32_t point = site_point(site, pattern, strlen(pattern));
    if (point == SITE_NONE) {
        char hint[CONF_HINT_MAX];
        conf_mistake(&build->conf, at,
                     site_hint_id(hint, pattern, &site->points[0].id, sizeof site->points[0], site->point_count),
                     "\"%s\" is not a point of this site", pattern);
        return;
    }
    selection->named[point] = true;
}

/* Calls for each text of a key, with its place. */
typedef void each_text_fn(struct selection *selection, const struct conf_at *at, const char *text);

static void each_text(struct selection *selection, const struct conf_at *where, const char *key,
                      const struct conf_texts *texts, each_text_fn *fn)
{
    const struct conf_at at = CONF_KEY_AT(where, key);
    for (size_t i = 0; i < texts->count; i++) {
        const struct conf_at here = CONF_TEXT_AT(&at, texts, i);
        fn(selection, &here, texts->items[i]);
    }
}

/* ---- hazards ----------------------------------------------------------------------------------------------------- */

static void allow_hazard(struct selection *selection, const struct conf_at *at, const char *id)
{
    struct site_build *build = selection->build;
    const struct site *site = build->site;
    uint32_t hazard = table_find(&site->hazard_by_id, id, strlen(id));
    if (hazard == TABLE_NONE) {
        char hint[CONF_HINT_MAX];
        conf_mistake(&build->conf, at,
                     site_hint_id(hint, id, &site->hazards[0].id, sizeof site->hazards[0], site->hazard_count),
                     "\"%s\" is not a hazard of this site", id);
        return;
    }
    selection->hazards[hazard] = true;
}

/* ---- tags -------------------------------------------------------------------------------------------------------- */

/* A single value is written as a text, several as a list: the same reader as for ids. */
static const struct conf_key tag_values = {"values",       CONF_TEXTS, 0,
                                           .shared = true, .hi = 256,  .help = "values of a tag"};

static void read_tags(struct selection *selection, const struct conf_at *where, json_t *tags)
{
    struct conf *conf = &selection->build->conf;
    const struct conf_at list = CONF_KEY_AT(where, "tags");
    const char *name;
    json_t *value;
    selection->tags = ARENA_ARRAY(conf->arena, struct wanted_tag, json_object_size(tags));
    json_object_foreach(tags, name, value)
    {
        struct wanted_tag *tag = &selection->tags[selection->tag_count++];
        const struct conf_at at = CONF_KEY_AT(&list, name);
        tag->key = conf_text(conf, name, strlen(name), true);
        conf_read_value(conf, &at, &tag_values, value, &tag->values);
    }
}

/* ---- matching ---------------------------------------------------------------------------------------------------- */

/* True when `text` is one of the texts; all are the one copy of their text. */
static bool is_among(const char *text, const struct conf_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (texts->items[i] == text) {
            return true;
        }
    }
    return false;
}

static bool has_tag(const struct site_point *point, const struct wanted_tag *tag)
{
    for (size_t i = 0; i < point->tag_count; i++) {
        if (point->tags[i].key == tag->key) {
            return is_among(point->tags[i].value, &tag->values);
        }
    }
    return false;
}

static bool is_selected(const struct selection *selection, uint32_t index)
{
    const struct site_point *point = &selection->build->site->points[index];
    if (selection->named != NULL && !selection->named[index]) {
        return false;
    }
    if (selection->hazards != NULL && (point->hazard == SITE_NONE || !selection->hazards[point->hazard])) {
        return false;
    }
    if (selection->kinds->count > 0 && !is_among(point->kind, selection->kinds)) {
        return false;
    }
    for (size_t i = 0; i < selection->tag_count; i++) {
        if (!has_tag(point, &selection->tags[i])) {
            return false;
        }
    }
    return true;
}

static void take_points(const struct selection *selection, struct site_rule *rule)
{
    struct site *site = selection->build->site;
    uint32_t *found = memory_new(site->point_count, sizeof *found);
    for (uint32_t i = 0; i < site->point_count; i++) {
        if (is_selected(selection, i)) {
            found[rule->point_count++] = i;
        }
    }
    uint32_t *points = ARENA_ARRAY(&site->arena, uint32_t, rule->point_count);
    memcpy(points, found, rule->point_count * sizeof *found);
    rule->points = points;
    free(found);
}

/* A vote needs a group; and a group's name, half of its alarm's name, must be able to stand in an MQTT topic. */
static void check_groups(struct site_build *build, const struct conf_at *at, const struct site_rule *rule)
{
    const struct conf_at vote = CONF_KEY_AT(at, "vote");
    bool any = false;
    for (size_t i = 0; i < rule->point_count; i++) {
        const struct site_point *point = &build->site->points[rule->points[i]];
        const char *group = site_point_tag(point, rule->vote_by);
        any = any || group != NULL;
        if (group != NULL && strpbrk(group, "+#") != NULL) {
            conf_mistake(&build->conf, &vote, "give its points another tag",
                         "the group \"%s\" of point \"%s\" has a + or #", group, point->id);
            return;
        }
    }
    if (!any) {
        conf_mistake(&build->conf, &vote, "name a tag they have",
                     "selects no group: none of its points has the tag \"%s\"", rule->vote_by);
    }
}

void site_select(struct site_build *build, const struct conf_at *at, const struct raw_where *where,
                 struct site_rule *rule)
{
    struct site *site = build->site;
    struct conf *conf = &build->conf;
    const struct conf_at here = CONF_KEY_AT(at, "where");
    struct selection selection = {.build = build, .kinds = &where->kind};
    size_t before = conf->mistakes->total;
    if (where->id.count > 0) {
        selection.named = memory_new(site->point_count, sizeof *selection.named);
        each_text(&selection, &here, "id", &where->id, name_points);
    }
    if (where->hazard.count > 0) {
        selection.hazards = memory_new(site->hazard_count, sizeof *selection.hazards);
        each_text(&selection, &here, "hazard", &where->hazard, allow_hazard);
    }
    read_tags(&selection, &here, where->tags);
    take_points(&selection, rule);
    if (rule->point_count == 0 && conf->mistakes->total == before) {
        conf_mistake(conf, where->head.given ? &here : at, "compare it with id, kind, hazard and tags of the points",
                     "selects no point");
    } else if (rule->vote_by != NULL && rule->point_count > 0) {
        check_groups(build, at, rule);
    }
    free(selection.named);
    free(selection.hazards);
}
