/*
 * journal: the events, each chained to the one before by a hash.
 *
 *   key    seq, 8 bytes
 *   value  version 1 byte, 1 | time 8 | alarm varint length and bytes | JSON
 *          line likewise | retained alarm state likewise | hash 32 bytes
 *
 *   hash = SHA-256(hash before | key | value without its hash)
 *   before the first event: SHA-256(site id)
 *
 * A record changed, taken out or put in breaks the chain at its place.  Only from
 * the beginning may events be taken out, when their time is over: a note then
 * tells seq and hash of the last of them (notes.h, 'a'), from which the chain goes
 * on.
 *
 * Threads: journal_append under store->journal; the rest any.
 */
#ifndef DAVY_STORE_JOURNAL_H
#define DAVY_STORE_JOURNAL_H

#include "store/db.h"

enum { JOURNAL_KEY = 8 };

/* An event as it stands in a record, and the bytes of it that are hashed. */
struct journal_record {
    struct store_event event;
    size_t hashed; /* length of the value without its hash */
    const uint8_t *hash;
};

/* Reads a record (borrowed); false when it is none. */
bool journal_parse(uint64_t seq, const void *bytes, size_t len, struct journal_record *ret_record);

/* The hash before the first event of a site. */
enum err_code journal_origin(const char *site_id, uint8_t ret_hash[JOURNAL_HASH], struct err *err) MUST_CHECK;
/* The hash of a record, from the one before; may write over it. */
enum err_code journal_hash(const uint8_t before[JOURNAL_HASH], uint64_t seq, const void *bytes, size_t len,
                           uint8_t ret_hash[JOURNAL_HASH], struct err *err) MUST_CHECK;

/* Within db_enter.  Takes an event out; all before it must go too, and journal_anchor must end the batch's removals. */
void journal_remove(struct store *store, rocksdb_writebatch_t *batch, uint64_t seq);
/* Within db_enter.  Notes that everything up to `seq`, which is still there, is taken out. */
enum err_code journal_anchor(struct store *store, rocksdb_writebatch_t *batch, uint64_t seq,
                             struct err *err) MUST_CHECK;
/* Within db_enter.  Where the chain begins: seq and hash of the last event taken out, or 0 and the site's. */
enum err_code journal_begin(struct store *store, uint64_t *ret_seq, uint8_t ret_hash[JOURNAL_HASH],
                            struct err *err) MUST_CHECK;

/* Within db_enter; else as store_events. */
enum err_code journal_events(struct store *store, uint64_t after, store_event_fn *fn, void *self,
                             struct err *err) MUST_CHECK;

/* Sets store->last_seq; outside db_enter. */
enum err_code journal_load(struct store *store, struct err *err) MUST_CHECK;

/* Writes the value of an event, without its hash. */
void journal_format(struct buf *out, int64_t time_ns, const char *alarm, const char *json, size_t json_len,
                    const char *state, size_t state_len);

/* An event on its way into a batch. */
struct journal_entry {
    uint64_t seq;
    const uint8_t *bytes; /* as journal_format wrote them */
    size_t len;
};

/* Outside db_enter, under store->journal.  Adds entries, in order, to the batch and gives the seq and hash after them.
 * One that is in the journal already (its write was reported as failed) is passed over when it is the same. */
enum err_code journal_append(struct store *store, rocksdb_writebatch_t *batch, const struct journal_entry *entries,
                             size_t n, uint64_t *ret_seq, uint8_t ret_hash[JOURNAL_HASH], struct err *err) MUST_CHECK;

#endif
