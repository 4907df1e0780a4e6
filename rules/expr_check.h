/*
 * expr_check: types, names and arguments of a parsed expression.
 *
 * Walks the tree once from the leaves: settles each node's type (a truth is not
 * a number), resolves ids and status words, folds constant arithmetic to one
 * number (so that a window may be written 2 * 5m), and reports every mistake
 * with the character where the operand begins.  What hangs on a mistake is not
 * reported again.
 */
#ifndef DAVY_RULES_EXPR_CHECK_H
#define DAVY_RULES_EXPR_CHECK_H

#include "model/site.h"
#include "rules/expr_parse.h"
#include "rules/expr_source.h"

/* Checks the tree of a condition, which must be a truth as a whole.  False when the source is broken. */
bool expr_check(struct expr_source *source, const struct site *site, struct node *root);

#endif
