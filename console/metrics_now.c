/* metrics_now: what is counted when it is asked for; see metrics.h. */
#include "console/metrics.h"

#include "alerting/manager.h"
#include "base/clock.h"
#include "base/memory.h"
#include "console/rows.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

static void put_one(struct buf *out, const char *name, const char *help, double value)
{
    metrics_family(out, name, "gauge", help);
    metrics_sample(out, name, "", value);
}

static double seconds(int64_t duration_ns)
{
    return (double)(duration_ns / NS_PER_MS) / 1000; /* whole milliseconds, as all times outside */
}

/* ---- alarms ------------------------------------------------------------------------------------------------------ */

struct alarms {
    uint64_t by[LEVEL_COUNT][STATE_COUNT];
    uint64_t unacked[LEVEL_COUNT];
};

static bool count_alarm(void *self, const char *key, size_t key_len, const void *bytes, size_t len)
{
    (void)key;
    (void)key_len;
    struct alarms *alarms = self;
    enum level level = LEVEL_NONE;
    size_t text_len = 0;
    const char *text = rows_find(bytes, len, "level", &text_len);
    (void)(text != NULL && level_parse(text, text_len, &level)); /* a returned one has none */
    text = rows_find(bytes, len, "state", &text_len);
    const enum ask_state state = text == NULL ? STATE_COUNT : ask_state_of(text, text_len);
    if (state != STATE_COUNT) {
        alarms->by[level][state]++;
        alarms->unacked[level] += memmem(bytes, len, ",\"acked\":false", 14) != NULL;
    }
    return true;
}

static void put_alarms(struct buf *out, const struct console_source *source)
{
    struct alarms alarms = {0};
    struct err err;
    char labels[64];
    if (store_scan(source->store, MANAGER_SHOWN, count_alarm, &alarms, &err) != ERR_NONE) {
        return; /* no number rather than a wrong one */
    }
    metrics_family(out, "davy_alarms", "gauge", "alarms that are not all well, by level and state");
    for (int level = LEVEL_NONE; level < LEVEL_COUNT; level++) {
        for (int state = 0; state < STATE_COUNT; state++) {
            (void)snprintf(labels, sizeof labels, "level=\"%s\",state=\"%s\"", level_name((enum level)level),
                           ask_state_name((enum ask_state)state));
            metrics_sample(out, "davy_alarms", labels, (double)alarms.by[level][state]);
        }
    }
    metrics_family(out, "davy_alarms_unacknowledged", "gauge", "of these, not acknowledged");
    for (int level = LEVEL_NONE; level < LEVEL_COUNT; level++) {
        (void)snprintf(labels, sizeof labels, "level=\"%s\"", level_name((enum level)level));
        metrics_sample(out, "davy_alarms_unacknowledged", labels, (double)alarms.unacked[level]);
    }
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

enum health { HEALTH_GOOD, HEALTH_FLAGGED, HEALTH_STALE, HEALTH_UNKNOWN, HEALTH_COUNT };

static enum health health_of(const struct board_entry *newest)
{
    if (newest->status == BOARD_UNHEARD) {
        return HEALTH_UNKNOWN;
    }
    if ((newest->status & ST_STALE) != 0) {
        return HEALTH_STALE;
    }
    return newest->status == 0 ? HEALTH_GOOD : HEALTH_FLAGGED;
}

struct points {
    uint64_t by[HEALTH_COUNT];
    int64_t newest_ns;  /* when the newest was taken in; INT64_MIN: none */
    int64_t *by_source; /* likewise */
};

static void look_at_points(const struct console_source *source, struct points *points)
{
    const struct site *site = source->site;
    points->newest_ns = INT64_MIN;
    for (size_t i = 0; i < site->source_count; i++) {
        points->by_source[i] = INT64_MIN;
    }
    for (uint32_t i = 0; i < site->point_count; i++) {
        struct board_entry newest;
        board_read(source->board, i, &newest);
        const enum health health = health_of(&newest);
        points->by[health]++;
        if (health == HEALTH_UNKNOWN) {
            continue;
        }
        const uint32_t from = site->points[i].from.source;
        if (newest.seen_ns > points->newest_ns) {
            points->newest_ns = newest.seen_ns;
        }
        if (from != SITE_NONE && newest.seen_ns > points->by_source[from]) {
            points->by_source[from] = newest.seen_ns;
        }
    }
}

static void put_ages(struct buf *out, const struct console_source *source, const struct points *points, int64_t now_ns)
{
    if (points->newest_ns != INT64_MIN) {
        put_one(out, "davy_newest_sample_age_seconds", "since any sample was taken in",
                seconds(now_ns - points->newest_ns));
    }
    metrics_family(out, "davy_source_newest_sample_age_seconds", "gauge", "since a sample of the source was taken in");
    for (size_t i = 0; i < source->site->source_count; i++) {
        if (points->by_source[i] != INT64_MIN) {
            struct buf labels = {0};
            metrics_label(&labels, "source", source->site->sources[i].id, strlen(source->site->sources[i].id));
            metrics_sample(out, "davy_source_newest_sample_age_seconds", labels.data,
                           seconds(now_ns - points->by_source[i]));
            buf_done(&labels);
        }
    }
}

static void put_points(struct buf *out, const struct console_source *source, int64_t now_ns)
{
    static const char *const names[HEALTH_COUNT] = {"good", "flagged", "stale", "unknown"};
    struct points points = {.by_source = memory_new(source->site->source_count, sizeof *points.by_source)};
    look_at_points(source, &points);
    metrics_family(out, "davy_points", "gauge", "points by their newest reading; unknown: not heard of yet");
    for (int i = 0; i < HEALTH_COUNT; i++) {
        char labels[32];
        (void)snprintf(labels, sizeof labels, "status=\"%s\"", names[i]);
        metrics_sample(out, "davy_points", labels, (double)points.by[i]);
    }
    put_ages(out, source, &points, now_ns);
    free(points.by_source);
}

/* Points that their devices refuse; the others have no line. */
static void put_exceptions(struct buf *out, const struct console_source *source)
{
    metrics_family(out, "davy_point_exception", "gauge",
                   "code of the Modbus exception by which a device refuses the point");
    for (size_t i = 0; source->exceptions != NULL && i < source->site->point_count; i++) {
        const uint64_t code = cell_get(&source->exceptions[i]);
        if (code != 0) {
            struct buf labels = {0};
            metrics_label(&labels, "point", source->site->points[i].id, strlen(source->site->points[i].id));
            metrics_sample(out, "davy_point_exception", labels.data, (double)code);
            buf_done(&labels);
        }
    }
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static void put_queues(struct buf *out, const struct console_source *source)
{
    static const char *const names[] = {"davy_queue_records", "davy_queue_capacity_records"};
    for (int capacity = 0; capacity < 2; capacity++) {
        metrics_family(out, names[capacity], "gauge",
                       capacity != 0 ? "records there is room for" : "records that wait between two threads");
        for (size_t i = 0; i < source->queue_count; i++) {
            const struct console_queue *queue = &source->queues[i];
            char labels[64];
            (void)snprintf(labels, sizeof labels, "queue=\"%s\"", queue->name);
            metrics_sample(out, names[capacity], labels,
                           (double)(capacity != 0 ? ring_capacity(queue->ring) : ring_fill(queue->ring)));
        }
    }
}

static void put_disk(struct buf *out, const struct console_source *source)
{
    struct statvfs disk;
    if (source->store_path != NULL && statvfs(source->store_path, &disk) == 0) {
        put_one(out, "davy_store_disk_free_bytes", "free on the disk of the store",
                (double)disk.f_bavail * (double)disk.f_frsize);
    }
}

void metrics_put_now(struct buf *out, const struct console_source *source, int64_t now_ns)
{
    struct buf labels = {0};
    metrics_label(&labels, "version", DAVY_VERSION, strlen(DAVY_VERSION));
    metrics_label(&labels, "site", source->site->id, strlen(source->site->id));
    metrics_label(&labels, "status", source->status, strlen(source->status));
    metrics_family(out, "davy_build_info", "gauge", "which Davy this is, watching which site; always 1");
    metrics_sample(out, "davy_build_info", labels.data, 1);
    buf_done(&labels);
    put_one(out, "davy_start_time_seconds", "when this run began, since 1970", seconds(source->started_ns));
    put_one(out, "davy_shards", "threads that judge", source->shards);
    put_one(out, "davy_site_points", "points of the site", (double)source->site->point_count);
    put_one(out, "davy_site_alarms", "alarms of the site", (double)source->site->alarm_count);
    put_one(out, "davy_journal_last_seq", "seq of the last event", (double)store_last_seq(source->store));
    put_alarms(out, source);
    put_points(out, source, now_ns);
    put_exceptions(out, source);
    put_queues(out, source);
    put_disk(out, source);
}
