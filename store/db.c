/*
 * db: see db.h.
 */
#include "store/db.h"
#include "base/clock.h"
#include "store/store.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const cf_names[CF_COUNT] = {"default", "series", "blocks", "log",
                                               "journal", "state",  "tiers",  "notes"};

enum { HEAL_PAUSE_MS = 200, PROBE_BYTES = 64 * 1024, SECONDARY_TRIES = 20, CHECK_SAME = 3 };

enum err_code db_error(struct store *store, char *rocks_err, struct err *err)
{
    if (rocks_err == NULL) {
        return ERR_NONE;
    }
    const enum err_code code =
        strstr(rocks_err, "lock file") != NULL || strstr(rocks_err, "lock hold by current process") != NULL
            ? err_set(err, ERR_ENV, "%s: another monitor holds the store", store->path)
            : err_set(err, ERR_ENV, "%s: %s", store->path, rocks_err);
    rocksdb_free(rocks_err);
    return code;
}

/* A secondary reads the writer's files while it may be deleting old ones; a lost race is run again. */
static char *open_once(struct store *store)
{
    char *rocks_err = NULL;
    const rocksdb_options_t *const *const options = (const rocksdb_options_t *const *)store->cf_options;
    if (store->scratch == NULL) {
        store->db = rocksdb_open_column_families(store->options, store->path, CF_COUNT, cf_names, options, store->cf,
                                                 &rocks_err);
        return rocks_err;
    }
    int count = CF_COUNT;
    for (int tries = 0; tries < SECONDARY_TRIES; tries++) {
        rocksdb_free(rocks_err);
        rocks_err = NULL;
        store->db = rocksdb_open_as_secondary_column_families(store->options, store->path, store->scratch, count,
                                                              cf_names, options, store->cf, &rocks_err);
        if (rocks_err == NULL) {
            break;
        }
        count = strstr(rocks_err, "olumn family not found") != NULL ? CF_FIRST : count; /* an older store */
    }
    return rocks_err;
}

/* With its diary off (db_options.c) RocksDB cannot write down its own settings: each opening leaves a file of a few
 * bytes that it never looks at again, nor removes.  A monitor opened often, as on a full disk, would pile them up. */
static void remove_leftovers(const struct store *store)
{
    DIR *const folder = opendir(store->path);
    if (folder == NULL) {
        return; /* it was just opened; the next time will do */
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (fnmatch("OPTIONS-*.dbtmp", entry->d_name, 0) == 0) {
            (void)unlinkat(dirfd(folder), entry->d_name, 0); /* one that stays is tried again next time */
        }
    }
    (void)closedir(folder); /* it was only read */
}

/* RocksDB names its kinds of trouble in words only.  A list of files that is still not there after all tries is
 * missing, not just moved by the one that writes. */
static bool is_damage(const char *rocks_err)
{
    static const char *const words[] = {"Corruption", "No such file", "does not exist", "deleted the old one"};
    bool found = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        found |= strstr(rocks_err, words[i]) != NULL;
    }
    return found;
}

enum err_code db_open(struct store *store, struct err *err)
{
    char *const rocks_err = open_once(store);
    if (rocks_err != NULL) {
        store->db = NULL;
        store->damaged = is_damage(rocks_err);
    } else if (store->scratch == NULL) {
        remove_leftovers(store);
    }
    return db_error(store, rocks_err, err);
}

/* True when one of the two knows a table that the other does not; names the first. */
static bool has_other_tables(rocksdb_t *all, rocksdb_t *seen, char ret_name[64])
{
    const rocksdb_livefiles_t *const wanted = rocksdb_livefiles(all);
    const rocksdb_livefiles_t *const found = rocksdb_livefiles(seen);
    const int wanted_count = rocksdb_livefiles_count(wanted);
    const int found_count = rocksdb_livefiles_count(found);
    bool other = wanted_count != found_count;
    (void)snprintf(ret_name, 64, "tables");
    for (int i = 0; i < wanted_count; i++) {
        bool there = false;
        for (int k = 0; k < found_count && !there; k++) {
            there = strcmp(rocksdb_livefiles_name(wanted, i), rocksdb_livefiles_name(found, k)) == 0;
        }
        if (!there) {
            (void)snprintf(ret_name, 64, "%s", rocksdb_livefiles_name(wanted, i));
            other = true;
            break;
        }
    }
    rocksdb_livefiles_destroy(wanted);
    rocksdb_livefiles_destroy(found);
    return other;
}

void db_catch_up(struct store *store)
{
    char *rocks_err = NULL;
    rocksdb_try_catch_up_with_primary(store->db, &rocks_err);
    rocksdb_free(rocks_err);
}

/* One strict look, while both have all tables open; NULL when all is there, else what is not, the caller's (free).
 * `damaged`: that is the store's own fault, not that of its surroundings. */
static char *check_tables_once(struct store *store)
{
    char *rocks_err = NULL;
    char name[64];
    rocksdb_column_family_handle_t *cf[CF_COUNT];
    const int count = store->cf[CF_FIRST] == NULL ? CF_FIRST : CF_COUNT; /* an older store has fewer */
    const rocksdb_options_t *const *const options = (const rocksdb_options_t *const *)store->cf_options;
    db_catch_up(store); /* what it could not see shows below */
    rocksdb_t *const all = rocksdb_open_for_read_only_column_families(store->options, store->path, count, cf_names,
                                                                      options, cf, 0, &rocks_err);
    if (rocks_err != NULL) {
        store->damaged = is_damage(rocks_err);
        return rocks_err; /* RocksDB frees with free() too */
    }
    const bool other = has_other_tables(all, store->db, name);
    for (int i = 0; i < count; i++) {
        rocksdb_column_family_handle_destroy(cf[i]);
    }
    rocksdb_close(all);
    store->damaged = other;
    return other ? strdup(name) : NULL;
}

/* Beside a monitor that makes and removes tables just now each look meets others; what is missing stays the same. */
enum err_code db_check_tables(struct store *store, struct err *err)
{
    char *before = NULL;
    char *missing = check_tables_once(store);
    int same = 1;
    for (int tries = 1; missing != NULL && same < CHECK_SAME && tries < SECONDARY_TRIES; tries++) {
        free(before);
        before = missing;
        (void)nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
        missing = check_tables_once(store);
        same = missing != NULL && strcmp(missing, before) == 0 ? same + 1 : 1;
    }
    free(before);
    if (missing == NULL) {
        return ERR_NONE;
    }
    const enum err_code code =
        store->damaged ? err_set(err, ERR_ENV,
                                 "%s: tables are damaged or missing, what they held cannot be told: %s; "
                                 "davy restore puts a backup in place",
                                 store->path, missing)
                       : err_set(err, ERR_ENV, "%s: its tables cannot be looked at: %s", store->path, missing);
    free(missing);
    return code;
}

enum err_code db_log_gaps(const struct store *store, struct err *err)
{
    return err_set(err, ERR_ENV,
                   "%s: part of the recovery log cannot be read, the newest samples may be missing; "
                   "davy verify tells more",
                   store->path);
}

void db_close(struct store *store)
{
    if (store->db == NULL) {
        return;
    }
    for (int cf = 0; cf < CF_COUNT; cf++) {
        if (store->cf[cf] != NULL) {
            rocksdb_column_family_handle_destroy(store->cf[cf]);
        }
        store->cf[cf] = NULL;
    }
    rocksdb_close(store->db);
    store->db = NULL;
}

bool db_enter(struct store *store, struct err *err)
{
    (void)pthread_rwlock_rdlock(&store->lock); /* fails only on misuse */
    if (store->db != NULL) {
        return true;
    }
    (void)pthread_rwlock_unlock(&store->lock);
    (void)err_set(err, ERR_ENV, "%s: the store could not be opened again after a failed write", store->path);
    return false;
}

void db_leave(struct store *store)
{
    (void)pthread_rwlock_unlock(&store->lock);
}

/* True when the disk takes a small file again. */
static bool probe(const struct store *store)
{
    static const char zeros[PROBE_BYTES];
    char path[4096];
    if (snprintf(path, sizeof path, "%s/probe", store->path) >= (int)sizeof path) {
        return false;
    }
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    const bool fine = write(fd, zeros, sizeof zeros) == (ssize_t)sizeof zeros && fdatasync(fd) == 0;
    (void)close(fd);
    (void)unlink(path);
    return fine;
}

/* Opens the database anew when the disk takes writes again; true when that was done. */
static bool heal(struct store *store)
{
    bool done = false;
    (void)pthread_mutex_lock(&store->healing);
    const int64_t now_ns = clock_mono_ns();
    if (now_ns - store->healed_mono_ns >= HEAL_PAUSE_MS * NS_PER_MS && probe(store)) {
        (void)pthread_rwlock_wrlock(&store->lock);
        db_close(store);
        done = db_open(store, NULL) == ERR_NONE;
        (void)pthread_rwlock_unlock(&store->lock);
        store->healed_mono_ns = clock_mono_ns();
        cell_set(&store->reopened, cell_get(&store->reopened) + (done ? 1 : 0));
    }
    (void)pthread_mutex_unlock(&store->healing);
    return done;
}

bool db_enter_healed(struct store *store, struct err *err)
{
    return db_enter(store, err) || (heal(store) && db_enter(store, err));
}

static enum err_code write_once(struct store *store, rocksdb_writebatch_t *batch, bool sync, struct err *err)
{
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    char *rocks_err = NULL;
    rocksdb_write(store->db, sync ? store->write_sync : store->write, batch, &rocks_err);
    const enum err_code code = db_error(store, rocks_err, err);
    db_leave(store);
    return code;
}

enum err_code db_write(struct store *store, rocksdb_writebatch_t *batch, bool sync, struct err *err)
{
    const struct ledger_sync begun = sync ? ledger_sync_begin(store->ledger) : (struct ledger_sync){0};
    enum err_code code = write_once(store, batch, sync, err);
    if (code != ERR_NONE && heal(store)) {
        code = write_once(store, batch, sync, err);
    }
    if (code == ERR_NONE && sync) {
        ledger_sync_done(store->ledger, &begun);
    }
    return code;
}

/* An empty batch with sync, not rocksdb_flush_wal: that one does not look whether the log is broken, and Debian's
 * RocksDB, built with its assertions, would end the process. */
enum err_code db_sync(struct store *store, struct err *err)
{
    rocksdb_writebatch_t *const nothing = rocksdb_writebatch_create();
    const enum err_code code = db_write(store, nothing, true, err);
    rocksdb_writebatch_destroy(nothing);
    return code;
}

enum err_code db_get(struct store *store, enum cf cf, const void *key, size_t key_len,
                     rocksdb_pinnableslice_t **ret_value, struct err *err)
{
    char *rocks_err = NULL;
    rocksdb_pinnableslice_t *const value =
        rocksdb_get_pinned_cf(store->db, store->read, store->cf[cf], key, key_len, &rocks_err);
    const enum err_code code = db_error(store, rocks_err, err);
    if (code == ERR_NONE) {
        *ret_value = value;
    }
    return code;
}

enum err_code db_get_at(struct store *store, enum cf cf, const rocksdb_snapshot_t *snapshot, const void *key,
                        size_t key_len, struct buf *ret_bytes, struct err *err)
{
    rocksdb_readoptions_t *const options = rocksdb_readoptions_create();
    if (snapshot != NULL) {
        rocksdb_readoptions_set_snapshot(options, snapshot);
    }
    char *rocks_err = NULL;
    rocksdb_pinnableslice_t *const value =
        rocksdb_get_pinned_cf(store->db, options, store->cf[cf], key, key_len, &rocks_err);
    rocksdb_readoptions_destroy(options);
    buf_clear(ret_bytes);
    if (value != NULL) {
        size_t len;
        const char *const bytes = rocksdb_pinnableslice_value(value, &len);
        buf_add(ret_bytes, bytes, len);
        rocksdb_pinnableslice_destroy(value);
    }
    return db_error(store, rocks_err, err);
}

void db_walk_begin(struct db_walk *walk, struct store *store, enum cf cf, const rocksdb_snapshot_t *snapshot,
                   const void *from, size_t from_len, const void *upper, size_t upper_len)
{
    walk->options = rocksdb_readoptions_create();
    if (snapshot != NULL) {
        rocksdb_readoptions_set_snapshot(walk->options, snapshot);
    }
    /* a walk would only push out what lookups need; tiers and notes are walked a few records at a time */
    rocksdb_readoptions_set_fill_cache(walk->options, cf == CF_TIERS || cf == CF_NOTES);
    if (upper_len > 0) {
        assert(upper_len <= sizeof walk->upper);
        memcpy(walk->upper, upper, upper_len);
        rocksdb_readoptions_set_iterate_upper_bound(walk->options, (const char *)walk->upper, upper_len);
    }
    walk->it = rocksdb_create_iterator_cf(store->db, walk->options, store->cf[cf]);
    rocksdb_iter_seek(walk->it, from, from_len);
}

bool db_walk_valid(const struct db_walk *walk)
{
    return rocksdb_iter_valid(walk->it) != 0;
}

const uint8_t *db_walk_key(const struct db_walk *walk, size_t *ret_len)
{
    return (const uint8_t *)rocksdb_iter_key(walk->it, ret_len);
}

const uint8_t *db_walk_value(const struct db_walk *walk, size_t *ret_len)
{
    return (const uint8_t *)rocksdb_iter_value(walk->it, ret_len);
}

void db_walk_next(struct db_walk *walk)
{
    rocksdb_iter_next(walk->it);
}

enum err_code db_walk_end(struct db_walk *walk, struct store *store, struct err *err)
{
    char *rocks_err = NULL;
    rocksdb_iter_get_error(walk->it, &rocks_err);
    rocksdb_iter_destroy(walk->it);
    rocksdb_readoptions_destroy(walk->options);
    return db_error(store, rocks_err, err);
}

const rocksdb_snapshot_t *db_snapshot(struct store *store)
{
    return store->scratch == NULL ? rocksdb_create_snapshot(store->db) : NULL;
}

void db_snapshot_release(struct store *store, const rocksdb_snapshot_t *snapshot)
{
    if (snapshot != NULL) {
        rocksdb_release_snapshot(store->db, snapshot);
    }
}
