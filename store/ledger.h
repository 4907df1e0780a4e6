/*
 * ledger: what has to be on the disk at once, in a file of its own.
 *
 * An event is told only when a loss of power cannot take it back.  Syncing
 * RocksDB's log for it means to wait for all that others wrote there too, and,
 * because that log grows, for the file system's own journal.  All bytes of the
 * ledger are there from the beginning: a batch goes over old ones, and the same
 * call syncs it.
 *
 *   commit   ledger (on the disk) -> database (its log, not synced) -> told
 *   start    what the database has lost is written to it again (redo.h)
 *
 *   ┌──────────┬──────────┬────────────────┬ ─ ─ ─ ─ ─ ─ ─ ─
 *   │ number n │ n + 1    │ n + 2          │ old, lower numbers      each begins at a block of the disk
 *   └──────────┴──────────┴────────────────┴ ─ ─ ─ ─ ─ ─ ─ ─
 *
 * Whoever syncs the database's log says so (ledger_sync_begin, _done).  When all
 * records were in the database by then, they are settled, and the next one goes
 * to the front again.  A ledger that is full before that, or cannot be written,
 * takes nothing, and the commit syncs the database instead.
 *
 * Threads: ledger_append and ledger_is_in_db under store->journal; those about
 * syncs, any.  All but opening accept NULL: a store without a ledger.
 */
#ifndef DAVY_STORE_LEDGER_H
#define DAVY_STORE_LEDGER_H

#include "base/cell.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LEDGER_BYTES = 1024 * 1024,
    LEDGER_BLOCK = 4096,
    LEDGER_RECORD_MAX = 64 * 1024, /* with its head; what is larger is synced better in the database */
    LEDGER_HASH = 32,
    LEDGER_HEAD = 4 + 4 + 8 + 8 + 8 + 4 + LEDGER_HASH,
};

/* One batch, as RocksDB writes it down, and the events it adds. */
struct ledger_record {
    uint64_t number;
    uint64_t before, last;     /* seq of the last event before it, and of its own last one */
    uint8_t hash[LEDGER_HASH]; /* of the event `before` */
    const uint8_t *bytes;      /* borrowed */
    size_t len;
};

/* Reads the record at the beginning of `room` bytes; false when there is none. */
bool ledger_parse(const uint8_t *bytes, size_t room, struct ledger_record *ret_record);

/* Of a reader of a journal whose last event is `seq` with this hash: whether the ledger in the store's folder has
 * events behind it, the last of which is *ret_seq.  Beside a monitor that is so for moments; for longer when a loss of
 * power took them from the database, or it cannot be written. */
bool ledger_is_ahead(const char *folder, uint64_t seq, const uint8_t hash[LEDGER_HASH], uint64_t *ret_seq);

struct ledger;

/* Opens the ledger in a store's folder; makes an empty one when there is none, or when it is to be `fresh`.  ERR_ENV:
 * that cannot be done, and the store does without. */
enum err_code ledger_open(const char *folder, bool fresh, struct ledger **ret_ledger, struct err *err) MUST_CHECK;
void ledger_close(struct ledger *ledger);

/* Between opening and ledger_begin.  Gives the next record as found at the opening; false behind the last. */
bool ledger_next(struct ledger *ledger, struct ledger_record *ret_record);
/* All that was found is in the database, and synced there. */
void ledger_begin(struct ledger *ledger);

/* Puts a batch on the disk; false when it does not take it. */
bool ledger_append(struct ledger *ledger, const struct ledger_record *record);
/* How often it did not. */
uint64_t ledger_refused(const struct ledger *ledger);
/* The last one has been written to the database, too. */
void ledger_is_in_db(struct ledger *ledger);

/* A sync of the database's log that begins: what had been written to it by then. */
struct ledger_sync {
    uint64_t index, number;
};
struct ledger_sync ledger_sync_begin(struct ledger *ledger);
/* … and that has succeeded. */
void ledger_sync_done(struct ledger *ledger, const struct ledger_sync *sync);

/* A moment behind something that was written to the database; whether a sync that began later has succeeded. */
uint64_t ledger_moment(struct ledger *ledger);
bool ledger_is_synced(struct ledger *ledger, uint64_t moment);

#endif
