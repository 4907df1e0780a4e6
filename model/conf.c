/*
 * conf: objects by table; breadcrumbs, hints, defaults.  Values are read in conf_value.c.
 */
#include "model/conf.h"
#include "base/memory.h"
#include "model/conf_value.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void conf_pool_init(struct conf_pool *pool)
{
    *pool = (struct conf_pool){0};
    table_init(&pool->table);
}

void conf_pool_done(struct conf_pool *pool)
{
    table_done(&pool->table);
    free(pool->texts); /* the list; the texts are the arena's */
    *pool = (struct conf_pool){0};
}

static void pool_add(struct conf_pool *pool, const char *text)
{
    if (pool->count == pool->room) {
        pool->room = pool->room == 0 ? 64 : pool->room * 2;
        pool->texts = memory_resize(pool->texts, pool->room, sizeof *pool->texts);
    }
    (void)table_add(&pool->table, text, (uint32_t)pool->count); /* new: conf_text has just looked */
    pool->texts[pool->count++] = text;
}

const char *conf_text(struct conf *conf, const char *text, size_t len, bool shared)
{
    if (!shared) {
        return arena_strndup(conf->arena, text, len);
    }
    uint32_t known = table_find(&conf->pool.table, text, len);
    if (known != TABLE_NONE) {
        return conf->pool.texts[known];
    }
    const char *copy = arena_strndup(conf->arena, text, len);
    pool_add(&conf->pool, copy);
    return copy;
}

/* Appends to a path that is cut at its end. */
static size_t append(char path[CONF_PATH_MAX], size_t len, const char *fmt, ...) PRINTF_LIKE(3, 4);
static size_t append(char path[CONF_PATH_MAX], size_t len, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(path + len, CONF_PATH_MAX - len, fmt, args);
    va_end(args);
    size_t end = len + (n > 0 ? (size_t)n : 0);
    return end < CONF_PATH_MAX ? end : CONF_PATH_MAX - 1;
}

static size_t path_below(const struct conf_at *at, char path[CONF_PATH_MAX])
{
    if (at->up == NULL) {
        path[0] = '\0';
        return at->index == 0 ? 0 : append(path, 0, "line %zu", at->index);
    }
    size_t len = path_below(at->up, path);
    if (at->key == NULL) {
        return append(path, len, "[%zu]", at->index);
    }
    bool after_line = at->up->up == NULL && at->up->index > 0;
    return append(path, len, "%s%s", len == 0 ? "" : after_line ? ": " : ".", at->key);
}

void conf_path(const struct conf_at *at, char ret_path[CONF_PATH_MAX])
{
    (void)path_below(at, ret_path);
}

const char *conf_file(const struct conf_at *at)
{
    while (at->up != NULL) {
        at = at->up;
    }
    return at->file;
}

void conf_mistake(struct conf *conf, const struct conf_at *at, const char *hint, const char *fact, ...)
{
    char path[CONF_PATH_MAX];
    char text[1024];
    conf_path(at, path);
    va_list args;
    va_start(args, fact);
    (void)vsnprintf(text, sizeof text, fact, args);
    va_end(args);
    mistakes_add(conf->mistakes, conf_file(at), path, hint, "%s", text);
}

const char *conf_hint_nearest(char hint[CONF_HINT_MAX], const char *word, const char *const *candidates, size_t n)
{
    int nearest = text_nearest(word, candidates, n);
    if (nearest < 0) {
        return NULL;
    }
    (void)snprintf(hint, CONF_HINT_MAX, "did you mean \"%s\"?", candidates[nearest]);
    return hint;
}

const struct conf_key *conf_find_key(const struct conf_table *table, const char *name, size_t len)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strncmp(table->keys[i].name, name, len) == 0 && table->keys[i].name[len] == '\0') {
            return &table->keys[i];
        }
    }
    return NULL;
}

/* "known here: a, b, c", or NULL when that would be long. */
static const char *hint_known(char hint[CONF_HINT_MAX], const struct conf_table *table)
{
    size_t len = (size_t)snprintf(hint, CONF_HINT_MAX, "known here:");
    for (size_t i = 0; i < table->count; i++) {
        int n = snprintf(hint + len, CONF_HINT_MAX - len, "%s %s", i == 0 ? "" : ",", table->keys[i].name);
        len += (size_t)n;
        if (len > 160) {
            return NULL;
        }
    }
    return hint;
}

void conf_unknown_key(struct conf *conf, const struct conf_at *at, const struct conf_table *table, const char *name)
{
    enum { KEYS_MAX = 64 };
    const char *names[KEYS_MAX];
    size_t n = table->count < KEYS_MAX ? table->count : KEYS_MAX;
    for (size_t i = 0; i < n; i++) {
        names[i] = table->keys[i].name;
    }
    char hint[CONF_HINT_MAX];
    const char *text = conf_hint_nearest(hint, name, names, n);
    if (text == NULL) {
        text = hint_known(hint, table);
    }
    const struct conf_at here = CONF_KEY_AT(at, name);
    conf_mistake(conf, &here, text, "is not a known key");
}

void conf_mark_written(const struct conf_table *table, const struct conf_key *key, void *target)
{
    assert(table->count <= 64);
    ((struct conf_head *)target)->written |= UINT64_C(1) << (key - table->keys);
}

bool conf_is_written(const struct conf_table *table, const struct conf_key *key, const void *target)
{
    return (((const struct conf_head *)target)->written >> (key - table->keys) & 1) != 0;
}

void conf_clear(const struct conf_table *table, void *target)
{
    *(struct conf_head *)target = (struct conf_head){0};
    for (size_t i = 0; i < table->count; i++) {
        conf_clear_value(&table->keys[i], target);
    }
}

void conf_read(struct conf *conf, const struct conf_at *at, const struct conf_table *table, json_t *object,
               void *target)
{
    conf_clear(table, target);
    if (!json_is_object(object)) {
        conf_mistake(conf, at, "write {\"key\": value}", "must be an object { … }, not %s", conf_json_kind(object));
        return;
    }
    ((struct conf_head *)target)->given = true;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        const struct conf_key *key = conf_find_key(table, name, strlen(name));
        if (key == NULL) {
            conf_unknown_key(conf, at, table, name);
            continue;
        }
        conf_mark_written(table, key, target);
        const struct conf_at here = CONF_KEY_AT(at, key->name);
        conf_read_value(conf, &here, key, value, target);
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct conf_key *key = &table->keys[i];
        if (key->required && key->only == 0 && !conf_is_written(table, key, target)) {
            const struct conf_at here = CONF_KEY_AT(at, key->name);
            conf_mistake(conf, &here, key->help, "is missing");
        }
    }
}

void conf_narrow(struct conf *conf, const struct conf_at *at, const struct conf_table *table, const void *target,
                 unsigned word)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct conf_key *key = &table->keys[i];
        if (key->only == 0) {
            continue;
        }
        bool belongs = (key->only >> word & 1) != 0;
        bool written = conf_is_written(table, key, target);
        const struct conf_at here = CONF_KEY_AT(at, key->name);
        if (belongs && key->required && !written) {
            conf_mistake(conf, &here, key->help, "is missing, %s needs it", table->only_words[word]);
        } else if (!belongs && written) {
            conf_mistake(conf, &here, "leave it out", "is not a key of %s", table->only_words[word]);
        }
    }
}

void conf_defaults(struct conf *conf, const struct conf_table *table, void *target)
{
    const struct conf_at root = CONF_ROOT(table->name, 0);
    for (size_t i = 0; i < table->count; i++) {
        const struct conf_key *key = &table->keys[i];
        if (key->type == CONF_TABLE) {
            conf_defaults(conf, key->table, (char *)target + key->offset);
        } else if (key->fallback != NULL && conf_is_absent(key, target)) {
            conf_read_cell(conf, &root, key, key->fallback, strlen(key->fallback), target);
        }
    }
}
