/*
 * dictionary: see dictionary.h; keys.h has the two keys of each entry.
 */
#include "store/dictionary.h"
#include "base/memory.h"
#include "store/keys.h"
#include <stdlib.h>
#include <string.h>

enum { NEW_AT_ONCE = 4096 }; /* points in a batch: those of a large site would take its memory several times over */
enum { ID_MAX = 1024 };      /* of a site's point: 128 characters, at most 512 bytes */

static size_t id_key(const char *id, uint8_t ret_key[ID_MAX + 1])
{
    const size_t len = strnlen(id, ID_MAX);
    ret_key[0] = 'i';
    memcpy(ret_key + 1, id, len);
    return len + 1;
}

enum err_code dictionary_find(struct store *store, const char *id, uint32_t *ret_series, struct err *err)
{
    uint8_t key[ID_MAX + 1];
    rocksdb_pinnableslice_t *value = NULL;
    const enum err_code code = db_get(store, CF_SERIES, key, id_key(id, key), &value, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (value == NULL) {
        return err_set(err, ERR_NO, "the store knows no point \"%s\"", id);
    }
    size_t len;
    const char *const bytes = rocksdb_pinnableslice_value(value, &len);
    const bool fine = len == 4;
    if (fine) {
        *ret_series = get_u32((const uint8_t *)bytes);
    }
    rocksdb_pinnableslice_destroy(value);
    return fine ? ERR_NONE : err_set(err, ERR_ENV, "%s: the number of point \"%s\" is damaged", store->path, id);
}

/* The last key of the 'n' entries holds the largest number. */
enum err_code dictionary_count(struct store *store, uint32_t *ret_count, struct err *err)
{
    rocksdb_iterator_t *const it = rocksdb_create_iterator_cf(store->db, store->read, store->cf[CF_SERIES]);
    rocksdb_iter_seek_for_prev(it, "n\xff\xff\xff\xff", KEY_SERIES);
    uint32_t count = 0;
    if (rocksdb_iter_valid(it)) {
        size_t len;
        const uint8_t *const key = (const uint8_t *)rocksdb_iter_key(it, &len);
        count = len == KEY_SERIES && key[0] == 'n' ? get_u32(key + 1) + 1 : 0;
    }
    char *rocks_err = NULL;
    rocksdb_iter_get_error(it, &rocks_err);
    rocksdb_iter_destroy(it);
    const enum err_code code = db_error(store, rocks_err, err);
    if (code == ERR_NONE) {
        *ret_count = count;
    }
    return code;
}

static void put_entry(struct store *store, rocksdb_writebatch_t *batch, const char *id, uint32_t series)
{
    uint8_t by_id[ID_MAX + 1];
    uint8_t by_number[KEY_SERIES];
    uint8_t number[4];
    const size_t len = id_key(id, by_id);
    key_series('n', series, by_number);
    (void)put_u32(number, series);
    rocksdb_writebatch_put_cf(batch, store->cf[CF_SERIES], (const char *)by_id, len, (const char *)number,
                              sizeof number);
    rocksdb_writebatch_put_cf(batch, store->cf[CF_SERIES], (const char *)by_number, sizeof by_number,
                              (const char *)by_id + 1, len - 1);
}

enum err_code dictionary_walk(struct store *store, dictionary_fn *fn, void *self, struct err *err)
{
    struct db_walk walk;
    bool going = true;
    db_walk_begin(&walk, store, CF_SERIES, NULL, "i", 1, "j", 1);
    for (; going && db_walk_valid(&walk); db_walk_next(&walk)) {
        size_t len;
        size_t value_len;
        const char *const key = (const char *)db_walk_key(&walk, &len);
        const uint8_t *const value = db_walk_value(&walk, &value_len);
        going = value_len != 4 || fn(self, key + 1, len - 1, get_u32(value)); /* store_verify tells of damage */
    }
    return db_walk_end(&walk, store, err);
}

/* ---- giving numbers -----------------------------------------------------------------------------------------------
 *
 * The points of a site, sorted, are laid beside the dictionary, which is sorted: one walk instead of a look-up each.
 */

struct assignment {
    const struct site *site;
    uint32_t *sorted; /* points by id */
    size_t next;      /* of sorted */
    uint32_t *series; /* [point]; UINT32_MAX: none yet */
    uint32_t number;  /* the next to give */
    size_t seen;      /* points that have theirs */
};

static int compare_ids(const void *a, const void *b, void *self)
{
    const struct site *const site = self;
    return strcmp(site->points[*(const uint32_t *)a].id, site->points[*(const uint32_t *)b].id);
}

/* How a point's id stands to text[0..len). */
static int compare_text(const char *id, const char *text, size_t len)
{
    const size_t id_len = strlen(id);
    const int order = memcmp(id, text, id_len < len ? id_len : len);
    return order != 0 ? order : id_len < len ? -1 : id_len > len;
}

static bool take_known(void *self, const char *id, size_t len, uint32_t series)
{
    struct assignment *const assignment = self;
    for (; assignment->next < assignment->site->point_count; assignment->next++) {
        const uint32_t point = assignment->sorted[assignment->next];
        const int order = compare_text(assignment->site->points[point].id, id, len);
        if (order > 0) {
            return true;
        }
        if (order == 0) {
            assignment->series[point] = series;
        }
    }
    return false;
}

/* Finds every point that is known.  Within db_enter. */
static enum err_code find_known(struct store *store, struct assignment *assignment, struct err *err)
{
    const struct site *const site = assignment->site;
    assignment->sorted = memory_new(site->point_count, sizeof *assignment->sorted);
    for (size_t i = 0; i < site->point_count; i++) {
        assignment->sorted[i] = (uint32_t)i;
        assignment->series[i] = UINT32_MAX;
    }
    qsort_r(assignment->sorted, site->point_count, sizeof *assignment->sorted, compare_ids, (void *)(uintptr_t)site);
    const enum err_code code = dictionary_walk(store, take_known, assignment, err);
    free(assignment->sorted);
    return code == ERR_NONE ? dictionary_count(store, &assignment->number, err) : code;
}

/* Adds some of the unknown ones to the batch; true when there are more.  Within db_enter. */
static bool give_numbers(struct store *store, struct assignment *assignment, rocksdb_writebatch_t *batch)
{
    const struct site *const site = assignment->site;
    for (size_t given = 0; assignment->seen < site->point_count && given < NEW_AT_ONCE; assignment->seen++) {
        uint32_t *const series = &assignment->series[assignment->seen];
        if (*series == UINT32_MAX) {
            *series = assignment->number++;
            put_entry(store, batch, site->points[assignment->seen].id, *series);
            given++;
        }
    }
    return assignment->seen < site->point_count;
}

/* Writes them batch by batch; the last one makes all of them safe. */
static enum err_code write_new(struct store *store, struct assignment *assignment, struct err *err)
{
    rocksdb_writebatch_t *const batch = rocksdb_writebatch_create();
    enum err_code code = ERR_NONE;
    bool wrote = false;
    for (bool more = true; more && code == ERR_NONE;) {
        if (!db_enter(store, err)) {
            code = ERR_ENV;
            break;
        }
        more = give_numbers(store, assignment, batch);
        db_leave(store);
        wrote = wrote || rocksdb_writebatch_count(batch) > 0;
        code = wrote ? db_write(store, batch, !more, err) : ERR_NONE;
        rocksdb_writebatch_clear(batch);
    }
    rocksdb_writebatch_destroy(batch);
    return code;
}

enum err_code dictionary_assign(struct store *store, const struct site *site, uint32_t *ret_series, struct err *err)
{
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    struct assignment assignment = {.site = site, .series = ret_series};
    const enum err_code code = find_known(store, &assignment, err);
    db_leave(store);
    return code == ERR_NONE ? write_new(store, &assignment, err) : code;
}
