/*
 * log_walk: see log_walk.h.  The last record says which is the first one
 * needed; anything before that is left over from a deletion that did not last.
 */
#include "store/log_walk.h"

enum { AHEAD = 16 };

static uint64_t record_of(const struct db_walk *walk)
{
    size_t len;
    const uint8_t *const key = db_walk_key(walk, &len);
    return len == RECORD_KEY ? get_u64(key) : 0;
}

static bool open_record(const struct db_walk *walk, struct record_reader *ret_reader, uint64_t *ret_low,
                        size_t *ret_len)
{
    const uint8_t *const bytes = db_walk_value(walk, ret_len);
    return record_open(ret_reader, record_of(walk), bytes, *ret_len, ret_low);
}

/* Finds the first record needed and the one after the last. */
static enum err_code find_ends(struct store *store, const rocksdb_snapshot_t *snapshot, uint64_t *ret_low,
                               uint64_t *ret_next, struct err *err)
{
    struct db_walk walk;
    struct record_reader reader;
    size_t len;
    uint64_t low = 0;
    uint64_t next = 0;
    db_walk_begin(&walk, store, CF_LOG, snapshot, "", 0, NULL, 0);
    rocksdb_iter_seek_to_last(walk.it);
    if (db_walk_valid(&walk)) {
        next = record_of(&walk) + 1;
        if (!open_record(&walk, &reader, &low, &len)) {
            low = 0; /* the last one is damaged: then take every record there is */
        }
    }
    const enum err_code code = db_walk_end(&walk, store, err);
    if (code == ERR_NONE) {
        *ret_low = low;
        *ret_next = next;
    }
    return code;
}

/* Gives the ops of a record, each some ops after it was announced. */
static void walk_ops(struct record_reader *reader, const struct log_walk_fns *fns, void *self, uint64_t record,
                     uint64_t logged_bytes)
{
    struct record_op ops[AHEAD];
    size_t read = 0;
    size_t given = 0;
    for (bool more = true; more || given < read;) {
        more = more && record_next(reader, &ops[read % AHEAD]);
        if (more && fns->soon != NULL) {
            fns->soon(self, ops[read % AHEAD].series);
        }
        read += more;
        if (given < read && (!more || read - given == AHEAD)) {
            fns->op(self, record, logged_bytes, &ops[given++ % AHEAD]);
        }
    }
}

static void walk_record(const struct db_walk *walk, const struct log_walk_fns *fns, void *self, uint64_t *logged_bytes)
{
    const uint64_t record = record_of(walk);
    struct record_reader reader;
    uint64_t low;
    size_t len;
    if (!open_record(walk, &reader, &low, &len)) {
        fns->gap(self, record);
        return;
    }
    walk_ops(&reader, fns, self, record, *logged_bytes);
    if (reader.cursor.bad) {
        fns->gap(self, record);
    }
    *logged_bytes += len;
}

enum err_code log_walk(struct store *store, const rocksdb_snapshot_t *snapshot, const struct log_walk_fns *fns,
                       void *self, uint64_t *ret_low, uint64_t *ret_next, struct err *err)
{
    uint64_t low;
    uint64_t next;
    enum err_code code = find_ends(store, snapshot, &low, &next, err);
    if (code != ERR_NONE) {
        return code;
    }
    uint8_t from[RECORD_KEY];
    struct db_walk walk;
    uint64_t logged_bytes = 0;
    uint64_t expected = 0;
    (void)put_u64(from, low);
    db_walk_begin(&walk, store, CF_LOG, snapshot, from, sizeof from, NULL, 0);
    for (; db_walk_valid(&walk); db_walk_next(&walk)) {
        const uint64_t record = record_of(&walk);
        if (expected != 0 && record != expected) {
            fns->gap(self, expected);
        }
        expected = record + 1;
        walk_record(&walk, fns, self, &logged_bytes);
    }
    code = db_walk_end(&walk, store, err);
    if (code == ERR_NONE) {
        *ret_low = low;
        *ret_next = next;
    }
    return code;
}
