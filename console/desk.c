/* desk: see desk.h. */
#include "console/desk.h"

#include "console/act_body.h"
#include "console/api.h"
#include "model/alarm.h"
#include "model/queues.h"
#include <string.h>

/* ---- the head ---------------------------------------------------------------------------------------------------- */

/* Refuses what is too large, before anything of it is looked at; false: nothing is. */
static bool refuse_size(struct http_call *call)
{
    const struct http_request *request = &call->request;
    if (request->target_too_long) {
        reply_error(&call->reply, 414, "the address is too long; at most %d bytes are read", TARGET_MAX);
    } else if (request->head_bytes > HTTP_HEAD_MAX) {
        reply_error(&call->reply, 431, "the headers are too long; at most %d bytes are read", HTTP_HEAD_MAX);
    } else if (request->body_announced > HTTP_BODY_MAX || request->body_too_large) {
        reply_error(&call->reply, 413, "the body is too long; at most %d bytes are read", HTTP_BODY_MAX);
    } else {
        return false;
    }
    return true;
}

static enum guard_wish guest_of(const struct http_call *call)
{
    switch (call->route.kind) {
    case ROUTE_ACT:
        return route_allows(ROUTE_ACT, call->request.method) ? GUARD_ACT : GUARD_DATA;
    case ROUTE_PAGE:
        return GUARD_PAGE;
    default:
        return GUARD_DATA;
    }
}

static bool refuse_guest(const struct desk *desk, struct http_call *call)
{
    struct err err;
    const unsigned status = guard_check(&call->request.headers, desk->host, guest_of(call), &err);
    if (status != 0) {
        reply_error(&call->reply, status, "%s", err.text);
    }
    return status != 0;
}

static bool refuse_params(const struct desk *desk, struct http_call *call)
{
    struct err err;
    if (ask_read(call->route.kind, &call->target, desk->now_ns, &call->reply.ask, &err) != ERR_NONE) {
        reply_error(&call->reply, 400, "%s", err.text);
        return true;
    }
    if (call->route.kind == ROUTE_STREAM && call->request.last_event_id != NULL) {
        /* A browser that comes again asks at the same address as first; where it was stands in the header. */
        call->reply.ask.has_after = true;
        if (!ask_whole(call->request.last_event_id, &call->reply.ask.after)) {
            reply_error(&call->reply, 400, "Last-Event-ID is not the id of an event, a whole number");
            return true;
        }
    }
    return false;
}

/* True when the request is refused for what its head says. */
static bool refuse_head(const struct desk *desk, struct http_call *call)
{
    struct http_request *request = &call->request;
    if (refuse_size(call)) {
        return true;
    }
    if (!target_parse(request->target, request->target_len, &call->target)) {
        reply_error(&call->reply, 400, "the address cannot be read; ids are percent-encoded, parameters given once");
        return true;
    }
    call->route = route_find(&call->target);
    if (refuse_guest(desk, call)) {
        return true;
    }
    if (call->route.kind == ROUTE_NONE) {
        reply_error(&call->reply, 404, "there is nothing here; an id in a path is percent-encoded, its / is %%2F");
        return true;
    }
    if (!route_allows(call->route.kind, request->method)) {
        reply_error(&call->reply, 405, "%.20s is not a method of this; allowed: %s", request->method,
                    route_allow(call->route.kind));
        call->reply.allow = route_allow(call->route.kind);
        return true;
    }
    return refuse_params(desk, call);
}

/* ---- acts -------------------------------------------------------------------------------------------------------- */

static enum http_say hand_in(struct desk *desk, struct http_call *call, struct act *act)
{
    act->ticket = ++desk->next_ticket;
    act->time_ns = desk->now_ns;
    if (!ring_push(desk->source->commands, act)) {
        reply_later(&call->reply, "too many acts wait already; try again in a moment");
        return HTTP_REPLY;
    }
    doorbell_ring(desk->source->command_bell);
    call->ticket = act->ticket;
    call->act_due_ns = desk->now_ns + DESK_ACT_NS;
    return HTTP_WAIT;
}

static enum http_say take_act(struct desk *desk, struct http_call *call)
{
    const char *alarm = call->route.id;
    struct act act;
    struct err err;
    const uint32_t index = site_alarm(desk->source->site, alarm, strlen(alarm));
    if (index == SITE_NONE) {
        reply_error(&call->reply, 404, "there is no alarm \"%s\" in the site; an alarm is named <rule>:<point>", alarm);
        return HTTP_REPLY;
    }
    if (act_body_read(call->route.act, call->request.body, call->request.body_len, &act, &err) != ERR_NONE) {
        reply_error(&call->reply, 400, "%s", err.text);
        return HTTP_REPLY;
    }
    act.alarm = index;
    return hand_in(desk, call, &act);
}

void desk_answer(struct desk *desk, struct http_call *call, const struct answer *answer)
{
    static const unsigned statuses[] = {[ERR_NO] = 409, [ERR_INPUT] = 400, [ERR_ENV] = 503};
    call->acted = true;
    if (answer->code == ERR_NONE) {
        api_event(&call->reply, desk->source, answer->seq);
    } else {
        reply_error(&call->reply, statuses[answer->code], "%s", answer->text);
    }
}

void desk_give_up(struct http_call *call, const char *why)
{
    call->acted = true;
    reply_error(&call->reply, 503, "%s; whether the act was done is in the events", why);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static enum http_say take_health(const struct desk *desk, struct http_call *call)
{
    const bool runs = desk->source != NULL && !desk->holding && !desk->ending;
    const char *word = runs ? "ok" : desk->holding || desk->ending ? "stopping" : "starting";
    reply_begin(&call->reply, NULL);
    call->reply.status = runs ? 200 : 503;
    call->reply.retry_s = runs ? 0 : 1;
    buf_printf(&call->reply.out, "{\"status\":\"%s\"", word);
    if (desk->source != NULL) {
        buf_text(&call->reply.out, ",\"site\":");
        buf_json_string(&call->reply.out, desk->source->site->id);
        buf_printf(&call->reply.out, ",\"seq\":%llu", (unsigned long long)store_last_seq(desk->source->store));
    }
    buf_text(&call->reply.out, "}\n");
    return HTTP_REPLY;
}

static enum http_say take_stream(const struct desk *desk, struct http_call *call)
{
    if (desk->ending || desk->streams >= desk->streams_most) {
        reply_later(&call->reply, desk->ending ? "the monitor stops" : "too many streams are open; close one, or wait");
        return HTTP_REPLY;
    }
    api_begin(&call->reply, desk->source, &call->route,
              desk->now_ns); /* also between two runs: it waits for the next */
    return HTTP_REPLY;
}

/* A file of the page: also between two runs, the page says itself that it hears nothing. */
static enum http_say take_page(struct http_call *call)
{
    const struct page_file *page = call->route.page;
    reply_begin(&call->reply, NULL);
    call->reply.type = page->type;
    buf_add(&call->reply.out, page->bytes, page->len);
    return HTTP_REPLY;
}

static enum http_say take_whole(struct desk *desk, struct http_call *call)
{
    call->turn = desk->turn;
    if (call->route.kind == ROUTE_HEALTH) {
        return take_health(desk, call);
    }
    if (call->route.kind == ROUTE_STREAM) {
        return take_stream(desk, call);
    }
    if (call->route.kind == ROUTE_PAGE) {
        return take_page(call);
    }
    if (desk->source == NULL || desk->ending || (desk->holding && call->route.kind == ROUTE_ACT)) {
        reply_later(&call->reply, "the monitor starts or stops at this moment; try again");
    } else if (call->route.kind == ROUTE_ACT) {
        return take_act(desk, call);
    } else if (call->route.kind == ROUTE_METRICS) {
        metrics_begin(&call->reply, desk->source, desk->index, desk->now_ns);
    } else {
        api_begin(&call->reply, desk->source, &call->route, desk->now_ns);
    }
    return HTTP_REPLY;
}

enum http_say desk_take(void *self, struct http_call *call, bool whole)
{
    struct desk *desk = self;
    if (!whole) { /* who is answered before the body is read loses the connection, and with it perhaps the answer */
        return refuse_head(desk, call) && call->request.body_announced > HTTP_BODY_MAX ? HTTP_REPLY : HTTP_READ_ON;
    }
    if (call->reply.status != 0 && call->ticket == 0) {
        return HTTP_REPLY;
    }
    if (call->ticket != 0) {
        return call->acted ? HTTP_REPLY : HTTP_WAIT;
    }
    return refuse_size(call) ? HTTP_REPLY : take_whole(desk, call);
}

enum reply_next desk_more(void *self, struct http_call *call)
{
    struct desk *desk = self;
    if (call->reply.lasting) {
        return desk->ending ? REPLY_END : call->reply.more(&call->reply, desk->source, desk->now_ns);
    }
    if (desk->source == NULL || call->turn != desk->turn) {
        return REPLY_BROKEN; /* the run it tells of has ended */
    }
    return call->reply.more(&call->reply, desk->source, desk->now_ns);
}
