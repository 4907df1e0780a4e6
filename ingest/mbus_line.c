/*
 * mbus_line: what goes over one connection while it is up: a request, and what
 * comes back.
 *
 * One request at a time, unless the device takes several (`outstanding`, TCP
 * only); units behind one connection are thereby serialised.
 * What comes back is matched (mbus_frame); what answers something older is
 * thrown away and counted; what is no Modbus ends a TCP connection and, on a
 * serial line, is thrown away until the line is quiet.  RTU over TCP is a line
 * too: one unit that garbles its answers must not cost the others theirs, so the
 * connection is made anew only after many of them in a row.
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
enum {
    MUTE_UNTIL_RECONNECT = 10,    /* connected, but not one byte to so many requests */
    GARBLED_UNTIL_RECONNECT = 10, /* RTU over TCP: one unit may garble, so many answers in a row are no line */
};

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

static void rest(struct bus_link *link, const struct bus_unit *unit)
{
    int64_t rest_ns = unit->manners.pause_ns;
    if (link->framing == FRAMING_RTU && rest_ns < link->frame_gap_ns) {
        rest_ns = link->frame_gap_ns;
    }
    const int64_t ready_ns = link->worker->mono_ns + rest_ns;
    link->ready_ns = ready_ns > link->ready_ns ? ready_ns : link->ready_ns;
}

/* What a request took of the line until it is free again counts against its unit. */
static void charge(struct bus_link *link, const struct bus_ask *ask)
{
    struct bus_read *read = ask->read;
    if (read == NULL || link->unit_count < 2) {
        return; /* probes have their own budget; a unit alone has all of the line */
    }
    const int64_t cost_ns = (link->ready_ns - ask->sent_ns) / link->ask_count;
    read->cost_ns += cost_ns;
    const double demand = (double)read->cost_ns / (double)read->every_ns;
    share_charge(&link->share, (uint32_t)(ask->unit - link->units), demand - read->demand, cost_ns, link->ready_ns);
    read->demand = demand;
}

static void count_answer(struct bus_link *link, struct bus_unit *unit, enum mbus_verdict verdict,
                         const struct mbus_reply *reply)
{
    if (verdict == FRAME_EXCEPTION) {
        count_exception(unit, reply->exception);
    } else if (verdict == FRAME_WRONG) {
        counter_add(link->count.bad_replies, 1);
    }
}

static void answered(struct bus_link *link, struct bus_ask *ask, enum mbus_verdict verdict,
                     const struct mbus_reply *reply)
{
    struct bus_read *read = ask->read;
    struct bus_unit *unit = ask->unit;
    const bool behind_gateway = verdict == FRAME_EXCEPTION && (reply->exception == EXCEPTION_GATEWAY_SILENCE ||
                                                               reply->exception == EXCEPTION_GATEWAY_PATH);
    ask->state = ASK_FREE;
    link->garbled = verdict == FRAME_WRONG ? link->garbled : 0;
    rest(link, unit);
    charge(link, ask);
    count_answer(link, unit, verdict, reply);
    prove(link);
    if (behind_gateway) {
        unit_missed(unit, ask->sent_ns, link->worker->mono_ns - ask->sent_ns);
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

/* Serial: what came answers nothing, and whoever was asked has spoken. */
static void garbage(struct bus_link *link)
{
    const bool serial = link->source->type == SOURCE_MODBUS_RTU;
    if (link->framing == FRAMING_TCP || (!serial && ++link->garbled >= GARBLED_UNTIL_RECONNECT)) {
        counter_add(link->count.bad_replies, 1);
        link_lost(link, "what came is not Modbus");
        return;
    }
    struct mbus_reply none = {0};
    throw_away(link);
    answered(link, &link->asks[0], FRAME_WRONG, &none);
}

/* Which request the frame at the head of these bytes may answer; NULL: none.  RTU has one at a time; TCP tells it by
 * its transaction, and a frame too short to have one fits any. */
static struct bus_ask *find_ask(struct bus_link *link, const uint8_t *bytes, size_t len)
{
    for (uint32_t i = 0; i < link->ask_count; i++) {
        struct bus_ask *ask = &link->asks[i];
        const bool fits =
            link->framing == FRAMING_RTU || len < 2 || (bytes[0] << 8 | bytes[1]) == ask->request.transaction;
        if (ask->state == ASK_SENT && fits) {
            return ask;
        }
    }
    return NULL;
}

static void take_frames(struct bus_link *link)
{
    size_t at = 0;
    while (link->state == LINK_UP && at < link->len) {
        struct mbus_reply reply;
        struct bus_ask *ask = find_ask(link, link->buffer + at, link->len - at);
        const enum mbus_verdict verdict = mbus_frame_check(link->framing, ask != NULL ? &ask->request : NULL,
                                                           link->buffer + at, link->len - at, &reply);
        if (verdict == FRAME_PARTIAL) {
            break;
        }
        if (verdict == FRAME_GARBAGE) {
            if (ask != NULL || link->framing == FRAMING_TCP) {
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
            answered(link, ask, verdict, &reply);
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

static void transmit(struct bus_link *link, struct bus_ask *ask)
{
    uint8_t frame[MBUS_ADU_MAX];
    ask->request.transaction = ++link->transaction;
    if (link->framing == FRAMING_RTU) {
        drain(link); /* nothing that came before the request can be its answer */
    }
    const size_t len = mbus_frame_request(link->framing, &ask->request, frame);
    ask->state = ASK_SENT;
    /* This process may have been held up since the cycle read the clock: an answer has its whole time all the same.
     * Without transaction ids a time-out that came too early could even let it pass for the next request's. */
    ask->sent_ns = clock_mono_ns();
    ask->deadline_ns = ask->sent_ns + ask->unit->manners.timeout_ns;
    if (link->ask_count > 1) {
        link->ready_ns =
            link->worker->mono_ns + ask->unit->manners.pause_ns; /* the next need not wait for the answer */
    }
    link_wake_at(link, ask->deadline_ns);
    link->worker->work++;
    link_tap(link, WIRE_SENT, frame, len);
    const ssize_t sent = write(link->fd, frame, len);
    if (sent != (ssize_t)len) { /* a few bytes to an empty buffer: if they do not fit, nothing is taken any more */
        link_lost_errno(link, "sending failed", sent < 0 ? errno : ENOBUFS);
    }
}

void line_ask(struct bus_link *link, struct bus_ask *ask, uint8_t table, uint16_t address, uint16_t count)
{
    static const uint8_t functions[] = {
        [TABLE_INPUT] = FUNCTION_INPUTS,
        [TABLE_HOLDING] = FUNCTION_HOLDINGS,
        [TABLE_COIL] = FUNCTION_COILS,
        [TABLE_DISCRETE] = FUNCTION_DISCRETES,
    };
    ask->request = (struct mbus_request){
        .unit = ask->unit->unit, .function = functions[table], .address = address, .count = count};
    ask->retries_left = ask->unit->silent ? 0 : ask->unit->manners.retries;
    /* Between two pieces of one poll the line needs its pause too. */
    if (link->ready_ns > link->worker->mono_ns) {
        ask->state = ASK_HELD;
        link_wake_at(link, link->ready_ns);
        return;
    }
    transmit(link, ask);
}

/* The first ask of that state; NULL: none. */
static struct bus_ask *first_ask(const struct bus_link *link, enum ask_state state)
{
    for (uint32_t i = 0; i < link->ask_count; i++) {
        if (link->asks[i].state == state) {
            return &link->asks[i];
        }
    }
    return NULL;
}

bool line_is_waiting(const struct bus_link *link, bool held)
{
    return first_ask(link, ASK_SENT) != NULL || (held && first_ask(link, ASK_HELD) != NULL);
}

/* Gives a free ask something to do; false when there is nothing. */
static bool start_next(struct bus_link *link, struct bus_ask *ask)
{
    struct bus_unit *silent = unit_to_probe(link);
    struct bus_read *read = silent == NULL ? link_queue_take(link) : NULL;
    if (silent != NULL) {
        unit_probe(silent, ask);
    } else if (read == NULL) {
        return false;
    } else if (read->unit->silent) {
        poll_comm(read);
    } else {
        (void)poll_start(read, ask);
    }
    return true;
}

void line_pump(struct bus_link *link)
{
    while (link->state == LINK_UP && link->ready_ns <= link->worker->mono_ns) {
        struct bus_ask *held = first_ask(link, ASK_HELD);
        struct bus_ask *idle = first_ask(link, ASK_FREE);
        if (held != NULL) {
            transmit(link, held);
        } else if (link->worker->stopping) {
            if (!line_is_waiting(link, false)) {
                link_close(link);
                return;
            }
            break;
        } else if (idle == NULL || !start_next(link, idle)) {
            break;
        }
    }
    link_wake_when_due(link);
}

int64_t line_deadline(const struct bus_link *link)
{
    int64_t first_ns = TIME_NEVER;
    for (uint32_t i = 0; i < link->ask_count; i++) {
        if (link->asks[i].state == ASK_SENT && link->asks[i].deadline_ns < first_ns) {
            first_ns = link->asks[i].deadline_ns;
        }
    }
    return first_ns;
}

int64_t line_next(const struct bus_link *link)
{
    const bool held = first_ask(link, ASK_HELD) != NULL;
    if (!held && first_ask(link, ASK_FREE) == NULL) {
        return TIME_NEVER;
    }
    const int64_t probe_ns = unit_next_probe(link);
    const int64_t queue_ns = link_queue_next(link);
    const int64_t next_ns = held ? link->ready_ns : probe_ns < queue_ns ? probe_ns : queue_ns;
    return next_ns < link->ready_ns ? link->ready_ns : next_ns;
}

static void timed_out(struct bus_link *link, struct bus_ask *ask)
{
    struct bus_unit *unit = ask->unit;
    const bool rtu = link->framing == FRAMING_RTU;
    const bool probe = ask->read == NULL;
    const int64_t cost_ns = (rtu ? 2 : 1) * (link->worker->mono_ns - ask->sent_ns);
    count_timeout(unit);
    if (ask->sent_ns >= link->mute_ns) { /* else of the same silence as one that was counted */
        link->mute++;
        link->mute_ns = link->worker->mono_ns;
    }
    link->ready_ns = link->worker->mono_ns + (rtu ? unit->manners.timeout_ns : unit->manners.pause_ns);
    if (link->mute >= MUTE_UNTIL_RECONNECT && link->source->type != SOURCE_MODBUS_RTU) {
        link_lost(link, "connected, but nothing answers");
        return;
    }
    if (ask->retries_left > 0 && !link->worker->stopping) {
        ask->retries_left--;
        ask->state = ASK_HELD;
        return;
    }
    ask->state = ASK_FREE;
    charge(link, ask);
    if (probe || !unit->silent) { /* several requests may have been under way when it fell silent */
        unit_missed(unit, ask->sent_ns, cost_ns);
    }
    if (!probe) {
        poll_fail(ask->read);
    }
}

void line_check_time(struct bus_link *link)
{
    for (uint32_t i = 0; i < link->ask_count && link->state == LINK_UP; i++) {
        struct bus_ask *ask = &link->asks[i];
        if (ask->state == ASK_SENT && ask->deadline_ns <= link->worker->mono_ns) {
            timed_out(link, ask);
        }
    }
}
