/*
 * sink_file: events as lines of a file (NDJSON), whole lines only.
 *
 * One write per batch of whole lines, so a kill leaves at most one broken line
 * at the end (a write cut short).  On opening, a last line without its newline
 * is cut off, and the last whole line tells where to go on: so nothing is
 * doubled and nothing is missing, whatever the cursor in the store says.  A
 * line that is not of this site, or newer than the journal, tells nothing.
 *
 * A disk that is full: what was written of the batch is cut off again, and it
 * is tried again after a second, doubling up to half a minute.
 *
 * Thread: the sink's; it waits for the disk.  Memory: a buffer of one batch.
 */
#include "alerting/cursor.h"
#include "alerting/sink_inside.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BATCH_BYTES = 256 * 1024, /* a batch ends with the event that passes this */
    RETRY_FIRST_S = 1,
    RETRY_DOUBLINGS = 5, /* 1 s .. 32 s */
};

struct sink_file {
    struct sink sink;
    struct sink_config config;
    struct cursor cursor;
    struct counter *events, *failures;
    int fd;
    off_t end;         /* where the next line begins */
    struct buf batch;  /* whole lines not yet written */
    uint64_t last_seq; /* of the batch */
    unsigned failed;   /* in a row */
    int64_t retry_ns;  /* 0: all is well */
};

/* ---- where to go on ---------------------------------------------------------------------------------------------- */

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

/* Cuts a broken last line off and gives the seq of the last whole one (0: none of ours). */
static enum err_code mend_tail(struct sink_file *file, uint64_t *ret_seq)
{
    const off_t size = lseek(file->fd, 0, SEEK_END);
    off_t last, before;
    if (size < 0 || find_newline(file->fd, size, &last) != ERR_NONE ||
        (last + 1 < size && ftruncate(file->fd, last + 1) != 0)) {
        return ERR_ENV;
    }
    file->end = last + 1;
    *ret_seq = 0;
    if (last < 0) {
        return ERR_NONE;
    }
    if (find_newline(file->fd, last, &before) != ERR_NONE) {
        return ERR_ENV;
    }
    const size_t len = (size_t)(last - before - 1);
    char *line = memory_new(len, 1);
    const enum err_code code = read_at(file->fd, before + 1, line, len);
    if (code == ERR_NONE) {
        *ret_seq = seq_of_line(line, len, file->config.site->id);
    }
    free(line);
    return code;
}

static enum err_code open_file(struct sink_file *file, struct err *err)
{
    const char *path = file->config.sink->path;
    file->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file->fd < 0) {
        const enum err_code code = errno == ENOENT || errno == ENOTDIR ? ERR_INPUT : ERR_ENV;
        return err_set(err, code, "%s: %s; its folder must be there and may be written to", path, strerror(errno));
    }
    uint64_t seq;
    if (mend_tail(file, &seq) != ERR_NONE) {
        return err_set(err, ERR_ENV, "%s: %s", path, strerror(errno));
    }
    const uint64_t newest = store_last_seq(file->config.store);
    if (seq > newest) {
        log_event(LOG_WARN, "alerting", "ALT-012", file->config.sink->id,
                  "path=\"%s\" seq=%llu journal=%llu the file is ahead of the journal; it goes on behind the cursor",
                  path, (unsigned long long)seq, (unsigned long long)newest);
    } else if (seq != 0) {
        file->cursor.seq = seq;
    }
    return ERR_NONE;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static bool add_line(void *self, const struct store_event *event)
{
    struct sink_file *file = self;
    buf_add(&file->batch, event->json, event->json_len);
    buf_add(&file->batch, "\n", 1);
    file->last_seq = event->seq;
    return file->batch.len < BATCH_BYTES;
}

/* Writes the batch whole, or leaves the file as it was (what could not be cut off is cut before the next try). */
static enum err_code write_batch(struct sink_file *file, struct err *err)
{
    size_t done = 0;
    if (file->failed > 0 && ftruncate(file->fd, file->end) != 0) {
        return err_set(err, ERR_ENV, "a broken last line cannot be cut off: %s", strerror(errno));
    }
    while (done < file->batch.len) {
        const ssize_t n = write(file->fd, file->batch.data + done, file->batch.len - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            (void)err_set(err, ERR_ENV, "%s", strerror(errno));
            if (ftruncate(file->fd, file->end) != 0) {
                (void)err_prefix(err, "a broken last line could not be cut off");
            }
            return ERR_ENV;
        }
        done += (size_t)n;
    }
    file->end += (off_t)file->batch.len;
    buf_clear(&file->batch);
    file->cursor.seq = file->last_seq;
    return ERR_NONE;
}

static void note_failure(struct sink_file *file, int64_t now_ns, const struct err *err)
{
    const unsigned doublings = file->failed < RETRY_DOUBLINGS ? file->failed : RETRY_DOUBLINGS;
    file->retry_ns = now_ns + (RETRY_FIRST_S * NS_PER_S << doublings);
    counter_add(file->failures, 1);
    if (file->failed++ == 0) {
        log_event(LOG_ERROR, "alerting", "ALT-010", file->config.sink->id, "path=\"%s\" reason=\"%s\" tried again",
                  file->config.sink->path, err->text);
    }
}

static void note_success(struct sink_file *file, uint64_t events)
{
    counter_add(file->events, events);
    if (file->failed > 0) {
        log_event(LOG_INFO, "alerting", "ALT-011", file->config.sink->id, "path=\"%s\" tries=%u is written again",
                  file->config.sink->path, file->failed);
    }
    file->failed = 0;
    file->retry_ns = 0;
}

/* Delivers one batch; false when there is nothing to deliver or it failed. */
static bool deliver(struct sink_file *file, int64_t now_ns)
{
    struct err err;
    const uint64_t before = file->cursor.seq;
    if (store_last_seq(file->config.store) <= before && file->batch.len == 0) {
        return false;
    }
    enum err_code code = ERR_NONE;
    if (file->batch.len == 0) {
        code = store_events(file->config.store, before, add_line, file, &err);
    }
    if (code != ERR_NONE || write_batch(file, &err) != ERR_NONE) {
        note_failure(file, now_ns, &err);
        return false;
    }
    note_success(file, file->cursor.seq - before);
    return true;
}

/* ---- the agent --------------------------------------------------------------------------------------------------- */

static void keep_place(struct sink_file *file, int64_t now_ns, bool sync)
{
    struct err err;
    if (cursor_keep(&file->cursor, now_ns, sync, &err) != ERR_NONE) {
        log_event(LOG_WARN, "alerting", "ALT-004", file->config.sink->id, "reason=\"%s\" the place is kept later",
                  err.text);
    }
}

static int file_work(void *self, int64_t now_ns)
{
    struct sink_file *file = self;
    int64_t deadline_ns;
    const bool stopping = sink_is_stopping(&file->config, &deadline_ns);
    const bool waiting = now_ns < file->retry_ns && !stopping;
    const bool delivered = !waiting && deliver(file, now_ns);
    if (stopping && (!delivered || now_ns >= deadline_ns)) {
        keep_place(file, now_ns, true);
        return AGENT_FINISHED;
    }
    keep_place(file, now_ns, false);
    return delivered ? 1 : 0;
}

static int64_t file_due(void *self)
{
    const struct sink_file *file = self;
    const int64_t cursor_ns = cursor_due(&file->cursor);
    const bool retrying = file->retry_ns != 0;
    return retrying && file->retry_ns < cursor_ns ? file->retry_ns : cursor_ns;
}

static void file_free(struct sink *sink)
{
    struct sink_file *file = (struct sink_file *)sink;
    if (file->fd >= 0) {
        (void)close(file->fd); /* nothing is buffered here */
    }
    cursor_done(&file->cursor);
    buf_done(&file->batch);
    free(file);
}

enum err_code sink_file_new(const struct sink_config *config, struct sink **ret_sink, struct err *err)
{
    struct sink_file *file = memory_new(1, sizeof *file);
    file->config = *config;
    file->fd = -1;
    file->sink.free = file_free;
    file->sink.agent =
        (struct agent){.name = config->sink->id, .self = file, .do_work = file_work, .next_due = file_due};
    enum err_code code = cursor_open(&file->cursor, config->store, config->sink->id, err);
    if (code == ERR_NONE) {
        code = open_file(file, err);
    }
    if (code != ERR_NONE) {
        file_free(&file->sink);
        return code;
    }
    struct buf name = {0};
    buf_printf(&name, "sink.%s.events", config->sink->id);
    file->events = counter_new(config->counters, name.data, "", "events delivered");
    buf_clear(&name);
    buf_printf(&name, "sink.%s.failures", config->sink->id);
    file->failures = counter_new(config->counters, name.data, "", "tries that failed");
    buf_done(&name);
    *ret_sink = &file->sink;
    return ERR_NONE;
}
