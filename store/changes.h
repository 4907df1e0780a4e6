/*
 * changes: what was changed about a site and when: a chain of records beside the
 * journal, so that any stored value can be traced to the configuration that was
 * in force when it came, and no change can be made to vanish.
 *
 * A change has a time of receipt from which on it holds, a text (JSON: what was
 * done, by whom, the digest of the site file), and items: points and rules as
 * they are since then, each a text (JSON).  Only what differs from before is an
 * item; "null" says that it is gone.
 *
 *   key    'o' number(8)                 -> a change
 *          'o' number(8) kind(1) id      -> one of its items: 'p' a point, 'r' a rule
 *
 *   change   version 1 byte, 1 | time 8 | seq 8 and hash 32 of the last event of
 *            the journal then | items varint | hash of the items 32 | text
 *            varint length and bytes | hash 32
 *   item     text | crc 4, CRC32C over the key and the text
 *
 *   hash of the items = SHA-256 over key, length (8) and value of each, by key
 *   hash = SHA-256(hash before | number | value without hash)
 *   before the first: SHA-256(site id "/changes")
 *
 * They stand in column family series.  That a change names the journal's last
 * hash ties both chains: a journal cut off at its end is noticed.
 *
 * Threads: any; a struct store_changes the one that made it.
 */
#ifndef DAVY_STORE_CHANGES_H
#define DAVY_STORE_CHANGES_H

#include "store/store.h"

enum { CHANGE_POINT = 'p', CHANGE_RULE = 'r' };

struct store_change {
    uint64_t number; /* from 1, without gaps */
    int64_t time_ns; /* from this time of receipt on */
    const char *text;
    size_t text_len;
    uint64_t items;
};

struct store_change_item {
    char kind;
    const char *id; /* not ended by NUL */
    size_t id_len;
    const char *text;
    size_t text_len;
};

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

/* A change being put together. */
struct store_changes;
struct store_changes *store_changes_new(struct store *store);
void store_changes_free(struct store_changes *changes);
/* Each kind and id once, in any order; copies. */
void store_changes_add(struct store_changes *changes, char kind, const char *id, size_t id_len, const char *text,
                       size_t text_len);
size_t store_changes_count(const struct store_changes *changes);
/* Writes it, synced, all or nothing, as the next of the chain. */
enum err_code store_changes_commit(struct store_changes *changes, int64_t time_ns, const char *text,
                                   struct err *err) MUST_CHECK;

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

/* Called for a change (item NULL), then for each of its items by kind and id; return false to stop. */
typedef bool store_change_fn(void *self, const struct store_change *change, const struct store_change_item *item);

/* All changes with their items, in order. */
enum err_code store_changes_walk(struct store *store, store_change_fn *fn, void *self, struct err *err) MUST_CHECK;
/* The changes that have an item of this kind and id, with that item. */
enum err_code store_changes_of(struct store *store, char kind, const char *id, store_change_fn *fn, void *self,
                               struct err *err) MUST_CHECK;
/* The text of the last change; ERR_NO when there is none. */
enum err_code store_changes_last(struct store *store, struct buf *ret_text, struct err *err) MUST_CHECK;

/* Within db_enter.  Checks the chain; each damage is one call of fn.  Gives how many there are. */
enum err_code changes_verify(struct store *store, store_damage_fn *fn, void *self, uint64_t *ret_damages,
                             struct err *err) MUST_CHECK;

#endif
