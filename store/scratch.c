/*
 * scratch: see scratch.h.
 */
#include "store/scratch.h"
#include "base/memory.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_ROOM = 4096, YOUNG_S = 60 }; /* a younger one may not be locked yet */

static const char *parent(void)
{
    const char *const folder = getenv("TMPDIR");
    return folder != NULL && *folder != '\0' ? folder : "/tmp";
}

/* RocksDB writes plain files only into it; what cannot be removed stays. */
static void empty(int fd)
{
    DIR *const folder = fdopendir(dup(fd));
    if (folder == NULL) {
        return;
    }
    rewinddir(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0); /* "." and ".." are refused */
    }
    (void)closedir(folder);
}

/* True when it is ours, not new, and nobody holds it. */
static bool is_left(int fd)
{
    struct stat status;
    return fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() && status.st_mtime < time(NULL) - YOUNG_S &&
           flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void sweep(void)
{
    DIR *const folder = opendir(parent());
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (fnmatch("davy-reader-*", entry->d_name, 0) != 0) {
            continue;
        }
        const int fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (is_left(fd)) {
            empty(fd);
            (void)unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR); /* one that stays is tried again */
        }
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    (void)closedir(folder);
}

enum err_code scratch_make(struct scratch_folder *ret_folder, struct err *err)
{
    char path[PATH_ROOM];
    sweep();
    const int len = snprintf(path, sizeof path, "%s/davy-reader-%d-XXXXXX", parent(), (int)getpid());
    if (len >= (int)sizeof path || mkdtemp(path) == NULL) {
        return err_set(err, ERR_ENV, "%s: cannot make a folder for reading: %s", path, strerror(errno));
    }
    ret_folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ret_folder->fd < 0) {
        (void)err_set(err, ERR_ENV, "%s: cannot be opened: %s", path, strerror(errno));
        (void)rmdir(path);
        return ERR_ENV;
    }
    (void)flock(ret_folder->fd, LOCK_EX | LOCK_NB); /* where there are no locks nobody gets one, and nothing is swept */
    ret_folder->path = memory_strdup(path);
    return ERR_NONE;
}

void scratch_remove(struct scratch_folder *folder)
{
    if (folder->path == NULL) {
        return;
    }
    empty(folder->fd);
    (void)rmdir(folder->path); /* one that stays is removed by another reader */
    (void)close(folder->fd);
    free(folder->path);
    folder->path = NULL;
}
