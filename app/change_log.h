/*
 * change_log: writes down what a site is since a monitor runs it.
 *
 * At a start, and after a reload, the site is laid beside what the chain of
 * changes (store/changes.h) says it was.  Points and rules that differ, are new or
 * are gone become the items of one more change, with who and why.  A site whose
 * digest is that of the last change adds nothing.
 *
 * Threads: main.
 */
#ifndef DAVY_APP_CHANGE_LOG_H
#define DAVY_APP_CHANGE_LOG_H

#include "model/site.h"
#include "store/store.h"

/* Records the site as it is from time_ns on (of receipt), if it has changed; `why` is "start" or "reload", `by` a
 * name. */
enum err_code change_log_record(struct store *store, const struct site *site, int64_t time_ns, const char *why,
                                const char *by, struct err *err) MUST_CHECK;

#endif
