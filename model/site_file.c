/*
 * site_file: the bytes of a file that the user named.
 *
 * A file that is not there, or is none, is the user's mistake; one that cannot
 * be read is trouble of the surroundings.
 */
#include "model/site_build.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t site_digest(uint64_t digest, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i++) {
        digest = (digest ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return digest;
}

const char *site_resolve(struct site_build *build, const char *folder, const char *path)
{
    struct arena *arena = &build->site->arena;
    if (path == NULL || path[0] == '/' || folder[0] == '\0') {
        return arena_strdup(arena, path);
    }
    size_t room = strlen(folder) + strlen(path) + 2;
    char *joined = arena_alloc(arena, room, 1);
    (void)snprintf(joined, room, "%s/%s", folder, path);
    return joined;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

/* Keeps the first trouble that is not the user's writing. */
static void keep_trouble(struct site_build *build, const char *name, int error)
{
    if (build->err.code == ERR_NONE) {
        (void)err_set(&build->err, ERR_ENV, "%s: cannot be read: %s", name, strerror(error));
    }
}

/* Opens a file the user named; what is wrong with it is a mistake at `at`.  -1 when it cannot be read. */
static int open_named(struct site_build *build, const struct conf_at *at, const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat info;
    if (fd >= 0 && fstat(fd, &info) == 0 && (S_ISREG(info.st_mode) || S_ISFIFO(info.st_mode))) {
        return fd;
    }
    bool named = strcmp(conf_file(at), name) != 0; /* by another file, at a key */
    if (fd >= 0) {
        (void)close(fd);
        conf_mistake(&build->conf, at, NULL, "%s%s is not a file", named ? name : "", named ? "" : "this");
    } else if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG || errno == ELOOP) {
        conf_mistake(&build->conf, at,
                     named ? "check the name; paths are relative to the file that names them" : "check the name",
                     "%s%sis not there", named ? name : "", named ? " " : "");
    } else {
        keep_trouble(build, name, errno);
    }
    return -1;
}

char *site_read_file(struct site_build *build, const struct conf_at *at, const char *name, size_t *ret_len)
{
    int fd = open_named(build, at, name);
    if (fd < 0) {
        return NULL;
    }
    char *text = conf_read_all(fd, SITE_BYTES_MAX, ret_len);
    int error = errno;
    (void)close(fd);
    if (text == NULL) {
        keep_trouble(build, name, error);
        return NULL;
    }
    build->site->digest = site_digest(build->site->digest, text, *ret_len);
    if (memchr(text, '\0', *ret_len) != NULL) {
        const struct conf_at root = CONF_ROOT(name, 0);
        conf_mistake(&build->conf, &root, "save it as UTF-8", "is no text: it has bytes of value zero");
        free(text);
        return NULL;
    }
    return text;
}
