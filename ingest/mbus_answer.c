/*
 * mbus_answer: what comes back over one connection.
 *
 * What comes is matched (mbus_frame); what answers something older is thrown
 * away and counted.  What is no Modbus ends a TCP connection.  On a line
 * without transaction ids (RTU, also over TCP) it is skipped, byte by byte, and
 * the request under way goes on waiting until its own time-out: its answer may
 * stand behind the noise, and if it were given up early, the answer would come
 * while the next is waited for.  One unit that garbles must not cost the others
 * theirs, so RTU over TCP is lost only after many garbled answers in a row.
 */
#include "ingest/mbus_state.h"

#include "base/log.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static const int64_t junk_quiet_ns = 50 * NS_PER_MS; /* RTU: silence that ends junk nobody waited for */
static const int64_t junk_most_ns = NS_PER_S / 2;    /* … and how long that is waited for */
enum { GARBLED_UNTIL_RECONNECT = 10 };               /* RTU over TCP: so many in a row are no line */

/* The first answer on a connection: only now it is worth something. */
static void prove(struct bus_link *link)
{
    link->mute = 0;
    link->renewals_left = 0;
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
    line_charge(link, ask);
    count_answer(link, unit, verdict, reply);
    prove(link);
    if (link->framing == FRAMING_RTU) {
        line_is_in_step(link, unit);
    }
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

/* Which request the frame at the head of these bytes may answer; NULL: none.  A frame too short to have a transaction
 * fits any. */
static struct bus_ask *find_ask(struct bus_link *link, const uint8_t *bytes, size_t len)
{
    for (uint32_t i = 0; i < link->ask_count; i++) {
        struct bus_ask *ask = &link->asks[i];
        if (ask->state == ASK_SENT && (len < 2 || (bytes[0] << 8 | bytes[1]) == ask->request.transaction)) {
            return ask;
        }
    }
    return NULL;
}

static void take_tcp(struct bus_link *link)
{
    size_t at = 0;
    while (link->state == LINK_UP && at < link->len) {
        struct mbus_reply reply;
        struct bus_ask *ask = find_ask(link, link->buffer + at, link->len - at);
        const enum mbus_verdict verdict = mbus_frame_check(FRAMING_TCP, ask != NULL ? &ask->request : NULL,
                                                           link->buffer + at, link->len - at, &reply);
        if (verdict == FRAME_PARTIAL) {
            break;
        }
        if (verdict == FRAME_GARBAGE) {
            counter_add(link->count.bad_replies, 1);
            link_lost(link, "what came is not Modbus");
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

/* ---- lines without transaction ids ---- */

static bool is_answer(enum mbus_verdict verdict)
{
    return verdict == FRAME_REPLY || verdict == FRAME_EXCEPTION;
}

/* What these bytes are to a request that was given up: the answer to it, late. */
static enum mbus_verdict check_late(const struct bus_link *link, const uint8_t *bytes, size_t len,
                                    struct mbus_reply *ret_reply)
{
    return link->missed == NULL ? FRAME_GARBAGE
                                : mbus_frame_check(FRAMING_RTU, &link->missed_request, bytes, len, ret_reply);
}

/* Nobody waits: whoever speaks is let out, but not for ever, or a line full of noise would never be asked again. */
static void wait_for_quiet(struct bus_link *link)
{
    const int64_t mono_ns = link->worker->mono_ns;
    link->junk_until_ns = link->junk_until_ns == 0 ? mono_ns + junk_most_ns : link->junk_until_ns;
    const int64_t quiet_ns = mono_ns + junk_quiet_ns;
    if (quiet_ns > link->ready_ns && quiet_ns <= link->junk_until_ns) {
        link->ready_ns = quiet_ns;
    }
}

/* Something came that answers nothing.  It ends no wait: the answer may still come, and must not come for the next. */
static void note_junk(struct bus_link *link, struct bus_ask *ask)
{
    if (ask == NULL) {
        counter_add(link->count.late_replies, 1);
        wait_for_quiet(link);
        return;
    }
    if (ask->junk) {
        return;
    }
    ask->junk = true;
    counter_add(link->count.bad_replies, 1);
    if (++link->garbled >= GARBLED_UNTIL_RECONNECT && link->source->type != SOURCE_MODBUS_RTU) {
        link_lost(link, "what came is not Modbus");
    }
}

/* Looks for the answer at every byte: noise, an echo or another's late answer may stand in front of it. */
static void take_rtu(struct bus_link *link)
{
    struct bus_ask *ask = link->asks[0].state == ASK_SENT ? &link->asks[0] : NULL;
    bool junk = false;
    size_t at = 0;
    while (at < link->len) {
        struct mbus_reply reply;
        struct mbus_reply late_reply;
        const uint8_t *bytes = link->buffer + at;
        const size_t len = link->len - at;
        const enum mbus_verdict verdict =
            ask == NULL ? FRAME_GARBAGE : mbus_frame_check(FRAMING_RTU, &ask->request, bytes, len, &reply);
        const enum mbus_verdict late = check_late(link, bytes, len, &late_reply);
        if (is_answer(verdict)) {
            at += reply.size;
            answered(link, ask, verdict, &reply);
            ask = NULL;
        } else if (is_answer(late)) {
            at += late_reply.size;
            line_came_late(link);
            junk = true;
        } else if (verdict == FRAME_PARTIAL || late == FRAME_PARTIAL) {
            break;
        } else {
            at++;
            junk = true;
        }
    }
    memmove(link->buffer, link->buffer + at, link->len - at);
    link->len -= at;
    if (junk) {
        note_junk(link, ask);
    }
}

void line_receive(struct bus_link *link)
{
    const ssize_t got = read(link->fd, link->buffer + link->len, sizeof link->buffer - link->len);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        if (link_renews_again(link)) {
            return; /* the other side had no room yet */
        }
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
    if (link->framing == FRAMING_TCP) {
        take_tcp(link);
    } else {
        take_rtu(link);
    }
    line_pump(link);
}
