/*
 * site_suppress: which rules suppress which, and that none suppresses itself,
 * straight or in a circle.
 */
#include "base/memory.h"
#include "model/site_build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- suppression ------------------------------------------------------------------------------------------------- */

/* Resolves the ids in suppressed_by. */
static void read_suppressors(struct site_build *build, const struct conf_at *rule_at, uint32_t index)
{
    struct site *site = build->site;
    struct site_rule *rule = &site->rules[index];
    const struct conf_texts *ids = &build->suppressors[index];
    uint32_t *list = ARENA_ARRAY(&site->arena, uint32_t, ids->count);
    const struct conf_at at = CONF_KEY_AT(rule_at, "suppressed_by");
    for (size_t i = 0; i < ids->count; i++) {
        const struct conf_at here = CONF_TEXT_AT(&at, ids, i);
        uint32_t other = table_find(&site->rule_by_id, ids->items[i], strlen(ids->items[i]));
        if (other == TABLE_NONE) {
            char hint[CONF_HINT_MAX];
            conf_mistake(&build->conf, &here,
                         site_hint_id(hint, ids->items[i], &site->rules[0].id, sizeof site->rules[0], site->rule_count),
                         "\"%s\" is not a rule of this site", ids->items[i]);
        } else if (other == index) {
            conf_mistake(&build->conf, &here, "take it out", "a rule cannot suppress itself");
        } else {
            list[rule->suppressed_by_count++] = other;
        }
    }
    rule->suppressed_by = list;
}

/* A walk along suppressed_by that meets a rule still open has found a circle. */
enum colour { UNSEEN, OPEN, DONE };
struct circles {
    struct site_build *build;
    uint8_t *colours; /* [rule], enum colour */
    uint32_t *path;   /* rules open now, outermost first */
    size_t depth;
};

static void report_circle(struct circles *walk, uint32_t back_to)
{
    const struct site *site = walk->build->site;
    char text[512];
    size_t first = 0;
    while (walk->path[first] != back_to) {
        first++;
    }
    size_t len = 0;
    for (size_t i = first; i < walk->depth && len < sizeof text - 1; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s, ", site->rules[walk->path[i]].id);
    }
    if (len < sizeof text - 1) {
        (void)snprintf(text + len, sizeof text - len, "%s", site->rules[back_to].id);
    }
    const struct site_rule *rule = &site->rules[back_to];
    const struct conf_at root = CONF_ROOT(rule->file, 0);
    const struct conf_at at = CONF_KEY_AT(&root, rule->place);
    const struct conf_at here = CONF_KEY_AT(&at, "suppressed_by");
    conf_mistake(&walk->build->conf, &here, "take one of them out", "the rules suppress one another in a circle: %s",
                 text);
}

/* Without recursion: a site may have a hundred thousand rules in a row. */
static void walk_from(struct circles *walk, uint32_t start, size_t *next_of)
{
    const struct site_rule *rules = walk->build->site->rules;
    walk->path[0] = start;
    walk->depth = 1;
    walk->colours[start] = OPEN;
    while (walk->depth > 0) {
        uint32_t rule = walk->path[walk->depth - 1];
        if (next_of[rule] == rules[rule].suppressed_by_count) {
            walk->colours[rule] = DONE;
            walk->depth--;
            continue;
        }
        uint32_t next = rules[rule].suppressed_by[next_of[rule]++];
        if (walk->colours[next] == OPEN) {
            report_circle(walk, next);
        } else if (walk->colours[next] == UNSEEN) {
            walk->colours[next] = OPEN;
            walk->path[walk->depth++] = next;
        }
    }
}

static void check_circles(struct site_build *build)
{
    size_t n = build->site->rule_count;
    struct circles walk = {
        .build = build, .colours = memory_new(n, sizeof *walk.colours), .path = memory_new(n, sizeof *walk.path)};
    size_t *next_of = memory_new(n, sizeof *next_of);
    for (uint32_t i = 0; i < n; i++) {
        if (walk.colours[i] == UNSEEN) {
            walk_from(&walk, i, next_of);
        }
    }
    free(next_of);
    free(walk.path);
    free(walk.colours);
}

void site_read_suppression(struct site_build *build)
{
    const struct site *site = build->site;
    for (uint32_t i = 0; i < site->rule_count; i++) {
        const struct conf_at root = CONF_ROOT(site->rules[i].file, 0);
        const struct conf_at at = CONF_KEY_AT(&root, site->rules[i].place);
        read_suppressors(build, &at, i);
    }
    check_circles(build);
}
