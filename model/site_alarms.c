/*
 * site_alarms: rules expanded to alarms.
 *
 * One alarm per rule and point, or per rule and group; in the order of the
 * rules, then of the points, a group at its first point.  An alarm's index is
 * that order.
 */
#include "base/memory.h"
#include "model/site_build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An alarm's name is a key of the store behind a prefix, and a level of an MQTT topic. */
enum { ALARM_NAME_BYTES_MAX = 580 };

/* The groups of one rule. */
struct groups {
    uint32_t *of_point; /* [index in rule.points], TABLE_NONE: belongs to none; owned */
    const char **names; /* [group]; owned */
    size_t *sizes;      /* [group]; owned */
    size_t count;
};

static void groups_find(const struct site *site, const struct site_rule *rule, struct groups *groups)
{
    struct table by_name;
    table_init(&by_name);
    groups->of_point = memory_new(rule->point_count, sizeof *groups->of_point);
    groups->names = memory_new(rule->point_count, sizeof *groups->names);
    groups->sizes = memory_new(rule->point_count, sizeof *groups->sizes);
    groups->count = 0;
    for (size_t i = 0; i < rule->point_count; i++) {
        const char *name = site_point_tag(&site->points[rule->points[i]], rule->vote_by);
        groups->of_point[i] = TABLE_NONE;
        if (name == NULL) {
            continue;
        }
        uint32_t group = table_add(&by_name, name, (uint32_t)groups->count);
        if (group == TABLE_NONE) {
            group = (uint32_t)groups->count;
            groups->names[groups->count++] = name;
        }
        groups->of_point[i] = group;
        groups->sizes[group]++;
    }
    table_done(&by_name);
}

static void groups_done(struct groups *groups)
{
    free(groups->of_point);
    free(groups->names);
    free(groups->sizes);
}

static const char *make_name(struct site_build *build, const struct site_rule *rule, const char *of)
{
    size_t rule_len = strlen(rule->id);
    size_t of_len = strlen(of);
    char *name = arena_alloc(&build->site->arena, rule_len + of_len + 2, 1);
    memcpy(name, rule->id, rule_len);
    name[rule_len] = ':';
    memcpy(name + rule_len + 1, of, of_len + 1);
    if (rule_len + of_len + 1 > ALARM_NAME_BYTES_MAX) {
        const struct conf_at root = CONF_ROOT(rule->file, 0);
        const struct conf_at at = CONF_KEY_AT(&root, rule->place);
        conf_mistake(&build->conf, &at, "use shorter ids", "the alarm's name %s is longer than %d bytes", name,
                     ALARM_NAME_BYTES_MAX);
    }
    return name;
}

/* Puts an alarm into the table of names.  Two of one name can only come from two rules of one id, which is a mistake
 * found before. */
static void add_name(struct site_build *build, const struct site_rule *rule, uint32_t index)
{
    struct site *site = build->site;
    if (table_add(&site->alarm_by_name, site->alarms[index].name, index) != TABLE_NONE) {
        const struct conf_at root = CONF_ROOT(rule->file, 0);
        const struct conf_at at = CONF_KEY_AT(&root, rule->place);
        conf_mistake(&build->conf, &at, "rename a rule, a point or a group", "two alarms have the name %s",
                     site->alarms[index].name);
    }
}

/* Gives a group's hazard and kind, as far as all members agree. */
static void agree(const struct site *site, struct site_alarm *alarm)
{
    const struct site_point *first = &site->points[alarm->members[0]];
    alarm->hazard = first->hazard;
    alarm->kind = first->kind;
    for (size_t i = 1; i < alarm->member_count; i++) {
        const struct site_point *point = &site->points[alarm->members[i]];
        if (point->hazard != alarm->hazard) {
            alarm->hazard = SITE_NONE;
        }
        if (point->kind != alarm->kind) { /* kinds are kept once */
            alarm->kind = NULL;
        }
    }
}

/* Room for the members of all groups of a rule, one group behind the other. */
static void place_members(struct site *site, const struct site_rule *rule, const struct groups *groups,
                          struct site_alarm *alarms)
{
    uint32_t *members = ARENA_ARRAY(&site->arena, uint32_t, rule->point_count);
    uint32_t **ends = memory_new(groups->count, sizeof *ends);
    for (size_t g = 0; g < groups->count; g++) {
        alarms[g].members = ends[g] = members;
        alarms[g].member_count = groups->sizes[g];
        members += groups->sizes[g];
    }
    for (size_t i = 0; i < rule->point_count; i++) {
        if (groups->of_point[i] != TABLE_NONE) {
            *ends[groups->of_point[i]]++ = rule->points[i];
        }
    }
    free(ends);
}

static void expand_groups(struct site_build *build, uint32_t rule_index, struct groups *groups)
{
    struct site *site = build->site;
    const struct site_rule *rule = &site->rules[rule_index];
    struct site_alarm *alarms = &site->alarms[rule->first_alarm];
    place_members(site, rule, groups, alarms);
    for (size_t g = 0; g < groups->count; g++) {
        alarms[g].name = make_name(build, rule, groups->names[g]);
        alarms[g].rule = rule_index;
        alarms[g].point = SITE_NONE;
        alarms[g].group = groups->names[g];
        agree(site, &alarms[g]);
    }
}

static void expand_points(struct site_build *build, uint32_t rule_index)
{
    struct site *site = build->site;
    const struct site_rule *rule = &site->rules[rule_index];
    for (size_t i = 0; i < rule->point_count; i++) {
        const struct site_point *point = &site->points[rule->points[i]];
        site->alarms[rule->first_alarm + i] = (struct site_alarm){
            .name = make_name(build, rule, point->id),
            .rule = rule_index,
            .point = rule->points[i],
            .members = &rule->points[i],
            .member_count = 1,
            .hazard = point->hazard,
            .kind = point->kind,
        };
    }
}

void site_make_alarms(struct site_build *build)
{
    struct site *site = build->site;
    struct groups *groups = memory_new(site->rule_count, sizeof *groups);
    size_t total = 0;
    for (size_t r = 0; r < site->rule_count; r++) {
        struct site_rule *rule = &site->rules[r];
        size_t count = rule->point_count;
        if (rule->vote_by != NULL) {
            groups_find(site, rule, &groups[r]);
            count = groups[r].count;
        }
        rule->first_alarm = (uint32_t)total;
        rule->alarm_count = (uint32_t)count;
        total += count;
    }
    site->alarms = ARENA_ARRAY(&site->arena, struct site_alarm, total);
    site->alarm_count = total;
    for (uint32_t r = 0; r < site->rule_count; r++) {
        const struct site_rule *rule = &site->rules[r];
        if (rule->vote_by != NULL) {
            expand_groups(build, r, &groups[r]);
        } else {
            expand_points(build, r);
        }
        for (uint32_t i = 0; i < rule->alarm_count; i++) {
            add_name(build, rule, rule->first_alarm + i);
        }
        groups_done(&groups[r]);
    }
    free(groups);
}
