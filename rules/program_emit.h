/*
 * program_emit: a checked tree as flat code, and the rule's list of reads that
 * the code names.
 *
 * Code is in postfix order, so that the machine's stack never holds more than
 * the operands that wait.  Equal reads (same point, width and kind) share one
 * slot within a rule, whichever of its expressions they stand in.
 *
 * Memory: the code comes from the caller's arena; the lists are the reads'.
 */
#ifndef DAVY_RULES_PROGRAM_EMIT_H
#define DAVY_RULES_PROGRAM_EMIT_H

#include "rules/expr_parse.h"
#include "rules/expr_source.h"
#include "rules/program.h"

/* What the expressions of one rule read, while it is collected. */
struct reads {
    uint32_t points[RULE_SLOTS_MAX];
    size_t point_count;
    struct window_read windows[RULE_SLOTS_MAX];
    size_t window_count; /* points and windows together are at most RULE_SLOTS_MAX */
};

/* Emits the tree of a condition that has no mistakes; `in_condition`: it is a `when` or `clear`.  False when it is too
 * much for the machine, which is then reported. */
bool program_emit(struct expr_source *source, const struct node *root, bool in_condition, struct reads *reads,
                  struct arena *arena, struct program *ret_program);

#endif
