/*
 * restore: a point's newest reading as it was when something was received.
 *
 * The store may know more of a point than its alarms have judged, when the
 * process was killed between the two.  What is judged again must find the point
 * as it was before, or it would be taken for late.
 *
 * Start only; one thread.
 */
#ifndef DAVY_APP_RESTORE_H
#define DAVY_APP_RESTORE_H

#include "model/board.h"
#include "model/site.h"
#include "store/store.h"

/* Gives the newest reading, and the last good value, among those received before `before_ns`.  `last` is the newest the
 * store knows.  ERR_NO when there was none. */
enum err_code restore_as_of(struct store *store, const struct site_point *point, const struct board_entry *last,
                            int64_t before_ns, struct board_entry *ret_entry, struct err *err) MUST_CHECK;

#endif
