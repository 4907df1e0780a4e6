/*
 * conf_value: single values of a configuration; used by conf.c only.
 */
#ifndef DAVY_MODEL_CONF_VALUE_H
#define DAVY_MODEL_CONF_VALUE_H

#include "base/text.h"
#include "model/conf.h"

/* Sets one key's field to absent. */
void conf_clear_value(const struct conf_key *key, void *target);

/* "a text", "a number", "null" …: what a JSON value is, for messages. */
const char *conf_json_kind(const json_t *value);

#endif
