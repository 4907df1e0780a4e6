/*
 * expr_source: the text of one expression and where it stands, so that every
 * stage that reads it (lexer, parser, checker, emitter) reports mistakes alike:
 * "at character N: …", N counted in characters from 1.
 *
 * Memory: all borrowed for the time of one compilation.
 */
#ifndef DAVY_RULES_EXPR_SOURCE_H
#define DAVY_RULES_EXPR_SOURCE_H

#include "base/mistakes.h"
#include <stdbool.h>
#include <stddef.h>

struct expr_source {
    const char *text;
    const char *file;
    const char *place; /* "rules[4].levels[1].when" */
    struct mistakes *mistakes;
    bool broken; /* a mistake was found in it */
};

/* The hint where there is no better one. */
#define EXPR_HINT "a condition is like value >= 1.5 && age < 30s"

/* Adds a mistake at byte `at` of the text (its length: at the end).  `hint` NULL: EXPR_HINT. */
void expr_mistake(struct expr_source *source, size_t at, const char *hint, const char *fact, ...) PRINTF_LIKE(4, 5);

#endif
