/*
 * restore: see restore.h.  Reads back from the newest in growing steps, for
 * what is looked for mostly lies a moment before it.
 */
#include "app/restore.h"

#include "base/clock.h"
#include <math.h>

struct looking {
    const struct site_point *point;
    int64_t before_ns;
    struct board_entry entry;
    int64_t rank_ns; /* of the entry, among its kind */
    int64_t good_ns;
    bool found, good;
    bool good_later; /* among those that do not count */
};

static bool look(void *self, const struct store_row *row)
{
    struct looking *looking = self;
    const struct site_point *point = looking->point;
    const int64_t rank_ns = (row->status & ST_SKEW) != 0 ? row->seen_ns : row->time_ns;
    const bool below = point->has_range && row->value < point->range_lo;
    const bool good = !isnan(row->value) && (row->status & ST_UNKNOWN) == 0 && !below;
    if (row->seen_ns >= looking->before_ns) {
        looking->good_later = looking->good_later || good;
        return true;
    }
    if (!looking->found || rank_ns >= looking->rank_ns) {
        looking->entry.time_ns = row->time_ns;
        looking->entry.seen_ns = row->seen_ns;
        looking->entry.value = row->value;
        looking->entry.status = row->status;
        looking->rank_ns = rank_ns;
        looking->found = true;
    }
    if (good && (!looking->good || rank_ns >= looking->good_ns)) {
        looking->entry.good = row->value;
        looking->good_ns = rank_ns;
        looking->good = true;
    }
    return true;
}

enum err_code restore_as_of(struct store *store, const struct site_point *point, const struct board_entry *last,
                            int64_t before_ns, struct board_entry *ret_entry, struct err *err)
{
    static const int64_t reach_ns[] = {60 * NS_PER_S, 3600 * NS_PER_S, 86400 * NS_PER_S, 30 * 86400 * NS_PER_S,
                                       TIME_NEVER};
    struct looking looking;
    enum err_code code = ERR_NONE;
    const int64_t to_ns = last->time_ns < INT64_MAX ? last->time_ns + 1 : INT64_MAX;
    for (size_t i = 0; i < sizeof reach_ns / sizeof *reach_ns; i++) {
        int64_t from_ns = INT64_MIN;
        if (reach_ns[i] != TIME_NEVER && __builtin_sub_overflow(last->time_ns, reach_ns[i], &from_ns)) {
            from_ns = INT64_MIN;
        }
        looking = (struct looking){.point = point, .before_ns = before_ns, .entry = {.good = NAN}};
        code = store_read(store, point->id, from_ns, to_ns, look, &looking, err);
        if (code == ERR_NONE && looking.found && !looking.good && !looking.good_later) {
            looking.entry.good = last->good; /* it came before all this: a sensor may be dead for a year */
            looking.good = true;
        }
        if (code != ERR_NONE || (looking.found && looking.good)) {
            break;
        }
    }
    if (code == ERR_NONE && !looking.found) {
        return ERR_NO;
    }
    if (code == ERR_NONE) {
        *ret_entry = looking.entry;
    }
    return code;
}
