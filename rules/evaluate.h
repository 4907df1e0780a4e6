/*
 * evaluate: runs a program for one alarm at one moment.
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

/* Runs the code; gives a number or a truth as a double, NaN when unknown. */
double evaluate_code(const struct program *program, const struct frame *frame);

/* The same, short for a plain limit. */
static inline double evaluate(const struct program *program, const struct frame *frame)
{
    if (program->plain == PLAIN_NO) {
        return evaluate_code(program, frame);
    }
    double value = frame->own->value;
    if (frame->own->unknown || isnan(value)) {
        return NAN;
    }
    switch (program->plain) {
    case PLAIN_LESS:
        return value < program->limit;
    case PLAIN_LESS_EQUAL:
        return value <= program->limit;
    case PLAIN_GREATER:
        return value > program->limit;
    default:
        return value >= program->limit;
    }
}

#endif
