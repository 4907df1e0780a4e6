/*
 * expr_hint: what somebody probably meant who wrote what the language does not
 * know: words of other languages and of spreadsheets, units spelt out, signs of
 * programming.  Each function writes a hint and says whether it has one.
 *
 * Pure functions.  Threads: any.
 */
#ifndef DAVY_RULES_EXPR_HINT_H
#define DAVY_RULES_EXPR_HINT_H

#include <stdbool.h>
#include <stddef.h>

enum { EXPR_HINT_MAX = 192 };

/* A word that is not known: "avg", "abs", "hour". */
bool expr_hint_word(const char *word, size_t len, char ret_hint[EXPR_HINT_MAX]);

/* A number that is none: "5min", "1.5h". */
bool expr_hint_number(const char *text, size_t len, char ret_hint[EXPR_HINT_MAX]);

/* A sign that is none: "%", "[". */
bool expr_hint_sign(const char *text, size_t len, char ret_hint[EXPR_HINT_MAX]);

/* What stands at text + at where an operator or an end was expected: the comma of "1,5", the unit of "5 m". */
bool expr_hint_between(const char *text, size_t at, char ret_hint[EXPR_HINT_MAX]);

#endif
