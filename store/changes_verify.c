/*
 * changes_verify: the chain of changes checked: a change or an item that was
 * altered, is missing or was put in, and a journal that is not the one the
 * changes name.
 */
#include "store/change_record.h"
#include "store/db.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct check {
    struct store *store;
    store_damage_fn *fn;
    void *self;
    uint64_t damages;
    uint8_t chain[JOURNAL_HASH];
    uint64_t removed; /* the last event that was removed after its time; 0: none, then the hash is the site's */
    uint8_t removed_hash[JOURNAL_HASH];
    uint64_t last;   /* number of the last change that came */
    uint64_t number; /* of the change whose items come; 0: of none that could be read */
    uint64_t items;  /* that came */
    uint64_t items_said;
    uint8_t items_hash[JOURNAL_HASH]; /* as the change says */
    EVP_MD_CTX *digest;
};

static void damage(struct check *check, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void damage(struct check *check, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* a longer one is cut */
    va_end(args);
    check->damages++;
    if (check->fn != NULL) {
        check->fn(check->self, text);
    }
}

/* All items of a change have come. */
static void end_items(struct check *check)
{
    uint8_t hash[JOURNAL_HASH];
    if (check->number == 0) {
        return;
    }
    const bool fine = EVP_DigestFinal_ex(check->digest, hash, NULL) == 1;
    if (check->items != check->items_said) {
        damage(check, "changes: change %" PRIu64 " has %" PRIu64 " items in place of %" PRIu64, check->number,
               check->items, check->items_said);
    } else if (!fine || memcmp(hash, check->items_hash, sizeof hash) != 0) {
        damage(check, "changes: an item of change %" PRIu64 " was changed", check->number);
    }
}

static void begin_items(struct check *check, uint64_t number, const struct change_record *record)
{
    check->number = number;
    check->items = 0;
    check->items_said = record->change.items;
    memcpy(check->items_hash, record->items_hash, sizeof check->items_hash);
    (void)EVP_DigestInit_ex(check->digest, EVP_sha256(), NULL); /* a failure shows at the end of the items */
}

static void check_item(struct check *check, const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
    struct store_change_item item;
    const uint64_t number = change_number(key, key_len);
    if (number != check->last) {
        damage(check, "changes: there is an item of change %" PRIu64 ", which is missing", number);
    }
    if (number != check->number) {
        return;
    }
    if (!change_item_parse(key, key_len, value, len, &item)) {
        damage(check, "changes: an item of change %" PRIu64 " cannot be read", check->number);
    }
    check->items++;
    (void)change_digest(check->digest, key, key_len, value, len); /* a failure shows in the hash */
}

static void tell_other(struct check *check, const struct change_record *record)
{
    damage(check, "journal: event %" PRIu64 " is not the one that change %" PRIu64 " names", record->seq,
           record->change.number);
}

/* The event a change names must be there with that hash.  Of those removed after their time the last one's hash is
 * kept; the ones before it are gone, and one missing behind it is told of with the journal. */
static enum err_code check_journal(struct check *check, const struct change_record *record, struct err *err)
{
    uint8_t key[JOURNAL_KEY];
    rocksdb_pinnableslice_t *value = NULL;
    const uint64_t last = cell_get(&check->store->last_seq);
    if (record->seq > last) {
        damage(check,
               "journal: event %" PRIu64 " was the last when change %" PRIu64 " was made; now it ends at %" PRIu64,
               record->seq, record->change.number, last);
        return ERR_NONE;
    }
    if (record->seq <= check->removed) {
        if (record->seq == check->removed && memcmp(check->removed_hash, record->journal_hash, JOURNAL_HASH) != 0) {
            tell_other(check, record);
        }
        return ERR_NONE;
    }
    (void)put_u64(key, record->seq);
    const enum err_code code = db_get(check->store, CF_JOURNAL, key, sizeof key, &value, err);
    if (code != ERR_NONE || value == NULL) {
        return code;
    }
    size_t len;
    const char *const bytes = rocksdb_pinnableslice_value(value, &len);
    if (len < JOURNAL_HASH || memcmp(bytes + len - JOURNAL_HASH, record->journal_hash, JOURNAL_HASH) != 0) {
        tell_other(check, record);
    }
    rocksdb_pinnableslice_destroy(value);
    return ERR_NONE;
}

static enum err_code check_change(struct check *check, const uint8_t *key, size_t key_len, const uint8_t *value,
                                  size_t len, struct err *err)
{
    struct change_record record;
    uint8_t hash[JOURNAL_HASH];
    const uint64_t number = change_number(key, key_len);
    const uint64_t expected = check->last + 1;
    end_items(check);
    check->last = number;
    check->number = 0;
    if (number != expected) {
        damage(check, "changes: %" PRIu64 " changes from %" PRIu64 " on are missing", number - expected, expected);
    }
    if (!change_parse(key, key_len, value, len, &record)) {
        damage(check, "changes: change %" PRIu64 " cannot be read", number);
        return ERR_NONE;
    }
    enum err_code code = journal_hash(check->chain, number, value, record.hashed, hash, err);
    if (code == ERR_NONE && number == expected && memcmp(hash, record.hash, sizeof hash) != 0) {
        damage(check, "changes: change %" PRIu64 " or its place in the chain was changed", number);
    }
    memcpy(check->chain, record.hash, JOURNAL_HASH);
    begin_items(check, number, &record);
    return code != ERR_NONE ? code : check_journal(check, &record, err);
}

static enum err_code walk_all(struct check *check, struct err *err)
{
    struct db_walk walk;
    enum err_code code = ERR_NONE;
    db_walk_begin(&walk, check->store, CF_SERIES, NULL, "o", 1, "p", 1);
    for (; code == ERR_NONE && db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t key_len, len;
        const uint8_t *const key = db_walk_key(&walk, &key_len);
        const uint8_t *const value = db_walk_value(&walk, &len);
        if (key_len == CHANGE_KEY) {
            code = check_change(check, key, key_len, value, len, err);
        } else if (key_len > CHANGE_KEY) {
            check_item(check, key, key_len, value, len);
        } else {
            damage(check, "changes: a key makes no sense");
        }
    }
    end_items(check);
    const enum err_code walked = db_walk_end(&walk, check->store, code == ERR_NONE ? err : NULL);
    return code != ERR_NONE ? code : walked;
}

enum err_code changes_verify(struct store *store, store_damage_fn *fn, void *self, uint64_t *ret_damages,
                             struct err *err)
{
    struct check check = {.store = store, .fn = fn, .self = self, .digest = EVP_MD_CTX_new()};
    struct buf origin = {0};
    buf_printf(&origin, "%s/changes", store->site_id);
    enum err_code code = check.digest == NULL ? err_set(err, ERR_ENV, "no hash can be computed")
                                              : journal_origin(origin.data, check.chain, err);
    if (code == ERR_NONE) {
        code = journal_begin(store, &check.removed, check.removed_hash, err);
    }
    if (code == ERR_NONE) {
        code = walk_all(&check, err);
    }
    buf_done(&origin);
    EVP_MD_CTX_free(check.digest);
    *ret_damages = check.damages;
    return code;
}
