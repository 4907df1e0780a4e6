/*
 * file_tail: the end of a file of events.  See file_tail.h.
 */
#include "alerting/file_tail.h"
#include "base/memory.h"
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads [from, from + len) whole. */
static enum err_code read_at(int fd, off_t from, char *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        const ssize_t n = pread(fd, bytes + done, len - done, from + (off_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return ERR_ENV;
        }
        done += (size_t)n;
    }
    return ERR_NONE;
}

/* Finds the last newline before `end`; -1 when there is none. */
static enum err_code find_newline(int fd, off_t end, off_t *ret_at)
{
    char bytes[4096];
    while (end > 0) {
        const off_t from = end > (off_t)sizeof bytes ? end - (off_t)sizeof bytes : 0;
        if (read_at(fd, from, bytes, (size_t)(end - from)) != ERR_NONE) {
            return ERR_ENV;
        }
        const char *newline = memrchr(bytes, '\n', (size_t)(end - from));
        if (newline != NULL) {
            *ret_at = from + (newline - bytes);
            return ERR_NONE;
        }
        end = from;
    }
    *ret_at = -1;
    return ERR_NONE;
}

/* Gives the seq of a line of ours; 0 for any other line. */
static uint64_t seq_of_line(const char *line, size_t len, const char *site_id)
{
    json_t *event = json_loadb(line, len, 0, NULL);
    const char *site = json_string_value(json_object_get(event, "site"));
    const json_int_t seq = json_integer_value(json_object_get(event, "seq"));
    const bool ours = site != NULL && strcmp(site, site_id) == 0 && seq > 0;
    json_decref(event);
    return ours ? (uint64_t)seq : 0;
}

enum err_code file_tail_mend(int fd, const char *site_id, uint64_t *ret_seq)
{
    const off_t size = lseek(fd, 0, SEEK_END);
    off_t last, before;
    if (size < 0 || find_newline(fd, size, &last) != ERR_NONE || (last + 1 < size && ftruncate(fd, last + 1) != 0)) {
        return ERR_ENV;
    }
    if (last < 0) {
        *ret_seq = 0;
        return ERR_NONE;
    }
    if (find_newline(fd, last, &before) != ERR_NONE) {
        return ERR_ENV;
    }
    const size_t len = (size_t)(last - before - 1);
    char *line = memory_new(len, 1);
    const enum err_code code = read_at(fd, before + 1, line, len);
    if (code == ERR_NONE) {
        *ret_seq = seq_of_line(line, len, site_id);
    }
    free(line);
    return code;
}
