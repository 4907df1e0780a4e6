/*
 * change_record: a change and its items as bytes, and back; the layout is told
 * in changes.h.
 *
 * Pure.
 */
#ifndef DAVY_STORE_CHANGE_RECORD_H
#define DAVY_STORE_CHANGE_RECORD_H

#include "store/changes.h"
#include "store/journal.h"
#include <openssl/evp.h>

enum { CHANGE_KEY = 9, CHANGE_ID_MAX = 1024, CHANGE_KEY_MAX = CHANGE_KEY + 1 + CHANGE_ID_MAX };

struct change_record {
    struct store_change change;
    uint64_t seq; /* of the journal's last event then */
    const uint8_t *journal_hash;
    const uint8_t *items_hash;
    size_t hashed; /* length of the value without its hash */
    const uint8_t *hash;
};

void change_key(uint64_t number, uint8_t ret_key[CHANGE_KEY]);
/* The number of a change or of the one an item belongs to; 0 when the key is neither. */
uint64_t change_number(const void *key, size_t len);
/* Writes the key of an item; gives its length.  An id longer than CHANGE_ID_MAX is cut: a site has none. */
size_t change_item_key(uint64_t number, char kind, const char *id, size_t id_len, uint8_t ret_key[CHANGE_KEY_MAX]);

/* Appends the value of a change, without its hash; record->hashed and hash are not looked at. */
void change_format(struct buf *out, const struct change_record *record);
/* Reads one (borrowed); false when it is none. */
bool change_parse(const void *key, size_t key_len, const void *bytes, size_t len, struct change_record *ret_record);

/* Appends the value of an item. */
void change_item_format(struct buf *out, const void *key, size_t key_len, const char *text, size_t text_len);
/* Reads one (borrowed); false when it is none, or damaged. */
bool change_item_parse(const void *key, size_t key_len, const void *bytes, size_t len,
                       struct store_change_item *ret_item);

/* Takes an item, as it stands in the database, into the hash of the items. */
bool change_digest(EVP_MD_CTX *digest, const void *key, size_t key_len, const void *value, size_t len);

#endif
