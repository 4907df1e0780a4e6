/*
 * redo: see redo.h.
 *
 * RocksDB's log is written in one order, so what it lost is its end: from some
 * batch on, all.  The journal's last seq tells which batches of the ledger those
 * are; seq and hash of the event before tell that a batch belongs to this
 * journal.
 */
#include "store/redo.h"
#include "base/log.h"
#include "store/journal.h"

/* Writes one record's batch to the database, unless it is there. */
static enum err_code redo_one(struct store *store, const struct ledger_record *record, uint64_t *ret_events,
                              struct err *err)
{
    const uint64_t last = store_last_seq(store);
    if (record->last <= last) {
        return ERR_NONE;
    }
    if (record->before != last || memcmp(record->hash, store->tail_hash, JOURNAL_HASH) != 0) {
        return err_set(err, ERR_NO, "event %llu of the ledger does not follow event %llu of the journal",
                       (unsigned long long)record->before + 1, (unsigned long long)last);
    }
    rocksdb_writebatch_t *const batch = rocksdb_writebatch_create_from((const char *)record->bytes, record->len);
    enum err_code code = db_write(store, batch, false, err);
    rocksdb_writebatch_destroy(batch);
    if (code == ERR_NONE) {
        code = journal_load(store, err);
    }
    if (code == ERR_NONE) {
        *ret_events += store_last_seq(store) - last;
    }
    return code;
}

static enum err_code redo_all(struct store *store, struct err *err)
{
    struct ledger_record record;
    uint64_t records = 0;
    uint64_t events = 0;
    enum err_code code = ERR_NONE;
    for (; code == ERR_NONE && ledger_next(store->ledger, &record); records++) {
        code = redo_one(store, &record, &events, err);
    }
    if (code == ERR_NO) {
        log_event(LOG_ERROR, "store", "STO-007", store->path, "path=%s reason=\"%s\" the rest is left out", store->path,
                  err->text);
        code = ERR_NONE;
    }
    if (code == ERR_NONE && records > 0) {
        code = db_sync(store, err); /* also what was there already: it may never have been synced */
    }
    if (events > 0) {
        log_event(LOG_INFO, "store", "STO-008", store->path,
                  "path=%s events=%llu that the power took from the database are there again", store->path,
                  (unsigned long long)events);
    }
    return code;
}

enum err_code redo(struct store *store, bool fresh, struct err *err)
{
    struct err why;
    enum err_code code = journal_load(store, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (ledger_open(store->path, fresh, &store->ledger, &why) != ERR_NONE) {
        log_event(LOG_WARN, "store", "STO-006", "ledger",
                  "reason=\"%s\" events are synced with the database until the next start, which takes longer",
                  why.text);
        return ERR_NONE;
    }
    code = redo_all(store, err);
    if (code == ERR_NONE) {
        ledger_begin(store->ledger);
    }
    return code;
}
