/*
 * conf_value: one value of a configuration, from JSON or from a cell's text.
 *
 * Both ways meet in store_text and store_number, so a spreadsheet and a JSON
 * file are held to the same rules and told off in the same words.
 */
#include "model/conf_value.h"

#include "base/clock.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 4096, SHOWN_MAX = 64 };

/* A text as it is quoted in a message: cut on a character's border, control characters as '?'. */
static const char *shown(const char *text, size_t len, char ret_text[SHOWN_MAX + 4])
{
    size_t n = len < SHOWN_MAX ? len : SHOWN_MAX;
    while (n < len && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        ret_text[i] = (unsigned char)text[i] < 0x20 ? '?' : text[i];
    }
    (void)strcpy(ret_text + n, n < len ? "…" : "");
    return ret_text;
}

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

static const char *wanted(const struct conf_key *key)
{
    switch (key->type) {
    case CONF_TEXT:
    case CONF_ID:
    case CONF_WORD:
        return "a text";
    case CONF_BOOL:
        return "true or false";
    case CONF_NUMBER:
        return "a number";
    case CONF_WHOLE:
        return "a whole number";
    case CONF_DURATION:
        return "a duration in quotes, such as \"500ms\" or \"5s\"";
    case CONF_TEXTS:
        return "a text or a list of texts";
    case CONF_NUMBERS:
        return "a list of numbers";
    case CONF_PAIR:
        return "a pair of numbers [low, high]";
    case CONF_LIST:
        return "a list [ … ]";
    case CONF_TAGS:
    case CONF_TABLE:
    case CONF_MAP:
    case CONF_ANY:
        break;
    }
    return "an object { … }";
}

static void wrong_kind(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const json_t *value)
{
    conf_mistake(conf, at, NULL, "must be %s, not %s", wanted(key), conf_json_kind(value));
}

void conf_clear_value(const struct conf_key *key, void *target)
{
    void *field = (char *)target + key->offset;
    switch (key->type) {
    case CONF_TEXT:
    case CONF_ID:
        *(const char **)field = NULL;
        break;
    case CONF_BOOL:
    case CONF_WHOLE:
    case CONF_WORD:
        *(uint32_t *)field = CONF_ABSENT;
        break;
    case CONF_NUMBER:
        *(double *)field = NAN;
        break;
    case CONF_DURATION:
        *(int64_t *)field = -1;
        break;
    case CONF_TEXTS:
        *(struct conf_texts *)field = (struct conf_texts){0};
        break;
    case CONF_NUMBERS:
        *(struct conf_numbers *)field = (struct conf_numbers){0};
        break;
    case CONF_PAIR:
        *(struct conf_pair *)field = (struct conf_pair){0};
        break;
    case CONF_TAGS:
        *(struct conf_tags *)field = (struct conf_tags){0};
        break;
    case CONF_TABLE:
        conf_clear(key->table, field);
        break;
    case CONF_LIST:
    case CONF_MAP:
    case CONF_ANY:
        *(json_t **)field = NULL;
        break;
    }
}

bool conf_is_absent(const struct conf_key *key, const void *target)
{
    const void *field = (const char *)target + key->offset;
    switch (key->type) {
    case CONF_TEXT:
    case CONF_ID:
        return *(const char *const *)field == NULL;
    case CONF_BOOL:
    case CONF_WHOLE:
    case CONF_WORD:
        return *(const uint32_t *)field == CONF_ABSENT;
    case CONF_NUMBER:
        return isnan(*(const double *)field);
    case CONF_DURATION:
        return *(const int64_t *)field < 0;
    case CONF_TEXTS:
        return ((const struct conf_texts *)field)->count == 0;
    case CONF_NUMBERS:
        return ((const struct conf_numbers *)field)->count == 0;
    case CONF_PAIR:
        return !((const struct conf_pair *)field)->given;
    case CONF_TAGS:
        return ((const struct conf_tags *)field)->count == 0;
    case CONF_TABLE:
        return !((const struct conf_head *)field)->given;
    case CONF_LIST:
    case CONF_MAP:
    case CONF_ANY:
        break;
    }
    return *(json_t *const *)field == NULL;
}

/* ---- numbers ------------------------------------------------------------------------------------------------------
 */

/* True when the number is one the key allows; else a mistake is added. */
static bool number_fits(struct conf *conf, const struct conf_at *at, const struct conf_key *key, double value)
{
    char text[TEXT_NUMBER_MAX];
    (void)text_format_number(value, text);
    if (!isfinite(value)) {
        conf_mistake(conf, at, NULL, "is not a finite number");
        return false;
    }
    if (key->type == CONF_WHOLE && value != floor(value)) {
        conf_mistake(conf, at, NULL, "%s is not a whole number", text);
        return false;
    }
    if (key->lo < key->hi && (value < key->lo || value > key->hi)) {
        char lo[TEXT_NUMBER_MAX];
        char hi[TEXT_NUMBER_MAX];
        (void)text_format_number(key->lo, lo);
        (void)text_format_number(key->hi, hi);
        if (isinf(key->hi)) {
            conf_mistake(conf, at, NULL, "%s is less than %s", text, lo);
        } else {
            conf_mistake(conf, at, NULL, "%s is not within %s to %s", text, lo, hi);
        }
        return false;
    }
    return true;
}

static void store_number(struct conf *conf, const struct conf_at *at, const struct conf_key *key, double value,
                         void *field)
{
    if (!number_fits(conf, at, key, value)) {
        return;
    }
    if (key->type == CONF_WHOLE) {
        *(uint32_t *)field = (uint32_t)value; /* every WHOLE has a range within 32 bits */
    } else {
        *(double *)field = value;
    }
}

static void store_pair(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const double *values,
                       size_t n, void *field)
{
    if (n != 2) {
        conf_mistake(conf, at, NULL, "must be %s, not %zu", wanted(key), n);
        return;
    }
    if (!number_fits(conf, at, key, values[0]) || !number_fits(conf, at, key, values[1])) {
        return;
    }
    if (key->increasing ? values[0] >= values[1] : values[0] > values[1]) {
        char lo[TEXT_NUMBER_MAX];
        char hi[TEXT_NUMBER_MAX];
        (void)text_format_number(values[0], lo);
        (void)text_format_number(values[1], hi);
        conf_mistake(conf, at, NULL, "the low end %s is not below the high end %s", lo, hi);
        return;
    }
    *(struct conf_pair *)field = (struct conf_pair){.given = true, .lo = values[0], .hi = values[1]};
}

/* Puts a list of numbers where a NUMBERS or PAIR key has it. */
static void store_numbers(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const double *values,
                          size_t n, void *field)
{
    if (key->type == CONF_PAIR) {
        store_pair(conf, at, key, values, n, field);
        return;
    }
    struct conf_numbers list = {.items = ARENA_ARRAY(conf->arena, double, n), .count = n};
    memcpy(list.items, values, n * sizeof *values);
    *(struct conf_numbers *)field = list;
}

/* ---- texts --------------------------------------------------------------------------------------------------------
 */

static void store_word(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                       size_t len, void *field)
{
    size_t n = 0;
    for (; key->words[n] != NULL; n++) {
        if (strlen(key->words[n]) == len && memcmp(key->words[n], text, len) == 0) {
            *(uint32_t *)field = (uint32_t)n;
            return;
        }
    }
    char quoted[SHOWN_MAX + 4];
    char hint[CONF_HINT_MAX];
    const char *told = conf_hint_nearest(hint, shown(text, len, quoted), key->words, n);
    if (told == NULL) {
        size_t used = (size_t)snprintf(hint, sizeof hint, "one of");
        for (size_t i = 0; i < n && used < sizeof hint; i++) {
            used += (size_t)snprintf(hint + used, sizeof hint - used, " %s", key->words[i]);
        }
        told = hint;
    }
    conf_mistake(conf, at, told, "\"%s\" is not known", quoted);
}

static void store_duration(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                           size_t len, void *field)
{
    char quoted[SHOWN_MAX + 4];
    int64_t ns;
    if (!text_parse_duration(text, len, &ns)) {
        conf_mistake(conf, at, "write a whole number and ms, s, m, h, d or y, such as 500ms",
                     "\"%s\" is not a duration", shown(text, len, quoted));
        return;
    }
    if (ns <= 0 && key->lo > 0) {
        conf_mistake(conf, at, NULL, "must be longer than zero");
        return;
    }
    *(int64_t *)field = ns;
}

static void store_plain(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                        size_t len, void *field)
{
    size_t most = key->hi > 0 ? (size_t)key->hi : TEXT_BYTES_MAX;
    if (len == 0) {
        if (!key->blank_ok) {
            conf_mistake(conf, at, NULL, "must not be empty");
        }
        return;
    }
    if (len > most) {
        conf_mistake(conf, at, NULL, "is %zu bytes long, at most %zu are allowed", len, most);
        return;
    }
    *(const char **)field = conf_text(conf, text, len, key->shared);
}

static void store_id(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                     size_t len, void *field)
{
    enum { ID_BYTES_MAX = 4 * 128 };
    char id[ID_BYTES_MAX + 1];
    char quoted[SHOWN_MAX + 4];
    (void)snprintf(id, sizeof id, "%.*s", (int)(len < sizeof id ? len : 0), text);
    if (!text_is_id(id)) {
        conf_mistake(conf, at, "1 to 128 of A-Z a-z 0-9 . _ - / or letters of other scripts", "\"%s\" is not an id",
                     shown(text, len, quoted));
        return;
    }
    *(const char **)field = conf_text(conf, text, len, key->shared);
}

/* Reads a key whose JSON form is a text. */
static void store_text(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                       size_t len, void *field)
{
    switch (key->type) {
    case CONF_WORD:
        store_word(conf, at, key, text, len, field);
        break;
    case CONF_DURATION:
        store_duration(conf, at, key, text, len, field);
        break;
    case CONF_ID:
        store_id(conf, at, key, text, len, field);
        break;
    default:
        store_plain(conf, at, key, text, len, field);
        break;
    }
}

/* ---- from JSON ----------------------------------------------------------------------------------------------------
 */

static void read_texts(struct conf *conf, const struct conf_at *at, const struct conf_key *key, json_t *value,
                       void *field)
{
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    if (n == 0) {
        conf_mistake(conf, at, NULL, "is an empty list");
        return;
    }
    struct conf_texts list = {.items = ARENA_ARRAY(conf->arena, const char *, n), .count = 0};
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        const struct conf_at below = CONF_INDEX_AT(at, i);
        const struct conf_at *here = json_is_array(value) ? &below : at;
        if (!json_is_string(item)) {
            conf_mistake(conf, here, NULL, "must be %s, not %s", here == at ? wanted(key) : "a text",
                         conf_json_kind(item));
            continue;
        }
        const char *text = NULL;
        store_plain(conf, here, key, json_string_value(item), json_string_length(item), &text);
        if (text != NULL) {
            list.items[list.count++] = text;
        }
    }
    *(struct conf_texts *)field = list;
}

static void read_numbers(struct conf *conf, const struct conf_at *at, const struct conf_key *key, json_t *value,
                         void *field)
{
    enum { NUMBERS_MAX = 64 };
    double values[NUMBERS_MAX];
    if (!json_is_array(value) || json_array_size(value) > NUMBERS_MAX) {
        if (json_is_array(value)) {
            conf_mistake(conf, at, NULL, "has %zu numbers, at most %d are allowed", json_array_size(value),
                         NUMBERS_MAX);
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
            conf_mistake(conf, &here, NULL, "must be a number, not %s", conf_json_kind(item));
            return;
        }
        values[i] = json_number_value(item);
    }
    store_numbers(conf, at, key, values, n, field);
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
            conf_mistake(conf, &here, NULL, "the name of a tag must have 1 to 128 bytes");
        } else if (!json_is_string(item)) {
            conf_mistake(conf, &here, NULL, "must be a text, not %s", conf_json_kind(item));
        } else {
            const char *text = NULL;
            store_plain(conf, &here, key, json_string_value(item), json_string_length(item), &text);
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
            store_text(conf, at, key, json_string_value(value), json_string_length(value), field);
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
            store_number(conf, at, key, json_number_value(value), field);
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
        fits = key->type == CONF_LIST ? json_is_array(value) : json_is_object(value);
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

/* ---- from a cell --------------------------------------------------------------------------------------------------
 */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Reads `[1, 2]` or `1 2`. */
static void cell_numbers(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                         size_t len, void *field)
{
    enum { NUMBERS_MAX = 64 };
    double values[NUMBERS_MAX];
    size_t n = 0;
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    for (size_t i = 0; i < len;) {
        if (is_blank(text[i]) || text[i] == ',' || text[i] == ';') {
            i++;
            continue;
        }
        size_t end = i;
        while (end < len && !is_blank(text[end]) && text[end] != ',' && text[end] != ';') {
            end++;
        }
        if (n == NUMBERS_MAX || !text_parse_number(text + i, end - i, &values[n])) {
            char quoted[SHOWN_MAX + 4];
            conf_mistake(conf, at, "write [1, 2] or 1 2", "\"%s\" is not a list of at most %d numbers",
                         shown(text, len, quoted), NUMBERS_MAX);
            return;
        }
        n++;
        i = end;
    }
    store_numbers(conf, at, key, values, n, field);
}

static void cell_bool(struct conf *conf, const struct conf_at *at, const char *text, size_t len, void *field)
{
    bool yes = len == 4 && memcmp(text, "true", 4) == 0;
    if (!yes && !(len == 5 && memcmp(text, "false", 5) == 0)) {
        char quoted[SHOWN_MAX + 4];
        conf_mistake(conf, at, NULL, "\"%s\" is not true or false", shown(text, len, quoted));
        return;
    }
    *(uint32_t *)field = yes;
}

static void cell_number(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                        size_t len, void *field)
{
    double value;
    if (!text_parse_number(text, len, &value)) {
        char quoted[SHOWN_MAX + 4];
        conf_mistake(conf, at, NULL, "\"%s\" is not a number", shown(text, len, quoted));
        return;
    }
    store_number(conf, at, key, value, field);
}

void conf_read_cell(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                    size_t len, void *target)
{
    void *field = (char *)target + key->offset;
    if (key->type != CONF_TEXT) {
        while (len > 0 && is_blank(text[0])) {
            text++;
            len--;
        }
        while (len > 0 && is_blank(text[len - 1])) {
            len--;
        }
    }
    if (len == 0) {
        return;
    }
    switch (key->type) {
    case CONF_BOOL:
        cell_bool(conf, at, text, len, field);
        break;
    case CONF_NUMBER:
    case CONF_WHOLE:
        cell_number(conf, at, key, text, len, field);
        break;
    case CONF_NUMBERS:
    case CONF_PAIR:
        cell_numbers(conf, at, key, text, len, field);
        break;
    default: /* columns for whole objects do not exist, see site_csv.c */
        store_text(conf, at, key, text, len, field);
        break;
    }
}
