/*
 * conf_json: a file's JSON text, its position on error, and keys that stand twice.
 *
 * jansson gives the position of a syntax error and can refuse a key that
 * stands twice, but then stops at the first.  Only when it has refused one do
 * we walk the (else well-formed) text ourselves and name them all.
 */
#include "base/memory.h"
#include "model/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One object of the walk: the keys seen so far stand in keys[first..count). */
struct walk {
    struct conf *conf;
    const char *p;
    char **keys; /* owned */
    size_t count, room;
};

static void skip_blanks(struct walk *walk)
{
    walk->p += strspn(walk->p, " \t\r\n");
}

/* Steps over a string; walk->p stands on its opening quote.  Gives its inside as written. */
static const char *skip_string(struct walk *walk, size_t *ret_len)
{
    const char *start = ++walk->p;
    while (*walk->p != '"') {
        walk->p += *walk->p == '\\' ? 2 : 1;
    }
    *ret_len = (size_t)(walk->p - start);
    walk->p++;
    return start;
}

/* Gives a key without its escapes; the caller's.  `text` is what stands between the quotes. */
static char *decode_key(const char *text, size_t len)
{
    json_t *value = json_loadb(text - 1, len + 2, JSON_DECODE_ANY, NULL);
    char *key = memory_strdup(value != NULL ? json_string_value(value) : "?");
    json_decref(value);
    return key;
}

static bool is_twin(const struct walk *walk, size_t first, const char *key)
{
    for (size_t i = first; i < walk->count; i++) {
        if (strcmp(walk->keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes `key`. */
static void note_key(struct walk *walk, char *key)
{
    if (walk->count == walk->room) {
        walk->room = walk->room == 0 ? 64 : walk->room * 2;
        walk->keys = memory_resize(walk->keys, walk->room, sizeof *walk->keys);
    }
    walk->keys[walk->count++] = key;
}

static void walk_value(struct walk *walk, const struct conf_at *at);

static void walk_object(struct walk *walk, const struct conf_at *at)
{
    size_t first = walk->count;
    for (walk->p++, skip_blanks(walk); *walk->p != '}'; skip_blanks(walk)) {
        if (*walk->p == ',') {
            walk->p++;
            continue;
        }
        size_t len;
        const char *text = skip_string(walk, &len);
        char *key = decode_key(text, len);
        const struct conf_at here = CONF_KEY_AT(at, key);
        if (is_twin(walk, first, key)) {
            conf_mistake(walk->conf, &here, "keep one of them", "stands twice in one object");
        }
        walk->p = strchr(walk->p, ':') + 1;
        walk_value(walk, &here);
        note_key(walk, key);
    }
    walk->p++;
    while (walk->count > first) {
        free(walk->keys[--walk->count]);
    }
}

static void walk_array(struct walk *walk, const struct conf_at *at)
{
    size_t i = 0;
    for (walk->p++, skip_blanks(walk); *walk->p != ']'; skip_blanks(walk)) {
        if (*walk->p == ',') {
            walk->p++;
            continue;
        }
        const struct conf_at here = CONF_INDEX_AT(at, i++);
        walk_value(walk, &here);
    }
    walk->p++;
}

/* Recursion is bounded: jansson has read the text and allows 2048 levels. */
static void walk_value(struct walk *walk, const struct conf_at *at)
{
    size_t len;
    skip_blanks(walk);
    switch (*walk->p) {
    case '{':
        walk_object(walk, at);
        break;
    case '[':
        walk_array(walk, at);
        break;
    case '"':
        (void)skip_string(walk, &len);
        break;
    default:
        walk->p += strcspn(walk->p, ",]} \t\r\n");
        break;
    }
}

/* `text` ends in NUL and is well-formed JSON. */
static void find_twins(struct conf *conf, const char *file, const char *text)
{
    struct walk walk = {.conf = conf, .p = text};
    const struct conf_at root = CONF_ROOT(file, 0);
    walk_value(&walk, &root);
    free(walk.keys);
}

/* ---- syntax ------------------------------------------------------------------------------------------------------ */

/* Gives the start of the token of a line that ends at (or spans) `stop`; no token of JSON runs over a line's end, so a
 * line begins between tokens.  A string that is not closed before stop gives stop itself: there the fault lies. */
static const char *token_before(const char *line, const char *stop)
{
    const char *token = line;
    for (const char *p = line; p < stop;) {
        token = p;
        if (*p == '"') {
            for (p++; p < stop && *p != '"'; p++) {
                p += *p == '\\' && p + 1 < stop;
            }
            if (p >= stop) {
                return stop - 1;
            }
            p++;
        } else {
            size_t word = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.");
            p += word > 0 ? word : 1;
        }
    }
    return token;
}

/* The position stands in the path, `line 3 column 7`: where the token begins at which the text stops being JSON.
 * Columns are characters, counted from 1. */
static void add_syntax_mistake(struct conf *conf, const char *file, const char *text, const json_error_t *error)
{
    size_t len = strlen(text);
    bool ended = json_error_code(error) == json_error_premature_end_of_input;
    const char *stop = text + (ended || (size_t)error->position > len ? len : (size_t)error->position);
    const char *line = stop;
    while (line > text && line[-1] != '\n') {
        line--;
    }
    const char *fault = ended ? stop : token_before(line, stop);
    size_t number = 1;
    size_t column = 1;
    for (const char *p = text; p < line; p++) {
        number += *p == '\n';
    }
    for (const char *p = line; p < fault; p++) {
        column += ((unsigned char)*p & 0xc0) != 0x80;
    }
    char path[64];
    (void)snprintf(path, sizeof path, "line %zu column %zu", number, column);
    bool encoding = json_error_code(error) == json_error_invalid_utf8;
    mistakes_add(conf->mistakes, file, path,
                 encoding ? "save the file as UTF-8" : "look for a comma, quote or bracket too many or too few",
                 "is no JSON: %s", error->text);
}

json_t *conf_parse_json(struct conf *conf, const char *file, const char *text)
{
    json_error_t error;
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3; /* a byte order mark, as some editors leave */
    }
    json_t *root = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (root != NULL) {
        return root;
    }
    if (json_error_code(&error) == json_error_duplicate_key) {
        root = json_loads(text, JSON_DECODE_ANY, &error);
        if (root != NULL) {
            find_twins(conf, file, text);
            return root;
        }
    }
    add_syntax_mistake(conf, file, text, &error);
    return NULL;
}
