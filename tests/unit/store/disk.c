/*
 * disk: see disk.h.
 */
#include "disk.h"
#include "cmocka_all.h"
#include "rig.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILES_MAX = 4096, PATH_ROOM = 600 };

struct file {
    ino_t ino; /* 0: free */
    off_t sure;
};

/* Shared over fork. */
static struct book_of_disk {
    pthread_mutex_t lock; /* robust: a process may be killed while it holds it */
    char path[PATH_ROOM], sure[PATH_ROOM];
    dev_t dev;
    ino_t folder;
    struct file files[FILES_MAX];
    _Atomic uint64_t changes, kill_at, failed;
    _Atomic int error;
    _Atomic unsigned what;
} * disk;

/* ---- the book -----------------------------------------------------------------------------------------------------
 */

static void lock(void)
{
    if (pthread_mutex_lock(&disk->lock) == EOWNERDEAD) {
        (void)pthread_mutex_consistent(&disk->lock); /* its owner was killed; each step of the book stands for itself */
    }
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&disk->lock);
}

static struct file *file_of(ino_t ino, bool make)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *const file = &disk->files[(ino + i) % FILES_MAX];
        if (file->ino == ino) {
            return file;
        }
        if (file->ino == 0) {
            file->ino = make ? ino : 0;
            return make ? file : NULL;
        }
    }
    fprintf(stderr, "disk: too many files\n");
    abort();
}

static off_t sure_bytes(ino_t ino)
{
    const struct file *const file = file_of(ino, false);
    return file == NULL ? 0 : file->sure;
}

static void set_sure(ino_t ino, off_t bytes)
{
    file_of(ino, true)->sure = bytes;
}

static void in_folder(char ret_path[2 * PATH_ROOM], const char *folder, const char *name)
{
    (void)snprintf(ret_path, 2 * PATH_ROOM, "%s/%s", folder, name);
}

/* True when the path names something within the folder. */
static bool is_ours(const char *path)
{
    const size_t len = disk == NULL ? 0 : strlen(disk->path);
    return len > 0 && strncmp(path, disk->path, len) == 0 && path[len] == '/';
}

/* With its name, when it is a file of the folder and has one. */
static bool fd_is_ours(int fd, struct stat *ret_stat, char ret_path[PATH_ROOM])
{
    ret_path[0] = '\0';
    if (disk == NULL || disk->path[0] == '\0' || fstat(fd, ret_stat) != 0 || ret_stat->st_dev != disk->dev) {
        return false;
    }
    if (S_ISDIR(ret_stat->st_mode)) {
        return ret_stat->st_ino == disk->folder;
    }
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t len = S_ISREG(ret_stat->st_mode) ? readlink(link, ret_path, PATH_ROOM - 1) : -1;
    ret_path[len < 0 ? 0 : len] = '\0';
    return is_ours(ret_path);
}

typedef void name_fn(const char *folder, const char *name);

static void each_name(const char *folder, name_fn *fn)
{
    DIR *const dir = opendir(folder);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            fn(folder, entry->d_name);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static bool look(const char *folder, const char *name, struct stat *ret_stat)
{
    char path[2 * PATH_ROOM];
    in_folder(path, folder, name);
    return stat(path, ret_stat) == 0;
}

/* Removes a name; the book forgets a file without any, as its number will be given out again. */
static int remove_name(const char *path)
{
    struct stat before;
    const bool last = stat(path, &before) == 0 && before.st_nlink == 1;
    const int result = (int)syscall(SYS_unlink, path);
    if (result == 0 && last) {
        set_sure(before.st_ino, 0);
    }
    return result;
}

static void forget_name(const char *folder, const char *name)
{
    struct stat sure, live;
    char path[2 * PATH_ROOM];
    if (!look(folder, name, &sure) || (look(disk->path, name, &live) && live.st_ino == sure.st_ino)) {
        return;
    }
    in_folder(path, folder, name);
    (void)remove_name(path);
}

static void keep_name(const char *folder, const char *name)
{
    char from[2 * PATH_ROOM], to[2 * PATH_ROOM];
    in_folder(from, folder, name);
    in_folder(to, disk->sure, name);
    (void)syscall(SYS_link, from, to); /* those that are there already stay */
}

static void sync_name(const char *name)
{
    forget_name(disk->sure, name);
    keep_name(disk->path, name);
}

static void sync_folder(void)
{
    each_name(disk->sure, forget_name);
    each_name(disk->path, keep_name);
}

static void all_is_sure(const char *folder, const char *name)
{
    struct stat stat;
    if (look(folder, name, &stat)) {
        set_sure(stat.st_ino, stat.st_size);
    }
}

/* ---- what happens to the folder -----------------------------------------------------------------------------------
 */

/* Counts a change, with the lock held; true when the process shall be killed in the midst of it. */
static bool is_last(void)
{
    const uint64_t n = atomic_fetch_add(&disk->changes, 1) + 1;
    return n == atomic_load(&disk->kill_at);
}

static void die(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;) {
        (void)pause();
    }
}

static bool fails(unsigned what)
{
    const int error = atomic_load(&disk->error);
    if (error == 0 || (atomic_load(&disk->what) & what) == 0) {
        return false;
    }
    (void)atomic_fetch_add(&disk->failed, 1);
    errno = error;
    return true;
}

static ssize_t write_some(int fd, const void *bytes, size_t n, off_t at)
{
    return at < 0 ? (ssize_t)syscall(SYS_write, fd, bytes, n) : (ssize_t)syscall(SYS_pwrite64, fd, bytes, n, at);
}

static ssize_t write_watched(int fd, const void *bytes, size_t n, off_t at)
{
    struct stat stat;
    char path[PATH_ROOM];
    if (!fd_is_ours(fd, &stat, path)) {
        return write_some(fd, bytes, n, at);
    }
    if (fails(DISK_WRITES)) {
        return -1;
    }
    lock();
    if (is_last()) {
        (void)write_some(fd, bytes, n / 2, at); /* half of it gets there */
        die();
    }
    unlock();
    return write_some(fd, bytes, n, at);
}

static int sync_watched(int fd)
{
    struct stat stat;
    char path[PATH_ROOM];
    if (!fd_is_ours(fd, &stat, path)) {
        return 0;
    }
    if (fails(DISK_SYNCS)) {
        return -1;
    }
    lock();
    if (is_last()) {
        die(); /* nothing became sure */
    }
    if (S_ISDIR(stat.st_mode)) {
        sync_folder();
    } else {
        set_sure(stat.st_ino, stat.st_size);
        sync_name(path + strlen(disk->path) + 1);
    }
    unlock();
    return 0;
}

/* Begins a change of names; false when it fails. */
static bool begin_names(void)
{
    if (fails(DISK_NAMES)) {
        return false;
    }
    lock();
    if (is_last()) {
        die();
    }
    return true;
}

static int rename_watched(const char *from, const char *to)
{
    struct stat old;
    if (!is_ours(to)) {
        return (int)syscall(SYS_rename, from, to);
    }
    if (!begin_names()) {
        return -1;
    }
    const bool last = stat(to, &old) == 0 && old.st_nlink == 1;
    const int result = (int)syscall(SYS_rename, from, to);
    if (result == 0 && last) {
        set_sure(old.st_ino, 0);
    }
    unlock();
    return result;
}

static int unlink_watched(const char *path)
{
    if (!is_ours(path)) {
        return (int)syscall(SYS_unlink, path);
    }
    if (!begin_names()) {
        return -1;
    }
    const int result = remove_name(path);
    unlock();
    return result;
}

static int open_watched(const char *path, int flags, mode_t mode)
{
    if (is_ours(path) && (flags & (O_CREAT | O_WRONLY | O_RDWR | O_TRUNC)) != 0) {
        if (!begin_names()) {
            return -1;
        }
        unlock();
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* ---- in place of the C library's ----------------------------------------------------------------------------------
 */

ssize_t write(int fd, const void *bytes, size_t n)
{
    return write_watched(fd, bytes, n, -1);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return write_watched(fd, bytes, n, at);
}

int fsync(int fd)
{
    return sync_watched(fd);
}

int fdatasync(int fd)
{
    return sync_watched(fd);
}

int rename(const char *from, const char *to)
{
    return rename_watched(from, to);
}

int unlink(const char *path)
{
    return unlink_watched(path);
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
    }
    return open_watched(path, flags, mode);
}

/* ---- loss of power ------------------------------------------------------------------------------------------------
 */

static uint64_t *cut_seed;

static bool coin(void)
{
    return random_below(cut_seed, 2) == 0;
}

/* Of the bytes that are not sure: none, some, or all; or the length is there but not the bytes.  Not that of RocksDB's
 * list of files, which it would refuse to read; file systems that write data before sizes, as those of Linux do when
 * nobody asks otherwise, leave no such thing. */
static void cut_file(const char *path, const struct stat *stat)
{
    const bool list = strstr(path, "/MANIFEST-") != NULL;
    const off_t sure = sure_bytes(stat->st_ino);
    if (stat->st_size <= sure) {
        return;
    }
    const off_t kept = sure + (off_t)random_below(cut_seed, (uint64_t)(stat->st_size - sure) + 1);
    switch (random_below(cut_seed, list ? 2 : 4)) {
    case 0:
        assert_int_equal(truncate(path, sure), 0);
        break;
    case 1:
        assert_int_equal(truncate(path, kept), 0);
        break;
    case 2: /* zeros in place of what was not written */
        assert_int_equal(truncate(path, kept), 0);
        assert_int_equal(truncate(path, stat->st_size), 0);
        break;
    default:
        break;
    }
}

/* What a name stands for after the loss: of two possibilities one. */
static void cut_name(const char *name)
{
    struct stat live, sure;
    char at[2 * PATH_ROOM], kept[2 * PATH_ROOM];
    in_folder(at, disk->path, name);
    in_folder(kept, disk->sure, name);
    const bool is_live = stat(at, &live) == 0;
    const bool is_sure = stat(kept, &sure) == 0;
    const bool same = is_live && is_sure && live.st_ino == sure.st_ino;
    if (is_live && (same || coin())) {
        cut_file(at, &live);
        return;
    }
    if (is_live) {
        (void)syscall(SYS_unlink, at); /* new, or put in place of another */
    }
    if (is_sure && (is_live || coin())) {
        assert_int_equal(syscall(SYS_link, kept, at), 0); /* not yet replaced, or not yet removed */
        cut_file(at, &sure);
    }
}

static struct names {
    char of[FILES_MAX][128];
    size_t count;
} * names;

static void collect(const char *folder, const char *name)
{
    struct stat stat;
    if (folder == disk->sure && look(disk->path, name, &stat)) {
        return; /* collected already */
    }
    assert_true(names->count < FILES_MAX);
    (void)snprintf(names->of[names->count++], sizeof names->of[0], "%s", name);
}

void disk_cut(uint64_t *seed)
{
    cut_seed = seed;
    names->count = 0;
    each_name(disk->path, collect);
    each_name(disk->sure, collect);
    for (size_t i = 0; i < names->count; i++) {
        cut_name(names->of[i]);
    }
    sync_folder();
    each_name(disk->path, all_is_sure);
}

/* ---- beginning and end --------------------------------------------------------------------------------------------
 */

static void make_book(void)
{
    pthread_mutexattr_t shared;
    disk = mmap(NULL, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(disk != MAP_FAILED);
    (void)pthread_mutexattr_init(&shared);
    (void)pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    (void)pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
    assert_int_equal(pthread_mutex_init(&disk->lock, &shared), 0);
    names = calloc(1, sizeof *names);
    assert_non_null(names);
}

void disk_begin(const char *path)
{
    struct stat stat_of_it;
    if (disk == NULL) {
        make_book();
    }
    memset(disk->files, 0, sizeof disk->files);
    atomic_store(&disk->changes, 0);
    atomic_store(&disk->kill_at, 0);
    atomic_store(&disk->error, 0);
    atomic_store(&disk->failed, 0);
    (void)mkdir(path, 0700); /* it may be there */
    assert_int_equal(stat(path, &stat_of_it), 0);
    disk->dev = stat_of_it.st_dev;
    disk->folder = stat_of_it.st_ino;
    (void)snprintf(disk->sure, sizeof disk->sure, "%s.sure", path);
    assert_int_equal(mkdir(disk->sure, 0700), 0);
    (void)snprintf(disk->path, sizeof disk->path, "%s", path);
    sync_folder();
    each_name(disk->path, all_is_sure);
}

static void remove_from(const char *folder, const char *name)
{
    char path[2 * PATH_ROOM];
    in_folder(path, folder, name);
    (void)syscall(SYS_unlink, path);
}

void disk_end(void)
{
    each_name(disk->path, remove_from);
    each_name(disk->sure, remove_from);
    (void)rmdir(disk->sure);
    (void)rmdir(disk->path);
    disk->path[0] = '\0';
}

void disk_kill_after(uint64_t n)
{
    atomic_store(&disk->kill_at, n == 0 ? 0 : atomic_load(&disk->changes) + n);
}

uint64_t disk_changes(void)
{
    return atomic_load(&disk->changes);
}

void disk_fail(int error, unsigned what)
{
    atomic_store(&disk->what, what);
    atomic_store(&disk->error, error);
}

uint64_t disk_failed(void)
{
    return atomic_load(&disk->failed);
}
