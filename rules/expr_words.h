/*
 * expr_words: the words that read something from outside, as one table: name,
 * what it takes, what it gives, how it is compiled.
 *
 * Pure and const.
 */
#ifndef DAVY_RULES_EXPR_WORDS_H
#define DAVY_RULES_EXPR_WORDS_H

#include "rules/program.h"
#include <stddef.h>

enum word_shape {
    SHAPE_BARE,    /* value */
    SHAPE_AGE,     /* age, age() */
    SHAPE_EMPTY,   /* unchanged() */
    SHAPE_FLAG,    /* status('flag') */
    SHAPE_POINT,   /* point(), point('id') */
    SHAPE_PSTATUS, /* pstatus('id', 'flag') */
    SHAPE_WINDOW,  /* mean(W), mean('id', W) */
    SHAPE_ETA,     /* eta_up(limit, W), eta_up('id', limit, W) */
};

struct word {
    const char *name;
    enum op op;
    enum word_shape shape;
    enum window_kind kind; /* WINDOW and ETA */
    uint8_t needs;         /* WINDOW and ETA: enum window_needs */
    bool seconds;          /* gives a time, which may be compared with a duration */
    const char *example;   /* how to write it, for hints */
};

/* Finds by name; NULL when it is no word of the language. */
const struct word *word_find(const char *name, size_t len);

/* The name nearest to a mistyped one ("maen", "MEAN": "mean"), NULL when none is near. */
const char *word_nearest(const char *name, size_t len);

/* What the word takes, in words: "a window, or the id of a point and a window". */
const char *word_takes(const struct word *word);

/* How many arguments it takes. */
size_t word_args_least(const struct word *word);
size_t word_args_most(const struct word *word);

#endif
