/*
 * conf_cell: one value of a configuration from the text of a table's cell; a
 * table's defaults are written the same way.
 */
#include "model/conf_value.h"
#include <string.h>

/* ---- from a cell ------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Reads `[1, 2]` or `1 2`. */
static void cell_numbers(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                         size_t len, void *field)
{
    double values[CONF_NUMBERS_MAX];
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
        if (n == CONF_NUMBERS_MAX || !text_parse_number(text + i, end - i, &values[n])) {
            char quoted[CONF_SHOWN_MAX + 4];
            conf_mistake(conf, at, "write [1, 2] or 1 2", "\"%s\" is not a list of at most %d numbers",
                         conf_shown(text, len, quoted), CONF_NUMBERS_MAX);
            return;
        }
        n++;
        i = end;
    }
    conf_store_numbers(conf, at, key, values, n, field);
}

static void cell_bool(struct conf *conf, const struct conf_at *at, const char *text, size_t len, void *field)
{
    bool yes = len == 4 && memcmp(text, "true", 4) == 0;
    if (!yes && !(len == 5 && memcmp(text, "false", 5) == 0)) {
        char quoted[CONF_SHOWN_MAX + 4];
        conf_mistake(conf, at, "write one of them", "\"%s\" is not true or false", conf_shown(text, len, quoted));
        return;
    }
    *(uint32_t *)field = yes;
}

static void cell_number(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                        size_t len, void *field)
{
    double value;
    if (!text_parse_number(text, len, &value)) {
        char quoted[CONF_SHOWN_MAX + 4];
        conf_mistake(conf, at, "write one such as 1.5", "\"%s\" is not a number", conf_shown(text, len, quoted));
        return;
    }
    conf_store_number(conf, at, key, value, field);
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
        conf_store_text(conf, at, key, text, len, field);
        break;
    }
}
