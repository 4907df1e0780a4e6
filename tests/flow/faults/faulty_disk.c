/*
 * faulty_disk: put before the C library (LD_PRELOAD), lets every change of files
 * in one folder fail while a control file says so.
 *
 *   DAVY_FAULTY_FOLDER   the folder, as the kernel names it
 *   DAVY_FAULTY_ERROR    a file with the number of an errno; absent: all is well
 *
 * Threads: any; nothing is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_inside(const char *path)
{
    const char *const folder = getenv("DAVY_FAULTY_FOLDER");
    char real[PATH_MAX];
    char parent[PATH_MAX];
    if (folder == NULL || snprintf(parent, sizeof parent, "%s", path) >= (int)sizeof parent) {
        return false;
    }
    char *const slash = strrchr(parent, '/'); /* the file itself need not be there */
    if (slash != NULL) {
        *slash = '\0';
    }
    return realpath(slash == NULL ? "." : parent, real) != NULL && strncmp(real, folder, strlen(folder)) == 0;
}

/* Sets errno when the disk shall fail now. */
static bool is_failing(void)
{
    const char *const control = getenv("DAVY_FAULTY_ERROR");
    char text[16] = "";
    const int fd = control == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    const ssize_t n = read(fd, text, sizeof text - 1);
    (void)close(fd);
    const int error = n > 0 ? atoi(text) : 0;
    errno = error != 0 ? error : errno;
    return error != 0;
}

static bool path_fails(const char *path)
{
    return is_inside(path) && is_failing();
}

static bool fd_fails(int fd)
{
    char link[64];
    char path[PATH_MAX];
    struct stat stat;
    if (fstat(fd, &stat) != 0 || (!S_ISREG(stat.st_mode) && !S_ISDIR(stat.st_mode))) {
        return false;
    }
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t len = readlink(link, path, sizeof path - 1);
    if (len <= 0) {
        return false;
    }
    path[len] = '\0';
    return path_fails(path);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    return fd_fails(fd) ? -1 : (ssize_t)syscall(SYS_write, fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return fd_fails(fd) ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, bytes, n, at);
}

int fsync(int fd)
{
    return fd_fails(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return fd_fails(fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
    return path_fails(to) ? -1 : (int)syscall(SYS_rename, from, to);
}

int unlink(const char *path)
{
    return path_fails(path) ? -1 : (int)syscall(SYS_unlink, path);
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
    if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) != 0 && path_fails(path)) {
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
