/*
 * site_rules: rules as they are written: levels, messages, suppression, and the
 * digest that tells a changed rule from an unchanged one.
 */
#include "base/memory.h"
#include "model/site_build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- digest ------------------------------------------------------------------------------------------------------ */

/* Keys that change no judgement: a rule with a better text, or one more point, is still the same rule. */
static const char *const unjudged[] = {"message", "advice", "origin", "certainty", "description", "where"};

static void drop_unjudged(json_t *object)
{
    for (size_t i = 0; i < sizeof unjudged / sizeof unjudged[0]; i++) {
        (void)json_object_del(object, unjudged[i]);
    }
}

static uint64_t digest_rule(json_t *object)
{
    json_t *copy = json_deep_copy(object);
    drop_unjudged(copy);
    size_t i;
    json_t *level;
    json_array_foreach(json_object_get(copy, "levels"), i, level)
    {
        drop_unjudged(level);
    }
    char *text = json_dumps(copy, JSON_SORT_KEYS | JSON_COMPACT);
    uint64_t digest = text != NULL ? site_digest(SITE_DIGEST_START, text, strlen(text)) : 0;
    free(text);
    json_decref(copy);
    return digest;
}

/* ---- message ----------------------------------------------------------------------------------------------------- */

static const char *const placeholders[] = {"name", "value", "unit", "level", "point", "rule", "hazard"};
enum { PLACEHOLDERS = sizeof placeholders / sizeof placeholders[0] };

static void check_placeholder(struct site_build *build, const struct conf_at *at, const char *text, size_t len)
{
    char word[48];
    (void)snprintf(word, sizeof word, "%.*s", (int)(len < sizeof word ? len : sizeof word - 1), text);
    for (size_t i = 0; i < PLACEHOLDERS; i++) {
        if (strcmp(word, placeholders[i]) == 0) {
            return;
        }
    }
    char hint[CONF_HINT_MAX];
    const char *told = conf_hint_nearest(hint, word, placeholders, PLACEHOLDERS);
    conf_mistake(&build->conf, at, told != NULL ? told : "known: name value unit level point rule hazard",
                 "{%s} is not a known placeholder", word);
}

static void check_message(struct site_build *build, const struct conf_at *rule, const char *message)
{
    const struct conf_at at = CONF_KEY_AT(rule, "message");
    for (const char *open = message; (open = strchr(open, '{')) != NULL;) {
        size_t len = strcspn(open + 1, "{}");
        if (open[1 + len] != '}') {
            conf_mistake(&build->conf, &at, "write a placeholder like {value}", "a { is not closed");
            return;
        }
        check_placeholder(build, &at, open + 1, len);
        open += len + 2;
    }
}

/* ---- levels ------------------------------------------------------------------------------------------------------ */

/* A breadcrumb as text that stays. */
static const char *keep_place(struct site_build *build, const struct conf_at *at)
{
    char path[CONF_PATH_MAX];
    conf_path(at, path);
    return arena_strdup(&build->site->arena, path);
}

/* Puts a level where it belongs, low to high. */
static void insert_level(struct site_rule *rule, const struct site_level *level, const char *place)
{
    size_t i = rule->level_count++;
    for (; i > 0 && rule->levels[i - 1].level > level->level; i--) {
        rule->levels[i] = rule->levels[i - 1];
        rule->level_places[i] = rule->level_places[i - 1];
    }
    rule->levels[i] = *level;
    rule->level_places[i] = place;
}

/* Keeps the conditions of a level that has no place, so that they are read all the same. */
static void keep_stray(struct site_build *build, const struct conf_at *at, const struct raw_level *raw)
{
    struct site *site = build->site;
    struct site_stray *stray = ARENA_ARRAY(&site->arena, struct site_stray, 1);
    *stray = (struct site_stray){.file = conf_file(at),
                                 .place = keep_place(build, at),
                                 .when = raw->when,
                                 .clear = raw->clear,
                                 .next = site->strays};
    site->strays = stray;
}

static void read_level(struct site_build *build, const struct conf_at *at, const struct raw_rule *of, json_t *object,
                       struct site_rule *rule)
{
    struct raw_level raw;
    conf_read(&build->conf, at, &level_table, object, &raw);
    if (raw.level == CONF_ABSENT) {
        keep_stray(build, at, &raw);
        return;
    }
    struct site_level level = {
        .level = (enum level)(raw.level + LEVEL_BLUE),
        .when = raw.when,
        .clear = raw.clear,
        .on_delay_ns = raw.on_delay_ns >= 0 ? raw.on_delay_ns : of->on_delay_ns,
        .off_delay_ns = raw.off_delay_ns >= 0 ? raw.off_delay_ns : of->off_delay_ns,
    };
    for (size_t i = 0; i < rule->level_count; i++) {
        if (rule->levels[i].level == level.level) {
            const struct conf_at here = CONF_KEY_AT(at, "level");
            conf_mistake(&build->conf, &here, "write one condition with ||, or make two rules",
                         "%s stands twice in this rule", level_name(level.level));
            keep_stray(build, at, &raw);
            return;
        }
    }
    insert_level(rule, &level, keep_place(build, at));
}

static void read_levels(struct site_build *build, const struct conf_at *at, const struct raw_rule *raw,
                        struct site_rule *rule)
{
    const struct conf_at list = CONF_KEY_AT(at, "levels");
    if (raw->levels != NULL && json_array_size(raw->levels) == 0) {
        conf_mistake(&build->conf, &list, "write one like {\"level\": \"red\", \"when\": \"value > 1\"}",
                     "a rule needs at least one level");
    }
    for (size_t i = 0; i < json_array_size(raw->levels); i++) {
        const struct conf_at here = CONF_INDEX_AT(&list, i);
        read_level(build, &here, raw, json_array_get(raw->levels, i), rule);
    }
}

/* ---- one rule ---------------------------------------------------------------------------------------------------- */

static void read_vote(struct site_build *build, const struct conf_at *at, const struct raw_vote *raw,
                      struct site_rule *rule)
{
    if (raw->by == NULL) {
        return; /* no vote, or a mistake already */
    }
    if (strncmp(raw->by, "tags.", 5) != 0 || raw->by[5] == '\0') {
        const struct conf_at vote = CONF_KEY_AT(at, "vote");
        const struct conf_at here = CONF_KEY_AT(&vote, "by");
        conf_mistake(&build->conf, &here, "write it like tags.area", "\"%s\" does not name a tag", raw->by);
        return;
    }
    rule->vote_by = conf_text(&build->conf, raw->by + 5, strlen(raw->by + 5), true);
    rule->vote_at_least = raw->at_least;
}

/* Takes the id, unless another rule has it. */
static void take_id(struct site_build *build, const struct conf_at *at, const char *id)
{
    struct site *site = build->site;
    uint32_t twin = table_add(&site->rule_by_id, id, (uint32_t)site->rule_count);
    if (twin == TABLE_NONE) {
        return;
    }
    const struct site_rule *other = &site->rules[twin];
    bool same = strcmp(other->file, conf_file(at)) == 0;
    const struct conf_at here = CONF_KEY_AT(at, "id");
    conf_mistake(&build->conf, &here, "give each rule an id of its own", "\"%s\" is the id of %s%s%s too", id,
                 same ? "" : other->file, same ? "" : ": ", other->place);
}

static void read_rule(struct site_build *build, const struct conf_at *at, json_t *object)
{
    struct site *site = build->site;
    struct raw_rule raw;
    conf_read(&build->conf, at, &rule_table, object, &raw);
    conf_defaults(&build->conf, &rule_table, &raw);
    struct site_rule rule = {
        .id = raw.id != NULL ? raw.id : "",
        .place = keep_place(build, at),
        .file = conf_file(at),
        .latch = raw.latch == 1,
        .unless = raw.unless,
        .message = raw.message,
        .advice = raw.advice,
    };
    read_levels(build, at, &raw, &rule);
    read_vote(build, at, &raw.vote, &rule);
    if (raw.message != NULL) {
        check_message(build, at, raw.message);
    }
    site_select(build, at, &raw.where, &rule);
    if (raw.id != NULL) { /* else a mistake already; what the rule says is looked at all the same */
        take_id(build, at, raw.id);
    }
    rule.digest = digest_rule(object);
    build->suppressors[site->rule_count] = raw.suppressed_by;
    site->rules[site->rule_count++] = rule;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

void site_read_rules(struct site_build *build)
{
    for (size_t d = 0; d < build->doc_count; d++) {
        const struct conf_at root = CONF_ROOT(build->docs[d].name, 0);
        const struct conf_at list = CONF_KEY_AT(&root, "rules");
        for (size_t i = 0; i < json_array_size(build->docs[d].raw.rules); i++) {
            const struct conf_at at = CONF_INDEX_AT(&list, i);
            read_rule(build, &at, json_array_get(build->docs[d].raw.rules, i));
        }
    }
    site_read_suppression(build);
}
