/*
 * file_tail: where a file of events ends, and what it last said.
 *
 * A kill may leave a line without its end, and only there; the last whole line
 * tells how far the file is, whatever else was kept elsewhere.
 *
 * Threads: the sink's.  Memory: one block, and one line, while it looks.
 */
#ifndef DAVY_ALERTING_FILE_TAIL_H
#define DAVY_ALERTING_FILE_TAIL_H

#include "base/err.h"
#include <stdint.h>

/* Cuts off what stands behind the last newline and gives the seq of the last line; 0 when it is no event of this site.
 * ERR_ENV: errno tells. */
enum err_code file_tail_mend(int fd, const char *site_id, uint64_t *ret_seq) MUST_CHECK;

#endif
