/*
 * keep_rig: see keep_rig.h.
 */
#include "keep_rig.h"
#include "base/memory.h"
#include "cmocka_all.h"
#include "store/bytes.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct site *keep_site_make(struct site_keep keep)
{
    static const uint32_t members[2] = {0, 2};
    struct site *const site = site_make(KEEP_POINTS + 1);
    site->hazards = memory_new(1, sizeof *site->hazards);
    site->hazards[0].id = "h";
    site->hazard_count = 1;
    site->alarms = memory_new(2, sizeof *site->alarms);
    site->alarms[0] = (struct site_alarm){.name = "r:p0", .members = &members[0], .member_count = 1, .hazard = 0};
    site->alarms[1] = (struct site_alarm){.name = "r:p2", .members = &members[1], .member_count = 1};
    site->alarms[1].hazard = SITE_NONE;
    site->alarm_count = 2;
    site->sinks = memory_new(1, sizeof *site->sinks);
    site->sinks[0].id = "centre";
    site->sink_count = 1;
    site->keep_classes = memory_new(1, sizeof *site->keep_classes);
    site->keep_class_count = 1;
    site->points[KEPT_POINT].keep = 1;
    site->keep_raw_ns = keep.raw_ns;
    site->keep_minute_ns = keep.minute_ns;
    site->keep_hour_ns = keep.hour_ns;
    site->pin_before_ns = 10 * MINUTE;
    site->pin_after_ns = 30 * MINUTE;
    table_init(&site->point_by_id);
    table_init(&site->alarm_by_name);
    table_init(&site->hazard_by_id);
    (void)table_add(&site->hazard_by_id, "h", 0);
    for (uint32_t i = 0; i < 2; i++) {
        (void)table_add(&site->alarm_by_name, site->alarms[i].name, i);
    }
    for (uint32_t i = 0; i < site->point_count; i++) {
        site->points[i].hazard = i < 2 ? 0 : SITE_NONE;
        (void)table_add(&site->point_by_id, site->points[i].id, i);
    }
    return site;
}

void keep_site_unmake(struct site *site)
{
    table_done(&site->point_by_id);
    table_done(&site->alarm_by_name);
    table_done(&site->hazard_by_id);
    free(site->hazards);
    free(site->alarms);
    free(site->sinks);
    free(site->keep_classes);
    site_unmake(site);
}

void keep_begin(struct keep_stage *stage, struct site_keep keep)
{
    stage->path = folder_new();
    stage->site = keep_site_make(keep);
    rig_open(&stage->rig, stage->path, stage->site, NS_PER_S);
}

void keep_end(struct keep_stage *stage)
{
    rig_close(&stage->rig);
    keep_site_unmake(stage->site);
    folder_remove(stage->path);
}

static void commit(struct store_batch *batch)
{
    struct err err;
    if (store_batch_commit(batch, false, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    store_batch_free(batch);
}

void put_event(struct store *store, enum event_kind kind, const char *alarm, int64_t time_ns)
{
    char json[128];
    (void)snprintf(json, sizeof json, "{\"v\":1,\"event\":\"%s\",\"alarm\":\"%s\"}", event_name(kind), alarm);
    put_text(store, alarm, time_ns, json, kind == EV_CLEARED ? "" : "{}");
}

void put_text(struct store *store, const char *alarm, int64_t time_ns, const char *json, const char *after)
{
    struct store_batch *const batch = store_batch_new(store);
    store_batch_event(batch, store_last_seq(store) + 1, time_ns, alarm, json, strlen(json), after, strlen(after));
    commit(batch);
}

void put_place(struct store *store, const char *sink, uint64_t seq)
{
    char key[64];
    uint8_t bytes[9] = {1};
    struct store_batch *const batch = store_batch_new(store);
    (void)snprintf(key, sizeof key, "sink/%s", sink);
    (void)put_u64(bytes + 1, seq);
    store_batch_put(batch, key, bytes, sizeof bytes);
    commit(batch);
}

static bool take_first(void *self, const struct store_event *event)
{
    *(uint64_t *)self = event->seq;
    return false;
}

uint64_t first_event(struct store *store)
{
    uint64_t seq = 0;
    struct err err;
    assert_int_equal(store_events(store, 0, take_first, &seq, &err), ERR_NONE);
    return seq;
}

/* ---- digests ----------------------------------------------------------------------------------------------------- */

void digest_add(struct digest *digest, uint64_t word)
{
    digest->hash = (digest->hash ^ word) * UINT64_C(0x100000001b3);
    digest->hash ^= digest->hash >> 29;
}

static bool add_row(void *self, const struct store_row *row)
{
    struct digest *const digest = self;
    digest_add(digest, (uint64_t)row->time_ns);
    digest_add(digest, double_bits(row->value));
    digest_add(digest, row->status);
    digest->count++;
    return true;
}

static bool add_bucket(void *self, const struct store_bucket *bucket)
{
    struct digest *const digest = self;
    digest_add(digest, (uint64_t)bucket->start_ns);
    digest_add(digest, bucket->status);
    for (int i = 0; i < AGG_KINDS; i++) {
        digest_add(digest, double_bits(bucket->agg[i]));
    }
    digest->samples += bucket->count;
    digest->count++;
    return true;
}

struct digest digest_rows(struct store *store, uint32_t point, int64_t from_ns, int64_t to_ns)
{
    struct digest digest = {0};
    struct err err;
    char id[16];
    (void)snprintf(id, sizeof id, "p%u", point);
    if (store_read(store, id, from_ns, to_ns, add_row, &digest, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    return digest;
}

struct digest digest_buckets(struct store *store, uint32_t point, int64_t from_ns, int64_t to_ns, int64_t every_ns)
{
    struct digest digest = {0};
    struct err err;
    char id[16];
    (void)snprintf(id, sizeof id, "p%u", point);
    if (store_aggregate(store, id, from_ns, to_ns, every_ns, add_bucket, &digest, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    return digest;
}
