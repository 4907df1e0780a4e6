/*
 * reader: what the store gives out about its points: samples by time, and the
 * newest readings.
 */
#include "base/memory.h"
#include "store/dictionary.h"
#include "store/open_rows.h"
#include "store/sweep.h"
#include <stdlib.h>

/* ---- samples ------------------------------------------------------------------------------------------------------
 */

struct reading {
    struct open_rows open;
    struct sweep_view view;
    struct sweep *sweep;
};

/* Within db_enter. */
static enum err_code read_series(struct reading *reading, int64_t from_ns, int64_t to_ns, store_row_fn *fn, void *self,
                                 struct err *err)
{
    struct sweep_view *const view = &reading->view;
    enum err_code code = open_rows_take(view->store, view->series, &reading->open, &view->snapshot, err);
    if (code == ERR_NONE) {
        code = sweep_read(reading->sweep, view, from_ns, to_ns, fn, self, err);
        db_snapshot_release(view->store, view->snapshot);
    }
    return code;
}

enum err_code store_read(struct store *store, const char *point_id, int64_t from_ns, int64_t to_ns, store_row_fn *fn,
                         void *self, struct err *err)
{
    enum err_code code = open_rows_prepare(store, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    struct reading *const reading = memory_new(1, sizeof *reading);
    reading->sweep = sweep_new();
    reading->view = (struct sweep_view){.store = store, .open = &reading->open};
    code = dictionary_find(store, point_id, &reading->view.series, err);
    if (code == ERR_NONE) {
        code = read_series(reading, from_ns, to_ns, fn, self, err);
    }
    sweep_free(reading->sweep);
    free(reading);
    db_leave(store);
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
    if (code == ERR_NONE && !lasts_read(&store->lasts, series, ret_entry)) {
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
    return !lasts_read(&walk->store->lasts, series, &entry) || walk->fn(walk->self, id, id_len, &entry);
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
    code = dictionary_walk(store, take_last, &walk, err);
    db_leave(store);
    return code;
}
