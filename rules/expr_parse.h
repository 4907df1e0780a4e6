/*
 * expr_parse: an expression as a tree.
 *
 *   loosest  ||   &&   == !=   < <= > >=   + -   * /   unary - !   tightest
 *
 * Two bounds keep a hostile text from the C stack, which all stages use to walk
 * the tree: EXPR_NESTING_MAX parentheses, signs and calls within one another,
 * and PROGRAM_CODE_MAX nodes.  A node becomes at most one instruction, so the
 * second also bounds the program.
 *
 * Memory: nodes come from the caller's arena and borrow from the text.
 */
#ifndef DAVY_RULES_EXPR_PARSE_H
#define DAVY_RULES_EXPR_PARSE_H

#include "base/arena.h"
#include "rules/expr_source.h"
#include "rules/expr_words.h"
#include "rules/program.h"
#include <stdint.h>

enum { EXPR_NESTING_MAX = 64, NODE_ARGS_MAX = 3 };

enum node_kind {
    NODE_NUMBER,
    NODE_TRUTH,
    NODE_TEXT,
    NODE_READ,   /* a word that reads something from outside */
    NODE_UNARY,  /* args[0] */
    NODE_BINARY, /* args[0], args[1] */
};

enum node_type {
    TYPE_MISTAKE, /* already reported, or not checked yet */
    TYPE_NUMBER,
    TYPE_TRUTH,
    TYPE_TEXT,
};

/* As much about units as tells obvious mistakes. */
enum node_unit {
    UNIT_ANY,
    UNIT_DURATION, /* a constant written as a duration */
    UNIT_VALUE,    /* a reading as it stands: what it measures is the point's affair, but not a time */
};

struct node {
    enum node_kind kind;
    enum op op;       /* UNARY, BINARY */
    size_t at;        /* first byte in the text */
    double number;    /* NUMBER; TRUTH: 1 or 0 */
    const char *text; /* TEXT: content; READ: the word as written */
    size_t len;
    const struct word *word; /* READ; NULL: not known */
    bool called;             /* READ: has parentheses */
    size_t arg_count;        /* may exceed what is kept */
    struct node *args[NODE_ARGS_MAX];

    /* set by expr_check */
    enum node_type type;
    enum node_unit unit;
    uint32_t point;     /* READ: SITE_NONE: the own point */
    uint32_t mask;      /* READ of a status */
    int64_t width_ns;   /* READ of a window */
    struct node *limit; /* READ of an eta */
};

/* Parses the whole text.  NULL when it has a mistake, which is then reported (one: what follows it is guesswork). */
struct node *expr_parse(struct expr_source *source, struct arena *arena);

#endif
