/*
 * care_retain: removes what has been kept long enough.
 *
 * How far back things go is decided once a round, for each time that is asked
 * for (hours.h: by the clock, by what was recorded, whichever is less).  For a
 * point that is due its stretch of removed time is moved on (removed.h), which
 * is what counts for everybody who reads; blocks that lie in it as wholes and
 * touch no pin are deleted in the same batch, or in the next ones.
 *
 * Samples are not removed before
 *   - their minutes and hours are made: never past the first mark,
 *   - they are in a block: never past the first open sample,
 *   - an alarm that holds them has ended and the time before one that may still
 *     come is over.
 *
 * A point is due when at least a 64th of its time (an hour at least, a day at
 * most) could be removed: so each look at its blocks is worth it.
 */
#include "base/log.h"
#include "store/blocks.h"
#include "store/care_inside.h"
#include "store/marks.h"
#include "store/open_rows.h"
#include "store/pins.h"
#include <stdlib.h>

enum { POINTS_A_SLICE = 256, REMOVALS_A_SLICE = 512, SHARE = 64, HOURS_A_DAY = 24 };

static const int64_t never_ns = INT64_MIN;

/* ---- how far -----------------------------------------------------------------------------------------------------
 */

enum err_code care_slice_limits(struct store_care *care, bool *ret_done, struct err *err)
{
    *ret_done = true;
    free(care->words);
    care->words = NULL;
    care->word_count = care->floor_count = 0;
    const enum err_code code = hours_load(care->config.store, &care->words, &care->word_count, err);
    return code == ERR_NONE ? care_load_holds(care, err) : code;
}

int64_t care_floor(struct store_care *care, int64_t keep_ns)
{
    if (keep_ns == 0) {
        return never_ns;
    }
    for (size_t i = 0; i < care->floor_count; i++) {
        if (care->floors[i].keep_ns == keep_ns) {
            return care->floors[i].floor_ns;
        }
    }
    const int64_t floor_ns = hours_floor(care->words, care->word_count, care->now_ns, keep_ns);
    if (care->floor_count < CARE_FLOORS) {
        care->floors[care->floor_count++] = (struct care_floor){.keep_ns = keep_ns, .floor_ns = floor_ns};
    }
    return floor_ns;
}

static bool is_due(const struct stretch *removed, int64_t floor_ns, int64_t keep_ns)
{
    const int64_t hour_ns = tier_length(TIER_HOUR);
    int64_t step_ns = keep_ns / SHARE;
    step_ns = step_ns < hour_ns ? hour_ns : step_ns > HOURS_A_DAY * hour_ns ? HOURS_A_DAY * hour_ns : step_ns;
    if (floor_ns == never_ns) {
        return false;
    }
    return removed->from_ns == removed->to_ns || floor_ns - step_ns >= removed->to_ns;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Up to where the samples of a point may be removed, at most floor_ns. */
static enum err_code raw_limit(struct store_care *care, uint32_t series, int64_t floor_ns, int64_t *ret_limit_ns,
                               struct err *err)
{
    struct store *const store = care->config.store;
    const rocksdb_snapshot_t *snapshot = NULL;
    size_t count = 0;
    bool more = false;
    int64_t limit_ns = least(floor_ns, care->held_ns[series]);
    enum err_code code = open_rows_take(store, series, &care->open, &snapshot, err);
    if (code != ERR_NONE) {
        return code;
    }
    for (int late = 0; late < 2; late++) {
        if (care->open.count[late] > 0) {
            limit_ns = least(limit_ns, care->open.rows[late][0].time_ns);
        }
    }
    code = marks_list(store, snapshot, series, INT64_MIN, limit_ns, care->marks, &count, &more, err);
    db_snapshot_release(store, snapshot);
    if (count > 0) {
        limit_ns = least(limit_ns, care->marks[0].start_ns);
    }
    *ret_limit_ns = stretch_floor(limit_ns, tier_length(TIER_HOUR));
    return code;
}

/* Moves a stretch of removed time on; false when there is nothing to remove. */
static bool move_on(struct stretch *removed, int64_t first_ns, int64_t limit_ns)
{
    const bool none = removed->from_ns == removed->to_ns;
    const int64_t from_ns = stretch_floor(first_ns, tier_length(TIER_HOUR));
    if (first_ns >= limit_ns) {
        return false;
    }
    if (none) {
        *removed = (struct stretch){.from_ns = from_ns, .to_ns = limit_ns};
        return true;
    }
    const bool back = from_ns < removed->from_ns && limit_ns >= removed->from_ns; /* history older than all before */
    const bool forth = limit_ns > removed->to_ns;
    removed->from_ns = back ? from_ns : removed->from_ns;
    removed->to_ns = forth ? limit_ns : removed->to_ns;
    return back || forth;
}

/* ---- samples -----------------------------------------------------------------------------------------------------
 */

/* The last time a block of that class can hold. */
static int64_t block_end(const struct block_key *key)
{
    const uint64_t span = key->span == 0 ? 0 : key->span == 64 ? UINT64_MAX : (UINT64_C(1) << key->span) - 1;
    const uint64_t room = (uint64_t)INT64_MAX - (uint64_t)key->start_ns;
    return span > room ? INT64_MAX : (int64_t)((uint64_t)key->start_ns + span);
}

static enum err_code is_pinned(struct store_care *care, const struct block_key *key, bool *ret_pinned, struct err *err)
{
    struct stretch pin = {0};
    bool found = false;
    const enum err_code code =
        pins_next(care->config.store, NULL, key->series, key->start_ns, &pin, &found, err);
    *ret_pinned = found && pin.from_ns <= block_end(key);
    return code;
}

static enum err_code remove_block(struct store_care *care, const struct block_ref *block, const struct stretch *removed,
                                  struct err *err)
{
    bool pinned = true;
    if (block->key.start_ns < removed->from_ns || block_end(&block->key) >= removed->to_ns) {
        return ERR_NONE; /* not wholly in it */
    }
    const enum err_code code = is_pinned(care, &block->key, &pinned, err);
    if (code == ERR_NONE && !pinned) {
        uint8_t key[KEY_BLOCK_MAX];
        const size_t len = key_block(&block->key, key);
        rocksdb_writebatch_delete_cf(care->batch, care->config.store->cf[CF_BLOCKS], (const char *)key, len);
        care->removals++;
        care->total.blocks++;
        care->total.bytes += block->len;
    }
    return code;
}

/* Removes blocks of the stretch until the slice is full. */
static enum err_code remove_blocks(struct store_care *care, uint32_t series, const struct stretch *removed,
                                   struct err *err)
{
    enum err_code code = ERR_NONE;
    blocks_begin(&care->blocks, care->config.store, NULL, series, care->resume_ns);
    for (struct block_ref block; code == ERR_NONE && blocks_peek(&care->blocks, &block); blocks_next(&care->blocks)) {
        if (block.key.start_ns >= removed->to_ns) {
            break;
        }
        if (care->removals >= REMOVALS_A_SLICE) {
            care->unfinished = true;
            care->resume_ns = block.key.start_ns;
            break;
        }
        code = remove_block(care, &block, removed, err);
    }
    const enum err_code walked = blocks_end(&care->blocks, code == ERR_NONE ? err : NULL);
    return code != ERR_NONE ? code : walked;
}

/* When the first block starts; INT64_MAX: there is none. */
static enum err_code first_block(struct store_care *care, uint32_t series, int64_t *ret_first_ns, struct err *err)
{
    struct block_ref block;
    blocks_begin(&care->blocks, care->config.store, NULL, series, INT64_MIN);
    *ret_first_ns = blocks_peek(&care->blocks, &block) ? block.key.start_ns : INT64_MAX;
    return blocks_end(&care->blocks, err);
}

static enum err_code retain_raw(struct store_care *care, uint32_t series, int64_t keep_ns, struct removed *removed,
                                bool *ret_moved, struct err *err)
{
    struct stretch *const raw = &removed->kept[KEPT_RAW];
    const int64_t pin_ns = care->config.site->pin_before_ns + tier_length(TIER_HOUR); /* of an alarm that may come */
    const int64_t floor_ns = care_floor(care, keep_ns > 0 && keep_ns < pin_ns ? pin_ns : keep_ns);
    int64_t limit_ns = never_ns;
    int64_t first_ns = INT64_MAX;
    if (!is_due(raw, floor_ns, keep_ns)) {
        return ERR_NONE;
    }
    enum err_code code = first_block(care, series, &first_ns, err);
    if (code != ERR_NONE || first_ns >= floor_ns) {
        return code;
    }
    code = raw_limit(care, series, floor_ns, &limit_ns, err);
    if (code == ERR_NONE && move_on(raw, first_ns, limit_ns)) {
        *ret_moved = true;
        care->resume_ns = raw->from_ns;
    }
    return code;
}

/* ---- minutes and hours -------------------------------------------------------------------------------------------
 */

/* Removes whole blocks of a tier before its stretch's end; gives when the first one left starts. */
static enum err_code walk_tier(struct store_care *care, uint32_t series, enum tier tier, int64_t to_ns, bool delete,
                               int64_t *ret_first_ns, struct err *err)
{
    struct store *const store = care->config.store;
    const int64_t len_ns = tier_length(tier);
    uint8_t from[NOTE_SERIES_KEY];
    uint8_t upper[TIER_KEY];
    struct db_walk walk;
    *put_u32(from, series) = (uint8_t)tier;
    tier_key_write(&(struct tier_key){.series = series, .tier = tier,
                                      .block = tier_block_of(stretch_index(to_ns, len_ns))}, upper);
    *ret_first_ns = INT64_MAX;
    db_walk_begin(&walk, store, CF_TIERS, NULL, from, sizeof from, delete ? upper : NULL, delete ? sizeof upper : 0);
    for (; db_walk_valid(&walk); db_walk_next(&walk)) {
        struct tier_key key;
        size_t len;
        const uint8_t *const name = db_walk_key(&walk, &len);
        if (!delete) {
            if (tier_key_parse(name, len, &key) && key.series == series && key.tier == tier) {
                *ret_first_ns = stretch_start(key.block * TIER_BUCKETS, len_ns);
            }
            break;
        }
        rocksdb_writebatch_delete_cf(care->batch, store->cf[CF_TIERS], (const char *)name, len);
        care->removals++;
        care->total.tier_blocks++;
    }
    return db_walk_end(&walk, store, err);
}

static enum err_code retain_tier(struct store_care *care, uint32_t series, enum tier tier, int64_t keep_ns,
                                 struct removed *removed, bool *ret_moved, struct err *err)
{
    struct stretch *const own = &removed->kept[tier == TIER_MINUTE ? KEPT_MINUTE : KEPT_HOUR];
    const int64_t floor_ns = care_floor(care, keep_ns);
    int64_t first_ns = INT64_MAX;
    if (!is_due(own, floor_ns, keep_ns)) {
        return ERR_NONE;
    }
    enum err_code code = walk_tier(care, series, tier, floor_ns, false, &first_ns, err);
    if (code == ERR_NONE && move_on(own, first_ns, floor_ns)) {
        *ret_moved = true;
        code = walk_tier(care, series, tier, own->to_ns, true, &first_ns, err);
    }
    return code;
}

/* ---- a point -----------------------------------------------------------------------------------------------------
 */

static enum err_code retain_series(struct store_care *care, uint32_t series, struct err *err)
{
    const struct site_keep keep = site_point_keep(care->config.site, care->point_of[series]);
    struct removed removed;
    bool moved = care->unfinished; /* the slice before could not remove everything */
    care->resume_ns = moved ? care->resume_ns : INT64_MIN;
    care->unfinished = false;
    if (keep.raw_ns == 0 && keep.minute_ns == 0 && keep.hour_ns == 0) {
        return ERR_NONE;
    }
    enum err_code code = removed_get(care->config.store, NULL, series, &removed, err);
    if (code == ERR_NONE) {
        code = retain_tier(care, series, TIER_MINUTE, keep.minute_ns, &removed, &moved, err);
    }
    if (code == ERR_NONE) {
        code = retain_tier(care, series, TIER_HOUR, keep.hour_ns, &removed, &moved, err);
    }
    if (code == ERR_NONE) {
        code = retain_raw(care, series, keep.raw_ns, &removed, &moved, err);
    }
    if (code != ERR_NONE || !moved) {
        return code;
    }
    removed_put(care->config.store, care->batch, series, &removed);
    return remove_blocks(care, series, &removed.kept[KEPT_RAW], err);
}

static void tell(struct store_care *care)
{
    const struct care_total *const total = &care->total;
    if (total->blocks + total->tier_blocks > 0) {
        log_event(LOG_INFO, "store", "STO-022", care->config.store->path,
                  "path=%s removed after their time: blocks=%llu bytes=%llu aggregates=%llu", care->config.store->path,
                  (unsigned long long)total->blocks, (unsigned long long)total->bytes,
                  (unsigned long long)total->tier_blocks);
    }
    care_count(care->counters.removed_blocks, total->blocks);
    care_count(care->counters.removed_bytes, total->bytes);
    care_count(care->counters.removed_tiers, total->tier_blocks);
    care->freed += total->bytes;
    care->total = (struct care_total){0};
}

enum err_code care_slice_retain(struct store_care *care, bool *ret_done, struct err *err)
{
    enum err_code code = ERR_NONE;
    care->removals = 0;
    for (int i = 0; code == ERR_NONE && i < POINTS_A_SLICE && care->series < care->series_count; i++) {
        code = retain_series(care, care->series, err);
        care->unfinished &= code == ERR_NONE; /* what failed is left out in this round */
        if (care->unfinished) {
            return ERR_NONE; /* the same point again */
        }
        care->series++;
    }
    *ret_done = care->series >= care->series_count;
    if (*ret_done) {
        tell(care);
    }
    return code;
}
