/* control_import: see control_import.h. */
#include "app/control_import.h"

#include "app/history_line.h"
#include <string.h>

static bool is_end(const char *line, size_t len)
{
    return len == 3 && memcmp(line, "end", 3) == 0;
}

/* There is room in the ring. */
static enum import_state take_line(struct import_way *way, struct import *import, const char *line, size_t len)
{
    struct sample sample;
    if (is_end(line, len)) {
        import->ticket = ++way->next_ticket;
        sample = (struct sample){.point = POINT_MARK, .time_ns = (int64_t)import->ticket};
        return ring_push(way->history, &sample) ? IMPORT_ENDED : IMPORT_FULL;
    }
    switch (history_line_parse(way->site, line, len, &sample)) {
    case HISTORY_SAMPLE:
        import->taken++;
        return ring_push(way->history, &sample) ? IMPORT_MORE : IMPORT_FULL;
    case HISTORY_UNKNOWN_POINT:
        import->unknown++;
        return IMPORT_MORE;
    default:
        return IMPORT_NONSENSE;
    }
}

enum import_state import_take(struct import_way *way, struct import *import, const char *bytes, size_t len,
                              size_t *ret_used)
{
    enum import_state state = IMPORT_MORE;
    size_t used = 0;
    while (state == IMPORT_MORE) {
        const char *end = memchr(bytes + used, '\n', len - used);
        if (end == NULL) {
            break;
        }
        if (ring_room(way->history) == 0) {
            state = IMPORT_FULL;
            break;
        }
        state = take_line(way, import, bytes + used, (size_t)(end - bytes) - used);
        used = (size_t)(end - bytes) + 1;
    }
    if (used > 0) {
        doorbell_ring(way->bell);
    }
    *ret_used = used;
    return state;
}

bool import_is_kept(const struct import_way *way, const struct import *import)
{
    return cell_get(way->kept) >= import->ticket;
}
