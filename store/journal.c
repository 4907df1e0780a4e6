/*
 * journal: see journal.h.
 */
#include "store/journal.h"
#include "store/notes.h"
#include <openssl/evp.h>
#include <stdlib.h>

enum { JOURNAL_VERSION = 1, ANCHOR_BYTES = 8 + JOURNAL_HASH };

/* ---- records ------------------------------------------------------------------------------------------------------
 */

static void add_text(struct buf *out, const char *text, size_t len)
{
    uint8_t head[VARINT_MAX];
    buf_add(out, head, (size_t)(put_varint(head, len) - head));
    buf_add(out, text, len);
}

void journal_format(struct buf *out, int64_t time_ns, const char *alarm, const char *json, size_t json_len,
                    const char *state, size_t state_len)
{
    uint8_t head[9] = {JOURNAL_VERSION};
    (void)put_i64(head + 1, time_ns);
    buf_add(out, head, sizeof head);
    add_text(out, alarm, strlen(alarm));
    add_text(out, json, json_len);
    add_text(out, state, state_len);
}

static const char *take_text(struct cursor *cursor, size_t *ret_len)
{
    const uint64_t len = cursor_varint(cursor);
    *ret_len = len > cursor_left(cursor) ? 0 : (size_t)len;
    cursor->bad |= len > cursor_left(cursor);
    return (const char *)cursor_take(cursor, *ret_len);
}

bool journal_parse(uint64_t seq, const void *bytes, size_t len, struct journal_record *ret_record)
{
    struct cursor cursor = cursor_over(bytes, len);
    const uint8_t version = cursor_u8(&cursor);
    struct journal_record record = {.event = {.seq = seq}};
    record.event.time_ns = cursor_i64(&cursor);
    record.event.alarm = take_text(&cursor, &record.event.alarm_len);
    record.event.json = take_text(&cursor, &record.event.json_len);
    record.event.state = take_text(&cursor, &record.event.state_len);
    record.hashed = len - cursor_left(&cursor);
    record.hash = cursor_take(&cursor, JOURNAL_HASH);
    if (cursor.bad || version != JOURNAL_VERSION || cursor_left(&cursor) != 0) {
        return false;
    }
    *ret_record = record;
    return true;
}

/* SHA-256 over up to three pieces; the result may lie over a piece. */
static enum err_code digest(const void *const pieces[3], const size_t lens[3], uint8_t ret_hash[JOURNAL_HASH],
                            struct err *err)
{
    EVP_MD_CTX *const context = EVP_MD_CTX_new();
    bool fine = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (int i = 0; fine && i < 3; i++) {
        fine = EVP_DigestUpdate(context, pieces[i], lens[i]) == 1;
    }
    fine = fine && EVP_DigestFinal_ex(context, ret_hash, NULL) == 1;
    EVP_MD_CTX_free(context);
    return fine ? ERR_NONE : err_set(err, ERR_ENV, "the journal's hash could not be computed");
}

enum err_code journal_origin(const char *site_id, uint8_t ret_hash[JOURNAL_HASH], struct err *err)
{
    return digest((const void *const[3]){site_id, "", ""}, (const size_t[3]){strlen(site_id), 0, 0}, ret_hash, err);
}

enum err_code journal_hash(const uint8_t before[JOURNAL_HASH], uint64_t seq, const void *bytes, size_t len,
                           uint8_t ret_hash[JOURNAL_HASH], struct err *err)
{
    uint8_t key[JOURNAL_KEY];
    (void)put_u64(key, seq);
    return digest((const void *const[3]){before, key, bytes}, (const size_t[3]){JOURNAL_HASH, sizeof key, len},
                  ret_hash, err);
}

/* ---- the end of the chain -----------------------------------------------------------------------------------------
 */

/* Within db_enter.  Reads seq and hash of the last event. */
static enum err_code read_tail(struct store *store, uint64_t *ret_seq, uint8_t ret_hash[JOURNAL_HASH], struct err *err)
{
    rocksdb_iterator_t *const it = rocksdb_create_iterator_cf(store->db, store->read, store->cf[CF_JOURNAL]);
    enum err_code code = ERR_NONE;
    rocksdb_iter_seek_to_last(it);
    if (!rocksdb_iter_valid(it)) {
        *ret_seq = 0;
        code = journal_origin(store->site_id, ret_hash, err);
    } else {
        size_t key_len, len;
        const uint8_t *const key = (const uint8_t *)rocksdb_iter_key(it, &key_len);
        const char *const bytes = rocksdb_iter_value(it, &len);
        *ret_seq = key_len == JOURNAL_KEY ? get_u64(key) : 0;
        if (key_len != JOURNAL_KEY || len < JOURNAL_HASH) {
            code = err_set(err, ERR_ENV, "%s: the last event of the journal is damaged", store->path);
        } else {
            memcpy(ret_hash, bytes + len - JOURNAL_HASH, JOURNAL_HASH);
        }
    }
    char *rocks_err = NULL;
    rocksdb_iter_get_error(it, &rocks_err);
    rocksdb_iter_destroy(it);
    const enum err_code walked = db_error(store, rocks_err, err);
    return walked != ERR_NONE ? walked : code;
}

enum err_code journal_load(struct store *store, struct err *err)
{
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    uint64_t seq;
    const enum err_code code = read_tail(store, &seq, store->tail_hash, err);
    db_leave(store);
    if (code == ERR_NONE) {
        cell_set(&store->last_seq, seq);
        store->tail_known = true;
    }
    return code;
}

/* Within db_enter.  ERR_NONE when the journal holds just this record. */
static enum err_code is_there(struct store *store, const struct journal_entry *entry, struct err *err)
{
    uint8_t key[JOURNAL_KEY];
    rocksdb_pinnableslice_t *value = NULL;
    (void)put_u64(key, entry->seq);
    const enum err_code code = db_get(store, CF_JOURNAL, key, sizeof key, &value, err);
    if (code != ERR_NONE) {
        return code;
    }
    size_t len = 0;
    const char *const bytes = value == NULL ? NULL : rocksdb_pinnableslice_value(value, &len);
    const bool same = bytes != NULL && len == entry->len + JOURNAL_HASH && memcmp(bytes, entry->bytes, entry->len) == 0;
    if (value != NULL) {
        rocksdb_pinnableslice_destroy(value);
    }
    return same ? ERR_NONE
                : err_set(err, ERR_INPUT, "event %llu is in the journal already, with another content",
                          (unsigned long long)entry->seq);
}

static enum err_code append_one(struct store *store, rocksdb_writebatch_t *batch, const struct journal_entry *entry,
                                uint8_t hash[JOURNAL_HASH], struct err *err)
{
    const enum err_code code = journal_hash(hash, entry->seq, entry->bytes, entry->len, hash, err);
    if (code != ERR_NONE) {
        return code;
    }
    uint8_t key[JOURNAL_KEY];
    (void)put_u64(key, entry->seq);
    const char *const keys[1] = {(const char *)key};
    const size_t key_lens[1] = {sizeof key};
    const char *const values[2] = {(const char *)entry->bytes, (const char *)hash};
    const size_t value_lens[2] = {entry->len, JOURNAL_HASH};
    rocksdb_writebatch_putv_cf(batch, store->cf[CF_JOURNAL], 1, keys, key_lens, 2, values, value_lens);
    return ERR_NONE;
}

enum err_code journal_append(struct store *store, rocksdb_writebatch_t *batch, const struct journal_entry *entries,
                             size_t n, uint64_t *ret_seq, uint8_t ret_hash[JOURNAL_HASH], struct err *err)
{
    if (!store->tail_known) { /* a write failed: what is there now is what counts */
        const enum err_code code = journal_load(store, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    uint64_t last = cell_get(&store->last_seq);
    uint8_t hash[JOURNAL_HASH];
    memcpy(hash, store->tail_hash, sizeof hash);
    enum err_code code = ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && i < n; i++) {
        if (entries[i].seq <= last) {
            code = is_there(store, &entries[i], err);
        } else if (entries[i].seq == last + 1) {
            code = append_one(store, batch, &entries[i], hash, err);
            last++;
        } else {
            code = err_set(err, ERR_INPUT, "event %llu does not follow %llu", (unsigned long long)entries[i].seq,
                           (unsigned long long)last);
        }
    }
    db_leave(store);
    if (code == ERR_NONE) {
        *ret_seq = last;
        memcpy(ret_hash, hash, sizeof hash);
    }
    return code;
}

/* ---- the beginning of the chain -----------------------------------------------------------------------------------
 */

void journal_remove(struct store *store, rocksdb_writebatch_t *batch, uint64_t seq)
{
    uint8_t key[JOURNAL_KEY];
    (void)put_u64(key, seq);
    rocksdb_writebatch_delete_cf(batch, store->cf[CF_JOURNAL], (const char *)key, sizeof key);
}

enum err_code journal_anchor(struct store *store, rocksdb_writebatch_t *batch, uint64_t seq, struct err *err)
{
    uint8_t key[JOURNAL_KEY];
    uint8_t value[ANCHOR_BYTES];
    rocksdb_pinnableslice_t *found = NULL;
    struct journal_record record;
    size_t len = 0;
    (void)put_u64(key, seq);
    enum err_code code = db_get(store, CF_JOURNAL, key, sizeof key, &found, err);
    if (code != ERR_NONE) {
        return code;
    }
    const char *const bytes = found == NULL ? NULL : rocksdb_pinnableslice_value(found, &len);
    if (bytes != NULL && journal_parse(seq, bytes, len, &record)) {
        memcpy(put_u64(value, seq), record.hash, JOURNAL_HASH);
        note_put(store, batch, "a", 1, value, sizeof value);
    } else {
        code = err_set(err, ERR_ENV, "%s: event %llu is damaged; davy verify tells more", store->path,
                       (unsigned long long)seq);
    }
    rocksdb_pinnableslice_destroy(found);
    return code;
}

enum err_code journal_begin(struct store *store, uint64_t *ret_seq, uint8_t ret_hash[JOURNAL_HASH], struct err *err)
{
    uint8_t value[NOTE_VALUE_MAX];
    bool found = false;
    const enum err_code code = note_get(store, NULL, "a", 1, ANCHOR_BYTES, value, &found, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (!found) {
        *ret_seq = 0;
        return journal_origin(store->site_id, ret_hash, err);
    }
    *ret_seq = get_u64(value);
    memcpy(ret_hash, value + 8, JOURNAL_HASH);
    return ERR_NONE;
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

uint64_t store_last_seq(struct store *store)
{
    return cell_get(&store->last_seq);
}

static enum err_code damaged(const struct store *store, uint64_t seq, struct err *err)
{
    return err_set(err, ERR_ENV, "%s: event %llu is damaged; davy verify tells more", store->path,
                   (unsigned long long)seq);
}

/* Within db_enter.  The one event there is behind the others, without a walk, which takes ten times as long to begin:
 * a sink that has kept up reads just that.  ERR_NO when it is not there. */
static enum err_code tell_newest(struct store *store, uint64_t seq, store_event_fn *fn, void *self, struct err *err)
{
    uint8_t key[JOURNAL_KEY];
    rocksdb_pinnableslice_t *value = NULL;
    struct journal_record record;
    size_t len = 0;
    (void)put_u64(key, seq);
    enum err_code code = db_get(store, CF_JOURNAL, key, sizeof key, &value, err);
    if (code != ERR_NONE || value == NULL) {
        return code != ERR_NONE ? code : ERR_NO;
    }
    const char *const bytes = rocksdb_pinnableslice_value(value, &len);
    if (journal_parse(seq, bytes, len, &record)) {
        (void)fn(self, &record.event); /* there are no more, whatever it says */
    } else {
        code = damaged(store, seq, err);
    }
    rocksdb_pinnableslice_destroy(value);
    return code;
}

enum err_code journal_events(struct store *store, uint64_t after, store_event_fn *fn, void *self, struct err *err)
{
    if (after == UINT64_MAX) {
        return ERR_NONE;
    }
    if (store->scratch == NULL && after + 1 == cell_get(&store->last_seq)) {
        const enum err_code code = tell_newest(store, after + 1, fn, self, err);
        if (code != ERR_NO) {
            return code;
        }
    }
    uint8_t from[JOURNAL_KEY];
    struct db_walk walk;
    enum err_code code = ERR_NONE;
    bool more = true;
    (void)put_u64(from, after + 1);
    db_walk_begin(&walk, store, CF_JOURNAL, NULL, from, sizeof from, NULL, 0);
    for (; more && db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t key_len, len;
        const uint8_t *const key = db_walk_key(&walk, &key_len);
        const uint8_t *const bytes = db_walk_value(&walk, &len);
        const uint64_t seq = key_len == JOURNAL_KEY ? get_u64(key) : 0;
        struct journal_record record;
        if (!journal_parse(seq, bytes, len, &record)) {
            code = damaged(store, seq, err);
            break;
        }
        more = fn(self, &record.event);
    }
    const enum err_code walked = db_walk_end(&walk, store, code == ERR_NONE ? err : NULL);
    return code != ERR_NONE ? code : walked;
}

enum err_code store_events(struct store *store, uint64_t after, store_event_fn *fn, void *self, struct err *err)
{
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    const enum err_code code = journal_events(store, after, fn, self, err);
    db_leave(store);
    return code;
}

struct seq_search {
    int64_t time_ns;
    uint64_t seq;
    bool found;
};

static bool look_at(void *self, const struct store_event *event)
{
    struct seq_search *const search = self;
    search->found = event->time_ns >= search->time_ns;
    search->seq = event->seq;
    return !search->found;
}

/* One by one: events carry the times of their samples, which need not rise with seq. */
uint64_t store_seq_at(struct store *store, int64_t time_ns)
{
    struct seq_search search = {.time_ns = time_ns};
    struct err ignored; /* a damaged journal ends the search; store_events and store_verify tell about it */
    const enum err_code code = store_events(store, 0, look_at, &search, &ignored);
    return code == ERR_NONE && search.found ? search.seq : store_last_seq(store) + 1;
}
