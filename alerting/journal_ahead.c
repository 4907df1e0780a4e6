/*
 * journal_ahead: see journal_ahead.h.
 */
#include "alerting/journal_ahead.h"

void journal_ahead_done(struct journal_ahead *ahead)
{
    buf_done(&ahead->bytes);
    ahead->count = ahead->at = 0;
}

static bool take(void *self, const struct store_event *event)
{
    struct journal_ahead *ahead = self;
    ahead->events[ahead->count] = *event;
    ahead->places[ahead->count++] = ahead->bytes.len;
    buf_add(&ahead->bytes, event->alarm, event->alarm_len);
    buf_add(&ahead->bytes, event->json, event->json_len);
    buf_add(&ahead->bytes, event->state, event->state_len);
    return ahead->count < AHEAD_EVENTS;
}

static enum err_code fill(struct journal_ahead *ahead, struct store *store, uint64_t after, struct err *err)
{
    ahead->count = ahead->at = 0;
    buf_clear(&ahead->bytes);
    const enum err_code code = store_events(store, after, take, ahead, err);
    if (code != ERR_NONE) {
        ahead->count = 0;
        return code;
    }
    for (size_t i = 0; i < ahead->count; i++) { /* the buffer has moved while it grew */
        struct store_event *event = &ahead->events[i];
        event->alarm = ahead->bytes.data + ahead->places[i];
        event->json = event->alarm + event->alarm_len;
        event->state = event->json + event->json_len;
    }
    return ERR_NONE;
}

/* True when what is in hand tells the event behind `after`, and what stands behind that. */
static bool is_in_hand(struct journal_ahead *ahead, uint64_t after)
{
    while (ahead->at < ahead->count && ahead->events[ahead->at].seq <= after) {
        ahead->at++;
    }
    const bool to_the_end = ahead->count < AHEAD_EVENTS;
    return ahead->at + (to_the_end ? 0 : AHEAD_SIGHT) < ahead->count;
}

enum err_code journal_ahead_next(struct journal_ahead *ahead, struct store *store, uint64_t after,
                                 const struct store_event **ret_event, size_t *ret_behind, struct err *err)
{
    if (store_last_seq(store) <= after) {
        *ret_event = NULL;
        return ERR_NONE;
    }
    if (!is_in_hand(ahead, after)) {
        const enum err_code code = fill(ahead, store, after, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    const bool some = ahead->at < ahead->count;
    *ret_event = some ? &ahead->events[ahead->at] : NULL;
    *ret_behind = some ? ahead->count - ahead->at - 1 : 0;
    return ERR_NONE;
}
