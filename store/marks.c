/*
 * marks: see marks.h; notes.h has the key.
 */
#include "store/marks.h"
#include "store/notes.h"

enum { KEY_BYTES = NOTE_SERIES_KEY + 8 + 8 };

static void write_key(uint8_t key[KEY_BYTES], uint32_t series, const struct mark *mark)
{
    (void)put_u64(put_i64(note_series_key(key, 'm', series), mark->start_ns), mark->order);
}

void marks_add(struct store *store, rocksdb_writebatch_t *batch, uint32_t series, const struct mark *mark)
{
    uint8_t key[KEY_BYTES];
    uint8_t end[8];
    write_key(key, series, mark);
    (void)put_i64(end, mark->end_ns);
    note_put(store, batch, key, sizeof key, end, sizeof end);
}

void marks_remove(struct store *store, rocksdb_writebatch_t *batch, uint32_t series, const struct mark *mark)
{
    uint8_t key[KEY_BYTES];
    write_key(key, series, mark);
    note_remove(store, batch, key, sizeof key);
}

/* A mark that cannot be read reaches from its start to the end of time: too much is made anew then, never too little. */
static struct mark read_mark(const struct db_walk *walk)
{
    size_t key_len;
    size_t len;
    const uint8_t *const key = db_walk_key(walk, &key_len);
    const uint8_t *const bytes = db_walk_value(walk, &len);
    struct mark mark = {.start_ns = INT64_MIN, .end_ns = INT64_MAX};
    if (key_len == KEY_BYTES) {
        mark.start_ns = get_i64(key + NOTE_SERIES_KEY);
        mark.order = get_u64(key + NOTE_SERIES_KEY + 8);
    }
    if (note_check(key, key_len, bytes, len, 8)) {
        mark.end_ns = get_i64(bytes);
    }
    return mark;
}

static void begin(struct db_walk *walk, struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series,
                  uint32_t end)
{
    uint8_t from[NOTE_SERIES_KEY];
    uint8_t upper[NOTE_SERIES_KEY];
    (void)note_series_key(from, 'm', series);
    if (end == 0) {
        db_walk_begin(walk, store, CF_NOTES, snapshot, from, sizeof from, "n", 1);
    } else {
        (void)note_series_key(upper, 'm', end);
        db_walk_begin(walk, store, CF_NOTES, snapshot, from, sizeof from, upper, sizeof upper);
    }
}

enum err_code marks_list(struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series, int64_t from_ns,
                         int64_t to_ns, struct mark ret_marks[MARKS_MAX], size_t *ret_count, bool *ret_more,
                         struct err *err)
{
    *ret_count = 0;
    *ret_more = false;
    if (!notes_are_there(store)) {
        return ERR_NONE;
    }
    struct db_walk walk;
    begin(&walk, store, snapshot, series, series + 1);
    for (; db_walk_valid(&walk) && !*ret_more; db_walk_next(&walk)) {
        const struct mark mark = read_mark(&walk);
        if (mark.start_ns >= to_ns && to_ns != INT64_MAX) {
            break;
        }
        if (mark.end_ns < from_ns) {
            continue;
        }
        *ret_more = *ret_count == MARKS_MAX;
        if (!*ret_more) {
            ret_marks[(*ret_count)++] = mark;
        }
    }
    return db_walk_end(&walk, store, err);
}

enum err_code marks_series(struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series,
                           uint32_t *ret_series, bool *ret_found, struct err *err)
{
    struct db_walk walk;
    size_t len;
    *ret_found = false;
    if (!notes_are_there(store)) {
        return ERR_NONE;
    }
    begin(&walk, store, snapshot, series, 0);
    if (db_walk_valid(&walk)) {
        const uint8_t *const key = db_walk_key(&walk, &len);
        *ret_found = len >= NOTE_SERIES_KEY;
        *ret_series = *ret_found ? get_u32(key + 1) : 0;
    }
    return db_walk_end(&walk, store, err);
}
