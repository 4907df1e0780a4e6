/*
 * cap_folder: a document becomes a file, whole or not at all, and stays through
 * a loss of power.
 *
 * Written as ".<name>.part", synced, renamed to its name, and the folder synced
 * too.  The same document again replaces itself by the same bytes.
 *
 * Thread: the sink's; it waits for the disk.
 */
#ifndef DAVY_ALERTING_CAP_FOLDER_H
#define DAVY_ALERTING_CAP_FOLDER_H

#include "base/err.h"
#include <stddef.h>

/* Makes the folder if only its last part is missing.  ERR_INPUT: it is none, or may not be written to. */
enum err_code cap_folder_open(const char *path, struct err *err) MUST_CHECK;
/* Writes a file of the folder, which is made again if somebody took it away. */
enum err_code cap_folder_put(const char *path, const char *name, const void *bytes, size_t len,
                             struct err *err) MUST_CHECK;

#endif
