/*
 * blocks: see blocks.h.
 */
#include "store/blocks.h"

/* Moves over keys that are none; false at the end of the class. */
static bool settle(struct blocks *blocks, size_t i)
{
    for (; db_walk_valid(&blocks->walks[i]); db_walk_next(&blocks->walks[i])) {
        size_t len;
        const uint8_t *const key = db_walk_key(&blocks->walks[i], &len);
        if (key_block_parse(key, len, &blocks->heads[i])) {
            return true;
        }
        blocks->bad_key = true;
    }
    return false;
}

static size_t class_key(uint32_t series, uint8_t span, int64_t start_ns, uint8_t ret_key[KEY_BLOCK_MAX])
{
    const struct block_key key = {.series = series, .span = span, .start_ns = start_ns};
    return key_block(&key, ret_key);
}

static void begin_class(struct blocks *blocks, const rocksdb_snapshot_t *snapshot, uint32_t series, uint8_t span,
                        int64_t from_ns)
{
    uint8_t from[KEY_BLOCK_MAX];
    uint8_t upper[KEY_BLOCK_MAX];
    const size_t len = class_key(series, span, key_reach(span, from_ns), from);
    (void)class_key(series, (uint8_t)(span + 1), INT64_MIN, upper);
    db_walk_begin(&blocks->walks[blocks->count++], blocks->store, CF_BLOCKS, snapshot, from, len, upper, 5);
}

/* Finds the classes the series has by leaping from one to the next. */
void blocks_begin(struct blocks *blocks, struct store *store, const rocksdb_snapshot_t *snapshot, uint32_t series,
                  int64_t from_ns)
{
    blocks->store = store;
    blocks->count = 0;
    blocks->bad_key = false;
    uint8_t key[KEY_BLOCK_MAX];
    rocksdb_readoptions_t *const options = rocksdb_readoptions_create();
    if (snapshot != NULL) {
        rocksdb_readoptions_set_snapshot(options, snapshot);
    }
    rocksdb_iterator_t *const it = rocksdb_create_iterator_cf(store->db, options, store->cf[CF_BLOCKS]);
    for (unsigned span = 0; span < SPAN_CLASSES; span++) {
        const size_t len = class_key(series, (uint8_t)span, INT64_MIN, key);
        rocksdb_iter_seek(it, (const char *)key, len);
        size_t found_len;
        const uint8_t *const found = rocksdb_iter_valid(it) ? (const uint8_t *)rocksdb_iter_key(it, &found_len) : NULL;
        if (found == NULL || found_len < 5 || get_u32(found) != series || found[4] >= SPAN_CLASSES) {
            break;
        }
        span = found[4];
        begin_class(blocks, snapshot, series, (uint8_t)span, from_ns);
    }
    rocksdb_iter_destroy(it); /* an error it met will be met by the walks too */
    rocksdb_readoptions_destroy(options);
    for (size_t i = 0; i < blocks->count; i++) {
        (void)settle(blocks, i); /* an empty walk is seen by blocks_peek */
    }
}

bool blocks_peek(struct blocks *blocks, struct block_ref *ret_block)
{
    bool found = false;
    for (size_t i = 0; i < blocks->count; i++) {
        if (db_walk_valid(&blocks->walks[i]) &&
            (!found || blocks->heads[i].start_ns < blocks->heads[blocks->current].start_ns)) {
            blocks->current = i;
            found = true;
        }
    }
    if (found) {
        ret_block->key = blocks->heads[blocks->current];
        ret_block->bytes = db_walk_value(&blocks->walks[blocks->current], &ret_block->len);
    }
    return found;
}

void blocks_next(struct blocks *blocks)
{
    db_walk_next(&blocks->walks[blocks->current]);
    (void)settle(blocks, blocks->current);
}

enum err_code blocks_end(struct blocks *blocks, struct err *err)
{
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < blocks->count; i++) {
        const enum err_code walked = db_walk_end(&blocks->walks[i], blocks->store, code == ERR_NONE ? err : NULL);
        code = code != ERR_NONE ? code : walked;
    }
    blocks->count = 0;
    return code;
}
