/*
 * sink_file: events as lines of a file (NDJSON), whole lines only.
 *
 * One write per batch of whole lines, so a kill leaves at most one broken line
 * at the end (a write cut short).  On opening, a last line without its newline
 * is cut off, and the last whole line tells where to go on: so nothing is
 * doubled and nothing is missing, whatever the cursor in the store says.  A
 * line that is not of this site, or newer than the journal, tells nothing.
 *
 * A file that was moved away is followed by a new one under the old name; one
 * that was truncated is written on from its new end.
 *
 * A disk that is full: what was written of the batch is cut off again, and it
 * is tried again after a second, doubling up to half a minute.
 *
 * Thread: the sink's; it waits for the disk.  Memory: a buffer of one batch.
 */
#include "alerting/cursor.h"
#include "alerting/file_tail.h"
#include "alerting/sink_inside.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
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
    off_t end;         /* behind the last whole line, as of the last write */
    struct buf batch;  /* whole lines not yet written */
    bool torn;         /* a write ended half way: what stands behind `end` is to be cut off */
    uint64_t last_seq; /* of the batch */
    unsigned failed;   /* in a row */
    int64_t retry_ns;  /* 0: all is well */
};

/* ---- where to go on ---------------------------------------------------------------------------------------------- */

static enum err_code open_file(struct sink_file *file, struct err *err)
{
    const char *path = file->config.sink->path;
    if (file->fd >= 0) {
        (void)close(file->fd); /* nothing is buffered here */
    }
    file->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file->fd < 0) {
        const enum err_code code = errno == ENOENT || errno == ENOTDIR ? ERR_INPUT : ERR_ENV;
        return err_set(err, code, "%s: %s; its folder must be there and may be written to", path, strerror(errno));
    }
    uint64_t seq;
    if (file_tail_mend(file->fd, file->config.site->id, &seq) != ERR_NONE) {
        return err_set(err, ERR_ENV, "%s: %s", path, strerror(errno));
    }
    file->torn = false;
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

/* True while the path still names the file that is open; not after somebody moved it away. */
static bool is_in_place(const struct sink_file *file)
{
    struct stat named, opened;
    return stat(file->config.sink->path, &named) == 0 && fstat(file->fd, &opened) == 0 &&
           named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
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

/* Finds the end of the last whole line: where the file ends, unless a write failed half way.  (It may have been
 * truncated by somebody meanwhile, so it is asked each time.) */
static enum err_code find_end(struct sink_file *file, struct err *err)
{
    const off_t size = lseek(file->fd, 0, SEEK_END);
    if (size >= 0 && (!file->torn || size <= file->end)) {
        file->end = size;
        return ERR_NONE;
    }
    if (size < 0 || ftruncate(file->fd, file->end) != 0) {
        return err_set(err, ERR_ENV, "a broken last line cannot be cut off: %s", strerror(errno));
    }
    return ERR_NONE;
}

/* Writes the batch whole, or leaves the file as it was (what could not be cut off is cut before the next try). */
static enum err_code write_batch(struct sink_file *file, struct err *err)
{
    size_t done = 0;
    if (find_end(file, err) != ERR_NONE) {
        return ERR_ENV;
    }
    while (done < file->batch.len) {
        const ssize_t n = write(file->fd, file->batch.data + done, file->batch.len - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            (void)err_set(err, ERR_ENV, "%s", strerror(errno));
            file->torn = true;
            if (ftruncate(file->fd, file->end) != 0) {
                (void)err_prefix(err, "a broken last line could not be cut off");
            }
            return ERR_ENV;
        }
        done += (size_t)n;
    }
    file->torn = false;
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
    if (store_last_seq(file->config.store) <= file->cursor.seq && file->batch.len == 0) {
        return false;
    }
    enum err_code code = ERR_NONE;
    if (!is_in_place(file)) {
        buf_clear(&file->batch); /* the new file may tell another place to go on */
        code = open_file(file, &err);
    }
    const uint64_t before = file->cursor.seq;
    file->last_seq = file->batch.len == 0 ? before : file->last_seq;
    if (code == ERR_NONE && file->batch.len == 0) {
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
    file->sink.agent = (struct agent){
        .name = config->sink->id, .self = file, .do_work = file_work, .next_due = file_due, .prompt = true};
    enum err_code code = cursor_open(&file->cursor, config->store, CURSOR_SINK, config->sink->id, err);
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
