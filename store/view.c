/*
 * view: see view.h.
 *
 * Blocks are removed as wholes, and some time after their samples: what lies in
 * a removed stretch is left out here, whatever block it is still in.
 */
#include "store/view.h"
#include "base/memory.h"
#include "store/dictionary.h"
#include "store/pins.h"
#include <stdlib.h>

/* Within db_enter. */
static enum err_code look(struct view *view, const char *point_id, struct err *err)
{
    struct sweep_view *const swept = &view->swept;
    enum err_code code = dictionary_find(swept->store, point_id, &swept->series, err);
    if (code == ERR_NONE) {
        code = open_rows_take(swept->store, swept->series, &view->open, &swept->snapshot, err);
    }
    if (code == ERR_NONE) {
        code = removed_get(swept->store, swept->snapshot, swept->series, &view->removed, err);
    }
    return code == ERR_NONE ? notes_ready(swept->store, swept->snapshot, &view->tiers, err) : code;
}

enum err_code view_open(struct store *store, const char *point_id, struct view **ret_view, struct err *err)
{
    enum err_code code = open_rows_prepare(store, err);
    if (code != ERR_NONE) {
        return code;
    }
    if (!db_enter(store, err)) {
        return ERR_ENV;
    }
    struct view *const view = memory_new(1, sizeof *view);
    view->sweep = sweep_new();
    view->swept = (struct sweep_view){.store = store, .open = &view->open};
    code = look(view, point_id, err);
    if (code != ERR_NONE) {
        view_close(view);
        return code;
    }
    *ret_view = view;
    return ERR_NONE;
}

void view_close(struct view *view)
{
    if (view != NULL) {
        struct store *const store = view->swept.store;
        db_snapshot_release(store, view->swept.snapshot);
        sweep_free(view->sweep);
        free(view);
        db_leave(store);
    }
}

/* Notices who stopped a sweep: its end, or fn. */
struct watch {
    store_row_fn *fn;
    void *self;
    bool stopped;
};

static bool pass_on(void *self, const struct store_row *row)
{
    struct watch *const watch = self;
    watch->stopped = !watch->fn(watch->self, row);
    return !watch->stopped;
}

static enum err_code read_pieces(struct view *view, int64_t from_ns, int64_t to_ns, struct watch *watch,
                                 struct err *err)
{
    return from_ns < to_ns && !watch->stopped
               ? sweep_read(view->sweep, &view->swept, from_ns, to_ns, pass_on, watch, err)
               : ERR_NONE;
}

/* Of a removed stretch only what is pinned. */
static enum err_code read_pinned(struct view *view, int64_t from_ns, int64_t to_ns, struct watch *watch,
                                 struct err *err)
{
    const struct sweep_view *const swept = &view->swept;
    enum err_code code = ERR_NONE;
    bool found = true;
    while (code == ERR_NONE && from_ns < to_ns && !watch->stopped) {
        struct stretch pin = {0};
        code = pins_next(swept->store, swept->snapshot, swept->series, from_ns, &pin, &found, err);
        if (code != ERR_NONE || !found || pin.from_ns >= to_ns) {
            break;
        }
        const int64_t end_ns = pin.to_ns < to_ns ? pin.to_ns : to_ns;
        code = read_pieces(view, pin.from_ns > from_ns ? pin.from_ns : from_ns, end_ns, watch, err);
        from_ns = end_ns;
    }
    return code;
}

static int64_t within(int64_t time_ns, int64_t from_ns, int64_t to_ns)
{
    return time_ns < from_ns ? from_ns : time_ns > to_ns ? to_ns : time_ns;
}

enum err_code view_read(struct view *view, int64_t from_ns, int64_t to_ns, store_row_fn *fn, void *self,
                        bool *ret_stopped, struct err *err)
{
    const struct stretch *const raw = &view->removed.kept[KEPT_RAW];
    struct watch watch = {.fn = fn, .self = self};
    if (from_ns >= to_ns || raw->from_ns == raw->to_ns) {
        const enum err_code code = read_pieces(view, from_ns, to_ns, &watch, err);
        *ret_stopped = watch.stopped;
        return code;
    }
    const int64_t gone_ns = within(raw->from_ns, from_ns, to_ns);
    const int64_t back_ns = within(raw->to_ns, from_ns, to_ns);
    enum err_code code = read_pieces(view, from_ns, gone_ns, &watch, err);
    if (code == ERR_NONE) {
        code = read_pinned(view, gone_ns, back_ns, &watch, err);
    }
    if (code == ERR_NONE) {
        code = read_pieces(view, back_ns, to_ns, &watch, err);
    }
    *ret_stopped = watch.stopped;
    return code;
}

enum err_code view_end(const struct view *view, struct err *err)
{
    const enum err_code code = sweep_end(view->sweep, err);
    return code == ERR_NONE && view->open.gaps ? db_log_gaps(view->swept.store, err) : code;
}
