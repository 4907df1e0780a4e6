/*
 * verify: walks everything in the store and tells what is damaged.
 *
 * Blocks: checksum, the key's start and class against the samples, rising
 * times, blocks in order that do not overlap.  The dictionary both ways.  The
 * newest readings, state records and the log by their checksums.  The journal
 * by its chain: a changed event, a missing one and one put in are each told by
 * their seq.  The chain of changes likewise, by number.
 */
#include "base/memory.h"
#include "store/blocks.h"
#include "store/changes.h"
#include "store/chunk.h"
#include "store/dictionary.h"
#include "store/journal.h"
#include "store/log_walk.h"
#include "store/state.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct check {
    struct store *store;
    store_damage_fn *fn;
    void *self;
    uint64_t damages;
    struct chunk_scratch scratch;
    struct store_row rows[CHUNK_ROWS_MAX];
    struct blocks blocks;
};

static void damage(struct check *check, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void damage(struct check *check, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args); /* a longer one is cut */
    va_end(args);
    check->damages++;
    if (check->fn != NULL) {
        check->fn(check->self, text);
    }
}

/* ---- blocks -------------------------------------------------------------------------------------------------------
 */

static const char *block_fault(struct check *check, const struct block_ref *block, int64_t *ret_end_ns)
{
    struct chunk_head head;
    if (!chunk_decode(block->key.series, block->bytes, block->len, &check->scratch, &head, check->rows)) {
        return "cannot be read: its bytes have changed";
    }
    for (size_t i = 1; i < head.count; i++) {
        if (check->rows[i].time_ns <= check->rows[i - 1].time_ns) {
            return "holds samples out of order";
        }
    }
    *ret_end_ns = check->rows[head.count - 1].time_ns;
    if (check->rows[0].time_ns != block->key.start_ns || head.late != block->key.late ||
        key_span(block->key.start_ns, *ret_end_ns) != block->key.span) {
        return "is filed under a wrong key";
    }
    return NULL;
}

static enum err_code check_blocks(struct check *check, uint32_t series, const char *id, struct err *err)
{
    int64_t last_ns = INT64_MIN;
    bool any = false;
    blocks_begin(&check->blocks, check->store, NULL, series, INT64_MIN);
    for (struct block_ref block; blocks_peek(&check->blocks, &block); blocks_next(&check->blocks)) {
        int64_t end_ns;
        const char *fault = block_fault(check, &block, &end_ns);
        if (fault == NULL && !block.key.late) {
            fault = any && block.key.start_ns <= last_ns ? "overlaps the one before it" : NULL;
            last_ns = end_ns;
            any = true;
        }
        if (fault != NULL) {
            damage(check, "point \"%s\": the block that begins at %" PRId64 " ns %s", id, block.key.start_ns, fault);
        }
    }
    if (check->blocks.bad_key) {
        damage(check, "point \"%s\": a block has a key that makes no sense", id);
    }
    return blocks_end(&check->blocks, err);
}

/* Blocks of numbers that belong to no point would be found by nobody. */
static enum err_code check_strays(struct check *check, uint32_t count, struct err *err)
{
    uint8_t from[4];
    struct db_walk walk;
    (void)put_u32(from, count);
    db_walk_begin(&walk, check->store, CF_BLOCKS, NULL, from, sizeof from, NULL, 0);
    if (db_walk_valid(&walk)) {
        damage(check, "there are blocks of point number %" PRIu32 " or above, which was never given out", count);
    }
    return db_walk_end(&walk, check->store, err);
}

/* ---- dictionary and newest readings -------------------------------------------------------------------------------
 */

static void check_last(struct check *check, const uint8_t *key, size_t key_len, const uint8_t *bytes, size_t len)
{
    struct last last;
    const uint32_t series = key_len == KEY_SERIES ? get_u32(key + 1) : UINT32_MAX;
    if (series == UINT32_MAX || !last_decode(series, bytes, len, &last)) {
        damage(check, "the newest reading of point number %" PRIu32 " cannot be read", series);
    }
}

static enum err_code check_lasts(struct check *check, struct err *err)
{
    struct db_walk walk;
    db_walk_begin(&walk, check->store, CF_SERIES, NULL, "l", 1, "m", 1);
    for (; db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t key_len, len;
        const uint8_t *const key = db_walk_key(&walk, &key_len);
        const uint8_t *const bytes = db_walk_value(&walk, &len);
        check_last(check, key, key_len, bytes, len);
    }
    return db_walk_end(&walk, check->store, err);
}

static enum err_code check_point(struct check *check, uint32_t series, struct err *err)
{
    uint8_t key[KEY_SERIES];
    rocksdb_pinnableslice_t *value = NULL;
    key_series('n', series, key);
    enum err_code code = db_get(check->store, CF_SERIES, key, sizeof key, &value, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (value == NULL) {
        damage(check, "point number %" PRIu32 " has no name", series);
        return check_blocks(check, series, "?", err);
    }
    size_t len;
    const char *const bytes = rocksdb_pinnableslice_value(value, &len);
    struct buf id = {0};
    buf_add(&id, bytes, len);
    rocksdb_pinnableslice_destroy(value);
    uint32_t back = UINT32_MAX;
    code = dictionary_find(check->store, id.data, &back, err);
    if (code == ERR_NO || (code == ERR_NONE && back != series)) {
        damage(check, "point \"%s\" is not found under its number %" PRIu32, id.data, series);
        code = ERR_NONE;
    }
    if (code == ERR_NONE) {
        code = check_blocks(check, series, id.data, err);
    }
    buf_done(&id);
    return code;
}

static enum err_code check_points(struct check *check, struct err *err)
{
    uint32_t count = 0;
    enum err_code code = dictionary_count(check->store, &count, err);
    for (uint32_t series = 0; code == ERR_NONE && series < count; series++) {
        code = check_point(check, series, err);
    }
    if (code == ERR_NONE) {
        code = check_strays(check, count, err);
    }
    return code != ERR_NONE ? code : check_lasts(check, err);
}

/* ---- log ----------------------------------------------------------------------------------------------------------
 */

static void ignore_op(void *self, uint64_t record, uint64_t logged_bytes, const struct record_op *op)
{
    (void)self; /* that it could be read is all that is asked */
    (void)record;
    (void)logged_bytes;
    (void)op;
}

static void tell_gap(void *self, uint64_t record)
{
    damage(self, "recovery log: record %" PRIu64 " is missing or cannot be read", record);
}

static enum err_code check_log(struct check *check, struct err *err)
{
    static const struct log_walk_fns fns = {.op = ignore_op, .gap = tell_gap};
    uint64_t low;
    uint64_t next;
    return log_walk(check->store, NULL, &fns, check, &low, &next, err);
}

/* ---- journal and state --------------------------------------------------------------------------------------------
 */

/* Checks one event against the chain and goes on from the hash it carries, so that one damage is told once. */
static enum err_code check_event(struct check *check, uint64_t expected, uint64_t seq, const uint8_t *bytes, size_t len,
                                 uint8_t chain[JOURNAL_HASH], struct err *err)
{
    struct journal_record record;
    uint8_t hash[JOURNAL_HASH];
    if (seq != expected) {
        damage(check, "journal: %" PRIu64 " events from %" PRIu64 " on are missing", seq - expected, expected);
    }
    if (!journal_parse(seq, bytes, len, &record)) {
        damage(check, "journal: event %" PRIu64 " cannot be read", seq);
        return ERR_NONE;
    }
    const enum err_code code = journal_hash(chain, seq, bytes, record.hashed, hash, err);
    if (code == ERR_NONE && seq == expected && memcmp(hash, record.hash, sizeof hash) != 0) {
        damage(check, "journal: event %" PRIu64 " or its place in the chain was changed", seq);
    }
    memcpy(chain, record.hash, JOURNAL_HASH);
    return code;
}

static enum err_code check_journal(struct check *check, struct err *err)
{
    uint8_t chain[JOURNAL_HASH];
    struct db_walk walk;
    uint64_t expected = 1;
    enum err_code code = journal_origin(check->store->site_id, chain, err);
    if (code != ERR_NONE) {
        return code;
    }
    db_walk_begin(&walk, check->store, CF_JOURNAL, NULL, "", 0, NULL, 0);
    for (; code == ERR_NONE && db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t key_len, len;
        const uint8_t *const key = db_walk_key(&walk, &key_len);
        const uint8_t *const bytes = db_walk_value(&walk, &len);
        if (key_len != JOURNAL_KEY) {
            damage(check, "journal: a key is no seq");
            continue;
        }
        const uint64_t seq = get_u64(key);
        code = check_event(check, expected, seq, bytes, len, chain, err);
        expected = seq + 1;
    }
    const enum err_code walked = db_walk_end(&walk, check->store, code == ERR_NONE ? err : NULL);
    return code != ERR_NONE ? code : walked;
}

static enum err_code check_state(struct check *check, struct err *err)
{
    struct db_walk walk;
    db_walk_begin(&walk, check->store, CF_STATE, NULL, "", 0, NULL, 0);
    for (; db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t key_len, len;
        const char *const key = (const char *)db_walk_key(&walk, &key_len);
        const uint8_t *const record = db_walk_value(&walk, &len);
        if (!state_check(key, key_len, record, len)) {
            damage(check, "state: record \"%.*s\" cannot be read", (int)key_len, key);
        }
    }
    return db_walk_end(&walk, check->store, err);
}

static enum err_code check_changes(struct check *check, struct err *err)
{
    uint64_t damages = 0;
    const enum err_code code = changes_verify(check->store, check->fn, check->self, &damages, err);
    check->damages += damages;
    return code;
}

/* RocksDB notices damage below ours by its own checksums: then a walk ends with an error, which is damage too. */
static void run(struct check *check, enum err_code (*part)(struct check *, struct err *))
{
    struct err err;
    if (part(check, &err) != ERR_NONE) {
        damage(check, "%s", err.text);
    }
}

enum err_code store_verify(struct store *store, store_damage_fn *fn, void *self, struct err *err)
{
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    struct check *const check = memory_new(1, sizeof *check);
    check->store = store;
    check->fn = fn;
    check->self = self;
    run(check, check_points);
    run(check, check_log);
    run(check, check_journal);
    run(check, check_state);
    run(check, check_changes);
    db_leave(store);
    const uint64_t damages = check->damages;
    free(check);
    return damages == 0 ? ERR_NONE : err_set(err, ERR_NO, "%s: %" PRIu64 " damages were found", store->path, damages);
}
