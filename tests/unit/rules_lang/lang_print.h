/* lang_print: a program as text in postfix order, with its slots resolved: "mean(own,300) 1 >=". */
#ifndef DAVY_TESTS_UNIT_RULES_LANG_LANG_PRINT_H
#define DAVY_TESTS_UNIT_RULES_LANG_LANG_PRINT_H

#include "base/buf.h"
#include "model/site.h"
#include "rules/program.h"

/* Appends to the text; numbers that are unknown print as "unknown". */
void lang_print(const struct site *site, const struct program *program, const struct rule_reads *reads,
                struct buf *out);

#endif
