/*
 * expr_read: checks the words that read something from outside (value, mean(W),
 * point('id') …): how they are written, their arguments, the names in them.
 * Part of expr_check, which checks the arguments themselves first.
 */
#ifndef DAVY_RULES_EXPR_READ_H
#define DAVY_RULES_EXPR_READ_H

#include "model/site.h"
#include "rules/expr_parse.h"
#include "rules/expr_source.h"

/* What a node is, in words for a mistake: "a number", "a condition", "a text". */
const char *expr_type_name(const struct node *node);

/* Reports a READ whose word is not known; to be called before its arguments are checked, so that mistakes come in the
 * order of the text.  A word that is part of a point's id without quotes is told as that id, once. */
void expr_check_word(struct expr_source *source, const struct site *site, const struct node *read);
/* Reports a word that is not known, at a place where the site does not matter. */
void expr_unknown_word(struct expr_source *source, const struct node *read);

/* Settles type, unit, point, mask, width_ns and limit of a READ whose arguments have been checked.  Its type stays
 * TYPE_MISTAKE when something was reported. */
void expr_check_read(struct expr_source *source, const struct site *site, struct node *read);

#endif
