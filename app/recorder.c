/*
 * recorder: see recorder.h.
 *
 * Records gather in a buffer that is written when it is full and at least every
 * 100 ms, always whole records: after a kill at most the last one is cut off.
 */
#include "app/recorder.h"

#include "base/clock.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TAP_SLOTS = 4096, /* 2 MiB each */
    OUT_ROOM = 2 * WIRE_RECORD_MAX,
    TAKE_MOST = 256, /* records in one cycle */
};
static const int64_t write_every_ns = 100 * NS_PER_MS;

struct recorder {
    struct recorder_config config;
    struct wire_tap *bus, *inbox;
    struct counter *records, *bytes, *lost_bus, *lost_inbox, *lost_disk;
    int fd;
    bool failed;      /* the disk took nothing: nothing more is written */
    int64_t write_ns; /* when what is in `out` is written at the latest */
    size_t len;
    uint8_t out[OUT_ROOM];
    uint8_t buffer[WIRE_NAME_MAX + WIRE_BYTES_MAX]; /* of the record being taken */
};

/* ---- the file ---- */

/* Takes back what came to the disk of a buffer: a record cut off would hide all that a later run appends. */
static void take_back(const struct recorder *recorder, size_t written)
{
    const off_t end = lseek(recorder->fd, 0, SEEK_END);
    if (end >= (off_t)written && ftruncate(recorder->fd, end - (off_t)written) != 0) {
        return; /* the disk is in trouble, which is said anyway */
    }
}

/* Writes all of it; on failure gives up for good. */
static void write_out(struct recorder *recorder)
{
    for (size_t at = 0; at < recorder->len && !recorder->failed;) {
        const ssize_t written = write(recorder->fd, recorder->out + at, recorder->len - at);
        if (written > 0) {
            at += (size_t)written;
            counter_add(recorder->bytes, (uint64_t)written);
        } else if (written < 0 && errno != EINTR) {
            const int error = errno;
            recorder->failed = true;
            take_back(recorder, at);
            log_event(LOG_ERROR, "app", "REC-002", recorder->config.path, "file=%s reason=\"%s\"",
                      recorder->config.path, strerror(error));
        }
    }
    recorder->len = 0;
}

static void add(struct recorder *recorder, const struct wire_record *record)
{
    if (recorder->failed) {
        counter_add(recorder->lost_disk, 1);
        return;
    }
    if (sizeof recorder->out - recorder->len < WIRE_RECORD_MAX) {
        write_out(recorder);
    }
    recorder->len += wire_encode(record, recorder->out + recorder->len, sizeof recorder->out - recorder->len);
    counter_add(recorder->records, 1);
}

/* The numbers that the records use for the sources. */
static void add_sources(struct recorder *recorder, int64_t now_ns)
{
    const struct site *site = recorder->config.site;
    for (size_t i = 0; i < site->source_count; i++) {
        const struct wire_record record = {.kind = WIRE_SOURCE,
                                           .source = (uint16_t)i,
                                           .time_ns = now_ns,
                                           .name = site->sources[i].id,
                                           .name_len = strlen(site->sources[i].id)};
        add(recorder, &record);
    }
}

void recorder_discard(const struct recorder *recorder)
{
    if (recorder != NULL && !recorder->config.append) {
        (void)unlink(recorder->config.path); /* one that stays is told as such at the next start */
    }
}

static enum err_code open_file(struct recorder *recorder, struct err *err)
{
    const struct recorder_config *config = &recorder->config;
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (config->append ? 0 : O_EXCL);
    recorder->fd = open(config->path, flags, 0640);
    if (recorder->fd < 0 && errno == EEXIST) {
        return err_set(err, ERR_INPUT, "--record %s: is there already; name a new file", config->path);
    }
    if (recorder->fd < 0) {
        return err_set(err, ERR_ENV, "--record %s: cannot be written: %s", config->path, strerror(errno));
    }
    if (!config->append) {
        wire_head(recorder->out);
        recorder->len = WIRE_HEAD_SIZE;
    }
    struct clock clock;
    clock_init(&clock);
    add_sources(recorder, clock_now_ns(&clock));
    write_out(recorder);
    if (recorder->failed) {
        recorder_discard(recorder);
    }
    return recorder->failed ? err_set(err, ERR_ENV, "--record %s: cannot be written; is the disk full?", config->path)
                            : ERR_NONE;
}

/* ---- the agent ---- */

static void take_one(struct recorder *recorder, const struct wire_record *record)
{
    if (record->kind == WIRE_LOST) {
        log_event(LOG_WARN, "app", "REC-003", recorder->config.path,
                  "file=%s lost=%llu reason=\"the disk is too slow\"", recorder->config.path,
                  (unsigned long long)wire_lost(record));
    }
    add(recorder, record);
}

static int take(struct recorder *recorder, struct wire_tap *tap)
{
    struct wire_record record;
    int count = 0;
    while (count < TAKE_MOST && wire_tap_take(tap, recorder->buffer, &record)) {
        take_one(recorder, &record);
        count++;
    }
    return count;
}

static int do_work(void *self, int64_t now_ns)
{
    struct recorder *recorder = self;
    const bool stop = cell_get(recorder->config.stop) != 0; /* before the last look: the producers have ended then */
    const int count = take(recorder, recorder->bus) + take(recorder, recorder->inbox);
    if (recorder->len > 0 && (now_ns >= recorder->write_ns || stop)) {
        write_out(recorder);
        recorder->write_ns = now_ns + write_every_ns;
    }
    return stop && count == 0 ? AGENT_FINISHED : count;
}

static int64_t next_due(void *self)
{
    const struct recorder *recorder = self;
    return recorder->len > 0 ? recorder->write_ns : TIME_NEVER; /* the runner looks at the taps every 100 ms */
}

struct agent recorder_agent(struct recorder *recorder)
{
    return (struct agent){.name = "recorder", .self = recorder, .do_work = do_work, .next_due = next_due};
}

/* ---- life ---- */

static void make_counters(struct recorder *recorder)
{
    struct counters *counters = recorder->config.counters;
    recorder->records = counter_new(counters, "record.records", "", "records of the wire written");
    recorder->bytes = counter_new(counters, "record.bytes", "B", "bytes of the recording written");
    recorder->lost_bus = counter_new(counters, "record.bus.lost", "", "records of Modbus for which there was no room");
    recorder->lost_inbox = counter_new(counters, "record.inbox.lost", "", "messages for which there was no room");
    recorder->lost_disk = counter_new(counters, "record.disk.lost", "", "records lost after the disk took nothing");
}

enum err_code recorder_new(const struct recorder_config *config, struct recorder **ret_recorder, struct err *err)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (recorder == NULL) {
        return err_set(err, ERR_ENV, "no memory for a recording");
    }
    recorder->config = *config;
    recorder->fd = -1;
    make_counters(recorder);
    enum err_code code = wire_tap_new(TAP_SLOTS, recorder->lost_bus, &recorder->bus, err);
    if (code == ERR_NONE) {
        code = wire_tap_new(TAP_SLOTS, recorder->lost_inbox, &recorder->inbox, err);
    }
    if (code == ERR_NONE) {
        code = open_file(recorder, err);
    }
    if (code != ERR_NONE) {
        recorder_free(recorder);
        return code;
    }
    log_event(LOG_INFO, "app", "REC-001", config->path, "file=%s recording=on", config->path);
    *ret_recorder = recorder;
    return ERR_NONE;
}

void recorder_free(struct recorder *recorder)
{
    if (recorder == NULL) {
        return;
    }
    if (recorder->fd >= 0) {
        (void)close(recorder->fd); /* every write was checked */
    }
    wire_tap_free(recorder->bus);
    wire_tap_free(recorder->inbox);
    free(recorder);
}

struct wire_tap *recorder_tap_bus(const struct recorder *recorder)
{
    return recorder != NULL ? recorder->bus : NULL;
}

struct wire_tap *recorder_tap_inbox(const struct recorder *recorder)
{
    return recorder != NULL ? recorder->inbox : NULL;
}
