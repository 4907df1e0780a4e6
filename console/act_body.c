/* act_body: see act_body.h. */
#include "console/act_body.h"

#include "base/buf.h"
#include "base/text.h"
#include "model/conf.h"
#include <stdio.h>
#include <string.h>

struct raw_act {
    struct conf_head head;
    const char *by, *comment, *cause, *measure, *until;
    uint32_t occurrence, level;
    int64_t for_ns;
};

static const char *const level_words[] = {"blue", "yellow", "orange", "red", NULL}; /* from LEVEL_BLUE on */

#define KEY(field) offsetof(struct raw_act, field)
static const struct conf_key keys[] = {
    {"by", CONF_TEXT, KEY(by), .required = true, .hi = ACT_BY_MAX - 1, .help = "who acts; it is journalled"},
    {"comment", CONF_TEXT, KEY(comment), .blank_ok = true, .hi = ACT_TEXT_MAX - 1, .help = "why"},
    {"occurrence", CONF_WHOLE, KEY(occurrence), .lo = 1, .hi = UINT32_MAX - 1.0, .help = "which one is meant"},
    {"level", CONF_WORD, KEY(level), .words = level_words, .help = "ack: the level that was seen"},
    {"for", CONF_DURATION, KEY(for_ns), .lo = 1, .help = "shelve: for how long"},
    {"until", CONF_TEXT, KEY(until), .hi = 64, .help = "shelve: until when"},
    {"cause", CONF_TEXT, KEY(cause), .blank_ok = true, .hi = ACT_TEXT_MAX - 1, .help = "close: what it was"},
    {"measure", CONF_TEXT, KEY(measure), .blank_ok = true, .hi = ACT_TEXT_MAX - 1, .help = "close: what was done"},
};
static const struct conf_table table = {.name = "act", .keys = keys, .count = sizeof keys / sizeof keys[0]};

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

/* What each act cannot do without. */
static void need(struct conf *conf, const struct conf_at *root, enum act_kind kind, const struct raw_act *raw)
{
    if (kind == ACT_SHELVE && (raw->for_ns > 0) == (raw->until != NULL)) {
        conf_mistake(conf, root, "write \"for\": \"30m\", or \"until\" with a time", "a shelf needs its end");
    }
    if (kind == ACT_SHELVE && is_empty(raw->comment)) {
        conf_mistake(conf, &CONF_KEY_AT(root, "comment"), "say why in a few words", "a shelf needs its reason");
    }
    if (kind == ACT_COMMENT && is_empty(raw->comment)) {
        conf_mistake(conf, &CONF_KEY_AT(root, "comment"), NULL, "is missing");
    }
    if (kind == ACT_CLOSE && (is_empty(raw->cause) || is_empty(raw->measure))) {
        conf_mistake(conf, root, "write both", "\"cause\" and \"measure\" are needed to close an alarm");
    }
}

static void set_text(char *room, size_t size, const char *text)
{
    (void)snprintf(room, size, "%s", text == NULL ? "" : text); /* its length was checked */
}

static struct act act_of(enum act_kind kind, const struct raw_act *raw, int64_t until_ns)
{
    struct act act = {
        .kind = (uint8_t)kind,
        .occurrence = raw->occurrence == CONF_ABSENT ? 0 : raw->occurrence,
        .level = (uint8_t)(raw->level == CONF_ABSENT ? LEVEL_NONE : (enum level)(LEVEL_BLUE + raw->level)),
        .for_ns = raw->for_ns > 0 ? raw->for_ns : 0,
        .until_ns = until_ns,
    };
    set_text(act.by, sizeof act.by, raw->by);
    set_text(act.comment, sizeof act.comment, raw->comment);
    set_text(act.cause, sizeof act.cause, raw->cause);
    set_text(act.measure, sizeof act.measure, raw->measure);
    return act;
}

/* All mistakes in one line: `body: by: is missing | body: levle: is not a known key; did you mean "level"?`. */
static enum err_code tell(const struct mistakes *mistakes, struct err *err)
{
    struct buf text = {0};
    for (size_t i = 0; i < mistakes->count; i++) {
        buf_text(&text, i == 0 ? "" : " | ");
        buf_text(&text, mistakes->lines[i]);
    }
    (void)err_set(err, ERR_INPUT, "%s", text.data);
    buf_done(&text);
    return ERR_INPUT;
}

static void read_body(struct conf *conf, enum act_kind kind, const char *text, size_t len, struct act *act)
{
    const struct conf_at root = CONF_ROOT("body", 0);
    struct raw_act raw = {0};
    int64_t until_ns = 0;
    if (memchr(text, '\0', len) != NULL) {
        conf_mistake(conf, &root, NULL, "has a zero byte");
        return;
    }
    json_t *object = conf_parse_json(conf, "body", text);
    if (object == NULL) {
        return;
    }
    conf_read(conf, &root, &table, object, &raw);
    if (raw.until != NULL && (!text_parse_time(raw.until, strlen(raw.until), &until_ns) || until_ns <= 0)) {
        conf_mistake(conf, &CONF_KEY_AT(&root, "until"), "write it like 2026-01-05T08:00:00+08:00",
                     "\"%s\" is not a time", raw.until);
    }
    if (conf->mistakes->total == 0) {
        need(conf, &root, kind, &raw);
    }
    if (conf->mistakes->total == 0) {
        *act = act_of(kind, &raw, until_ns);
    }
    json_decref(object);
}

enum err_code act_body_read(enum act_kind kind, const char *text, size_t len, struct act *ret_act, struct err *err)
{
    struct arena arena;
    struct mistakes mistakes;
    struct act act;
    arena_init(&arena);
    mistakes_init(&mistakes);
    struct conf conf = {.arena = &arena, .mistakes = &mistakes};
    conf_pool_init(&conf.pool);
    read_body(&conf, kind, text, len, &act);
    const enum err_code code = mistakes.total > 0 ? tell(&mistakes, err) : ERR_NONE;
    if (code == ERR_NONE) {
        *ret_act = act;
    }
    conf_pool_done(&conf.pool);
    mistakes_done(&mistakes);
    arena_done(&arena);
    return code;
}
