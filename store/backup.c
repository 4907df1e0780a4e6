/*
 * backup: the store copied as it stands at one moment, and put back.
 *
 *   DIR/store/   a database like the one it came from; its tables are hard links
 *                where DIR is on the same disk
 *
 * Only the process that writes can take a whole copy: it alone knows which
 * files belong together and can keep them from being removed meanwhile.  So a
 * running monitor makes its own backup (app/keeper.h), by RocksDB's checkpoint,
 * while writing goes on.  What is in memory is written to tables for it: damage
 * in a table is noticed, damage near the end of a write-ahead log looks like
 * the end.
 *
 * A restored store is made beside its place and moved there only after all of
 * it was verified: what stands in the place is always whole.
 */
#include "base/memory.h"
#include "store/db.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 4096, COPY_ROOM = 1 << 18 };

/* ---- folders ------------------------------------------------------------------------------------------------------
 */

static bool join(char ret_path[PATH_ROOM], const char *folder, const char *name)
{
    return snprintf(ret_path, PATH_ROOM, "%s%s", folder, name) < PATH_ROOM;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Absent counts as empty. */
static enum err_code check_empty(const char *path, const char *hint, struct err *err)
{
    DIR *const folder = opendir(path);
    if (folder == NULL) {
        return errno == ENOENT ? ERR_NONE : err_set(err, ERR_INPUT, "%s: %s", path, strerror(errno));
    }
    bool empty = true;
    for (const struct dirent *entry; empty && (entry = readdir(folder)) != NULL;) {
        empty = is_dots(entry->d_name);
    }
    (void)closedir(folder);
    return empty ? ERR_NONE : err_set(err, ERR_INPUT, "%s: is not empty; %s", path, hint);
}

static void remove_folder(const char *path)
{
    DIR *const folder = opendir(path);
    if (folder != NULL) {
        for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            (void)unlinkat(dirfd(folder), entry->d_name, 0); /* "." and ".." are refused; a database has no folders */
        }
        (void)closedir(folder);
    }
    (void)rmdir(path);
}

static enum err_code sync_folder(const char *path, struct err *err)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool fine = fd >= 0 && fsync(fd) == 0;
    const int why = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    return fine ? ERR_NONE : err_set(err, ERR_ENV, "%s: cannot be synced: %s", path, strerror(why));
}

/* ---- backup -------------------------------------------------------------------------------------------------------
 */

static enum err_code make_checkpoint(struct store *store, const char *path, struct err *err)
{
    char *rocks_err = NULL;
    rocksdb_checkpoint_t *const checkpoint = rocksdb_checkpoint_object_create(store->db, &rocks_err);
    if (rocks_err == NULL) {
        rocksdb_checkpoint_create(checkpoint, path, 0, &rocks_err); /* any log is long enough to be flushed */
        rocksdb_checkpoint_object_destroy(checkpoint);
    }
    return db_error(store, rocks_err, err);
}

enum err_code store_backup(struct store *store, const char *dir, struct err *err)
{
    char path[PATH_ROOM];
    enum err_code code = check_empty(dir, "a backup needs a folder of its own", err);
    if (code != ERR_NONE) {
        return code;
    }
    if (store->scratch != NULL || !join(path, dir, "/store")) {
        return err_set(err, ERR_INPUT, "%s: no backup can be made there", dir);
    }
    if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
        return err_set(err, errno == ENOENT ? ERR_INPUT : ERR_ENV, "%s: cannot be made: %s", dir, strerror(errno));
    }
    code = db_sync(store, err); /* what the log has so far is on the disk; the copy has no less */
    if (code == ERR_NONE && !db_enter(store, err)) {
        return ERR_ENV;
    }
    if (code == ERR_NONE) {
        code = make_checkpoint(store, path, err);
        db_leave(store);
    }
    return code == ERR_NONE ? sync_folder(dir, err) : code;
}

/* ---- restore ------------------------------------------------------------------------------------------------------
 */

static enum err_code copy_bytes(int from, int to, const char *name, struct err *err)
{
    char *const bytes = memory_new(COPY_ROOM, 1);
    ssize_t n;
    bool fine = true;
    while (fine && (n = read(from, bytes, COPY_ROOM)) > 0) {
        for (ssize_t done = 0; fine && done < n;) {
            const ssize_t wrote = write(to, bytes + done, (size_t)(n - done));
            fine = wrote > 0;
            done += wrote;
        }
    }
    fine = fine && n == 0 && fsync(to) == 0;
    free(bytes);
    return fine ? ERR_NONE : err_set(err, ERR_ENV, "%s: cannot be copied: %s", name, strerror(errno));
}

static enum err_code copy_file(int from_folder, int to_folder, const char *name, struct err *err)
{
    const int from = openat(from_folder, name, O_RDONLY | O_CLOEXEC);
    const int to = from < 0 ? -1 : openat(to_folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    enum err_code code = to < 0 ? err_set(err, ERR_ENV, "%s: cannot be copied: %s", name, strerror(errno))
                                : copy_bytes(from, to, name, err);
    if (to >= 0) {
        (void)close(to); /* synced already */
    }
    if (from >= 0) {
        (void)close(from);
    }
    return code;
}

static enum err_code copy_folder(const char *from, const char *to, struct err *err)
{
    DIR *const folder = opendir(from);
    if (folder == NULL) {
        return err_set(err, ERR_INPUT, "%s: there is no backup here: %s", from, strerror(errno));
    }
    if (mkdir(to, 0750) != 0) {
        (void)closedir(folder);
        return err_set(err, ERR_ENV, "%s: cannot be made: %s", to, strerror(errno));
    }
    const int to_folder = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err_code code = to_folder < 0 ? err_set(err, ERR_ENV, "%s: %s", to, strerror(errno)) : ERR_NONE;
    for (const struct dirent *entry; code == ERR_NONE && (entry = readdir(folder)) != NULL;) {
        if (!is_dots(entry->d_name)) {
            code = copy_file(dirfd(folder), to_folder, entry->d_name, err);
        }
    }
    (void)closedir(folder);
    if (to_folder >= 0) {
        (void)close(to_folder);
    }
    return code == ERR_NONE ? sync_folder(to, err) : code;
}

/* A copy is good when it is the site's and nothing in it is damaged. */
static enum err_code check_copy(const char *path, const char *site_id, store_damage_fn *fn, void *self, struct err *err)
{
    struct store *store = NULL;
    enum err_code code = store_open_checked(path, &store, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (store->site_id == NULL || strcmp(store->site_id, site_id) != 0) {
        code = err_set(err, ERR_INPUT, "the backup is of site \"%s\", not of \"%s\"",
                       store->site_id == NULL ? "" : store->site_id, site_id);
    } else {
        code = store_verify(store, fn, self, err);
    }
    store_close(store);
    return code;
}

enum err_code store_restore(const char *dir, const char *path, const char *site_id, store_damage_fn *fn, void *self,
                            struct err *err)
{
    char from[PATH_ROOM];
    char beside[PATH_ROOM];
    size_t len = strlen(path);
    for (; len > 1 && path[len - 1] == '/'; len--) { /* beside "data/" is "data.restoring" */
    }
    if (!join(from, dir, "/store") || snprintf(beside, sizeof beside, "%.*s.restoring", (int)len, path) >= PATH_ROOM) {
        return err_set(err, ERR_INPUT, "%s: the path is too long", path);
    }
    enum err_code code = check_empty(path, "a store is never overwritten; move it away first", err);
    if (code != ERR_NONE) {
        return code;
    }
    remove_folder(beside); /* of a restore that was broken off */
    code = copy_folder(from, beside, err);
    if (code == ERR_NONE) {
        code = check_copy(beside, site_id, fn, self, err);
    }
    if (code == ERR_NONE && rename(beside, path) != 0) { /* replaces an empty folder */
        code = err_set(err, ERR_ENV, "%s: cannot be put in place: %s", path, strerror(errno));
    }
    if (code != ERR_NONE) {
        remove_folder(beside);
    }
    return code;
}
