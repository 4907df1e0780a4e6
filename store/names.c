/*
 * names: see names.h.
 */
#include "store/names.h"
#include "base/memory.h"
#include "store/db.h"
#include "store/dictionary.h"
#include <stdlib.h>

static bool add_name(void *self, const char *id, size_t len, uint32_t series)
{
    struct names *const names = self;
    if (names->count == names->room) {
        names->room = names->room == 0 ? 64 : 2 * names->room;
        names->ends = memory_resize(names->ends, names->room, sizeof *names->ends);
        names->series = memory_resize(names->series, names->room, sizeof *names->series);
    }
    buf_add(&names->text, id, len);
    names->ends[names->count] = (uint32_t)names->text.len;
    names->series[names->count++] = series;
    return true;
}

/* Numbers are never given back, so their count tells whether all is known. */
static enum err_code know(struct store *store, struct err *err)
{
    uint32_t count = 0;
    const enum err_code code = dictionary_count(store, &count, err);
    if (code != ERR_NONE || count == store->names.count) {
        return code;
    }
    store->names.count = 0;
    buf_clear(&store->names.text);
    return dictionary_walk(store, add_name, &store->names, err);
}

enum err_code names_walk(struct store *store, names_fn *fn, void *self, struct err *err)
{
    (void)pthread_mutex_lock(&store->naming); /* fails only on misuse */
    const enum err_code code = know(store, err);
    const struct names *const names = &store->names;
    uint32_t start = 0;
    for (size_t i = 0; code == ERR_NONE && i < names->count; start = names->ends[i++]) {
        if (!fn(self, names->text.data + start, names->ends[i] - start, names->series[i])) {
            break;
        }
    }
    (void)pthread_mutex_unlock(&store->naming);
    return code;
}

void names_done(struct names *names)
{
    buf_done(&names->text);
    free(names->ends);
    free(names->series);
}
