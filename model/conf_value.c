/*
 * conf_value: what a key's field may hold, and holding a value to it.
 *
 * JSON (conf_read.c) and a table's cells (conf_cell.c) both end in the store
 * functions here, so a spreadsheet and a JSON file are held to the same rules
 * and told off in the same words.
 */
#include "model/conf_value.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 4096 };

const char *conf_shown(const char *text, size_t len, char ret_text[CONF_SHOWN_MAX + 4])
{
    size_t n = len < CONF_SHOWN_MAX ? len : CONF_SHOWN_MAX;
    while (n < len && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        ret_text[i] = (unsigned char)text[i] < 0x20 ? '?' : text[i];
    }
    (void)strcpy(ret_text + n, n < len ? "…" : "");
    return ret_text;
}

const char *conf_wanted(const struct conf_key *key)
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
    case CONF_OBJECTS:
        return "an object { … } or a list of them";
    case CONF_TAGS:
    case CONF_TABLE:
    case CONF_MAP:
    case CONF_ANY:
        break;
    }
    return "an object { … }";
}

/* ---- absent ------------------------------------------------------------------------------------------------------ */

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
    case CONF_OBJECTS:
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
    case CONF_OBJECTS:
    case CONF_ANY:
        break;
    }
    return *(json_t *const *)field == NULL;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* True when the number is one the key allows; else a mistake is added. */
static bool number_fits(struct conf *conf, const struct conf_at *at, const struct conf_key *key, double value)
{
    char text[TEXT_NUMBER_MAX];
    (void)text_format_number(value, text);
    if (!isfinite(value)) {
        conf_mistake(conf, at, "write a number such as 1.5", "is not a finite number");
        return false;
    }
    if (key->type == CONF_WHOLE && value != floor(value)) {
        conf_mistake(conf, at, "leave the decimals out", "%s is not a whole number", text);
        return false;
    }
    if (key->lo < key->hi && (value < key->lo || value > key->hi)) {
        char lo[TEXT_NUMBER_MAX];
        char hi[TEXT_NUMBER_MAX];
        (void)text_format_number(key->lo, lo);
        (void)text_format_number(key->hi, hi);
        if (isinf(key->hi)) {
            conf_mistake(conf, at, key->help, "%s is less than %s", text, lo);
        } else {
            conf_mistake(conf, at, key->help, "%s is not within %s to %s", text, lo, hi);
        }
        return false;
    }
    return true;
}

void conf_store_number(struct conf *conf, const struct conf_at *at, const struct conf_key *key, double value,
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
        conf_mistake(conf, at, "write [0, 10]", "must be %s, not %zu", conf_wanted(key), n);
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
        conf_mistake(conf, at, "low comes first", "the low end %s is not below the high end %s", lo, hi);
        return;
    }
    *(struct conf_pair *)field = (struct conf_pair){.given = true, .lo = values[0], .hi = values[1]};
}

void conf_store_numbers(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const double *values,
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

/* ---- texts ------------------------------------------------------------------------------------------------------- */

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
    char quoted[CONF_SHOWN_MAX + 4];
    char hint[CONF_HINT_MAX];
    const char *told = conf_hint_nearest(hint, conf_shown(text, len, quoted), key->words, n);
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
    char quoted[CONF_SHOWN_MAX + 4];
    int64_t ns;
    if (!text_parse_duration(text, len, &ns)) {
        conf_mistake(conf, at, "write a whole number and ms, s, m, h, d or y, such as 500ms",
                     "\"%s\" is not a duration", conf_shown(text, len, quoted));
        return;
    }
    if (ns <= 0 && key->lo > 0) {
        conf_mistake(conf, at, "write a time such as 1s", "must be longer than zero");
        return;
    }
    *(int64_t *)field = ns;
}

void conf_store_plain(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                      size_t len, void *field)
{
    size_t most = key->hi > 0 ? (size_t)key->hi : TEXT_BYTES_MAX;
    if (len == 0) {
        if (!key->blank_ok) {
            conf_mistake(conf, at, "leave it out or fill it in", "must not be empty");
        }
        return;
    }
    if (len > most) {
        conf_mistake(conf, at, "make it shorter", "is %zu bytes long, at most %zu are allowed", len, most);
        return;
    }
    *(const char **)field = conf_text(conf, text, len, key->shared);
}

static void store_id(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                     size_t len, void *field)
{
    enum { ID_BYTES_MAX = 4 * 128 };
    char id[ID_BYTES_MAX + 1];
    char quoted[CONF_SHOWN_MAX + 4];
    (void)snprintf(id, sizeof id, "%.*s", (int)(len < sizeof id ? len : 0), text);
    if (!text_is_id(id)) {
        conf_mistake(conf, at, "1 to 128 of A-Z a-z 0-9 . _ - / or letters of other scripts", "\"%s\" is not an id",
                     conf_shown(text, len, quoted));
        return;
    }
    *(const char **)field = conf_text(conf, text, len, key->shared);
}

void conf_store_text(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
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
        conf_store_plain(conf, at, key, text, len, field);
        break;
    }
}
