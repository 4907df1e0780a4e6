/*
 * mbus_line: what goes over one connection while it is up: a request, and what
 * comes back.
 *
 * One request at a time; units behind one connection are thereby serialised.
 * What comes back is matched (mbus_frame); what answers something older is
 * thrown away and counted; what is no Modbus ends a TCP connection and, on a
 * serial line, is thrown away until the line is quiet.
 *
 * RTU has no transaction id.  An answer that comes after its time-out could be
 * taken for the answer to the next request, so after a time-out the line is
 * left alone for another time-out and everything that comes is thrown away.
 */
#include "ingest/mbus_state.h"

#include "base/log.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static const int64_t junk_quiet_ns = 50 * NS_PER_MS; /* serial: silence that ends junk */
enum { MUTE_UNTIL_RECONNECT = 10 };                  /* connected, but not one byte to so many requests */

/* ---- receiving ---- */

/* The first answer on a connection: only now it is worth something. */
static void prove(struct bus_link *link)
{
    link->mute = 0;
    if (link->proven) {
        return;
    }
    link->proven = true;
    const int64_t down_ns = link->announced_down ? link->worker->mono_ns - link->down_since_ns : 0;
    char place[LINK_PLACE_MAX];
    link_place(link, place);
    log_event(LOG_INFO, "ingest", "ING-002", link->source->id, "source=%s %s connected after=%llds tries=%u",
              link->source->id, place, (long long)(down_ns / NS_PER_S), link->tries);
    link->announced_down = false;
    link->tries = 0;
}

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
        link_lost(link, "what came is not Modbus");
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

void line_receive(struct bus_link *link)
{
    const ssize_t got = read(link->fd, link->buffer + link->len, sizeof link->buffer - link->len);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        if (got == 0) {
            link_lost(link, "closed by the other side");
        } else {
            link_lost_errno(link, "receiving failed", errno);
        }
        return;
    }
    link_tap(link, WIRE_RECEIVED, link->buffer + link->len, (size_t)got);
    link->len += (size_t)got;
    link->mute = 0;
    take_frames(link);
    line_pump(link);
}

/* ---- asking ---- */

static void drain(struct bus_link *link)
{
    ssize_t got;
    while ((got = read(link->fd, link->buffer, sizeof link->buffer)) > 0) {
        link_tap(link, WIRE_RECEIVED, link->buffer, (size_t)got);
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
    /* This process may have been held up since the cycle read the clock: an answer has its whole time all the same.
     * Without transaction ids a time-out that came too early could even let it pass for the next request's. */
    link->sent_ns = clock_mono_ns();
    link->deadline_ns = link->sent_ns + link->source->timeout_ns;
    link_wake_at(link, link->deadline_ns);
    link->worker->work++;
    link_tap(link, WIRE_SENT, frame, len);
    const ssize_t sent = write(link->fd, frame, len);
    if (sent != (ssize_t)len) { /* a few bytes to an empty buffer: if they do not fit, nothing is taken any more */
        link_lost_errno(link, "sending failed", sent < 0 ? errno : ENOBUFS);
    }
}

void line_ask(struct bus_link *link, const struct bus_unit *unit, uint8_t table, uint16_t address, uint16_t count)
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
        link_wake_at(link, link->ready_ns);
        return;
    }
    transmit(link);
}

void line_pump(struct bus_link *link)
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
        struct bus_read *read = silent == NULL ? link_queue_take(link) : NULL;
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
    link_wake_when_due(link);
}

void line_timed_out(struct bus_link *link)
{
    struct bus_unit *unit = link->probing != NULL ? link->probing : link->current->unit;
    const bool rtu = link->framing == FRAMING_RTU;
    const int64_t cost_ns = (rtu ? 2 : 1) * (link->worker->mono_ns - link->sent_ns);
    counter_add(link->count.timeouts, 1);
    link->waiting = false;
    link->mute++;
    link->ready_ns = link->worker->mono_ns + (rtu ? link->source->timeout_ns : link->source->pause_ns);
    if (link->mute >= MUTE_UNTIL_RECONNECT && link->source->type != SOURCE_MODBUS_RTU) {
        link_lost(link, "connected, but nothing answers");
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
