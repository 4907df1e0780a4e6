/*
 * load_print: the operator-load figures for people (a table, one or two
 * columns) and for machines (a JSON object).
 */
#ifndef DAVY_APP_LOAD_PRINT_H
#define DAVY_APP_LOAD_PRINT_H

#include "alerting/load_figures.h"
#include "base/buf.h"
#include <stdio.h>

/* Prints one column per entry of figures[0..count), headed by names[], and beside them what is held to be bearable;
 * then the most frequent alarms of each. */
void load_print_table(FILE *out, const char *const *names, const struct load_figures *figures, size_t count);

/* Appends {"site":…,"from":…,"to":…,"raised":…,…,"top":[…]}, without newline. */
void load_print_json(struct buf *out, const char *name, const struct load_figures *figures);

#endif
