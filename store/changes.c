/*
 * changes: see changes.h for the bytes and what they are for.
 */
#include "store/changes.h"
#include "base/memory.h"
#include "store/change_record.h"
#include "store/db.h"
#include <openssl/evp.h>
#include <stdlib.h>

static enum err_code no_hash(struct err *err)
{
    return err_set(err, ERR_ENV, "the hash of a change could not be computed");
}

/* The hash before the first change of a site. */
static enum err_code origin_of(const struct store *store, uint8_t ret_hash[JOURNAL_HASH], struct err *err)
{
    struct buf text = {0};
    buf_printf(&text, "%s/changes", store->site_id);
    const enum err_code code = journal_origin(text.data, ret_hash, err);
    buf_done(&text);
    return code;
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

/* Where an item stands in the bytes: kind and id, then the text. */
struct item {
    size_t at;
    uint32_t name_len, text_len;
};

struct store_changes {
    struct store *store;
    struct buf bytes; /* of all items: of many thousand points each would be a lot of small pieces */
    struct item *items;
    size_t count, room;
};

struct store_changes *store_changes_new(struct store *store)
{
    struct store_changes *const changes = memory_new(1, sizeof *changes);
    changes->store = store;
    return changes;
}

void store_changes_free(struct store_changes *changes)
{
    if (changes != NULL) {
        buf_done(&changes->bytes);
        free(changes->items);
        free(changes);
    }
}

void store_changes_add(struct store_changes *changes, char kind, const char *id, size_t id_len, const char *text,
                       size_t text_len)
{
    if (changes->count == changes->room) {
        changes->room = changes->room == 0 ? 64 : 2 * changes->room;
        changes->items = memory_resize(changes->items, changes->room, sizeof *changes->items);
    }
    changes->items[changes->count++] =
        (struct item){.at = changes->bytes.len, .name_len = (uint32_t)(id_len + 1), .text_len = (uint32_t)text_len};
    buf_add(&changes->bytes, &kind, 1);
    buf_add(&changes->bytes, id, id_len);
    buf_add(&changes->bytes, text, text_len);
}

size_t store_changes_count(const struct store_changes *changes)
{
    return changes->count;
}

static int compare_items(const void *a, const void *b, void *self)
{
    const char *const bytes = self;
    const struct item *const x = a;
    const struct item *const y = b;
    const size_t len = x->name_len < y->name_len ? x->name_len : y->name_len;
    const int order = memcmp(bytes + x->at, bytes + y->at, len);
    return order != 0 ? order : x->name_len < y->name_len ? -1 : x->name_len > y->name_len;
}

static void put(struct store *store, rocksdb_writebatch_t *batch, const void *key, size_t key_len,
                const struct buf *value)
{
    rocksdb_writebatch_put_cf(batch, store->cf[CF_SERIES], key, key_len, value->data, value->len);
}

/* Puts all items into the batch; gives their hash. */
static enum err_code put_items(struct store_changes *changes, rocksdb_writebatch_t *batch, uint64_t number,
                               uint8_t ret_hash[JOURNAL_HASH], struct err *err)
{
    struct buf value = {0};
    EVP_MD_CTX *const digest = EVP_MD_CTX_new();
    bool fine = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
    if (changes->count > 1) {
        qsort_r(changes->items, changes->count, sizeof *changes->items, compare_items, changes->bytes.data);
    }
    for (size_t i = 0; fine && i < changes->count; i++) {
        const struct item *const item = &changes->items[i];
        const char *const name = changes->bytes.data + item->at;
        uint8_t key[CHANGE_KEY_MAX];
        const size_t len = change_item_key(number, name[0], name + 1, item->name_len - 1, key);
        buf_clear(&value);
        change_item_format(&value, key, len, name + item->name_len, item->text_len);
        put(changes->store, batch, key, len, &value);
        fine = change_digest(digest, key, len, value.data, value.len);
    }
    fine = fine && EVP_DigestFinal_ex(digest, ret_hash, NULL) == 1;
    EVP_MD_CTX_free(digest);
    buf_done(&value);
    return fine ? ERR_NONE : no_hash(err);
}

/* Within db_enter.  The last change there is: its number (0: none) and hash. */
static enum err_code find_tail(struct store *store, uint64_t *ret_number, uint8_t ret_hash[JOURNAL_HASH],
                               struct buf *ret_text, struct err *err)
{
    uint8_t key[CHANGE_KEY];
    rocksdb_iterator_t *const it = rocksdb_create_iterator_cf(store->db, store->read, store->cf[CF_SERIES]);
    enum err_code code = ERR_NONE;
    change_key(UINT64_MAX, key);
    rocksdb_iter_seek_for_prev(it, (const char *)key, sizeof key);
    size_t len = 0;
    const char *const found = rocksdb_iter_valid(it) ? rocksdb_iter_key(it, &len) : NULL;
    *ret_number = found == NULL ? 0 : change_number(found, len);
    if (*ret_number == 0) {
        code = origin_of(store, ret_hash, err);
    } else {
        struct change_record record;
        change_key(*ret_number, key); /* the last key is that of an item when there are any */
        rocksdb_iter_seek(it, (const char *)key, sizeof key);
        const char *const bytes = rocksdb_iter_valid(it) ? rocksdb_iter_value(it, &len) : NULL;
        if (bytes == NULL || !change_parse(key, sizeof key, bytes, len, &record)) {
            code = err_set(err, ERR_ENV, "%s: the last record of changes is damaged", store->path);
        } else {
            memcpy(ret_hash, record.hash, JOURNAL_HASH);
            buf_clear(ret_text);
            buf_add(ret_text, record.change.text, record.change.text_len);
        }
    }
    char *rocks_err = NULL;
    rocksdb_iter_get_error(it, &rocks_err);
    rocksdb_iter_destroy(it);
    const enum err_code walked = db_error(store, rocks_err, err);
    return walked != ERR_NONE ? walked : code;
}

/* Within db_enter, under store->journal. */
static enum err_code fill_batch(struct store_changes *changes, rocksdb_writebatch_t *batch, int64_t time_ns,
                                const char *text, struct err *err)
{
    struct store *const store = changes->store;
    uint8_t hash[JOURNAL_HASH], items_hash[JOURNAL_HASH];
    uint64_t number = 0;
    struct buf value = {0};
    enum err_code code = find_tail(store, &number, hash, &value, err);
    number++;
    if (code == ERR_NONE) {
        code = put_items(changes, batch, number, items_hash, err);
    }
    if (code == ERR_NONE) {
        const struct change_record record = {
            .change = {.time_ns = time_ns, .text = text, .text_len = strlen(text), .items = changes->count},
            .seq = cell_get(&store->last_seq),
            .journal_hash = store->tail_hash,
            .items_hash = items_hash,
        };
        buf_clear(&value);
        change_format(&value, &record);
        code = journal_hash(hash, number, value.data, value.len, hash, err);
    }
    if (code == ERR_NONE) {
        uint8_t key[CHANGE_KEY];
        change_key(number, key);
        buf_add(&value, hash, sizeof hash);
        put(store, batch, key, sizeof key, &value);
    }
    buf_done(&value);
    return code;
}

enum err_code store_changes_commit(struct store_changes *changes, int64_t time_ns, const char *text, struct err *err)
{
    struct store *const store = changes->store;
    rocksdb_writebatch_t *const batch = rocksdb_writebatch_create();
    (void)pthread_mutex_lock(&store->journal); /* fails only on misuse; no event may come between */
    enum err_code code = store->tail_known ? ERR_NONE : journal_load(store, err);
    if (code == ERR_NONE && !db_enter(store, err)) {
        code = ERR_ENV;
    } else if (code == ERR_NONE) {
        code = fill_batch(changes, batch, time_ns, text, err);
        db_leave(store);
    }
    if (code == ERR_NONE) {
        code = db_write(store, batch, true, err);
    }
    (void)pthread_mutex_unlock(&store->journal);
    rocksdb_writebatch_destroy(batch);
    return code;
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

enum err_code store_changes_last(struct store *store, struct buf *ret_text, struct err *err)
{
    uint8_t hash[JOURNAL_HASH];
    uint64_t number = 0;
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    const enum err_code code = find_tail(store, &number, hash, ret_text, err);
    db_leave(store);
    return code == ERR_NONE && number == 0 ? err_set(err, ERR_NO, "%s: no changes are recorded", store->path) : code;
}
