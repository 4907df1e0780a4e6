/*
 * db: the one RocksDB database behind a struct store: its column families,
 * settings, opening, and getting well again after a failed write.
 *
 * RocksDB's types appear in this folder only.
 *
 * Healing.  After a failed write (disk full, I/O error) RocksDB refuses all
 * further ones until it is opened anew; its C interface has no "resume".  So a
 * write on a sick database is tried once as it is (RocksDB may have recovered
 * by itself), then, at most once in HEAL_PAUSE_NS, a probe file is written
 * beside it, and only if the disk takes that is the database closed and opened
 * again under the same struct store.  Meanwhile reading goes on.  A batch whose
 * write failed may or may not be there after that: every batch of this folder
 * can be written twice without harm.
 *
 * Threads: db_enter / db_leave bracket every use of `db` and `cf`; any number
 * of threads may be inside.  Healing waits until none is.
 */
#ifndef DAVY_STORE_DB_H
#define DAVY_STORE_DB_H

#include "base/cell.h"
#include "base/err.h"
#include "store/book.h"
#include "store/ledger.h"
#include "store/names.h"
#include "store/newest.h"
#include "store/scratch.h"
#include "store/store.h"
#include <pthread.h>
#include <rocksdb/c.h>

enum cf { CF_DEFAULT, CF_SERIES, CF_BLOCKS, CF_LOG, CF_JOURNAL, CF_STATE, CF_TIERS, CF_NOTES, CF_COUNT };
enum { CF_FIRST = CF_TIERS }; /* stores of the first version have only the ones before */
enum { JOURNAL_HASH = 32 };

struct store {
    char *path;
    struct scratch_folder folder;
    char *scratch; /* reader: the path of `folder`; NULL for the one that writes */
    char *site_id;
    pthread_rwlock_t lock; /* for reading: use of what follows; for writing: opening and closing it */
    rocksdb_t *db;         /* NULL while it could not be opened again */
    bool damaged;          /* opening met bytes that are wrong, or files that are missing */
    rocksdb_column_family_handle_t *cf[CF_COUNT]; /* NULL: not in this store, see db_open */
    rocksdb_options_t *options;                   /* of the database; the next ones of its column families */
    rocksdb_options_t *cf_options[CF_COUNT];
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *write, *write_sync;
    rocksdb_readoptions_t *read;

    pthread_mutex_t healing; /* guards the next one */
    int64_t healed_mono_ns;  /* last try */
    struct cell reopened;    /* how often it was opened again */

    struct book *book;        /* open blocks; the writer's once there is one, a reader's once loaded (open_rows.h) */
    struct lasts lasts;       /* newest readings that do not follow from the book */
    uint64_t next_record;     /* of the log; writer */
    uint64_t low_record;      /* first one not deleted; writer */
    uint64_t logged_bytes;    /* of the log, counted from the first record needed at the start; writer */
    pthread_mutex_t settling; /* guards the next one, and book and lasts while the writer gathers */
    bool settled;             /* book and database together tell all: no block is sealed but not written */
    pthread_mutex_t loading;  /* reader: guards the loading and the last of these; taken before `lock` */
    struct cell loaded;       /* 1: book and lasts are there and stay as they are */
    bool read_before;         /* a series was read already */
    bool log_gaps;            /* once loaded: part of the log could not be read */

    pthread_mutex_t naming; /* guards the next one */
    struct names names;

    pthread_mutex_t journal; /* guards the next two */
    bool tail_known;
    uint8_t tail_hash[JOURNAL_HASH];
    struct cell last_seq;
    struct ledger *ledger; /* NULL: reader, or it could not be made; see there which thread may do what */
};

/* Opens the database of a store whose path (and scratch) are set.  ERR_ENV when it cannot be.  Column families that an
 * older version did not have are made; a reader goes without them until the next one that writes. */
enum err_code db_open(struct store *store, struct err *err) MUST_CHECK;
void db_close(struct store *store);
/* Of a reader that met gaps in the log: says so, after it gave out what is whole. */
enum err_code db_log_gaps(const struct store *store, struct err *err) MUST_CHECK;

/* Of a reader: looks at what the monitor has written since. */
void db_catch_up(struct store *store);
/* Of an open reader: that it sees all tables there should be.  A secondary passes over one that cannot be opened, and
 * over what came with it, without a word: it shows an older state.  ERR_NO when tables are damaged or missing. */
enum err_code db_check_tables(struct store *store, struct err *err) MUST_CHECK;

/* False, with the reason, while there is no database; else db_leave must follow. */
bool db_enter(struct store *store, struct err *err);
/* The same, but tries to open a database again that is not there. */
bool db_enter_healed(struct store *store, struct err *err);
void db_leave(struct store *store);

/* Writes a batch; outside db_enter.  Heals if need be.  On failure the batch is untouched. */
enum err_code db_write(struct store *store, rocksdb_writebatch_t *batch, bool sync, struct err *err) MUST_CHECK;
/* Makes everything written so far safe against loss of power. */
enum err_code db_sync(struct store *store, struct err *err) MUST_CHECK;

/* Within db_enter.  Turns RocksDB's error into ours and frees it; ERR_NONE for NULL. */
enum err_code db_error(struct store *store, char *rocks_err, struct err *err) MUST_CHECK;
/* Within db_enter.  Gives the value (free with rocksdb_pinnableslice_destroy), or NULL when absent. */
enum err_code db_get(struct store *store, enum cf cf, const void *key, size_t key_len,
                     rocksdb_pinnableslice_t **ret_value, struct err *err) MUST_CHECK;

/* A walk over one column family, as it stood when the walk began.  Within db_enter. */
struct db_walk {
    rocksdb_iterator_t *it;
    rocksdb_readoptions_t *options;
    uint8_t upper[32]; /* RocksDB keeps a pointer to it: a walk must not be moved */
};
/* From the first key >= from; up to (not including) `upper` when upper_len > 0 (at most 32).  `snapshot` may be NULL.
 */
void db_walk_begin(struct db_walk *walk, struct store *store, enum cf cf, const rocksdb_snapshot_t *snapshot,
                   const void *from, size_t from_len, const void *upper, size_t upper_len);
bool db_walk_valid(const struct db_walk *walk);
const uint8_t *db_walk_key(const struct db_walk *walk, size_t *ret_len);
const uint8_t *db_walk_value(const struct db_walk *walk, size_t *ret_len);
void db_walk_next(struct db_walk *walk);
/* Ends it; an error it met on the way. */
enum err_code db_walk_end(struct db_walk *walk, struct store *store, struct err *err) MUST_CHECK;

/* Within db_enter.  Reads the value at a snapshot (NULL: as it stands) into *ret_bytes; len 0 when absent. */
enum err_code db_get_at(struct store *store, enum cf cf, const rocksdb_snapshot_t *snapshot, const void *key,
                        size_t key_len, struct buf *ret_bytes, struct err *err) MUST_CHECK;

/* Gives a snapshot, NULL in a reader, whose view stands still anyway. */
const rocksdb_snapshot_t *db_snapshot(struct store *store);
void db_snapshot_release(struct store *store, const rocksdb_snapshot_t *snapshot);

#endif
