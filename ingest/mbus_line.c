/*
 * mbus_line: what is asked over one connection while it is up, and what is not
 * answered in time.
 *
 * One request at a time, unless the device takes several (`outstanding`, TCP
 * only); units behind one connection are thereby serialised.
 *
 * RTU has no transaction id: an answer that comes after its time-out fits the
 * next request of the same unit, function and length.  So after a time-out
 *
 *   - the line is left alone for another time-out, and what comes is dropped;
 *   - the unit is left alone until four time-outs after its request, and for
 *     twice as long as the latest of its answers took that were seen
 *     (line_came_late);
 *   - RTU over TCP is connected anew (link_renew), within that time: a late
 *     answer dies with the connection it was sent over, however late it is.
 *
 * Asking otherwise the second time, so that the late answer would not fit (a
 * register more or less), was weighed and left: registers the site does not
 * name may not exist or may not be read, one register less is a value less, an
 * exception fits all the same, and it would change what devices are asked just
 * when they are in trouble.
 */
#include "ingest/mbus_state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    MUTE_UNTIL_RECONNECT = 10, /* connected, but not one byte to so many requests */
    QUIET_TIMEOUTS = 4,        /* RTU: from a request in vain to the next to the same unit */
    LATE_FADES = 64,           /* each answer in time takes off that part of how late others were */
};
static const int64_t quiet_most_ns = 30 * NS_PER_S; /* a unit is left alone after a time-out */

/* ---- asking ---- */

/* What a request took of the line until it is free again counts against its unit. */
void line_charge(struct bus_link *link, const struct bus_ask *ask)
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
    ask->junk = false;
    link->junk_until_ns = 0;
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

/* ---- not answered in time ---- */

/* RTU: the answer may still come. */
static void expect_late(struct bus_link *link, const struct bus_ask *ask)
{
    struct bus_unit *unit = ask->unit;
    const int64_t mono_ns = link->worker->mono_ns;
    const int64_t least_ns = QUIET_TIMEOUTS * unit->manners.timeout_ns;
    const int64_t wait_ns = 2 * unit->late_ns > least_ns ? 2 * unit->late_ns : least_ns;
    const int64_t quiet_ns = ask->sent_ns + (wait_ns > quiet_most_ns ? quiet_most_ns : wait_ns);
    link->ready_ns = mono_ns + unit->manners.timeout_ns;
    unit->quiet_ns = quiet_ns > link->ready_ns ? quiet_ns : link->ready_ns;
    link->missed = unit;
    link->missed_request = ask->request;
    link->missed_ns = ask->sent_ns;
    link->len = 0; /* the beginning of an answer, perhaps: its end is no more than junk */
}

void line_came_late(struct bus_link *link)
{
    struct bus_unit *unit = link->missed;
    const int64_t took_ns = link->worker->mono_ns - link->missed_ns;
    unit->late_ns = took_ns > unit->late_ns ? took_ns : unit->late_ns;
    link->missed = NULL;
}

void line_is_in_step(struct bus_link *link, struct bus_unit *unit)
{
    unit->late_ns -= unit->late_ns / LATE_FADES;
    if (link->missed == unit) {
        link->missed = NULL; /* a unit answers in order */
    }
}

/* Ends what the request was for.  A unit that said something, if only noise, is not silent; that it cost the line so
 * much is the share's affair. */
static void give_up(struct bus_link *link, struct bus_ask *ask)
{
    struct bus_unit *unit = ask->unit;
    const bool probe = ask->read == NULL;
    const int64_t free_ns = link->framing == FRAMING_RTU ? link->ready_ns : link->worker->mono_ns;
    const int64_t cost_ns = free_ns - ask->sent_ns;
    ask->state = ASK_FREE;
    line_charge(link, ask);
    if (probe || (!unit->silent && !ask->junk)) { /* several requests may have been under way when it fell silent */
        unit_missed(unit, ask->sent_ns, cost_ns);
    }
    if (!probe) {
        poll_fail(ask->read);
    }
}

static void try_again(struct bus_link *link, struct bus_ask *ask)
{
    ask->retries_left--;
    ask->state = ASK_HELD;
    if (ask->unit->quiet_ns > link->ready_ns) {
        link->ready_ns = ask->unit->quiet_ns; /* on RTU a retry is dear: the line waits for it */
    }
}

static void timed_out(struct bus_link *link, struct bus_ask *ask)
{
    count_timeout(ask->unit);
    if (ask->sent_ns >= link->mute_ns) { /* else of the same silence as one that was counted */
        link->mute++;
        link->mute_ns = link->worker->mono_ns;
    }
    link->ready_ns = link->worker->mono_ns + ask->unit->manners.pause_ns;
    if (link->mute >= MUTE_UNTIL_RECONNECT && link->source->type != SOURCE_MODBUS_RTU) {
        link_lost(link, "connected, but nothing answers");
        return;
    }
    if (link->framing == FRAMING_RTU) {
        expect_late(link, ask);
    }
    if (ask->retries_left > 0 && !link->worker->stopping) {
        try_again(link, ask);
    } else {
        give_up(link, ask);
    }
    if (link->source->type == SOURCE_MODBUS_RTU_TCP && !link->worker->stopping) {
        link_renew(link);
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
