/*
 * changes_read: the changes given out, all of them or those of one point or rule.
 */
#include "store/change_record.h"
#include "store/db.h"

static const uint8_t first_key[] = {'o'}, end_key[] = {'p'};

/* Gives one key and value of a walk to fn; records that cannot be read are passed over: store_verify tells. */
static bool take(const struct db_walk *walk, struct change_record *record, store_change_fn *fn, void *self)
{
    size_t key_len, len;
    const uint8_t *const key = db_walk_key(walk, &key_len);
    const uint8_t *const value = db_walk_value(walk, &len);
    struct store_change_item item;
    if (key_len == CHANGE_KEY) {
        return !change_parse(key, key_len, value, len, record) || fn(self, &record->change, NULL);
    }
    return !change_item_parse(key, key_len, value, len, &item) || fn(self, &record->change, &item);
}

enum err_code store_changes_walk(struct store *store, store_change_fn *fn, void *self, struct err *err)
{
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    struct db_walk walk;
    struct buf text = {0};
    struct change_record record = {0};
    bool going = true;
    db_walk_begin(&walk, store, CF_SERIES, NULL, first_key, sizeof first_key, end_key, sizeof end_key);
    for (; going && db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t len;
        (void)db_walk_key(&walk, &len);
        going = take(&walk, &record, fn, self);
        if (len == CHANGE_KEY) { /* its items come while the walk has moved on */
            buf_clear(&text);
            buf_add(&text, record.change.text, record.change.text_len);
            record.change.text = text.data;
        }
    }
    buf_done(&text);
    const enum err_code code = db_walk_end(&walk, store, err);
    db_leave(store);
    return code;
}

struct of {
    struct store *store;
    char kind;
    const char *id;
    store_change_fn *fn;
    void *self;
};

/* Looks up the item in one change; false to stop. */
static bool take_of(const struct of *of, const struct store_change *change, enum err_code *code, struct err *err)
{
    uint8_t key[CHANGE_KEY_MAX];
    const size_t key_len = change_item_key(change->number, of->kind, of->id, strlen(of->id), key);
    rocksdb_pinnableslice_t *value = NULL;
    *code = db_get(of->store, CF_SERIES, key, key_len, &value, err);
    if (*code != ERR_NONE || value == NULL) {
        return *code == ERR_NONE;
    }
    size_t len;
    struct store_change_item item;
    const char *const bytes = rocksdb_pinnableslice_value(value, &len);
    const bool going = !change_item_parse(key, key_len, bytes, len, &item) || of->fn(of->self, change, &item);
    rocksdb_pinnableslice_destroy(value);
    return going;
}

/* From change to change, however many items each has. */
enum err_code store_changes_of(struct store *store, char kind, const char *id, store_change_fn *fn, void *self,
                               struct err *err)
{
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    const struct of of = {.store = store, .kind = kind, .id = id, .fn = fn, .self = self};
    struct db_walk walk;
    enum err_code code = ERR_NONE;
    bool going = true;
    db_walk_begin(&walk, store, CF_SERIES, NULL, first_key, sizeof first_key, end_key, sizeof end_key);
    while (going && db_walk_valid(&walk)) {
        size_t key_len, len;
        uint8_t next[CHANGE_KEY];
        struct change_record record;
        const uint8_t *const key = db_walk_key(&walk, &key_len);
        const uint8_t *const value = db_walk_value(&walk, &len);
        const uint64_t number = change_number(key, key_len);
        if (change_parse(key, key_len, value, len, &record)) {
            going = take_of(&of, &record.change, &code, err);
        }
        change_key(number + 1, next);
        rocksdb_iter_seek(walk.it, (const char *)next, sizeof next);
    }
    const enum err_code walked = db_walk_end(&walk, store, code == ERR_NONE ? err : NULL);
    db_leave(store);
    return code != ERR_NONE ? code : walked;
}
