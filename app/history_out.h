/*
 * history_out: samples into a site's store as history, whether a monitor runs
 * or not.
 *
 *   monitor runs   lines through its control socket (control_import.h): the
 *                  store has one writer, and that is the monitor's
 *   none runs      the store is opened and a writer of our own driven by hand
 *
 * Imported samples are read like all others, but never become the newest
 * reading of a point, and no rule sees them.
 *
 * Threads: one.  Memory: a buffer, or the store's.
 */
#ifndef DAVY_APP_HISTORY_OUT_H
#define DAVY_APP_HISTORY_OUT_H

#include "base/err.h"
#include "model/sample.h"
#include "model/site.h"

struct history_out;

/* `site` is borrowed; store_path is made when absent.  ERR_ENV: neither a monitor nor the store can be had. */
enum err_code history_out_open(const struct site *site, const char *store_path, struct history_out **ret_out,
                               struct err *err) MUST_CHECK;
void history_out_close(struct history_out *out); /* accepts NULL */

/* Gives a sample of a point of the site; it may be kept only later. */
enum err_code history_out_put(struct history_out *out, const struct sample *sample, struct err *err) MUST_CHECK;

/* Ends it: when it returns ERR_NONE everything put is in the store.  *ret_unknown: of points that the running monitor
 * does not know, because its site is an older one. */
enum err_code history_out_finish(struct history_out *out, uint64_t *ret_unknown, struct err *err) MUST_CHECK;

#endif
