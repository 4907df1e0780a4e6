/*
 * conditions: a rule's when, clear and unless, taken apart for judging.
 *
 *     value + 1 > 3 && status('comm')          mean(5m) >= 2        !(value + 1 > 5)
 *     ─────────       ──────────────           ────────             ─────────
 *     term 0          term 1                   term 2               term 0 again
 *     ─────────────    leaf 1                  ─────────────        ─────────────
 *        leaf 0                                   leaf 2                leaf 3
 *
 * A *term* is a number (or a truth) that is compared; equal ones are one, so
 * what several levels ask for is worked out once.  A *leaf* compares a term
 * with a constant.  A *formula* joins leaves by && || !.
 *
 * Each leaf knows the span of its term's values within which it keeps its
 * truth: as long as every term stays within the spans of all its leaves, no
 * formula needs to be looked at.
 *
 * Pure but for windows, whose tails move with the query.  Allocates nothing
 * after conditions_take_apart, whose memory is the arena's.
 */
#ifndef DAVY_RULES_CONDITIONS_H
#define DAVY_RULES_CONDITIONS_H

#include "base/arena.h"
#include "rules/evaluate.h"
#include "rules/program.h"
#include <math.h>

/* Makes terms, leaves and formulas of the rule's compiled programs. */
void conditions_take_apart(struct rule_code *code, struct arena *arena);

/* Works out a term of no general kind. */
double term_calculate(const struct term *term, double value);

/* Works a term out for the alarm of the frame; NaN when it is unknown. */
static inline double term_read(const struct term *term, const struct frame *frame)
{
    return term->kind == TERM_VALUE ? evaluate_value(frame) : evaluate(term->code, term->length, frame);
}

static inline void conditions_read(const struct conditions *conditions, const struct frame *frame, double *ret_terms)
{
    for (unsigned t = 0; t < conditions->term_count; t++) {
        ret_terms[t] = term_read(&conditions->terms[t], frame);
    }
}

/* Three-valued: of && the least counts, of || the greatest. */
enum truth { TRUTH_FALSE, TRUTH_UNKNOWN, TRUTH_TRUE };

static inline enum truth leaf_truth(const struct leaf *leaf, double term)
{
    if (isnan(term)) {
        return TRUTH_UNKNOWN;
    }
    bool holds = false;
    switch ((enum leaf_kind)leaf->kind) {
    case LEAF_RISING:
        holds = term >= leaf->from;
        break;
    case LEAF_FALLING:
        holds = term <= leaf->upto;
        break;
    case LEAF_EQUAL:
        holds = term == leaf->from;
        break;
    case LEAF_NOT_EQUAL:
        holds = term != leaf->from;
        break;
    case LEAF_TRUTH:
        holds = term != 0.0;
        break;
    }
    return holds ? TRUTH_TRUE : TRUTH_FALSE;
}

enum truth formula_join(const struct formula *formula, const struct leaf *leaves, const double *terms);

/* The truth of a formula for these terms. */
static inline enum truth formula_truth(const struct formula *formula, const struct leaf *leaves, const double *terms)
{
    if (formula->length == 1 && formula->steps[0] >= FORMULA_LEAF) {
        const struct leaf *leaf = &leaves[formula->steps[0] - FORMULA_LEAF];
        return leaf_truth(leaf, terms[leaf->term]);
    }
    return formula_join(formula, leaves, terms);
}

/* Sets for each term the span around its value within which all leaves keep their truth; false when one is unknown. */
bool conditions_spans(const struct conditions *conditions, const double *terms, struct span *ret_spans);

/* Whether all terms are within their spans. */
static inline bool conditions_hold(const struct conditions *conditions, const double *terms, const struct span *spans)
{
    for (unsigned t = 0; t < conditions->term_count; t++) {
        if (!span_has(&spans[t], terms[t])) {
            return false;
        }
    }
    return true;
}

#endif
