/*
 * tier: see tier.h.
 */
#include "store/tier.h"

/* Gives the buckets of the block within [from, to); false when fn has had enough. */
static bool give(const struct tier_block *block, int64_t from, int64_t to, tier_fn *fn, void *self)
{
    for (size_t i = 0; i < block->count; i++) {
        const struct bucket *const bucket = &block->buckets[i];
        if (bucket->index >= from && bucket->index < to && !fn(self, bucket)) {
            return false;
        }
    }
    return true;
}

enum err_code tier_read(struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series, enum tier tier,
                        int64_t from, int64_t to, struct tier_block *scratch, tier_fn *fn, void *self, int64_t *ret_bad,
                        struct err *err)
{
    struct tier_key key = {.series = series, .tier = tier, .block = tier_block_of(from)};
    uint8_t first[TIER_KEY];
    uint8_t upper[TIER_KEY];
    struct db_walk walk;
    bool more = from < to;
    *ret_bad = INT64_MAX;
    tier_key_write(&key, first);
    key.block = tier_block_of(to - 1) + 1;
    tier_key_write(&key, upper);
    db_walk_begin(&walk, store, CF_TIERS, snapshot, first, sizeof first, upper, sizeof upper);
    for (; more && db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t key_len;
        size_t len;
        const uint8_t *const name = db_walk_key(&walk, &key_len);
        const uint8_t *const bytes = db_walk_value(&walk, &len);
        if (!tier_key_parse(name, key_len, &key)) {
            continue; /* davy verify tells */
        }
        if (!tier_block_decode(scratch, &key, bytes, len)) {
            *ret_bad = key.block * TIER_BUCKETS > from ? key.block * TIER_BUCKETS : from;
            break;
        }
        more = give(scratch, from, to, fn, self);
    }
    return db_walk_end(&walk, store, err);
}
