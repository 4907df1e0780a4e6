/*
 * removed: see removed.h.
 */
#include "store/removed.h"

enum { VALUE_BYTES = KEPT_COUNT * 16 };

enum err_code removed_get(struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series,
                          struct removed *ret_removed, struct err *err)
{
    uint8_t key[NOTE_SERIES_KEY];
    uint8_t value[NOTE_VALUE_MAX];
    bool found = false;
    (void)note_series_key(key, 'r', series);
    const enum err_code code = note_get(store, snapshot, key, sizeof key, VALUE_BYTES, value, &found, err);
    if (code != ERR_NONE) {
        return code;
    }
    *ret_removed = (struct removed){0};
    for (int i = 0; found && i < KEPT_COUNT; i++) {
        ret_removed->kept[i].from_ns = get_i64(value + (ptrdiff_t)i * 16);
        ret_removed->kept[i].to_ns = get_i64(value + (ptrdiff_t)i * 16 + 8);
    }
    return ERR_NONE;
}

void removed_put(struct store *store, rocksdb_writebatch_t *batch, uint32_t series, const struct removed *removed)
{
    uint8_t key[NOTE_SERIES_KEY];
    uint8_t value[VALUE_BYTES];
    uint8_t *to = value;
    (void)note_series_key(key, 'r', series);
    for (int i = 0; i < KEPT_COUNT; i++) {
        to = put_i64(put_i64(to, removed->kept[i].from_ns), removed->kept[i].to_ns);
    }
    note_put(store, batch, key, sizeof key, value, sizeof value);
}
