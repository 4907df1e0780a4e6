/*
 * program: an expression in the form that is evaluated: flat code for a small
 * stack machine, shared by all alarms of a rule.
 *
 * Every value is a double.  A number that is not known is NaN (an infinite one
 * is known).  A truth is 0 or 1, unknown is NaN too; the compiler has checked
 * that truths and numbers never meet, so the machine need not.
 *
 * What an expression reads from outside stands in the rule's lists (struct
 * rule_reads) and is named in the code by its index there, a slot; a shard
 * binds the slots of each alarm to its own points and windows.
 *
 * Memory: arena of the compiled rules, const afterwards.
 */
#ifndef DAVY_RULES_PROGRAM_H
#define DAVY_RULES_PROGRAM_H

#include "base/arena.h"
#include "base/mistakes.h"
#include "model/site.h"
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

enum op {
    OP_NUMBER,    /* push number; true and false are 1 and 0 */
    OP_VALUE,     /* push the own point's value, NaN while its reading is unknown */
    OP_AGE,       /* push seconds since the own point's last good sample */
    OP_UNCHANGED, /* push seconds since the own point's value last moved, NaN while its reading is unknown */
    OP_POINT,     /* push the last good value of point slot `slot` */
    OP_STATUS,    /* push whether point slot `slot` has one of the flags `mask`; mask 0 ('good'): has none */
    OP_MEAN, OP_MIN, OP_MAX, OP_RANGE, OP_STDDEV, OP_COUNT, OP_FIRST, OP_LAST, OP_DELTA, OP_SLOPE, OP_CHANGES,
                  /* push that function of window slot `slot`, NaN while its point's reading is unknown */
    OP_EWMA, OP_ZSCORE, OP_ANOMALY, OP_REPEATS, /* likewise; the slots are of kind WINDOW_EWMA … WINDOW_REPEATS */
    OP_ETA_UP, OP_ETA_DOWN, /* pop the limit, push seconds until the line over window slot `slot` reaches it */
    OP_NEGATE, OP_NOT,
    OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, /* pop two, push one */
    OP_LESS, OP_LESS_EQUAL, OP_GREATER, OP_GREATER_EQUAL, OP_EQUAL, OP_NOT_EQUAL,
    OP_AND, OP_OR,
    OP_ADD_NUMBER, OP_MULTIPLY_NUMBER, /* by `number`; in terms only, see conditions.c */
};

struct instruction {
    uint16_t op;   /* enum op */
    uint16_t slot; /* index into rule_reads.points or .windows; SLOT_OWN: the own point */
    uint32_t mask; /* OP_STATUS: enum status bits */
    double number; /* OP_NUMBER, OP_ADD_NUMBER, OP_MULTIPLY_NUMBER */
};

enum { SLOT_OWN = UINT16_MAX, PROGRAM_STACK_MAX = 64, PROGRAM_CODE_MAX = 1024, RULE_SLOTS_MAX = 256 };

/* A comparison of the own value with a constant, which most limits are, needs no machine. */
enum plain { PLAIN_NO, PLAIN_LESS, PLAIN_LESS_EQUAL, PLAIN_GREATER, PLAIN_GREATER_EQUAL };

struct program {
    const struct instruction *code; /* NULL: no expression */
    uint16_t length;
    uint16_t stack;     /* deepest */
    uint8_t plain;      /* enum plain: `value <op> limit`, and then … */
    bool reads_own;     /* reads the own point by value, unchanged() or a window: its loss makes the alarm blind */
    bool reads_time;    /* uses age or unchanged() */
    bool uses_eta;      /* uses eta_up or eta_down: a forecast */
    double limit;       /* … its constant */
};

enum window_kind { WINDOW_PLAIN, WINDOW_EWMA, WINDOW_ZSCORE, WINDOW_ANOMALY, WINDOW_REPEATS };

/* What of a plain window is asked for; count, first, last and delta come with every window. */
enum window_needs {
    NEED_SUM = 1 << 0,     /* mean */
    NEED_SQUARES = 1 << 1, /* stddev, zscore (with NEED_SUM) */
    NEED_EXTREMES = 1 << 2, /* min, max, range */
    NEED_CHANGES = 1 << 3,
    NEED_LINE = 1 << 4,    /* slope, eta */
};

struct window_read {
    uint32_t point;    /* index into site.points; SITE_NONE: the own point */
    int64_t width_ns;  /* W, or the time constant T */
    uint8_t kind;      /* enum window_kind */
    uint8_t needs;     /* enum window_needs */
    bool in_condition; /* read by a `when` or `clear`: its point's loss makes the alarm blind */
};

/* All that the expressions of one rule read, each once. */
struct rule_reads {
    const uint32_t *points;  /* named by point() or pstatus(); indices into site.points */
    size_t point_count;
    const struct window_read *windows;
    size_t window_count;
};

/* Numbers from lo to hi, both included; never a NaN. */
struct span {
    double lo, hi;
};
#define SPAN_ALL  ((struct span){-INFINITY, INFINITY})
#define SPAN_NONE ((struct span){INFINITY, -INFINITY})

static inline bool span_has(const struct span *span, double number)
{
    return span->lo <= number && number <= span->hi;
}

/* The parts of a rule's conditions, see conditions.h. */
enum term_kind {
    TERM_VALUE,      /* the own point's value */
    TERM_ARITHMETIC, /* worked out of it and constants */
    TERM_GENERAL,
};

struct term {
    const struct instruction *code;
    uint16_t length;
    uint8_t kind; /* enum term_kind */
};

enum leaf_kind {
    LEAF_RISING,    /* holds from `from` on, does not up to `upto`, the next number below */
    LEAF_FALLING,   /* holds up to `upto`, does not from `from` on, the next number above */
    LEAF_EQUAL,     /* holds at `from` only */
    LEAF_NOT_EQUAL, /* holds but at `from` */
    LEAF_TRUTH,     /* the term is a truth itself */
};

struct leaf {
    double from, upto;
    uint16_t term;
    uint8_t kind; /* enum leaf_kind */
};

enum formula_step { FORMULA_FALSE, FORMULA_TRUE, FORMULA_NOT, FORMULA_AND, FORMULA_OR, FORMULA_LEAF /* + leaf */ };

struct formula {
    const uint16_t *steps; /* enum formula_step, the operands first; NULL: no expression */
    uint16_t length;
};

struct conditions {
    const struct term *terms;
    const struct leaf *leaves;
    uint16_t term_count, leaf_count;
    struct formula when[LEVEL_COUNT - 1], clear[LEVEL_COUNT - 1], unless;
    uint8_t kind; /* enum term_kind: the most general of the terms */
};

/* One rule, compiled. */
struct rule_code {
    struct program when[LEVEL_COUNT - 1];  /* in the order of site_rule.levels */
    struct program clear[LEVEL_COUNT - 1]; /* code NULL: when is false */
    struct program unless;                 /* code NULL: none */
    struct rule_reads reads;
    struct conditions conditions; /* the same as when, clear and unless, as it is judged */
    bool reads_time; /* any of them: judged at whole seconds too */
};

/* Compiles all expressions of a rule into *ret_code (memory from `arena`).  Adds each mistake with its place
 * (rule->file, e.g. "rules[4].levels[1].when"), a fact that begins with "at character N: " (counted in characters from
 * 1) and a hint.  Returns false when there was any. */
bool program_compile_rule(const struct site *site, const struct site_rule *rule, struct arena *arena,
                          struct mistakes *mistakes, struct rule_code *ret_code);

/* Only adds the mistakes in the conditions of a level that has no place in its rule. */
void program_check_stray(const struct site *site, const struct site_stray *stray, struct mistakes *mistakes);

#endif
