/*
 * care_blocks: deletes the blocks of a point that lie in a removed stretch.
 *
 * Only as wholes, and only those that touch no pin.  By the class in its key a
 * block tells how far it can reach, so none need be unpacked; one may stay until
 * the stretch is up to twice its length behind it.
 */
#include "store/blocks.h"
#include "store/care_inside.h"
#include "store/pins.h"

enum { REMOVALS_A_SLICE = 512 };

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

enum err_code care_remove_blocks(struct store_care *care, uint32_t series, const struct stretch *removed,
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

enum err_code care_first_block(struct store_care *care, uint32_t series, int64_t *ret_first_ns, struct err *err)
{
    struct block_ref block;
    blocks_begin(&care->blocks, care->config.store, NULL, series, INT64_MIN);
    *ret_first_ns = blocks_peek(&care->blocks, &block) ? block.key.start_ns : INT64_MAX;
    return blocks_end(&care->blocks, err);
}
