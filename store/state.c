/*
 * state: batches, and the small records that others keep in the store: alarms,
 * kept conditions, cursors of sinks.
 *
 * A record is 4 bytes CRC32C over the key and the caller's bytes, then those.
 *
 * What is committed with a sync is so in order: after a loss of power all that was
 * committed before by the same batch is there, too.  Events go to the ledger
 * (ledger.h), where they do not meet what the database was given unsynced; so a
 * batch remembers that, and the next events take it along.
 *
 * Threads: any; a batch by the thread that made it.
 */
#include "store/state.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "store/db.h"
#include "store/journal.h"
#include <assert.h>
#include <stdlib.h>

enum { KEY_MAX = 600, EVENTS_FIRST = 16, EARLIER_MAX = 16 * 1024 };

struct pending_event {
    uint64_t seq;
    size_t start, len; /* in store_batch.texts */
};

/* Handles of column families may change while the database heals, so a batch holds plain bytes until it is committed.
 */
struct store_batch {
    struct store *store;
    rocksdb_writebatch_t *writes; /* made anew by each commit */
    struct buf puts;              /* state records: varint length and key, varint length and record (0: remove) */
    struct buf texts;             /* events, as journal_format writes them */
    struct pending_event *events;
    size_t event_count, event_room;
    struct buf earlier;   /* like `puts`: committed without sync, and by nobody synced since */
    uint64_t earlier_end; /* the moment of the last of them */
    bool much_earlier;    /* there is more than that, or events of which nobody knows where they are */
};

static uint32_t checksum(const char *key, size_t key_len, const void *bytes, size_t len)
{
    return crc32c(crc32c(0, key, key_len), bytes, len);
}

bool state_check(const char *key, size_t key_len, const uint8_t *record, size_t len)
{
    return len > STATE_HEAD && get_u32(record) == checksum(key, key_len, record + STATE_HEAD, len - STATE_HEAD);
}

/* ---- batches ------------------------------------------------------------------------------------------------------
 */

struct store_batch *store_batch_new(struct store *store)
{
    struct store_batch *const batch = memory_new(1, sizeof *batch);
    batch->store = store;
    batch->writes = rocksdb_writebatch_create();
    return batch;
}

void store_batch_free(struct store_batch *batch)
{
    if (batch == NULL) {
        return;
    }
    rocksdb_writebatch_destroy(batch->writes);
    buf_done(&batch->puts);
    buf_done(&batch->texts);
    buf_done(&batch->earlier);
    free(batch->events);
    free(batch);
}

void store_batch_event(struct store_batch *batch, uint64_t seq, int64_t time_ns, const char *alarm, const char *json,
                       size_t json_len, const char *state, size_t state_len)
{
    if (batch->event_count == batch->event_room) {
        batch->event_room = batch->event_room == 0 ? EVENTS_FIRST : batch->event_room * 2;
        batch->events = memory_resize(batch->events, batch->event_room, sizeof *batch->events);
    }
    const size_t start = batch->texts.len;
    journal_format(&batch->texts, time_ns, alarm, json, json_len, state, state_len);
    batch->events[batch->event_count++] =
        (struct pending_event){.seq = seq, .start = start, .len = batch->texts.len - start};
}

void store_batch_put(struct store_batch *batch, const char *key, const void *bytes, size_t len)
{
    const size_t key_len = strlen(key);
    assert(key_len <= KEY_MAX);
    uint8_t head[VARINT_MAX];
    buf_add(&batch->puts, head, (size_t)(put_varint(head, key_len) - head));
    buf_add(&batch->puts, key, key_len);
    buf_add(&batch->puts, head, (size_t)(put_varint(head, len == 0 ? 0 : len + STATE_HEAD) - head));
    if (len > 0) {
        (void)put_u32(head, checksum(key, key_len, bytes, len));
        buf_add(&batch->puts, head, STATE_HEAD);
        buf_add(&batch->puts, bytes, len);
    }
}

/* Within db_enter. */
static void add_puts(struct store_batch *batch, const struct buf *puts)
{
    rocksdb_column_family_handle_t *const cf = batch->store->cf[CF_STATE];
    struct cursor cursor = cursor_over(puts->data, puts->len);
    while (cursor_left(&cursor) > 0) {
        const size_t key_len = (size_t)cursor_varint(&cursor);
        const char *const key = (const char *)cursor_take(&cursor, key_len);
        const size_t len = (size_t)cursor_varint(&cursor);
        const char *const record = (const char *)cursor_take(&cursor, len);
        if (len == 0) {
            rocksdb_writebatch_delete_cf(batch->writes, cf, key, key_len);
        } else {
            rocksdb_writebatch_put_cf(batch->writes, cf, key, key_len, record, len);
        }
    }
}

static void forget_earlier(struct store_batch *batch)
{
    buf_clear(&batch->earlier);
    batch->much_earlier = false;
}

/* Within db_enter.  The same once more, but for what others have synced meanwhile. */
static void take_earlier(struct store_batch *batch)
{
    if (ledger_is_synced(batch->store->ledger, batch->earlier_end)) {
        forget_earlier(batch);
    }
    add_puts(batch, &batch->earlier);
}

static void batch_clear(struct store_batch *batch)
{
    buf_clear(&batch->puts);
    buf_clear(&batch->texts);
    batch->event_count = 0;
}

static enum err_code append_events(struct store_batch *batch, uint64_t *ret_seq, uint8_t ret_hash[JOURNAL_HASH],
                                   struct err *err)
{
    struct journal_entry *const entries = memory_new(batch->event_count, sizeof *entries);
    for (size_t i = 0; i < batch->event_count; i++) {
        const struct pending_event *const event = &batch->events[i];
        entries[i] = (struct journal_entry){
            .seq = event->seq,
            .bytes = (const uint8_t *)batch->texts.data + event->start,
            .len = event->len,
        };
    }
    const enum err_code code =
        journal_append(batch->store, batch->writes, entries, batch->event_count, ret_seq, ret_hash, err);
    free(entries);
    return code;
}

/* A commit with events failed: the database may have them or not, so the next one must be synced there. */
static void note_doubt(struct store_batch *batch)
{
    batch->much_earlier = true;
    batch->earlier_end = ledger_moment(batch->store->ledger);
}

/* This has just been committed without sync. */
static void note_earlier(struct store_batch *batch)
{
    struct ledger *const ledger = batch->store->ledger;
    if (ledger == NULL) {
        return; /* a sync is one of the database then */
    }
    if (ledger_is_synced(ledger, batch->earlier_end)) {
        forget_earlier(batch);
    }
    batch->much_earlier |= batch->event_count > 0 || batch->earlier.len + batch->puts.len > EARLIER_MAX;
    if (!batch->much_earlier) {
        buf_add(&batch->earlier, batch->puts.data, batch->puts.len);
    }
    batch->earlier_end = ledger_moment(ledger);
}

/* Puts the batch as it goes to the database on the disk, by way of the ledger; false when it has to be synced there. */
static bool put_in_ledger(const struct store_batch *batch, uint64_t last)
{
    struct store *const store = batch->store;
    size_t len;
    const char *const bytes = rocksdb_writebatch_data(batch->writes, &len);
    struct ledger_record record = {
        .before = cell_get(&store->last_seq), .last = last, .bytes = (const uint8_t *)bytes, .len = len};
    memcpy(record.hash, store->tail_hash, JOURNAL_HASH);
    return !batch->much_earlier && ledger_append(store->ledger, &record);
}

static enum err_code write_events(struct store_batch *batch, uint64_t last, bool sync, struct err *err)
{
    struct ledger *const ledger = batch->store->ledger;
    const bool safe = sync && put_in_ledger(batch, last);
    const enum err_code code = db_write(batch->store, batch->writes, sync && !safe, err);
    if (code == ERR_NONE && safe) {
        ledger_is_in_db(ledger);
    }
    return code;
}

/* The chain goes on only from what was written: on failure its end is read anew before the next event. */
static enum err_code commit_events(struct store_batch *batch, bool sync, struct err *err)
{
    struct store *const store = batch->store;
    uint64_t seq;
    uint8_t hash[JOURNAL_HASH];
    (void)pthread_mutex_lock(&store->journal); /* fails only on misuse */
    enum err_code code = append_events(batch, &seq, hash, err);
    if (code == ERR_NONE) {
        code = write_events(batch, seq, sync, err);
        store->tail_known = code == ERR_NONE;
        if (code != ERR_NONE) {
            note_doubt(batch);
        }
    }
    if (code == ERR_NONE) {
        memcpy(store->tail_hash, hash, sizeof hash);
        cell_set(&store->last_seq, seq);
    }
    (void)pthread_mutex_unlock(&store->journal);
    return code;
}

enum err_code store_batch_commit(struct store_batch *batch, bool sync, struct err *err)
{
    if (batch->store->scratch != NULL) {
        return err_set(err, ERR_INPUT, "%s: opened for reading only", batch->store->path);
    }
    if (batch->event_count == 0 && batch->puts.len == 0) {
        return ERR_NONE;
    }
    if (!db_enter_healed(batch->store, err)) {
        return ERR_ENV;
    }
    rocksdb_writebatch_clear(batch->writes);
    if (sync) {
        take_earlier(batch);
    }
    add_puts(batch, &batch->puts);
    db_leave(batch->store);
    const enum err_code code =
        batch->event_count > 0 ? commit_events(batch, sync, err) : db_write(batch->store, batch->writes, sync, err);
    if (code == ERR_NONE) {
        if (sync) {
            forget_earlier(batch);
        } else {
            note_earlier(batch);
        }
        batch_clear(batch);
    }
    return code;
}

uint64_t store_ledger_refused(const struct store *store)
{
    return ledger_refused(store->ledger);
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

static enum err_code damaged(struct store *store, const char *key, size_t key_len, struct err *err)
{
    return err_set(err, ERR_ENV, "%s: state record \"%.*s\" is damaged; davy verify tells more", store->path,
                   (int)key_len, key);
}

enum err_code state_get(struct store *store, const char *key, struct buf *ret_bytes, struct err *err)
{
    const size_t key_len = strlen(key);
    rocksdb_pinnableslice_t *value = NULL;
    enum err_code code = db_get(store, CF_STATE, key, key_len, &value, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (value == NULL) {
        return err_set(err, ERR_NO, "the store has no record \"%s\"", key);
    }
    size_t len;
    const char *const bytes = rocksdb_pinnableslice_value(value, &len);
    if (state_check(key, key_len, (const uint8_t *)bytes, len)) {
        buf_clear(ret_bytes);
        buf_add(ret_bytes, bytes + STATE_HEAD, len - STATE_HEAD);
    } else {
        code = damaged(store, key, key_len, err);
    }
    rocksdb_pinnableslice_destroy(value);
    return code;
}

enum err_code store_get(struct store *store, const char *key, struct buf *ret_bytes, struct err *err)
{
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    const enum err_code code = state_get(store, key, ret_bytes, err);
    db_leave(store);
    return code;
}

enum err_code store_scan(struct store *store, const char *prefix, store_state_fn *fn, void *self, struct err *err)
{
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    const size_t prefix_len = strlen(prefix);
    struct db_walk walk;
    enum err_code code = ERR_NONE;
    bool more = true;
    db_walk_begin(&walk, store, CF_STATE, NULL, prefix, prefix_len, NULL, 0);
    for (; more && db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t key_len, len;
        const char *const key = (const char *)db_walk_key(&walk, &key_len);
        const uint8_t *const record = db_walk_value(&walk, &len);
        if (key_len < prefix_len || memcmp(key, prefix, prefix_len) != 0) {
            break;
        }
        if (!state_check(key, key_len, record, len)) {
            code = damaged(store, key, key_len, err);
            break;
        }
        more = fn(self, key, key_len, record + STATE_HEAD, len - STATE_HEAD);
    }
    const enum err_code walked = db_walk_end(&walk, store, code == ERR_NONE ? err : NULL);
    db_leave(store);
    return code != ERR_NONE ? code : walked;
}
