/*
 * mbus_link: one connection to a Modbus device, gateway or serial line.
 *
 *   DOWN ──retry──► (RESOLVING) ──► CONNECTING ──► UP
 *     ▲                  │              │           │
 *     └────── trouble ───┴──────────────┴───────────┘   back-off 0.5 s … 30 s
 *
 * At each failed try all points due since the last one get `comm`.  The
 * back-off starts anew only when an answer has come, not when a connection was
 * accepted: a device that accepts and hangs up is not stormed.
 *
 * A renewal (RTU over TCP, after a time-out) is no trouble: UP, closed, and up
 * again at once.  The old one is closed first, since many gateways have room
 * for few; one that is slow to notice is tried again a few times before that
 * counts as trouble.
 */
#include "ingest/mbus_state.h"

#include "base/log.h"
#include "ingest/back_off.h"
#include <string.h>
#include <unistd.h>

static const int64_t retry_min_ns = NS_PER_S / 2;
static const int64_t retry_max_ns = 30 * NS_PER_S;
static const int64_t renew_wait_ns = 100 * NS_PER_MS; /* between two tries of a renewal */
enum { RENEWAL_TRIES = 4 };
static const int64_t close_wait_ns = NS_PER_MS; /* the loop gives a handle back at its next turn */

/* ---- waking ---- */

/* Moves the wake-up earlier only; one that comes too early looks at its watch and goes back to sleep.  So a request
 * that is answered in time costs the heap nothing. */
void link_wake_at(struct bus_link *link, int64_t due_ns)
{
    if (due_ns < due_heap_key(&link->worker->wakes, link->id)) {
        due_heap_set(&link->worker->wakes, link->id, due_ns);
    }
}

static int64_t next_wake(const struct bus_link *link)
{
    switch (link->state) {
    case LINK_DOWN:
        return link->retry_ns;
    case LINK_CONNECTING:
        return link->deadline_ns;
    case LINK_UP: {
        const int64_t late_ns = line_deadline(link);
        const int64_t next_ns = line_next(link);
        return late_ns < next_ns ? late_ns : next_ns;
    }
    case LINK_RESOLVING:
    case LINK_CLOSED:
        break;
    }
    return TIME_NEVER;
}

void link_wake_when_due(struct bus_link *link)
{
    const int64_t due_ns = next_wake(link);
    if (due_ns != TIME_NEVER) {
        link_wake_at(link, due_ns);
    }
}

/* ---- up and down ---- */

void link_due(struct bus_link *link, struct bus_read *read)
{
    if (link->state == LINK_CLOSED || link->worker->stopping) {
        return;
    }
    if (link->state == LINK_UP && read->unit->silent) {
        poll_comm(read);
    } else if (!read->queued && read->ask == NULL) {
        link_queue_add(link, read);
    } else if (link->state == LINK_UP) {
        counter_add(link->count.skipped, 1); /* its last poll is not done: polls do not pile up */
    }
}

void link_place(const struct bus_link *link, char ret_text[LINK_PLACE_MAX])
{
    const struct site_source *source = link->source;
    const int written = source->type == SOURCE_MODBUS_RTU
                            ? snprintf(ret_text, LINK_PLACE_MAX, "device=%s", source->device)
                            : snprintf(ret_text, LINK_PLACE_MAX, "host=%s port=%u", source->host, source->port);
    (void)written; /* a longer one is cut: it is for people */
}

void link_tap(const struct bus_link *link, enum wire_kind kind, const uint8_t *bytes, size_t len)
{
    const struct mbus_worker *worker = link->worker;
    const uint32_t source = (uint32_t)(link->source - worker->config.site->sources);
    wire_tap_put(worker->config.tap, kind, source, worker->now_ns, bytes, len);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct bus_link *link = handle->data;
    link->poll_open = false;
    link->worker->work++;
}

static void drop(struct bus_link *link)
{
    if (link->fd >= 0) {
        if (link->poll_open) {
            uv_close((uv_handle_t *)&link->poll, on_handle_closed);
        }
        (void)close(link->fd);
        link->fd = -1;
    }
    link->len = 0;
}

/* Ends all that is under way. */
static void fail_asks(struct bus_link *link)
{
    for (uint32_t i = 0; i < link->ask_count; i++) {
        struct bus_ask *ask = &link->asks[i];
        const bool poll = ask->state != ASK_FREE && ask->read != NULL;
        ask->state = ASK_FREE;
        if (poll) {
            poll_fail(ask->read);
        }
    }
}

/* Everything due gets `comm`: the reads that were asked, and those that were to be. */
static void answer_comm(struct bus_link *link)
{
    fail_asks(link);
    for (struct bus_read *read = link_queue_pop(link); read != NULL; read = link_queue_pop(link)) {
        poll_comm(read);
    }
}

void link_lost(struct bus_link *link, const char *reason)
{
    struct mbus_worker *worker = link->worker;
    if (link->state == LINK_UP) {
        link_tap(link, WIRE_DOWN, NULL, 0);
    }
    drop(link);
    counter_set(link->count.connected, 0);
    units_reset(link);
    link->missed = NULL;
    link->renewals_left = 0;
    link->state = LINK_DOWN;
    count_states(link);
    link->retry_ns = worker->mono_ns + back_off_wait(link->seed, link->tries, retry_min_ns, retry_max_ns);
    link->tries++;
    if (!link->announced_down) {
        link->announced_down = true;
        link->down_since_ns = worker->mono_ns;
        char place[LINK_PLACE_MAX];
        link_place(link, place);
        log_event(LOG_WARN, "ingest", "ING-001", link->source->id, "source=%s %s reason=\"%s\"", link->source->id,
                  place, reason);
    }
    answer_comm(link);
    link_wake_when_due(link);
    worker->work++;
}

void link_lost_errno(struct bus_link *link, const char *what, int error)
{
    char reason[128];
    (void)snprintf(reason, sizeof reason, "%s: %s", what, strerror(error));
    link_lost(link, reason);
}

static void wait_renewed(struct bus_link *link, int64_t wait_ns)
{
    if (link->state == LINK_UP) {
        link_tap(link, WIRE_DOWN, NULL, 0);
    }
    drop(link);
    link->state = LINK_DOWN;
    link->retry_ns = link->worker->mono_ns + wait_ns;
    link_wake_when_due(link);
    link->worker->work++;
}

void link_renew(struct bus_link *link)
{
    link->renewals_left = RENEWAL_TRIES;
    wait_renewed(link, 0);
}

bool link_renews_again(struct bus_link *link)
{
    if (link->renewals_left <= 1) {
        return false;
    }
    link->renewals_left--;
    wait_renewed(link, renew_wait_ns);
    return true;
}

/* ---- life ---- */

void link_wake(struct bus_link *link)
{
    const int64_t mono_ns = link->worker->mono_ns;
    link->worker->work++;
    if (link->state == LINK_DOWN && mono_ns >= link->retry_ns) {
        if (link->poll_open || link->resolve_open) {
            link->retry_ns = mono_ns + close_wait_ns;
        } else if (link->renewals_left > 0) {
            link_open_again(link);
        } else {
            link_open(link);
        }
    } else if (link->state == LINK_CONNECTING && mono_ns >= link->deadline_ns) {
        link_lost(link, "no connection within the time-out");
    } else if (link->state == LINK_UP) {
        line_check_time(link);
        line_pump(link);
    }
    link_wake_when_due(link);
}

void link_prepare(struct bus_link *link)
{
    link->fd = -1;
    link->state = LINK_DOWN;
    link->framing = link->source->type == SOURCE_MODBUS_TCP ? FRAMING_TCP : FRAMING_RTU;
    link->frame_gap_ns = port_frame_gap_ns(link->source);
    link->seed = back_off_seed(link->source->id);
}

void link_abandon(struct bus_link *link)
{
    for (uint32_t i = 0; i < link->ask_count; i++) {
        link->asks[i].state = ASK_FREE;
    }
}

void link_close(struct bus_link *link)
{
    if (link->state == LINK_UP && line_is_waiting(link, false)) {
        return; /* the answer, or time-out, leads here again */
    }
    fail_asks(link);
    drop(link);
    counter_set(link->count.connected, 0);
    link->state = LINK_CLOSED;
    due_heap_remove(&link->worker->wakes, link->id);
}

bool link_is_closed(const struct bus_link *link)
{
    return link->state == LINK_CLOSED && !link->poll_open && !link->resolve_open;
}
