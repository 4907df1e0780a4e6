/*
 * store: opening, closing, and whose store it is.
 *
 * Column family "default" holds "format" (4 bytes, 1) and "site" (the id it was
 * made for).
 */
#include "store/store.h"
#include "base/clock.h"
#include "base/memory.h"
#include "store/db.h"
#include "store/db_options.h"
#include "store/dictionary.h"
#include "store/journal.h"
#include "store/notes.h"
#include "store/recover.h"
#include "store/redo.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STORE_FORMAT = 1 };

static struct store *new_store(const char *path)
{
    struct store *const store = memory_new(1, sizeof *store);
    store->path = memory_strdup(path);
    (void)pthread_rwlock_init(&store->lock, NULL); /* these six cannot fail with default attributes */
    (void)pthread_mutex_init(&store->settling, NULL);
    (void)pthread_mutex_init(&store->healing, NULL);
    (void)pthread_mutex_init(&store->loading, NULL);
    (void)pthread_mutex_init(&store->naming, NULL);
    (void)pthread_mutex_init(&store->journal, NULL);
    return store;
}

/* ---- meta data ----------------------------------------------------------------------------------------------------
 */

static enum err_code get_meta(struct store *store, const char *key, struct buf *ret_bytes, struct err *err)
{
    return db_get_at(store, CF_DEFAULT, NULL, key, strlen(key), ret_bytes, err);
}

static enum err_code check_format(struct store *store, const struct buf *format, struct err *err)
{
    const uint32_t number = format->len == 4 ? get_u32((const uint8_t *)format->data) : 0;
    return number == STORE_FORMAT ? ERR_NONE
                                  : err_set(err, ERR_INPUT, "%s: the store has format %u; this program reads format %d",
                                            store->path, number, STORE_FORMAT);
}

/* Reads whose store it is; *ret_new when nothing is written yet. */
static enum err_code read_meta(struct store *store, bool *ret_new, struct err *err)
{
    struct buf bytes = {0};
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    enum err_code code = get_meta(store, "format", &bytes, err);
    *ret_new = code == ERR_NONE && bytes.len == 0;
    if (code == ERR_NONE && !*ret_new) {
        code = check_format(store, &bytes, err);
    }
    if (code == ERR_NONE) {
        code = get_meta(store, "site", &bytes, err);
    }
    if (code == ERR_NONE && bytes.len > 0) {
        store->site_id = memory_strdup(bytes.data);
    }
    db_leave(store);
    buf_done(&bytes);
    return code;
}

static enum err_code write_meta(struct store *store, const char *site_id, struct err *err)
{
    uint8_t format[4];
    (void)put_u32(format, STORE_FORMAT);
    rocksdb_writebatch_t *const batch = rocksdb_writebatch_create();
    rocksdb_writebatch_put_cf(batch, store->cf[CF_DEFAULT], "format", 6, (const char *)format, sizeof format);
    rocksdb_writebatch_put_cf(batch, store->cf[CF_DEFAULT], "site", 4, site_id, strlen(site_id));
    const enum err_code code = db_write(store, batch, true, err);
    rocksdb_writebatch_destroy(batch);
    if (code == ERR_NONE) {
        store->site_id = memory_strdup(site_id);
    }
    return code;
}

static enum err_code claim_site(struct store *store, const char *site_id, bool *ret_new, struct err *err)
{
    const enum err_code code = read_meta(store, ret_new, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (*ret_new) {
        return write_meta(store, site_id, err);
    }
    if (store->site_id == NULL || strcmp(store->site_id, site_id) != 0) {
        return err_set(err, ERR_INPUT, "%s: the store belongs to site \"%s\", not to \"%s\"; give this site its own",
                       store->path, store->site_id == NULL ? "" : store->site_id, site_id);
    }
    return ERR_NONE;
}

/* ---- opening ------------------------------------------------------------------------------------------------------
 */

static enum err_code make_folder(const char *path, struct err *err)
{
    if (mkdir(path, 0750) != 0 && errno != EEXIST) {
        return err_set(err, ERR_ENV, "%s: cannot make the store's folder: %s", path, strerror(errno));
    }
    return ERR_NONE;
}

enum err_code store_open(const char *path, const char *site_id, struct store **ret_store, struct err *err)
{
    enum err_code code = make_folder(path, err);
    if (code != ERR_NONE) {
        return code;
    }
    struct store *const store = new_store(path);
    bool is_new = false;
    db_options_make(store);
    store->book = book_new(BOOK_POOL_BYTES);
    code = db_open(store, err);
    if (code == ERR_NONE) {
        code = claim_site(store, site_id, &is_new, err);
    }
    if (code == ERR_NONE) {
        code = notes_open(store, err);
    }
    if (code == ERR_NONE) {
        code = recover(store, err);
    }
    if (code == ERR_NONE) {
        code = redo(store, is_new, err);
    }
    if (code != ERR_NONE) {
        store_close(store);
        return code;
    }
    store->settled = true;
    *ret_store = store;
    return ERR_NONE;
}

static bool is_store(const char *path)
{
    char file[4096];
    return snprintf(file, sizeof file, "%s/CURRENT", path) < (int)sizeof file && access(file, F_OK) == 0;
}

/* Reads the journal's end as it is told: what the ledger alone has been told, too.  Beside a monitor it is in the
 * database a moment later. */
static enum err_code load_journal(struct store *store, struct err *err)
{
    enum { TRIES = 50 };
    const struct timespec pause = {.tv_nsec = 20 * NS_PER_MS};
    uint64_t last = 0;
    enum err_code code = journal_load(store, err);
    for (int tries = 1; code == ERR_NONE; tries++) {
        if (!ledger_is_ahead(store->path, store_last_seq(store), store->tail_hash, &last)) {
            return ERR_NONE;
        }
        if (tries == TRIES) {
            break;
        }
        (void)nanosleep(&pause, NULL);
        db_catch_up(store);
        code = journal_load(store, err);
    }
    if (code == ERR_NONE) {
        store->damaged = false; /* nothing is lost */
        code = err_set(err, ERR_ENV,
                       "%s: events up to %llu stand in the ledger alone, since a loss of power or while the disk takes "
                       "nothing; a start of davy run puts them where they belong",
                       store->path, (unsigned long long)last);
    }
    return code;
}

/* On failure *ret_damaged tells whether that is because something of the store is not as it was. */
static enum err_code open_reader(const char *path, struct store **ret_store, bool *ret_damaged, struct err *err)
{
    struct store *const store = new_store(path);
    bool is_new = false;
    enum err_code code = scratch_make(&store->folder, err);
    store->scratch = store->folder.path;
    if (code == ERR_NONE) {
        db_options_make(store);
        code = db_open(store, err);
    }
    if (code == ERR_NONE) {
        code = db_check_tables(store, err);
    }
    if (code == ERR_NONE) {
        store->damaged = true; /* from here on only what is in it can be at fault, and the format is told apart below */
        code = read_meta(store, &is_new, err);
        store->damaged = code != ERR_INPUT;
    }
    if (code == ERR_NONE && is_new) {
        code = err_set(err, ERR_INPUT, "%s: the store is empty", path);
    }
    if (code == ERR_NONE) {
        code = load_journal(store, err);
    }
    if (code != ERR_NONE) {
        *ret_damaged = store->damaged;
        store_close(store);
        return code;
    }
    *ret_store = store;
    return ERR_NONE;
}

/* True when files of a database stand in the folder. */
static bool has_remains(const char *path)
{
    DIR *const folder = opendir(path);
    bool any = false;
    for (const struct dirent *entry; folder != NULL && !any && (entry = readdir(folder)) != NULL;) {
        any = fnmatch("*.sst", entry->d_name, 0) == 0 || fnmatch("MANIFEST-*", entry->d_name, 0) == 0 ||
              fnmatch("[0-9]*.log", entry->d_name, 0) == 0;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return any;
}

static enum err_code open_found(const char *path, struct store **ret_store, bool *ret_damaged, struct err *err)
{
    *ret_damaged = false;
    if (is_store(path)) {
        return open_reader(path, ret_store, ret_damaged, err);
    }
    *ret_damaged = has_remains(path);
    return *ret_damaged
               ? err_set(err, ERR_ENV, "%s: the file CURRENT is missing, without which the others cannot be read", path)
               : err_set(err, ERR_INPUT, "%s: there is no store here; it is made by the first davy run", path);
}

enum err_code store_open_reader(const char *path, struct store **ret_store, struct err *err)
{
    bool damaged;
    return open_found(path, ret_store, &damaged, err);
}

enum err_code store_open_checked(const char *path, struct store **ret_store, struct err *err)
{
    bool damaged;
    const enum err_code code = open_found(path, ret_store, &damaged, err);
    return code != ERR_NONE && damaged ? ERR_NO : code;
}

/* ---- closing ------------------------------------------------------------------------------------------------------
 */

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    db_close(store);
    ledger_close(store->ledger);
    db_options_free(store);
    scratch_remove(&store->folder);
    book_free(store->book);
    lasts_done(&store->lasts);
    (void)pthread_rwlock_destroy(&store->lock);
    (void)pthread_mutex_destroy(&store->settling);
    (void)pthread_mutex_destroy(&store->healing);
    (void)pthread_mutex_destroy(&store->loading);
    names_done(&store->names);
    (void)pthread_mutex_destroy(&store->naming);
    (void)pthread_mutex_destroy(&store->journal);
    free(store->path);
    free(store->site_id);
    free(store);
}

/* Asks for the lock without taking it.  Closing any descriptor of a file gives up all of a process's locks on it, so
 * the one that holds the store must not ask. */
bool store_is_held(const char *path)
{
    char file[4096];
    if (snprintf(file, sizeof file, "%s/LOCK", path) >= (int)sizeof file) {
        return false;
    }
    const int fd = open(file, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const bool held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    (void)close(fd);
    return held;
}
