/*
 * disk: stands between this program and its files, so that tests can take the
 * power away in the midst of things, or let the disk fail.
 *
 * A program linked with it has its own write, fsync, open, rename, … in place of
 * the C library's, for itself and for RocksDB.  They do the same, and for one
 * folder keep book of what a real disk would have for sure:
 *
 *   a file     as many of its bytes as there were at its last fsync, and the name
 *              it had then (POSIX does not say so, but the file systems of Linux
 *              do it, and RocksDB counts on it)
 *   a folder   the names there were at its last fsync
 *
 * What is sure of the folder's names stands in a second folder beside it, as hard
 * links ("DIR.sure"): a file that was removed lately is still there.  disk_cut
 * makes of both what may be found after a loss of power: of all that is not
 * sure, some.
 *
 * fsync itself is not done: only the book matters, and tests must be quick.
 *
 * Threads: any.  The book is in memory shared over fork: who watches a child can
 * cut its power after it was killed.
 */
#ifndef DAVY_TESTS_UNIT_STORE_DISK_H
#define DAVY_TESTS_UNIT_STORE_DISK_H

#include <stdbool.h>
#include <stdint.h>

/* Begins with a folder (made if absent); all that stands in it now is sure. */
void disk_begin(const char *path);
/* The folder and what is beside it are removed; nothing is watched any more. */
void disk_end(void);

/* Kills the process at the n-th change of the folder from now on, in the midst of it; 0: never. */
void disk_kill_after(uint64_t n);
/* How many changes there were since disk_begin. */
uint64_t disk_changes(void);

/* Rewrites the folder to what may be there after a loss of power now; of what is not sure `seed` decides. */
void disk_cut(uint64_t *seed);

/* From now on changes of the folder fail with this errno (0: no longer): what DISK_… names. */
enum { DISK_WRITES = 1, DISK_SYNCS = 2, DISK_NAMES = 4, DISK_ALL = 7 };
void disk_fail(int error, unsigned what);
/* How many have failed so. */
uint64_t disk_failed(void);

#endif
