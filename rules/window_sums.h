/*
 * window_sums: what a stretch of samples adds up to, and the answers that
 * follow from it.
 *
 * Values and times are taken relative to a reference sample, so that squares
 * stay small beside what is asked for; the sums themselves are twofold.
 * "Unequal" counts neighbours that differ at all: with none the deviation and
 * the slope are exactly 0 and the mean is the value itself.
 *
 * Pure.  A sum that overflows (values beyond about 1e150) answers NaN, unknown.
 */
#ifndef DAVY_RULES_WINDOW_SUMS_H
#define DAVY_RULES_WINDOW_SUMS_H

#include "rules/program.h"
#include "rules/twofold.h"
#include <stdint.h>

struct reference {
    int64_t time_ns;
    double value;
};

struct sums {
    uint64_t count;
    uint64_t changes;       /* neighbours that differ by more than the resolution */
    uint64_t unequal;       /* neighbours that differ */
    struct twofold x, xx;   /* value, its square */
    struct twofold t, tt, tx; /* seconds, their square, seconds times value */
};

/* A stretch of samples seen as a whole. */
struct view {
    struct sums sums;
    struct reference reference;
    double first, last, min, max;
};

/* Adds or takes away one sample / the sums of b; the neighbours between are the caller's to count. */
void sums_add_sample(struct sums *sums, uint8_t needs, const struct reference *reference, int64_t time_ns,
                     double value);
void sums_remove_sample(struct sums *sums, uint8_t needs, const struct reference *reference, int64_t time_ns,
                        double value);
void sums_add(struct sums *sums, uint8_t needs, const struct sums *b);
void sums_remove(struct sums *sums, uint8_t needs, const struct sums *b);

/* The answer of a function over the view; NaN when there is none. */
double view_answer(const struct view *view, enum op op);

/* Seconds until the line reaches the limit; see window_eta. */
double view_eta(const struct view *view, double limit, bool up, int64_t t_ns);

#endif
