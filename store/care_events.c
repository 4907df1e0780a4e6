/*
 * care_events: removes the oldest events of the journal after their time.
 *
 * Only from its beginning, and never one that a sink of the site has not
 * delivered, that was not yet looked at for pins, or the last one.  The hash of
 * the last one removed is kept, in the same batch: the chain goes on from it
 * (journal.h), and davy verify still finds any other gap.
 */
#include "base/log.h"
#include "store/care_inside.h"
#include "store/journal.h"
#include "store/state.h"
#include <stdio.h>

enum { EVENTS_A_SLICE = 1000, SINK_PLACE_BYTES = 9 }; /* version and seq, see docs/data-model.md */

/* Up to which event the sink's receiver has everything; a sink that never delivered anything has none. */
static enum err_code sink_place(struct store_care *care, const char *id, uint64_t *ret_seq, struct err *err)
{
    char key[600];
    struct buf bytes = {0};
    (void)snprintf(key, sizeof key, "sink/%s", id);
    enum err_code code = state_get(care->config.store, key, &bytes, err);
    const bool known = code == ERR_NONE && bytes.len == SINK_PLACE_BYTES && bytes.data[0] == 1;
    *ret_seq = known ? get_u64((const uint8_t *)bytes.data + 1) : 0;
    buf_done(&bytes);
    return code == ERR_NO ? ERR_NONE : code;
}

/* The last event that may be removed, whatever its age. */
static enum err_code last_free(struct store_care *care, uint64_t *ret_seq, struct err *err)
{
    const struct site *const site = care->config.site;
    const uint64_t last = store_last_seq(care->config.store);
    uint64_t seq = 0;
    enum err_code code = care_pin_cursor(care, &seq, err);
    seq = seq < last ? seq : last == 0 ? 0 : last - 1;
    for (size_t i = 0; code == ERR_NONE && i < site->sink_count; i++) {
        uint64_t place = 0;
        code = sink_place(care, site->sinks[i].id, &place, err);
        seq = place < seq ? place : seq;
    }
    *ret_seq = seq;
    return code;
}

struct removal {
    struct store_care *care;
    int64_t floor_ns;
    uint64_t limit; /* seq */
    uint64_t last;  /* removed */
    uint64_t count;
};

static bool take_event(void *self, const struct store_event *event)
{
    struct removal *const removal = self;
    if (event->time_ns >= removal->floor_ns || event->seq > removal->limit || removal->count == EVENTS_A_SLICE) {
        return false;
    }
    journal_remove(removal->care->config.store, removal->care->batch, event->seq);
    removal->last = event->seq;
    removal->count++;
    return true;
}

static void tell(const struct removal *removal)
{
    struct store_care *const care = removal->care;
    care_count(care->counters.removed_events, removal->count);
    log_event(LOG_INFO, "store", "STO-023", care->config.store->path,
              "path=%s events removed after their time: %llu, up to seq=%llu", care->config.store->path,
              (unsigned long long)removal->count, (unsigned long long)removal->last);
}

enum err_code care_slice_events(struct store_care *care, bool *ret_done, struct err *err)
{
    struct removal removal = {.care = care, .floor_ns = care_floor(care, care->config.site->keep_events_ns)};
    *ret_done = true;
    if (removal.floor_ns == INT64_MIN) {
        return ERR_NONE;
    }
    enum err_code code = last_free(care, &removal.limit, err);
    if (code == ERR_NONE && removal.limit > 0) {
        code = journal_events(care->config.store, 0, take_event, &removal, err);
    }
    if (code == ERR_NONE && removal.count > 0) {
        code = journal_anchor(care->config.store, care->batch, removal.last, err);
        *ret_done = false;
    }
    if (code == ERR_NONE && removal.count > 0) {
        tell(&removal);
    }
    return code;
}
