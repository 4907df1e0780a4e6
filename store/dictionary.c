/*
 * dictionary: see dictionary.h; keys.h has the two keys of each entry.
 */
#include "store/dictionary.h"
#include "store/keys.h"
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 1024 }; /* of a site's point: 128 characters, at most 512 bytes */

static size_t id_key(const char *id, uint8_t ret_key[ID_MAX + 1])
{
    const size_t len = strnlen(id, ID_MAX);
    ret_key[0] = 'i';
    memcpy(ret_key + 1, id, len);
    return len + 1;
}

enum err_code dictionary_find(struct store *store, const char *id, uint32_t *ret_series, struct err *err)
{
    uint8_t key[ID_MAX + 1];
    rocksdb_pinnableslice_t *value = NULL;
    const enum err_code code = db_get(store, CF_SERIES, key, id_key(id, key), &value, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (value == NULL) {
        return err_set(err, ERR_NO, "the store knows no point \"%s\"", id);
    }
    size_t len;
    const char *const bytes = rocksdb_pinnableslice_value(value, &len);
    const bool fine = len == 4;
    if (fine) {
        *ret_series = get_u32((const uint8_t *)bytes);
    }
    rocksdb_pinnableslice_destroy(value);
    return fine ? ERR_NONE : err_set(err, ERR_ENV, "%s: the number of point \"%s\" is damaged", store->path, id);
}

/* The last key of the 'n' entries holds the largest number. */
enum err_code dictionary_count(struct store *store, uint32_t *ret_count, struct err *err)
{
    rocksdb_iterator_t *const it = rocksdb_create_iterator_cf(store->db, store->read, store->cf[CF_SERIES]);
    rocksdb_iter_seek_for_prev(it, "n\xff\xff\xff\xff", KEY_SERIES);
    uint32_t count = 0;
    if (rocksdb_iter_valid(it)) {
        size_t len;
        const uint8_t *const key = (const uint8_t *)rocksdb_iter_key(it, &len);
        count = len == KEY_SERIES && key[0] == 'n' ? get_u32(key + 1) + 1 : 0;
    }
    char *rocks_err = NULL;
    rocksdb_iter_get_error(it, &rocks_err);
    rocksdb_iter_destroy(it);
    const enum err_code code = db_error(store, rocks_err, err);
    if (code == ERR_NONE) {
        *ret_count = count;
    }
    return code;
}

static void put_entry(struct store *store, rocksdb_writebatch_t *batch, const char *id, uint32_t series)
{
    uint8_t by_id[ID_MAX + 1];
    uint8_t by_number[KEY_SERIES];
    uint8_t number[4];
    const size_t len = id_key(id, by_id);
    key_series('n', series, by_number);
    (void)put_u32(number, series);
    rocksdb_writebatch_put_cf(batch, store->cf[CF_SERIES], (const char *)by_id, len, (const char *)number,
                              sizeof number);
    rocksdb_writebatch_put_cf(batch, store->cf[CF_SERIES], (const char *)by_number, sizeof by_number,
                              (const char *)by_id + 1, len - 1);
}

/* Looks every point up and adds the unknown ones to the batch. */
static enum err_code assign(struct store *store, const struct site *site, rocksdb_writebatch_t *batch,
                            uint32_t *ret_series, struct err *err)
{
    uint32_t next = 0;
    enum err_code code = dictionary_count(store, &next, err);
    for (size_t i = 0; code == ERR_NONE && i < site->point_count; i++) {
        struct err why;
        code = dictionary_find(store, site->points[i].id, &ret_series[i], &why);
        if (code == ERR_NO) {
            ret_series[i] = next++;
            put_entry(store, batch, site->points[i].id, ret_series[i]);
            code = ERR_NONE;
        } else if (code != ERR_NONE) {
            (void)err_set(err, code, "%s", why.text);
        }
    }
    return code;
}

enum err_code dictionary_assign(struct store *store, const struct site *site, uint32_t *ret_series, struct err *err)
{
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    rocksdb_writebatch_t *const batch = rocksdb_writebatch_create();
    enum err_code code = assign(store, site, batch, ret_series, err);
    db_leave(store);
    if (code == ERR_NONE && rocksdb_writebatch_count(batch) > 0) {
        code = db_write(store, batch, true, err);
    }
    rocksdb_writebatch_destroy(batch);
    return code;
}
