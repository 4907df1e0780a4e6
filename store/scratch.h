/*
 * scratch: a reader's own folder, for the few files RocksDB wants to write.
 *
 * It stands in the folder for temporary files and is locked as long as it is
 * used.  A reader that is killed leaves its own behind; the next one finds that
 * nobody holds it, and removes it.
 *
 * Threads: any.
 */
#ifndef DAVY_STORE_SCRATCH_H
#define DAVY_STORE_SCRATCH_H

#include "base/err.h"

struct scratch_folder {
    char *path; /* NULL: none */
    int fd;     /* holds it */
};

enum err_code scratch_make(struct scratch_folder *ret_folder, struct err *err) MUST_CHECK;
/* Removes it; accepts one that was never made. */
void scratch_remove(struct scratch_folder *folder);

#endif
