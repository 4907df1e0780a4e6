/*
 * plan: what taking over a site file would do to the alarms and conditions a
 * store holds, for `davy check SITE --plan` before a SIGHUP or a restart.
 *
 * The store knows with which rule each alarm and condition was judged (a
 * digest of everything that bears on judging); this compares them with the
 * site, as the manager will do when it loads them.  Reads only.
 *
 * Sources and settings leave no trace in the store: of them nothing is told.
 * Threads: one; beside a running monitor.
 */
#ifndef DAVY_APP_PLAN_H
#define DAVY_APP_PLAN_H

#include "base/err.h"
#include "model/site.h"
#include "store/store.h"
#include <stdio.h>

/* Prints the plan. */
enum err_code plan_print(const struct site *site, struct store *store, FILE *out, struct err *err) MUST_CHECK;

#endif
