/*
 * cap_folder: see cap_folder.h.
 */
#include "alerting/cap_folder.h"
#include "base/buf.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum err_code cap_folder_open(const char *path, struct err *err)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        return err_set(err, ERR_INPUT, "%s: %s; the folder it stands in must be there", path, strerror(errno));
    }
    if (access(path, W_OK | X_OK) != 0) {
        return err_set(err, ERR_INPUT, "%s: %s; it must be a folder that may be written to", path, strerror(errno));
    }
    return ERR_NONE;
}

static enum err_code write_whole(int fd, const char *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        const ssize_t n = write(fd, bytes + done, len - done);
        if (n < 0 && errno != EINTR) {
            return ERR_ENV;
        }
        done += n < 0 ? 0 : (size_t)n;
    }
    return fsync(fd) == 0 ? ERR_NONE : ERR_ENV;
}

/* Writes and syncs the file under its other name; errno tells why not. */
static enum err_code put_part(int folder, const char *part, const void *bytes, size_t len)
{
    const int fd = openat(folder, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return ERR_ENV;
    }
    enum err_code code = write_whole(fd, bytes, len);
    const int why = errno;
    if (close(fd) != 0 && code == ERR_NONE) {
        return ERR_ENV;
    }
    if (code != ERR_NONE) {
        (void)unlinkat(folder, part, 0); /* the next try writes over it anyway */
        errno = why;
    }
    return code;
}

enum err_code cap_folder_put(const char *path, const char *name, const void *bytes, size_t len, struct err *err)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 && errno == ENOENT && mkdir(path, 0755) == 0) {
        folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (folder < 0) {
        return err_set(err, ERR_ENV, "%s", strerror(errno));
    }
    struct buf part = {0};
    buf_printf(&part, ".%s.part", name);
    enum err_code code = put_part(folder, part.data, bytes, len);
    if (code == ERR_NONE && (renameat(folder, part.data, folder, name) != 0 || fsync(folder) != 0)) {
        code = ERR_ENV;
    }
    if (code != ERR_NONE) {
        (void)err_set(err, ERR_ENV, "%s: %s", name, strerror(errno));
    }
    (void)close(folder); /* it was only read */
    buf_done(&part);
    return code;
}
