/*
 * db_options: RocksDB's settings.
 *
 * What they are for:
 * - Little memory when idle: one small shared cache, small arenas, no
 *   statistics, no periodic dumps.
 * - Few bytes written: the log's records are deleted within the same write
 *   buffer they were put in, as long as the open blocks are smaller than it, and
 *   then never reach a table; blocks are only ever merged by size (universal
 *   compaction), at the price of room for one more copy while the largest
 *   merge runs.
 * - No diary of its own: on a full disk the second line that cannot be written
 *   to RocksDB's file LOG trips an assertion, and Debian's build has them on.
 *   What matters comes back as an error and is logged by us.
 * - Few descriptors: an aborting select() of libmodbus lies behind every
 *   descriptor from 1024 on.  A reader is a process of its own and must keep all
 *   files open, so that they outlive a deletion by the one that writes.
 */
#include "store/db_options.h"

enum {
    KB = 1024,
    MB = 1024 * KB,
    OPEN_FILES = 512,
    WAL_TOTAL = 64 * MB,
    CACHE = 8 * MB,
    INFO_LOG_FILES = 1,
    INFO_LOG_NOTHING = 6, /* above the highest level, which is 5 */
    TABLE_BLOCK = 32 * KB,
    ZSTD_LEVEL = 3,
    ZSTD_WINDOW_BITS = -14 /* RocksDB's default */
};

static const struct cf_setting {
    size_t write_buffer;
    size_t arena;
    bool packed; /* zstd in the lowest level, merged by size */
} settings[CF_COUNT] = {
    [CF_DEFAULT] = {.write_buffer = 64 * KB, .arena = 4 * KB},
    [CF_SERIES] = {.write_buffer = 4 * MB, .arena = 32 * KB},
    [CF_BLOCKS] = {.write_buffer = 8 * MB, .arena = 64 * KB, .packed = true},
    [CF_LOG] = {.write_buffer = 16 * MB, .arena = 64 * KB},
    [CF_JOURNAL] = {.write_buffer = 2 * MB, .arena = 32 * KB, .packed = true},
    [CF_STATE] = {.write_buffer = 2 * MB, .arena = 32 * KB},
    [CF_TIERS] = {.write_buffer = 4 * MB, .arena = 32 * KB, .packed = true},
    [CF_NOTES] = {.write_buffer = 2 * MB, .arena = 32 * KB},
};

static void set_tables(rocksdb_options_t *options, rocksdb_cache_t *cache)
{
    rocksdb_block_based_table_options_t *const table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_block_size(table, TABLE_BLOCK);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1); /* else memory grows with the files */
    rocksdb_block_based_options_set_format_version(table, 5);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table); /* the factory has its own copy */
}

static rocksdb_options_t *make_cf(const struct cf_setting *setting, rocksdb_cache_t *cache)
{
    rocksdb_options_t *const options = rocksdb_options_create();
    set_tables(options, cache);
    rocksdb_options_set_write_buffer_size(options, setting->write_buffer);
    rocksdb_options_set_arena_block_size(options, setting->arena);
    rocksdb_options_set_max_write_buffer_number(options, 3);
    rocksdb_options_set_level0_slowdown_writes_trigger(options, 40);
    rocksdb_options_set_level0_stop_writes_trigger(options, 60);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    if (setting->packed) {
        rocksdb_options_set_compaction_style(options, rocksdb_universal_compaction);
        rocksdb_options_set_bottommost_compression(options, rocksdb_zstd_compression);
        rocksdb_options_set_bottommost_compression_options(options, ZSTD_WINDOW_BITS, ZSTD_LEVEL, 0, 0, 1);
    }
    return options;
}

void db_options_make(struct store *store)
{
    store->cache = rocksdb_cache_create_lru(CACHE);
    store->options = rocksdb_options_create();
    rocksdb_options_t *const options = store->options;
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_create_missing_column_families(options, 1);
    rocksdb_options_set_max_open_files(options, store->scratch == NULL ? OPEN_FILES : -1);
    rocksdb_options_set_max_total_wal_size(options, WAL_TOTAL);
    rocksdb_options_set_keep_log_file_num(options, INFO_LOG_FILES);
    rocksdb_options_set_info_log_level(options, INFO_LOG_NOTHING);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_bytes_per_sync(options, MB);
    rocksdb_options_set_skip_stats_update_on_db_open(options, 1);
    rocksdb_options_set_skip_checking_sst_file_sizes_on_db_open(options, 1);
    for (int cf = 0; cf < CF_COUNT; cf++) {
        store->cf_options[cf] = make_cf(&settings[cf], store->cache);
    }
    store->write = rocksdb_writeoptions_create();
    store->write_sync = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(store->write_sync, 1);
    store->read = rocksdb_readoptions_create();
}

void db_options_free(struct store *store)
{
    if (store->options == NULL) {
        return;
    }
    rocksdb_readoptions_destroy(store->read);
    rocksdb_writeoptions_destroy(store->write);
    rocksdb_writeoptions_destroy(store->write_sync);
    for (int cf = 0; cf < CF_COUNT; cf++) {
        rocksdb_options_destroy(store->cf_options[cf]);
    }
    rocksdb_options_destroy(store->options);
    rocksdb_cache_destroy(store->cache);
    store->options = NULL;
}
