/*
 * conf_file: the text of one file that the call names.
 */
#include "base/memory.h"
#include "model/conf.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *conf_read_all(int fd, int64_t most, size_t *ret_len)
{
    size_t room = 1 << 16;
    size_t len = 0;
    char *text = memory_new(room, 1);
    for (;;) {
        ssize_t n = read(fd, text + len, room - len - 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 || (int64_t)len > most) {
            errno = n < 0 ? errno : EFBIG;
            break;
        }
        if (n == 0) {
            text[len] = '\0';
            *ret_len = len;
            return text;
        }
        len += (size_t)n;
        if (room - len < room / 4) {
            room *= 2;
            text = memory_resize(text, room, 1);
        }
    }
    free(text);
    return NULL;
}

/* -1 after a mistake, or trouble. */
static int open_named(struct mistakes *mistakes, const char *file, struct err *err)
{
    struct stat info;
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0 && fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISFIFO(info.st_mode))) {
        return fd;
    }
    if (fd >= 0) {
        (void)close(fd);
        mistakes_add(mistakes, file, "", "name a file", "this is not a file");
        (void)err_set(err, ERR_INPUT, "%s: is not a file", file);
    } else if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG || errno == ELOOP) {
        mistakes_add(mistakes, file, "", "check the name", "is not there");
        (void)err_set(err, ERR_INPUT, "%s: is not there", file);
    } else {
        (void)err_set(err, ERR_ENV, "%s: cannot be read: %s", file, strerror(errno));
    }
    return -1;
}

char *conf_read_file(struct mistakes *mistakes, const char *file, int64_t most, struct err *err)
{
    size_t len = 0;
    const int fd = open_named(mistakes, file, err);
    if (fd < 0) {
        return NULL;
    }
    char *text = conf_read_all(fd, most, &len);
    const int error = errno;
    (void)close(fd);
    if (text != NULL && memchr(text, '\0', len) == NULL) {
        return text;
    }
    if (text == NULL && error != EFBIG) {
        (void)err_set(err, ERR_ENV, "%s: cannot be read: %s", file, strerror(error));
    } else {
        mistakes_add(mistakes, file, "", "write it as JSON text",
                     text == NULL ? "is too large" : "is no text: it has bytes of value zero");
        (void)err_set(err, ERR_INPUT, "%s: is no JSON", file);
    }
    free(text);
    return NULL;
}
