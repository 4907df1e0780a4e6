/*
 * notes: the small records by which the store looks after itself.
 *
 *   'f'                              format 4 bytes, 1: blocks are marked when they are written
 *   'm' series(4) start(8) order(8)  end 8: samples from start to end are in blocks but not in the tiers yet (marks.h)
 *   'r' series(4)                    three times (from 8, to 8): removed samples, minutes, hours (removed.h)
 *   'p' series(4) from(8)            to 8: samples that stay (pins.h)
 *   'o' alarm, 0, series(4)          from 8: the same, of an alarm that is active (pins.h)
 *   'h' word(8)                      64 bits: hours in which something was recorded (hours.h)
 *   'j'                              seq 8: the events up to it have been looked at for alarms (pins.h)
 *   'a'                              seq 8, hash 32: the last event that was removed (journal.h)
 *
 * Behind each value stands its CRC32C, over key and value.
 *
 * All functions within db_enter.  A store of the first version, opened for
 * reading, has no notes: reading gives nothing then.
 */
#ifndef DAVY_STORE_NOTES_H
#define DAVY_STORE_NOTES_H

#include "store/bytes.h"
#include "store/db.h"

enum { NOTE_CRC = 4, NOTE_VALUE_MAX = 64, NOTE_SERIES_KEY = 5 };

static inline bool notes_are_there(const struct store *store)
{
    return store->cf[CF_NOTES] != NULL;
}

void note_put(struct store *store, rocksdb_writebatch_t *batch, const void *key, size_t key_len, const void *value,
              size_t len);
void note_remove(struct store *store, rocksdb_writebatch_t *batch, const void *key, size_t key_len);

/* True when `bytes`, as they stand in the database, are `len` bytes of value with the right checksum. */
bool note_check(const void *key, size_t key_len, const void *bytes, size_t bytes_len, size_t len);

/* Reads a note of len bytes as it stood at a snapshot (NULL: stands); false when absent.  A damaged one is ERR_ENV. */
enum err_code note_get(struct store *store, const rocksdb_snapshot_t *snapshot, const void *key, size_t key_len,
                       size_t len, uint8_t ret_value[NOTE_VALUE_MAX], bool *ret_found, struct err *err) MUST_CHECK;

/* Writes the key 'kind' series. */
static inline uint8_t *note_series_key(uint8_t *to, char kind, uint32_t series)
{
    *to++ = (uint8_t)kind;
    return put_u32(to, series);
}

/* True when the store keeps marks (and so the tiers can be trusted) at that snapshot. */
enum err_code notes_ready(struct store *store, const rocksdb_snapshot_t *snapshot, bool *ret_ready,
                          struct err *err) MUST_CHECK;
/* Outside db_enter, by the one that opens for writing.  In a store that was made before, marks everything, once. */
enum err_code notes_open(struct store *store, struct err *err) MUST_CHECK;

#endif
