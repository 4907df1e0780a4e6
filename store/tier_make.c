/*
 * tier_make: see tier_make.h.
 *
 *   samples ──► minute ──► block of 240 minutes ──► batch
 *                  └─────► hour ──► block of 240 hours ──► batch
 *
 * A block is read, what was made anew is laid over it, and it is written again.
 */
#include "store/tier_make.h"
#include "base/memory.h"
#include "store/removed.h"
#include "store/sweep.h"
#include "store/tier_block.h"
#include <stdlib.h>

enum { STEP_ROWS = 1 << 18 };

/* Buckets of one tier on their way into blocks. */
struct gathering {
    enum tier tier;
    bool begun;
    struct bucket bucket;    /* being filled */
    int64_t block;           /* of `fresh` */
    struct tier_block fresh; /* full buckets */
};

struct tier_maker {
    struct store *store;
    struct sweep *sweep;
    struct gathering tiers[TIER_COUNT];
    struct tier_block old, laid;
    uint8_t bytes[TIER_BYTES_MAX];
    struct buf found;
    struct mark marks[MARKS_MAX];
    /* of the step */
    uint32_t series;
    struct hours *hours;
    rocksdb_writebatch_t *batch;
    struct stretch made; /* what is made anew, whole hours */
    struct tier_step step;
    bool cut; /* the step had enough, at made.to_ns */
    enum err_code code;
    struct err *err;
};

struct tier_maker *tier_maker_new(struct store *store)
{
    struct tier_maker *const maker = memory_new(1, sizeof *maker);
    maker->store = store;
    maker->sweep = sweep_new();
    for (enum tier tier = 0; tier < TIER_COUNT; tier++) {
        maker->tiers[tier].tier = tier;
    }
    return maker;
}

void tier_maker_free(struct tier_maker *maker)
{
    if (maker != NULL) {
        sweep_free(maker->sweep);
        buf_done(&maker->found);
        free(maker);
    }
}

/* ---- blocks -------------------------------------------------------------------------------------------------------
 */

/* Reads the block that is there; one that is damaged is made anew as far as it can be. */
static enum err_code read_old(struct tier_maker *maker, const struct tier_key *key, struct err *err)
{
    uint8_t name[TIER_KEY];
    tier_key_write(key, name);
    maker->old.count = 0;
    const enum err_code code = db_get_at(maker->store, CF_TIERS, NULL, name, sizeof name, &maker->found, err);
    if (code == ERR_NONE && maker->found.len > 0 &&
        !tier_block_decode(&maker->old, key, maker->found.data, maker->found.len)) {
        maker->old.count = 0;
    }
    return code;
}

/* Old buckets outside what is made anew, and the fresh ones, by index. */
static void lay_over(struct tier_maker *maker, const struct gathering *gathering)
{
    const int64_t len_ns = tier_length(gathering->tier);
    const int64_t from = stretch_index(maker->made.from_ns, len_ns);
    const int64_t to = stretch_index(maker->made.to_ns, len_ns);
    struct tier_block *const laid = &maker->laid;
    size_t old = 0;
    laid->count = 0;
    for (; old < maker->old.count && maker->old.buckets[old].index < from; old++) {
        bucket_copy(&laid->buckets[laid->count++], &maker->old.buckets[old]);
    }
    for (size_t i = 0; i < gathering->fresh.count; i++) {
        bucket_copy(&laid->buckets[laid->count++], &gathering->fresh.buckets[i]);
    }
    for (; old < maker->old.count; old++) {
        if (maker->old.buckets[old].index >= to) {
            bucket_copy(&laid->buckets[laid->count++], &maker->old.buckets[old]);
        }
    }
}

static enum err_code write_block(struct tier_maker *maker, struct gathering *gathering)
{
    if (gathering->fresh.count == 0) {
        return ERR_NONE;
    }
    const struct tier_key key = {.series = maker->series, .tier = gathering->tier, .block = gathering->block};
    uint8_t name[TIER_KEY];
    const enum err_code code = read_old(maker, &key, maker->err);
    if (code != ERR_NONE) {
        return code;
    }
    lay_over(maker, gathering);
    tier_key_write(&key, name);
    const size_t len = tier_block_encode(&maker->laid, &key, maker->bytes);
    rocksdb_writebatch_put_cf(maker->batch, maker->store->cf[CF_TIERS], (const char *)name, sizeof name,
                              (const char *)maker->bytes, len);
    gathering->fresh.count = 0;
    maker->step.blocks++;
    maker->step.bytes += len;
    return ERR_NONE;
}

/* ---- buckets ------------------------------------------------------------------------------------------------------
 */

static enum err_code bucket_full(struct tier_maker *maker, struct gathering *gathering)
{
    struct tier_block *const fresh = &gathering->fresh;
    enum err_code code = ERR_NONE;
    if (!gathering->begun) {
        return ERR_NONE;
    }
    const int64_t block = tier_block_of(gathering->bucket.index);
    if (fresh->count > 0 && block != gathering->block) {
        code = write_block(maker, gathering);
    }
    gathering->block = block;
    bucket_copy(&fresh->buckets[fresh->count++], &gathering->bucket);
    gathering->begun = false;
    if (code == ERR_NONE && gathering->tier == TIER_HOUR) {
        code = hours_note(maker->hours, maker->store, maker->batch, gathering->bucket.index, maker->err);
    }
    return code;
}

/* Makes the tier ready for what happened at a time. */
static enum err_code reach(struct tier_maker *maker, enum tier tier, int64_t time_ns)
{
    struct gathering *const gathering = &maker->tiers[tier];
    const int64_t index = stretch_index(time_ns, tier_length(tier));
    enum err_code code = ERR_NONE;
    if (gathering->begun && gathering->bucket.index != index) {
        code = bucket_full(maker, gathering);
    }
    if (!gathering->begun) {
        bucket_begin(&gathering->bucket, index);
        gathering->begun = true;
    }
    return code;
}

static enum err_code minute_full(struct tier_maker *maker)
{
    struct gathering *const minutes = &maker->tiers[TIER_MINUTE];
    if (!minutes->begun) {
        return ERR_NONE;
    }
    enum err_code code =
        reach(maker, TIER_HOUR, stretch_start(minutes->bucket.index, tier_length(TIER_MINUTE)));
    if (code == ERR_NONE) {
        bucket_merge(&maker->tiers[TIER_HOUR].bucket, &minutes->bucket);
        code = bucket_full(maker, minutes);
    }
    return code;
}

/* Enough for one step: it ends where a block of minutes begins, so that each is written once. */
static bool has_enough(struct tier_maker *maker, int64_t minute)
{
    const struct bucket *const bucket = &maker->tiers[TIER_MINUTE].bucket;
    if (maker->step.rows < STEP_ROWS || tier_block_of(minute) == tier_block_of(bucket->index)) {
        return false;
    }
    maker->made.to_ns = stretch_start(tier_block_of(minute) * TIER_BUCKETS, tier_length(TIER_MINUTE));
    maker->cut = true;
    return true;
}

static bool take_row(void *self, const struct store_row *row)
{
    struct tier_maker *const maker = self;
    struct gathering *const minutes = &maker->tiers[TIER_MINUTE];
    const int64_t minute = stretch_index(row->time_ns, tier_length(TIER_MINUTE));
    if (!minutes->begun || minutes->bucket.index != minute) {
        if (minutes->begun && has_enough(maker, minute)) {
            return false;
        }
        maker->code = minute_full(maker);
        if (maker->code == ERR_NONE) {
            maker->code = reach(maker, TIER_MINUTE, row->time_ns);
        }
    }
    bucket_add(&minutes->bucket, row);
    maker->step.rows++;
    return maker->code == ERR_NONE;
}

/* ---- a step -------------------------------------------------------------------------------------------------------
 */

static void begin(struct tier_maker *maker, uint32_t series, struct hours *hours, rocksdb_writebatch_t *batch,
                  struct err *err)
{
    maker->series = series;
    maker->hours = hours;
    maker->batch = batch;
    maker->err = err;
    maker->code = ERR_NONE;
    maker->cut = false;
    maker->step = (struct tier_step){0};
    for (enum tier tier = 0; tier < TIER_COUNT; tier++) {
        maker->tiers[tier].begun = false;
        maker->tiers[tier].fresh.count = 0;
    }
}

static enum err_code make(struct tier_maker *maker, const rocksdb_snapshot_t *snapshot, struct err *err)
{
    const struct sweep_view view = {.store = maker->store, .snapshot = snapshot, .series = maker->series};
    enum err_code code =
        sweep_read(maker->sweep, &view, maker->made.from_ns, maker->made.to_ns, take_row, maker, err);
    code = maker->code != ERR_NONE ? maker->code : code;
    if (code == ERR_NONE) {
        code = minute_full(maker);
    }
    if (code == ERR_NONE) {
        code = bucket_full(maker, &maker->tiers[TIER_HOUR]);
    }
    for (enum tier tier = 0; code == ERR_NONE && tier < TIER_COUNT; tier++) {
        code = write_block(maker, &maker->tiers[tier]);
    }
    return code;
}

/* The first marks that lie together, as whole hours. */
static struct stretch first_stretch(const struct mark *marks, size_t count)
{
    const int64_t len_ns = tier_length(TIER_HOUR);
    struct stretch stretch = {.from_ns = stretch_floor(marks[0].start_ns, len_ns), .to_ns = INT64_MIN};
    for (size_t i = 0; i < count; i++) {
        const int64_t end_ns = stretch_start(stretch_index(marks[i].end_ns, len_ns) + 1, len_ns);
        if (i > 0 && stretch_floor(marks[i].start_ns, len_ns) > stretch.to_ns) {
            break;
        }
        stretch.to_ns = end_ns > stretch.to_ns ? end_ns : stretch.to_ns;
    }
    return stretch;
}

/* What was done up to a time is no longer marked; at the end of time nothing is left. */
static size_t unmark(struct tier_maker *maker, const struct mark *marks, size_t count, int64_t done_ns)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        struct mark rest = marks[i];
        if (rest.start_ns >= done_ns && done_ns != INT64_MAX) {
            left++;
            continue;
        }
        marks_remove(maker->store, maker->batch, maker->series, &rest);
        if (rest.end_ns >= done_ns && done_ns != INT64_MAX) {
            rest.start_ns = done_ns;
            marks_add(maker->store, maker->batch, maker->series, &rest);
            left++;
        }
    }
    return left;
}

static enum err_code make_first(struct tier_maker *maker, const rocksdb_snapshot_t *snapshot, const struct mark *marks,
                                size_t count, struct err *err)
{
    struct removed removed;
    enum err_code code = removed_get(maker->store, snapshot, maker->series, &removed, err);
    if (code != ERR_NONE) {
        return code;
    }
    const struct stretch *const gone = &removed.kept[KEPT_RAW];
    struct stretch all = first_stretch(marks, count);
    if (gone->from_ns < gone->to_ns && stretch_holds(gone, all.from_ns)) {
        maker->made.to_ns = gone->to_ns < all.to_ns ? gone->to_ns : all.to_ns; /* final: only the marks go */
        return ERR_NONE;
    }
    if (gone->from_ns < gone->to_ns && gone->from_ns > all.from_ns && gone->from_ns < all.to_ns) {
        all.to_ns = gone->from_ns;
    }
    maker->made = all;
    return make(maker, snapshot, err);
}

enum err_code tier_make(struct tier_maker *maker, uint32_t series, struct hours *hours, rocksdb_writebatch_t *batch,
                        struct tier_step *ret_step, struct err *err)
{
    size_t count = 0;
    size_t left = 0;
    bool more = false;
    begin(maker, series, hours, batch, err);
    const rocksdb_snapshot_t *const snapshot = db_snapshot(maker->store);
    enum err_code code =
        marks_list(maker->store, snapshot, series, INT64_MIN, INT64_MAX, maker->marks, &count, &more, err);
    if (code == ERR_NONE && count > 0) {
        code = make_first(maker, snapshot, maker->marks, count, err);
        if (code == ERR_NONE) {
            left = unmark(maker, maker->marks, count, maker->made.to_ns);
        }
    }
    db_snapshot_release(maker->store, snapshot);
    if (code == ERR_NONE) {
        maker->step.done = left == 0 && !more;
        *ret_step = maker->step;
    }
    return code;
}
