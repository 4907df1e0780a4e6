/*
 * evaluate: runs code for one alarm at one moment.
 *
 * Pure but for windows, whose tails move with the query.  Allocates nothing.
 */
#ifndef DAVY_RULES_EVALUATE_H
#define DAVY_RULES_EVALUATE_H

#include "rules/program.h"
#include "rules/state.h"
#include "rules/window.h"
#include <math.h>

/* What the slots of a program mean for the alarm being judged. */
struct frame {
    int64_t now_ns;                   /* the alarm's time */
    const struct point_state *own;
    const struct point_state *points; /* of the shard */
    const uint32_t *point_slots;      /* [slot] -> index into points */
    struct window *const *windows;    /* [slot] */
    const uint32_t *window_points;    /* [slot] -> index into points; the own point for own windows */
};

/* The own point's value; NaN when unknown. */
static inline double evaluate_value(const struct frame *frame)
{
    return frame->own->unknown ? NAN : frame->own->value;
}

/* a op b of two numbers: a number, or a truth as 0 or 1.  NaN (unknown) what is divided by zero, and the comparison with
 * something unknown. */
static inline double evaluate_two(enum op op, double a, double b)
{
    switch (op) {
    case OP_ADD:
        return a + b;
    case OP_SUBTRACT:
        return a - b;
    case OP_MULTIPLY:
        return a * b;
    case OP_DIVIDE:
        return b == 0.0 ? NAN : a / b;
    default:
        break;
    }
    if (isnan(a) || isnan(b)) {
        return NAN;
    }
    switch (op) {
    case OP_LESS:
        return a < b;
    case OP_LESS_EQUAL:
        return a <= b;
    case OP_GREATER:
        return a > b;
    case OP_GREATER_EQUAL:
        return a >= b;
    case OP_EQUAL:
        return a == b;
    default:
        return a != b;
    }
}

/* Runs `length` instructions that leave one number or truth behind: a truth as 0 or 1, NaN when unknown. */
double evaluate(const struct instruction *code, unsigned length, const struct frame *frame);

#endif
