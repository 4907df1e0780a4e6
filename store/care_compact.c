/*
 * care_compact: gives the disk back what was removed.
 *
 * A deleted block keeps its place in its table until the database merges that
 * table with others, which it does when enough new data came: after a time that
 * was shortened, perhaps in a year.  So once a quarter of all could be won the
 * tables are merged at once.  That takes room for what is left, so only when the
 * disk has it; and time, so it can be broken off (store_care_hurry).
 *
 * Each opening of the store writes what was in memory to tables of its own, a
 * few kB each.  Where their keys only rise nothing ever overlaps, so the
 * database would keep them apart for ever, and a reader opens them all.  Many
 * small ones are merged to one.
 *
 * Samples go on being written meanwhile.
 */
#include "base/log.h"
#include "store/care_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum { SHARE = 4, LEVELS = 7, MANY_TABLES = 16, SMALL_TABLE = 1 << 20, FORCE_LOWEST = 2 /* kForce of RocksDB */ };

static uint64_t bytes_of(struct store *store, enum cf cf)
{
    uint64_t bytes = 0;
    return rocksdb_property_int_cf(store->db, store->cf[cf], "rocksdb.total-sst-files-size", &bytes) == 0 ? bytes : 0;
}

static uint64_t table_bytes(struct store *store)
{
    return bytes_of(store, CF_BLOCKS) + bytes_of(store, CF_TIERS);
}

static uint64_t tables_of(struct store *store, enum cf cf)
{
    uint64_t count = 0;
    for (int level = 0; level < LEVELS; level++) {
        char name[64];
        (void)snprintf(name, sizeof name, "rocksdb.num-files-at-level%d", level);
        char *const text = rocksdb_property_value_cf(store->db, store->cf[cf], name);
        count += text != NULL ? strtoull(text, NULL, 10) : 0;
        rocksdb_free(text);
    }
    return count;
}

static uint64_t room_bytes(const struct store *store)
{
    struct statvfs disk;
    return statvfs(store->path, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
}

static bool is_worth_it(const struct store_care *care, uint64_t bytes)
{
    return care->freed >= (uint64_t)care->config.merge_bytes && care->freed >= bytes / SHARE;
}

static void merge(struct store *store, enum cf cf)
{
    rocksdb_compactoptions_t *const options = rocksdb_compactoptions_create();
    rocksdb_compactoptions_set_bottommost_level_compaction(options, FORCE_LOWEST);
    rocksdb_compactoptions_set_exclusive_manual_compaction(options, 0);
    rocksdb_compact_range_cf_opt(store->db, store->cf[cf], options, NULL, 0, NULL, 0);
    rocksdb_compactoptions_destroy(options);
}

enum err_code care_slice_merge(struct store_care *care, bool *ret_done, struct err *err)
{
    struct store *const store = care->config.store;
    const uint64_t before = table_bytes(store);
    (void)err; /* what fails or is broken off is done in another round, by somebody */
    *ret_done = true;
    if (!is_worth_it(care, before) || room_bytes(store) < before) {
        return ERR_NONE;
    }
    care->freed = 0;
    merge(store, CF_BLOCKS);
    merge(store, CF_TIERS);
    log_event(LOG_INFO, "store", "STO-024", store->path,
              "path=%s tables merged after a removal: bytes=%llu before=%llu", store->path,
              (unsigned long long)table_bytes(store), (unsigned long long)before);
    return ERR_NONE;
}

enum err_code care_slice_gather(struct store_care *care, bool *ret_done, struct err *err)
{
    struct store *const store = care->config.store;
    const enum cf cf = (enum cf)care->series; /* one a slice */
    const uint64_t count = tables_of(store, cf);
    (void)err; /* as above */
    if (count > MANY_TABLES && bytes_of(store, cf) / count < SMALL_TABLE) {
        merge(store, cf);
        care_count(care->counters.gathered, count);
    }
    care->series++;
    *ret_done = care->series == CF_COUNT;
    return ERR_NONE;
}

void store_care_hurry(struct store_care *care)
{
    if (care != NULL && db_enter(care->config.store, NULL)) {
        rocksdb_disable_manual_compaction(care->config.store->db);
        db_leave(care->config.store);
    }
}
