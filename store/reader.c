/*
 * reader: what the store gives out about its points: samples by time, and the
 * newest readings.
 */
#include "store/dictionary.h"
#include "store/names.h"
#include "store/open_rows.h"
#include "store/view.h"

enum err_code store_read(struct store *store, const char *point_id, int64_t from_ns, int64_t to_ns, store_row_fn *fn,
                         void *self, struct err *err)
{
    struct view *view = NULL;
    bool stopped = false;
    enum err_code code = view_open(store, point_id, &view, err);
    if (code == ERR_NONE) {
        code = view_read(view, from_ns, to_ns, fn, self, &stopped, err);
        code = code == ERR_NONE ? view_end(view, err) : code;
        view_close(view);
    }
    return code;
}

/* ---- the newest reading -------------------------------------------------------------------------------------------
 */

enum err_code store_last(struct store *store, const char *point_id, struct board_entry *ret_entry, struct err *err)
{
    uint32_t series;
    enum err_code code = open_rows_load(store, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    code = dictionary_find(store, point_id, &series, err);
    if (code == ERR_NONE && !open_rows_newest(store, series, ret_entry)) {
        code = err_set(err, ERR_NO, "point \"%s\" has no samples", point_id);
    }
    db_leave(store);
    return code;
}

struct last_walk {
    struct store *store;
    store_last_fn *fn;
    void *self;
};

static bool take_last(void *self, const char *id, size_t id_len, uint32_t series)
{
    const struct last_walk *const walk = self;
    struct board_entry entry;
    return !open_rows_newest(walk->store, series, &entry) || walk->fn(walk->self, id, id_len, &entry);
}

enum err_code store_last_all(struct store *store, store_last_fn *fn, void *self, struct err *err)
{
    enum err_code code = open_rows_load(store, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    struct last_walk walk = {.store = store, .fn = fn, .self = self};
    code = names_walk(store, take_last, &walk, err);
    db_leave(store);
    return code == ERR_NONE && store->log_gaps ? db_log_gaps(store, err) : code;
}
