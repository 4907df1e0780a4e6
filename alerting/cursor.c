/*
 * cursor: a sink's place in the journal.  See cursor.h.
 */
#include "alerting/cursor.h"
#include "alerting/pack.h"
#include "base/clock.h"

enum { CURSOR_VERSION = 1, KEEP_EVENTS = 1000, KEEP_MS = 100 };

enum err_code cursor_open(struct cursor *cursor, struct store *store, const char *prefix, const char *sink_id,
                          struct err *err)
{
    *cursor = (struct cursor){0};
    record_key(cursor->key, prefix, sink_id);
    struct buf bytes = {0};
    enum err_code code = store_get(store, cursor->key, &bytes, err);
    if (code == ERR_NONE) {
        struct unpack in = unpack_begin(bytes.data, bytes.len);
        const uint8_t version = unpack_u8(&in);
        cursor->seq = cursor->kept_seq = unpack_u64(&in);
        if (!unpack_whole(&in) || version != CURSOR_VERSION) {
            code = err_set(err, ERR_ENV, "the place of sink %s in the journal cannot be read", sink_id);
        }
    } else if (code == ERR_NO) {
        code = ERR_NONE;
    }
    buf_done(&bytes);
    if (code == ERR_NONE) {
        cursor->batch = store_batch_new(store);
    }
    return code;
}

void cursor_done(struct cursor *cursor)
{
    store_batch_free(cursor->batch);
    cursor->batch = NULL;
}

int64_t cursor_due(const struct cursor *cursor)
{
    return cursor->seq == cursor->kept_seq ? TIME_NEVER : cursor->kept_ns + KEEP_MS * NS_PER_MS;
}

bool cursor_is_due(const struct cursor *cursor, int64_t now_ns, bool sync)
{
    const bool many = cursor->seq - cursor->kept_seq >= KEEP_EVENTS;
    return sync || many || now_ns >= cursor_due(cursor);
}

enum err_code cursor_keep(struct cursor *cursor, int64_t now_ns, bool sync, struct err *err)
{
    if (!cursor_is_due(cursor, now_ns, sync)) {
        return ERR_NONE;
    }
    struct buf bytes = {0};
    pack_u8(&bytes, CURSOR_VERSION);
    pack_u64(&bytes, cursor->seq);
    store_batch_put(cursor->batch, cursor->key, bytes.data, bytes.len);
    buf_done(&bytes);
    cursor->kept_ns = now_ns; /* also when it fails: not again at once */
    const enum err_code code = store_batch_commit(cursor->batch, sync, err);
    if (code == ERR_NONE) {
        cursor->kept_seq = cursor->seq;
    }
    return code;
}
