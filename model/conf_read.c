/*
 * conf_read: one value of a configuration from JSON.
 */
#include "model/conf_value.h"
#include <string.h>

const char *conf_json_kind(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        break;
    }
    return "null";
}

static void wrong_kind(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const json_t *value)
{
    conf_mistake(conf, at, key->help, "must be %s, not %s", conf_wanted(key), conf_json_kind(value));
}

/* ---- from JSON --------------------------------------------------------------------------------------------------- */

static void read_texts(struct conf *conf, const struct conf_at *at, const struct conf_key *key, json_t *value,
                       void *field)
{
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    if (n == 0 && key->blank_ok) {
        return;
    }
    if (n == 0) {
        conf_mistake(conf, at, "leave it out or fill it in", "is an empty list");
        return;
    }
    struct conf_texts list = {.items = ARENA_ARRAY(conf->arena, const char *, n), .listed = json_is_array(value)};
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        const struct conf_at here = CONF_TEXT_AT(at, &list, i);
        if (!json_is_string(item)) {
            conf_mistake(conf, &here, key->help, "must be %s, not %s", list.listed ? "a text" : conf_wanted(key),
                         conf_json_kind(item));
            continue;
        }
        const char *text = NULL;
        conf_store_plain(conf, &here, key, json_string_value(item), json_string_length(item), &text);
        if (text != NULL) {
            list.items[list.count++] = text;
        }
    }
    *(struct conf_texts *)field = list;
}

static void read_numbers(struct conf *conf, const struct conf_at *at, const struct conf_key *key, json_t *value,
                         void *field)
{
    double values[CONF_NUMBERS_MAX];
    if (!json_is_array(value) || json_array_size(value) > CONF_NUMBERS_MAX) {
        if (json_is_array(value)) {
            conf_mistake(conf, at, NULL, "has %zu numbers, at most %d are allowed", json_array_size(value),
                         CONF_NUMBERS_MAX);
        } else {
            wrong_kind(conf, at, key, value);
        }
        return;
    }
    size_t n = json_array_size(value);
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_array_get(value, i);
        if (!json_is_number(item)) {
            const struct conf_at here = CONF_INDEX_AT(at, i);
            conf_mistake(conf, &here, "write a number", "must be a number, not %s", conf_json_kind(item));
            return;
        }
        values[i] = json_number_value(item);
    }
    conf_store_numbers(conf, at, key, values, n, field);
}

static void read_tags(struct conf *conf, const struct conf_at *at, const struct conf_key *key, json_t *value,
                      void *field)
{
    if (!json_is_object(value)) {
        wrong_kind(conf, at, key, value);
        return;
    }
    struct conf_tags tags = {.items = ARENA_ARRAY(conf->arena, struct conf_tag, json_object_size(value))};
    const char *name;
    json_t *item;
    json_object_foreach(value, name, item)
    {
        const struct conf_at here = CONF_KEY_AT(at, name);
        if (name[0] == '\0' || strlen(name) > 128) {
            conf_mistake(conf, &here, "rename it", "the name of a tag must have 1 to 128 bytes");
        } else if (!json_is_string(item)) {
            conf_mistake(conf, &here, "put it in quotes", "must be a text, not %s", conf_json_kind(item));
        } else {
            const char *text = NULL;
            conf_store_plain(conf, &here, key, json_string_value(item), json_string_length(item), &text);
            if (text != NULL) {
                tags.items[tags.count++] =
                    (struct conf_tag){.key = conf_text(conf, name, strlen(name), true), .value = text};
            }
        }
    }
    *(struct conf_tags *)field = tags;
}

void conf_read_value(struct conf *conf, const struct conf_at *at, const struct conf_key *key, json_t *value,
                     void *target)
{
    void *field = (char *)target + key->offset;
    bool fits = true;
    switch (key->type) {
    case CONF_TEXT:
    case CONF_ID:
    case CONF_WORD:
    case CONF_DURATION:
        fits = json_is_string(value);
        if (fits) {
            conf_store_text(conf, at, key, json_string_value(value), json_string_length(value), field);
        }
        break;
    case CONF_BOOL:
        fits = json_is_boolean(value);
        if (fits) {
            *(uint32_t *)field = json_is_true(value);
        }
        break;
    case CONF_NUMBER:
    case CONF_WHOLE:
        fits = json_is_number(value);
        if (fits) {
            conf_store_number(conf, at, key, json_number_value(value), field);
        }
        break;
    case CONF_TEXTS:
        read_texts(conf, at, key, value, field);
        break;
    case CONF_NUMBERS:
    case CONF_PAIR:
        read_numbers(conf, at, key, value, field);
        break;
    case CONF_TAGS:
        read_tags(conf, at, key, value, field);
        break;
    case CONF_TABLE:
        conf_read(conf, at, key->table, value, field);
        break;
    case CONF_LIST:
    case CONF_MAP:
    case CONF_OBJECTS:
        fits = (key->type != CONF_MAP && json_is_array(value)) || (key->type != CONF_LIST && json_is_object(value));
        if (fits) {
            *(json_t **)field = value;
        }
        break;
    case CONF_ANY:
        *(json_t **)field = value;
        break;
    }
    if (!fits) {
        wrong_kind(conf, at, key, value);
    }
}
