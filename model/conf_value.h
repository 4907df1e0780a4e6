/*
 * conf_value: single values of a configuration; used by the files conf*.c only.
 */
#ifndef DAVY_MODEL_CONF_VALUE_H
#define DAVY_MODEL_CONF_VALUE_H

#include "base/text.h"
#include "model/conf.h"

enum { CONF_SHOWN_MAX = 64, CONF_NUMBERS_MAX = 64 };

/* A text as it is quoted in a message: cut on a character's border, control characters as '?'. */
const char *conf_shown(const char *text, size_t len, char ret_text[CONF_SHOWN_MAX + 4]);

/* "a text", "a number", "null" …: what a JSON value is, for messages. */
const char *conf_json_kind(const json_t *value);
/* The same for what a key wants. */
const char *conf_wanted(const struct conf_key *key);

/* Sets one key's field to absent. */
void conf_clear_value(const struct conf_key *key, void *target);

/* Each puts a value into a key's field, or adds a mistake and leaves the field alone.
 * number: NUMBER, WHOLE.  numbers: NUMBERS, PAIR.  text: all whose JSON form is a text.  plain: TEXT, an item of TEXTS.
 */
void conf_store_number(struct conf *conf, const struct conf_at *at, const struct conf_key *key, double value,
                       void *field);
void conf_store_numbers(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const double *values,
                        size_t n, void *field);
void conf_store_text(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                     size_t len, void *field);
void conf_store_plain(struct conf *conf, const struct conf_at *at, const struct conf_key *key, const char *text,
                      size_t len, void *field);

#endif
