/*
 * mqtt_spool: messages that may be acknowledged, in a file that is a ring.
 *
 *        tail             released          read                 head
 *         |  past records  |  not yet safe   |  not yet taken      |  free
 *   ... --+----------------+-----------------+---------------------+---- ...   (mod capacity)
 *
 * The file is mapped into memory and shared with the kernel: what is copied in
 * survives SIGKILL with no system call, so a message may be acknowledged the
 * moment spool_put returned.  Loss of power it survives from spool_sync on.
 *
 * Every record has a number, rising by one.  It stays until the record before
 * the next free byte is needed, and may be overwritten once it is released:
 * its samples are stored and its alarms journalled.  After a restart the reader
 * begins at the first record that was not released; those before it can still
 * be looked at (spool_past), to know which messages were there.
 *
 * Order of the writes: a record is written whole and only then published; it
 * is made to be found by its position, which never comes twice, and a checksum.
 * The two words of the header that move (tail, released) are each written at
 * once.  So a kill at any moment leaves the records up to some moment.
 *
 * Threads: one writer (spool_put); the others one at a time, the caller's lock.
 * Memory: the mapping; records are borrowed from it until they are released.
 */
#ifndef DAVY_INGEST_MQTT_SPOOL_H
#define DAVY_INGEST_MQTT_SPOOL_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPOOL_BYTES = 8 * 1024 * 1024, SPOOL_SOURCE_MAX = 1024 };

struct spool;

struct spool_record {
    uint64_t number;     /* given by spool_put */
    int64_t seen_ns;     /* when it was received */
    const char *source;  /* id of the source; none of the texts ends in NUL */
    const char *topic;
    const char *payload;
    size_t source_len, topic_len, payload_len;
};

/* Opens (makes) the file, `bytes` (a multiple of 4096) large without its header; all of it is taken from the disk now.
 * The next record's number is at least `least`.  A file that is no spool is moved to "<path>.bad" (*ret_damaged).
 * ERR_ENV: the disk is full or does not let us. */
enum err_code spool_open(const char *path, size_t bytes, uint64_t least, struct spool **ret_spool, bool *ret_damaged,
                         struct err *err) MUST_CHECK;
void spool_close(struct spool *spool);

/* Says whether such a record could ever be put. */
bool spool_fits(const struct spool *spool, const struct spool_record *record);
/* Copies a record in (its number aside) and gives its number; 0 when there is no room. */
uint64_t spool_put(struct spool *spool, const struct spool_record *record);

/* Gives the next record that was not read yet; false when there is none. */
bool spool_read(struct spool *spool, struct spool_record *ret_record);
/* Puts the reader back to the record read last. */
void spool_unread(struct spool *spool, const struct spool_record *record);
/* Says that everything up to this number is safe; a smaller number than before changes nothing. */
void spool_release(struct spool *spool, uint64_t number);
uint64_t spool_released(const struct spool *spool); /* any thread */

/* Calls fn for the records that were released before the opening and are still there, in their order. */
typedef void spool_record_fn(void *self, const struct spool_record *record);
void spool_past(const struct spool *spool, spool_record_fn *fn, void *self);

/* The number of the record put last, 0 before the first of all; any thread. */
uint64_t spool_last(const struct spool *spool);
/* Waits until all that was put is on the disk; any thread. */
enum err_code spool_sync(struct spool *spool, struct err *err) MUST_CHECK;

#endif
