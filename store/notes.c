/*
 * notes: see notes.h.
 */
#include "store/notes.h"
#include "base/crc32c.h"
#include "store/dictionary.h"
#include "store/marks.h"

enum { NOTES_FORMAT = 1, FORMAT_BYTES = 4 };

static uint32_t checksum(const void *key, size_t key_len, const void *value, size_t len)
{
    return crc32c(crc32c(0, key, key_len), value, len);
}

void note_put(struct store *store, rocksdb_writebatch_t *batch, const void *key, size_t key_len, const void *value,
              size_t len)
{
    uint8_t crc[NOTE_CRC];
    (void)put_u32(crc, checksum(key, key_len, value, len));
    const char *const keys[1] = {key};
    const size_t key_lens[1] = {key_len};
    const char *const values[2] = {value, (const char *)crc};
    const size_t value_lens[2] = {len, sizeof crc};
    rocksdb_writebatch_putv_cf(batch, store->cf[CF_NOTES], 1, keys, key_lens, 2, values, value_lens);
}

void note_remove(struct store *store, rocksdb_writebatch_t *batch, const void *key, size_t key_len)
{
    rocksdb_writebatch_delete_cf(batch, store->cf[CF_NOTES], key, key_len);
}

bool note_check(const void *key, size_t key_len, const void *bytes, size_t bytes_len, size_t len)
{
    return bytes_len == len + NOTE_CRC &&
           get_u32((const uint8_t *)bytes + len) == checksum(key, key_len, bytes, len);
}

enum err_code note_get(struct store *store, const rocksdb_snapshot_t *snapshot, const void *key, size_t key_len,
                       size_t len, uint8_t ret_value[NOTE_VALUE_MAX], bool *ret_found, struct err *err)
{
    if (!notes_are_there(store)) {
        *ret_found = false;
        return ERR_NONE;
    }
    struct buf bytes = {0};
    enum err_code code = db_get_at(store, CF_NOTES, snapshot, key, key_len, &bytes, err);
    if (code == ERR_NONE && bytes.len > 0 && !note_check(key, key_len, bytes.data, bytes.len, len)) {
        code = err_set(err, ERR_ENV, "%s: a note \"%c\" is damaged; davy verify tells more", store->path,
                       *(const char *)key);
    }
    if (code == ERR_NONE) {
        *ret_found = bytes.len > 0;
        if (*ret_found) {
            memcpy(ret_value, bytes.data, len);
        }
    }
    buf_done(&bytes);
    return code;
}

enum err_code notes_ready(struct store *store, const rocksdb_snapshot_t *snapshot, bool *ret_ready, struct err *err)
{
    uint8_t value[NOTE_VALUE_MAX];
    const enum err_code code = note_get(store, snapshot, "f", 1, FORMAT_BYTES, value, ret_ready, err);
    if (code == ERR_NONE && *ret_ready && get_u32(value) != NOTES_FORMAT) {
        return err_set(err, ERR_INPUT, "%s: the store's notes have format %u; this program reads format %d",
                       store->path, (unsigned)get_u32(value), NOTES_FORMAT);
    }
    return code;
}

/* Within db_enter. */
static enum err_code mark_all(struct store *store, rocksdb_writebatch_t *batch, struct err *err)
{
    uint8_t format[FORMAT_BYTES];
    uint32_t count = 0;
    const enum err_code code = dictionary_count(store, &count, err);
    for (uint32_t series = 0; code == ERR_NONE && series < count; series++) {
        marks_add(store, batch, series, &(struct mark){.start_ns = INT64_MIN, .end_ns = INT64_MAX});
    }
    (void)put_u32(format, NOTES_FORMAT);
    note_put(store, batch, "f", 1, format, sizeof format);
    return code;
}

enum err_code notes_open(struct store *store, struct err *err)
{
    bool ready = false;
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    rocksdb_writebatch_t *const batch = rocksdb_writebatch_create();
    enum err_code code = notes_ready(store, NULL, &ready, err);
    if (code == ERR_NONE && !ready) {
        code = mark_all(store, batch, err);
    }
    db_leave(store);
    if (code == ERR_NONE && !ready) {
        code = db_write(store, batch, true, err);
    }
    rocksdb_writebatch_destroy(batch);
    return code;
}
