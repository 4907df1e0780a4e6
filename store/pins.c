/*
 * pins: see pins.h; notes.h has the key.
 */
#include "store/pins.h"

enum { KEY_BYTES = NOTE_SERIES_KEY + 8, VALUE_BYTES = 8 };

static void write_key(uint8_t key[KEY_BYTES], uint32_t series, int64_t from_ns)
{
    (void)put_i64(note_series_key(key, 'p', series), from_ns);
}

/* A pin that cannot be read reaches as far as there is time: more stays, never less. */
static bool read_pin(const struct db_walk *walk, uint32_t series, struct stretch *ret_pin)
{
    size_t key_len;
    size_t len;
    if (!db_walk_valid(walk)) {
        return false;
    }
    const uint8_t *const key = db_walk_key(walk, &key_len);
    const uint8_t *const value = db_walk_value(walk, &len);
    if (key_len != KEY_BYTES || key[0] != 'p' || get_u32(key + 1) != series) {
        return false;
    }
    ret_pin->from_ns = get_i64(key + NOTE_SERIES_KEY);
    ret_pin->to_ns = note_check(key, key_len, value, len, VALUE_BYTES) ? get_i64(value) : INT64_MAX;
    return true;
}

/* Stands on the pin that holds time_ns, or on the first after it. */
static void begin(struct db_walk *walk, struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series,
                  int64_t time_ns)
{
    uint8_t key[KEY_BYTES];
    struct stretch pin;
    write_key(key, series, time_ns);
    db_walk_begin(walk, store, CF_NOTES, snapshot, key, sizeof key, NULL, 0);
    rocksdb_iter_seek_for_prev(walk->it, (const char *)key, sizeof key);
    if (!read_pin(walk, series, &pin) || pin.to_ns < time_ns) {
        rocksdb_iter_seek(walk->it, (const char *)key, sizeof key);
    }
}

enum err_code pins_next(struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series, int64_t time_ns,
                        struct stretch *ret_pin, bool *ret_found, struct err *err)
{
    struct db_walk walk;
    *ret_found = false;
    if (!notes_are_there(store)) {
        return ERR_NONE;
    }
    begin(&walk, store, snapshot, series, time_ns);
    bool found = read_pin(&walk, series, ret_pin);
    if (found && ret_pin->to_ns <= time_ns) { /* it ends there */
        db_walk_next(&walk);
        found = read_pin(&walk, series, ret_pin);
    }
    *ret_found = found;
    return db_walk_end(&walk, store, err);
}

enum err_code pins_add(struct store *store, rocksdb_writebatch_t *batch, uint32_t series, const struct stretch *pin,
                       struct err *err)
{
    struct db_walk walk;
    struct stretch whole = *pin;
    uint8_t key[KEY_BYTES];
    uint8_t value[VALUE_BYTES];
    begin(&walk, store, NULL, series, pin->from_ns);
    for (struct stretch other; read_pin(&walk, series, &other) && other.from_ns <= whole.to_ns; db_walk_next(&walk)) {
        whole.from_ns = other.from_ns < whole.from_ns ? other.from_ns : whole.from_ns;
        whole.to_ns = other.to_ns > whole.to_ns ? other.to_ns : whole.to_ns;
        write_key(key, series, other.from_ns);
        note_remove(store, batch, key, sizeof key);
    }
    write_key(key, series, whole.from_ns);
    (void)put_i64(value, whole.to_ns);
    note_put(store, batch, key, sizeof key, value, sizeof value);
    return db_walk_end(&walk, store, err);
}
