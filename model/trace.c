/*
 * trace: opening a trace, taking it line by line, setting broken rows aside.
 *
 * One large buffer is read into; a line is handed to its reader in place: first
 * to the quick one, which needs not know where it ends, then, if that declines
 * or the line is not whole yet, to the full one.  A line that does not end
 * within the buffer is set aside and skipped.
 */
#include "model/trace.h"

#include "base/memory.h"
#include "model/trace_reader.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void trace_aside(struct trace_reader *reader, const char *fmt, ...)
{
    char reason[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    reader->set_aside++;
    if (reader->aside != NULL) {
        reader->aside(reader->aside_self, reader->file, reader->line, reason);
    }
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* Reads more behind what is there; false at the end or on failure. */
static bool fill(struct trace_reader *reader)
{
    if (reader->ended) {
        return false;
    }
    if (reader->before_read != NULL) {
        reader->before_read(reader->before_read_self);
    }
    if (reader->start > 0) {
        memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->start = 0;
        reader->buffer[reader->end] = '\0';
    }
    const size_t room = TRACE_BUFFER - reader->end;
    for (;;) {
        ssize_t n = read(reader->fd, reader->buffer + reader->end, room < TRACE_READ ? room : TRACE_READ);
        if (n > 0) {
            reader->end += (size_t)n;
            reader->buffer[reader->end] = '\0';
            return true;
        }
        if (n == 0) {
            reader->ended = true;
            return false;
        }
        if (errno != EINTR) {
            reader->ended = true;
            (void)err_set(&reader->err, ERR_ENV, "%s: cannot be read on: %s", reader->file, strerror(errno));
            return false;
        }
    }
}

/* Ends a line that was skipped because it is too long. */
static void end_skipped(struct trace_reader *reader)
{
    reader->skipping = false;
    trace_aside(reader, "the line is longer than %d bytes", TRACE_BUFFER);
}

/* Gives the next line without its end; false when there is none. */
static bool next_line(struct trace_reader *reader, char **ret_text, size_t *ret_len)
{
    size_t looked = 0; /* of the bytes from start on */
    for (;;) {
        char *text = reader->buffer + reader->start;
        size_t len = reader->end - reader->start;
        char *newline = memchr(text + looked, '\n', len - looked);
        if (newline == NULL && !reader->ended) {
            looked = len;
            if (len == TRACE_BUFFER) {
                reader->skipping = true;
                reader->start = reader->end;
                looked = 0;
            }
            (void)fill(reader);
            continue;
        }
        if (newline == NULL && len == 0 && !reader->skipping) {
            return false;
        }
        reader->line++;
        reader->start += newline != NULL ? (size_t)(newline - text) + 1 : len;
        if (reader->skipping) {
            end_skipped(reader);
            looked = 0;
            continue;
        }
        len = newline != NULL ? (size_t)(newline - text) : len;
        *ret_len = len > 0 && text[len - 1] == '\r' ? len - 1 : len;
        *ret_text = text;
        return true;
    }
}

static bool is_blank_line(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && (text[i] == ' ' || text[i] == '\t')) {
        i++;
    }
    return i == len;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static enum err_code open_file(struct trace_reader *reader, struct err *err)
{
    if (strcmp(reader->file, "-") == 0) {
        reader->fd = STDIN_FILENO;
        return ERR_NONE;
    }
    reader->fd = open(reader->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (reader->fd < 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG;
        return err_set(err, missing ? ERR_INPUT : ERR_ENV, "%s: cannot be opened: %s", reader->file, strerror(errno));
    }
    struct stat info;
    if (fstat(reader->fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        return err_set(err, ERR_INPUT, "%s: is a folder; name a trace file", reader->file);
    }
    return ERR_NONE;
}

/* Looks at the first byte and reads the header, if there is one. */
static enum err_code begin(struct trace_reader *reader, struct err *err)
{
    while (reader->end < 3 && fill(reader)) {
    }
    if (reader->end >= 3 && memcmp(reader->buffer, "\xef\xbb\xbf", 3) == 0) {
        reader->start = 3;
    }
    char *text;
    size_t len;
    while (next_line(reader, &text, &len)) {
        if (is_blank_line(text, len)) {
            continue;
        }
        reader->ndjson = text[strspn(text, " \t")] == '{';
        if (reader->ndjson) { /* the line is a row: give it back */
            reader->start = (size_t)(text - reader->buffer);
            reader->line--;
            return ERR_NONE;
        }
        if (!trace_csv_header(reader, text, len)) {
            return err_set(err, reader->err.code, "%s", reader->err.text);
        }
        return ERR_NONE;
    }
    if (reader->err.code != ERR_NONE) {
        return err_set(err, reader->err.code, "%s", reader->err.text);
    }
    return ERR_NONE; /* an empty trace has no rows */
}

static struct trace_name *names_of(const struct site *site)
{
    struct trace_name *names = memory_new(site->point_count + 1, sizeof *names);
    for (size_t i = 0; i < site->point_count; i++) {
        names[i] = (struct trace_name){.id = site->points[i].id, .len = (uint32_t)strlen(site->points[i].id)};
    }
    return names;
}

enum err_code trace_open(const char *file, const struct site *site, trace_aside_fn *aside, void *aside_self,
                         struct trace_reader **ret_reader, struct err *err)
{
    struct trace_reader *reader = memory_new(1, sizeof *reader);
    reader->site = site;
    reader->aside = aside;
    reader->aside_self = aside_self;
    reader->file = memory_strdup(file);
    reader->fd = -1;
    reader->buffer = memory_new(TRACE_BUFFER + TRACE_SLACK, 1);
    reader->names = names_of(site);
    enum err_code code = open_file(reader, err);
    if (code == ERR_NONE) {
        code = begin(reader, err);
    }
    if (code != ERR_NONE) {
        trace_close(reader);
        return code;
    }
    *ret_reader = reader;
    return ERR_NONE;
}

void trace_before_read(struct trace_reader *reader, void (*fn)(void *self), void *self)
{
    reader->before_read = fn;
    reader->before_read_self = self;
}

void trace_close(struct trace_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->fd > STDIN_FILENO) {
        (void)close(reader->fd); /* nothing was written to it */
    }
    free(reader->names);
    free(reader->buffer);
    free(reader->file);
    free(reader);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* Takes the next line if it is whole and of the usual form. */
static bool take_quick(struct trace_reader *reader, struct trace_row *ret_row)
{
    if (reader->skipping || (!reader->ndjson && reader->column_count == 0)) {
        return false;
    }
    const char *p = reader->buffer + reader->start;
    const char *next = (reader->ndjson ? trace_json_quick : trace_csv_quick)(reader, p, ret_row);
    if (next == NULL) {
        return false;
    }
    reader->start += (size_t)(next - p);
    reader->line++;
    if (trace_pays_ahead(reader)) {
        trace_look_ahead(reader, next);
    }
    return true;
}

/* Takes the next line in full; false when it was none or set aside. */
static bool take_full(struct trace_reader *reader, char *text, size_t len, struct trace_row *ret_row)
{
    if (is_blank_line(text, len)) {
        return false;
    }
    return reader->ndjson ? trace_json_row(reader, text, len, ret_row) : trace_csv_row(reader, text, len, ret_row);
}

bool trace_next(struct trace_reader *reader, struct trace_row *ret_row)
{
    char *text;
    size_t len;
    bool taken = take_quick(reader, ret_row);
    while (!taken && next_line(reader, &text, &len)) {
        taken = take_full(reader, text, len, ret_row) || take_quick(reader, ret_row);
    }
    reader->rows += taken ? 1 : 0;
    return taken;
}

const struct err *trace_error(const struct trace_reader *reader)
{
    return reader->err.code == ERR_NONE ? NULL : &reader->err;
}

uint64_t trace_rows(const struct trace_reader *reader)
{
    return reader->rows;
}

uint64_t trace_set_aside(const struct trace_reader *reader)
{
    return reader->set_aside;
}
