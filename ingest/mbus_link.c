/*
 * mbus_link: one connection to a Modbus device, gateway or serial line.
 *
 *   DOWN ──retry──► (RESOLVING) ──► CONNECTING ──► UP
 *     ▲                  │              │           │
 *     └────── trouble ───┴──────────────┴───────────┘   back-off 0.5 s … 30 s
 *
 * One request at a time; units behind one connection are thereby serialised.
 * What comes back is matched (mbus_frame); what answers something older is
 * thrown away and counted; what is no Modbus ends a TCP connection and, on a
 * serial line, is thrown away until the line is quiet.
 *
 * RTU has no transaction id.  An answer that comes after its time-out could be
 * taken for the answer to the next request, so after a time-out the line is
 * left alone for another time-out and everything that comes is thrown away.
 *
 * At each failed try all points due since the last one get `comm`.  The
 * back-off starts anew only when an answer has come, not when a connection was
 * accepted: a device that accepts and hangs up is not stormed.
 */
#include "ingest/mbus_state.h"

#include "base/log.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static const int64_t retry_min_ns = NS_PER_S / 2;
static const int64_t retry_max_ns = 30 * NS_PER_S;
static const int64_t connect_min_ns = NS_PER_S;      /* a connection may take this long even if answers may not */
static const int64_t close_wait_ns = NS_PER_MS;      /* the loop gives a handle back at its next turn */
static const int64_t junk_quiet_ns = 50 * NS_PER_MS; /* serial: silence that ends junk */
enum { MUTE_UNTIL_RECONNECT = 10 };                  /* connected, but not one byte to so many requests */

static void lost(struct bus_link *link, const char *reason);

/* ---- waking ---- */

/* Moves the wake-up earlier only; one that comes too early looks at its watch and goes back to sleep.  So a request
 * that is answered in time costs the heap nothing. */
static void wake_at(struct bus_link *link, int64_t due_ns)
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
        if (link->waiting) {
            return link->deadline_ns;
        }
        int64_t due_ns = unit_next_probe(link);
        if (link->held || link->queue_head != NULL || due_ns < link->ready_ns) {
            due_ns = link->ready_ns;
        }
        return due_ns;
    }
    case LINK_RESOLVING:
    case LINK_CLOSED:
        break;
    }
    return TIME_NEVER;
}

static void wake_when_due(struct bus_link *link)
{
    const int64_t due_ns = next_wake(link);
    if (due_ns != TIME_NEVER) {
        wake_at(link, due_ns);
    }
}

/* ---- queue of due reads ---- */

static void queue_add(struct bus_link *link, struct bus_read *read)
{
    read->queued = true;
    read->next = NULL;
    if (link->queue_tail != NULL) {
        link->queue_tail->next = read;
    } else {
        link->queue_head = read;
    }
    link->queue_tail = read;
}

static struct bus_read *queue_take(struct bus_link *link)
{
    struct bus_read *read = link->queue_head;
    if (read != NULL) {
        link->queue_head = read->next;
        if (link->queue_head == NULL) {
            link->queue_tail = NULL;
        }
        read->queued = false;
    }
    return read;
}

void link_due(struct bus_link *link, struct bus_read *read)
{
    if (link->state == LINK_CLOSED || link->worker->stopping) {
        return;
    }
    if (link->state == LINK_UP && read->unit->silent) {
        poll_comm(read);
    } else if (!read->queued && link->current != read) {
        queue_add(link, read);
    } else if (link->state == LINK_UP) {
        counter_add(link->count.skipped, 1); /* its last poll is not done: polls do not pile up */
    }
}

/* ---- up and down ---- */

/* Half a second, doubled with each try, at most 30 s; spread by a quarter up and down, the same in every run. */
static int64_t back_off(const struct bus_link *link)
{
    int64_t wait_ns = retry_min_ns;
    for (unsigned i = 0; i < link->tries && wait_ns < retry_max_ns; i++) {
        wait_ns *= 2;
    }
    wait_ns = wait_ns > retry_max_ns ? retry_max_ns : wait_ns;
    uint64_t mixed = link->seed + (uint64_t)link->tries * UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    wait_ns += wait_ns / 4 * (int64_t)(mixed >> 54) / 512 - wait_ns / 4;
    return wait_ns < retry_min_ns ? retry_min_ns : wait_ns > retry_max_ns ? retry_max_ns : wait_ns;
}

static const char *host_of(const struct bus_link *link)
{
    return link->source->type == SOURCE_MODBUS_RTU ? link->source->device : link->source->host;
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
    link->waiting = false;
    link->held = false;
    link->len = 0;
    counter_set(link->count.connected, 0);
}

/* Everything due gets `comm`: the read that was asked, and those that were to be. */
static void answer_comm(struct bus_link *link)
{
    if (link->current != NULL) {
        poll_fail(link->current);
    }
    for (struct bus_read *read = queue_take(link); read != NULL; read = queue_take(link)) {
        poll_comm(read);
    }
}

static void lost(struct bus_link *link, const char *reason)
{
    struct mbus_worker *worker = link->worker;
    drop(link);
    units_reset(link);
    link->state = LINK_DOWN;
    link->retry_ns = worker->mono_ns + back_off(link);
    link->tries++;
    if (!link->announced_down) {
        link->announced_down = true;
        link->down_since_ns = worker->mono_ns;
        log_event(LOG_WARN, "ingest", "ING-001", link->source->id, "source=%s host=%s port=%u reason=\"%s\"",
                  link->source->id, host_of(link), link->source->port, reason);
    }
    answer_comm(link);
    wake_when_due(link);
    worker->work++;
}

static void lost_errno(struct bus_link *link, const char *what, int error)
{
    char reason[128];
    (void)snprintf(reason, sizeof reason, "%s: %s", what, strerror(error));
    lost(link, reason);
}

/* The first answer on a connection: only now it is worth something. */
static void prove(struct bus_link *link)
{
    link->mute = 0;
    if (link->proven) {
        return;
    }
    link->proven = true;
    const int64_t down_ns = link->announced_down ? link->worker->mono_ns - link->down_since_ns : 0;
    log_event(LOG_INFO, "ingest", "ING-002", link->source->id,
              "source=%s host=%s port=%u connected after=%llds tries=%u", link->source->id, host_of(link),
              link->source->port, (long long)(down_ns / NS_PER_S), link->tries);
    link->announced_down = false;
    link->tries = 0;
}

/* ---- receiving ---- */

static void answered(struct bus_link *link, enum mbus_verdict verdict, const struct mbus_reply *reply)
{
    struct bus_read *read = link->current;
    struct bus_unit *unit = link->probing != NULL ? link->probing : read->unit;
    const bool behind_gateway = verdict == FRAME_EXCEPTION && (reply->exception == EXCEPTION_GATEWAY_SILENCE ||
                                                               reply->exception == EXCEPTION_GATEWAY_PATH);
    link->waiting = false;
    link->ready_ns = link->worker->mono_ns + link->source->pause_ns;
    if (link->framing == FRAMING_RTU && link->source->pause_ns < link->frame_gap_ns) {
        link->ready_ns = link->worker->mono_ns + link->frame_gap_ns;
    }
    if (verdict == FRAME_EXCEPTION) {
        counter_add(link->count.exceptions, 1);
    } else if (verdict == FRAME_WRONG) {
        counter_add(link->count.bad_replies, 1);
    }
    prove(link);
    link->probing = NULL;
    if (behind_gateway) {
        unit_missed(unit, link->worker->mono_ns - link->sent_ns);
    } else {
        unit_answered(unit);
    }
    if (read == NULL) {
        return;
    }
    if (verdict == FRAME_REPLY) {
        poll_reply(read, reply->payload);
    } else if (verdict == FRAME_EXCEPTION && !behind_gateway) {
        poll_exception(read, reply->exception);
    } else {
        read->exception = reply->exception;
        poll_fail(read);
    }
}

/* Throws away what stands in the buffer and whatever follows until the line is quiet. */
static void throw_away(struct bus_link *link)
{
    link->len = 0;
    counter_add(link->count.late_replies, 1);
    const int64_t quiet_ns = link->worker->mono_ns + junk_quiet_ns;
    link->ready_ns = quiet_ns > link->ready_ns ? quiet_ns : link->ready_ns;
}

static void garbage(struct bus_link *link)
{
    counter_add(link->count.bad_replies, 1);
    if (link->source->type != SOURCE_MODBUS_RTU) {
        lost(link, "what came is not Modbus");
        return;
    }
    struct mbus_reply none = {0};
    answered(link, FRAME_WRONG, &none);
    throw_away(link);
}

static void take_frames(struct bus_link *link)
{
    size_t at = 0;
    while (link->state == LINK_UP && at < link->len) {
        struct mbus_reply reply;
        const enum mbus_verdict verdict = mbus_frame_check(link->framing, link->waiting ? &link->request : NULL,
                                                           link->buffer + at, link->len - at, &reply);
        if (verdict == FRAME_PARTIAL) {
            break;
        }
        if (verdict == FRAME_GARBAGE) {
            if (link->waiting || link->framing == FRAMING_TCP) {
                garbage(link);
            } else {
                throw_away(link);
            }
            return;
        }
        at += reply.size;
        if (verdict == FRAME_STRANGER) {
            counter_add(link->count.late_replies, 1);
        } else {
            answered(link, verdict, &reply);
        }
    }
    if (link->state == LINK_UP) {
        memmove(link->buffer, link->buffer + at, link->len - at);
        link->len -= at;
    }
}

static void on_readable(struct bus_link *link)
{
    const ssize_t got = read(link->fd, link->buffer + link->len, sizeof link->buffer - link->len);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        if (got == 0) {
            lost(link, "closed by the other side");
        } else {
            lost_errno(link, "receiving failed", errno);
        }
        return;
    }
    link->len += (size_t)got;
    link->mute = 0;
    take_frames(link);
    link_pump(link);
}

/* ---- connecting ---- */

static void on_event(uv_poll_t *poll, int status, int events);

static void go_up(struct bus_link *link)
{
    link->state = LINK_UP;
    link->proven = false;
    link->mute = 0;
    link->ready_ns = link->worker->mono_ns;
    counter_set(link->count.connected, 1);
    if (link->was_up) {
        counter_add(link->count.reconnects, 1);
    }
    link->was_up = true;
    if (uv_poll_start(&link->poll, UV_READABLE, on_event) != 0) {
        lost(link, "the loop does not take the connection");
        return;
    }
    for (uint32_t i = 0; i < link->read_count; i++) {
        if (link->reads[i].lost) {
            link_due(link, &link->reads[i]); /* what was lost is asked at once, whatever its slot */
        }
    }
    link_pump(link);
}

static void on_connected(struct bus_link *link)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        error = errno;
    }
    if (error != 0) {
        lost_errno(link, "no connection", error);
        return;
    }
    go_up(link);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct bus_link *link = poll->data;
    link->worker->work++;
    (void)status; /* an error of the descriptor shows in what we do with it next */
    (void)events;
    if (link->state == LINK_CONNECTING) {
        on_connected(link);
    } else if (link->state == LINK_UP) {
        on_readable(link);
    }
}

static void watch(struct bus_link *link, int events)
{
    if (uv_poll_init(&link->worker->loop, &link->poll, link->fd) != 0) {
        lost(link, "the loop does not take the descriptor");
        return;
    }
    link->poll.data = link;
    link->poll_open = true;
    if (uv_poll_start(&link->poll, events, on_event) != 0) {
        lost(link, "the loop does not take the connection");
    }
}

static void start_connect(struct bus_link *link)
{
    link->fd = port_connect(&link->address, link->address_len);
    if (link->fd < 0) {
        lost_errno(link, "no connection", errno);
        return;
    }
    const int64_t patience_ns = link->source->timeout_ns > connect_min_ns ? link->source->timeout_ns : connect_min_ns;
    link->state = LINK_CONNECTING;
    link->deadline_ns = link->worker->mono_ns + patience_ns;
    watch(link, UV_WRITABLE);
    wake_when_due(link);
}

static void on_resolved(uv_getaddrinfo_t *resolve, int status, struct addrinfo *found)
{
    struct bus_link *link = resolve->data;
    link->resolve_open = false;
    link->worker->work++;
    if (link->state == LINK_RESOLVING) {
        if (status == 0) {
            memcpy(&link->address, found->ai_addr, found->ai_addrlen);
            link->address_len = found->ai_addrlen;
            start_connect(link);
        } else {
            lost(link, "its name is not known");
        }
    }
    uv_freeaddrinfo(found);
}

static void start_resolve(struct bus_link *link)
{
    char service[8];
    (void)snprintf(service, sizeof service, "%u", link->source->port);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    link->state = LINK_RESOLVING;
    link->resolve.data = link;
    const int failed =
        uv_getaddrinfo(&link->worker->loop, &link->resolve, on_resolved, link->source->host, service, &hints);
    link->resolve_open = failed == 0;
    if (failed != 0) {
        lost(link, "its name cannot be looked up");
    }
}

static void start_serial(struct bus_link *link)
{
    link->fd = port_serial(link->source);
    if (link->fd < 0) {
        lost_errno(link, "the line cannot be opened", errno);
        return;
    }
    watch(link, UV_READABLE);
    if (link->fd >= 0) {
        go_up(link);
    }
}

void link_open(struct bus_link *link)
{
    if (link->source->type == SOURCE_MODBUS_RTU) {
        start_serial(link);
    } else if (port_address(link->source, &link->address, &link->address_len)) {
        start_connect(link);
    } else {
        start_resolve(link);
    }
}

/* ---- asking ---- */

static void drain(struct bus_link *link)
{
    ssize_t got;
    while ((got = read(link->fd, link->buffer, sizeof link->buffer)) > 0) {
        counter_add(link->count.late_replies, 1);
    }
    link->len = 0;
}

static void transmit(struct bus_link *link)
{
    uint8_t frame[MBUS_ADU_MAX];
    link->request.transaction = ++link->transaction;
    if (link->framing == FRAMING_RTU) {
        drain(link); /* nothing that came before the request can be its answer */
    }
    const size_t len = mbus_frame_request(link->framing, &link->request, frame);
    link->waiting = true;
    link->sent_ns = link->worker->mono_ns;
    link->deadline_ns = link->worker->mono_ns + link->source->timeout_ns;
    wake_at(link, link->deadline_ns);
    link->worker->work++;
    const ssize_t sent = write(link->fd, frame, len);
    if (sent != (ssize_t)len) { /* a few bytes to an empty buffer: if they do not fit, nothing is taken any more */
        lost_errno(link, "sending failed", sent < 0 ? errno : ENOBUFS);
    }
}

void link_ask(struct bus_link *link, const struct bus_unit *unit, uint8_t table, uint16_t address, uint16_t count)
{
    static const uint8_t functions[] = {
        [TABLE_INPUT] = FUNCTION_INPUTS,
        [TABLE_HOLDING] = FUNCTION_HOLDINGS,
        [TABLE_COIL] = FUNCTION_COILS,
        [TABLE_DISCRETE] = FUNCTION_DISCRETES,
    };
    link->request =
        (struct mbus_request){.unit = unit->unit, .function = functions[table], .address = address, .count = count};
    link->retries_left = unit->silent ? 0 : link->source->retries;
    /* Between two pieces of one poll the line needs its pause too. */
    if (link->ready_ns > link->worker->mono_ns) {
        link->waiting = false;
        link->held = true;
        wake_at(link, link->ready_ns);
        return;
    }
    transmit(link);
}

void link_pump(struct bus_link *link)
{
    while (link->state == LINK_UP && !link->waiting && link->ready_ns <= link->worker->mono_ns) {
        if (link->held) {
            link->held = false;
            transmit(link);
            continue;
        }
        if (link->worker->stopping) {
            link_close(link);
            return;
        }
        struct bus_unit *silent = unit_to_probe(link);
        struct bus_read *read = silent == NULL ? queue_take(link) : NULL;
        if (silent != NULL) {
            unit_probe(silent);
        } else if (read == NULL) {
            break;
        } else if (read->unit->silent) {
            poll_comm(read);
        } else {
            (void)poll_start(read);
        }
    }
    wake_when_due(link);
}

static void timed_out(struct bus_link *link)
{
    struct bus_unit *unit = link->probing != NULL ? link->probing : link->current->unit;
    const bool rtu = link->framing == FRAMING_RTU;
    const int64_t cost_ns = (rtu ? 2 : 1) * (link->worker->mono_ns - link->sent_ns);
    counter_add(link->count.timeouts, 1);
    link->waiting = false;
    link->mute++;
    link->ready_ns = link->worker->mono_ns + (rtu ? link->source->timeout_ns : link->source->pause_ns);
    if (link->mute >= MUTE_UNTIL_RECONNECT && link->source->type != SOURCE_MODBUS_RTU) {
        lost(link, "connected, but nothing answers");
        return;
    }
    if (link->retries_left > 0 && !link->worker->stopping) {
        link->retries_left--;
        link->held = true;
        return;
    }
    link->probing = NULL;
    unit_missed(unit, cost_ns);
    if (link->current != NULL) {
        poll_fail(link->current);
    }
}

void link_wake(struct bus_link *link)
{
    const int64_t mono_ns = link->worker->mono_ns;
    link->worker->work++;
    if (link->state == LINK_DOWN && mono_ns >= link->retry_ns) {
        if (link->poll_open || link->resolve_open) {
            link->retry_ns = mono_ns + close_wait_ns;
        } else {
            link_open(link);
        }
    } else if (link->state == LINK_CONNECTING && mono_ns >= link->deadline_ns) {
        lost(link, "no connection within the time-out");
    } else if (link->state == LINK_UP) {
        if (link->waiting && mono_ns >= link->deadline_ns) {
            timed_out(link);
        }
        link_pump(link);
    }
    wake_when_due(link);
}

/* ---- life ---- */

void link_prepare(struct bus_link *link)
{
    link->fd = -1;
    link->state = LINK_DOWN;
    link->framing = link->source->type == SOURCE_MODBUS_TCP ? FRAMING_TCP : FRAMING_RTU;
    link->frame_gap_ns = port_frame_gap_ns(link->source);
    link->seed = UINT64_C(0xCBF29CE484222325); /* FNV-1a of the source's id: the same jitter in every run */
    for (const char *at = link->source->id; *at != '\0'; at++) {
        link->seed = (link->seed ^ (uint8_t)*at) * UINT64_C(0x100000001B3);
    }
}

void link_close(struct bus_link *link)
{
    if (link->state == LINK_UP && link->waiting) {
        return; /* its answer, or time-out, leads here again */
    }
    if (link->current != NULL) {
        poll_fail(link->current);
    }
    drop(link);
    link->state = LINK_CLOSED;
    due_heap_remove(&link->worker->wakes, link->id);
}

bool link_is_closed(const struct bus_link *link)
{
    return link->state == LINK_CLOSED && !link->poll_open && !link->resolve_open;
}
