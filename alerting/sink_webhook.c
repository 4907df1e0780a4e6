/*
 * sink_webhook: each event as a POST of its own (contract 6 and 9).
 *
 * The body is the event's JSON, byte for byte as it stands in the journal, so a
 * signature over it can be checked by anybody who has the secret.  One at a time
 * and in order; how a POST is tried again is courier.c's.
 *
 * Thread: the sink's.  It never waits; the bell, libcurl's descriptor and
 * deadlines call it.  Memory: its own.
 */
#include "alerting/post_way.h"
#include "alerting/sink_inside.h"
#include "base/memory.h"
#include <stdlib.h>

struct sink_webhook {
    struct sink sink;
    struct sink_config config;
    struct courier courier;
    struct post_way way;
};

/* ---- the trade --------------------------------------------------------------------------------------------------- */

static bool prepare(void *self, struct courier_event at)
{
    struct sink_webhook *hook = self;
    post_way_prepare(&hook->way, at.event->seq, at.event->json, at.event->json_len);
    return true;
}

static void begin(void *self, int64_t now_ns)
{
    struct sink_webhook *hook = self;
    post_way_begin(&hook->way, now_ns);
}

static enum courier_step go_on(void *self, int64_t now_ns, struct err *err)
{
    struct sink_webhook *hook = self;
    return post_way_go_on(&hook->way, now_ns, err);
}

static void break_off(void *self)
{
    struct sink_webhook *hook = self;
    post_way_break_off(&hook->way);
}

static const struct courier_trade TRADE = {.prepare = prepare, .begin = begin, .go_on = go_on, .break_off = break_off};

/* ---- the agent --------------------------------------------------------------------------------------------------- */

static int webhook_work(void *self, int64_t now_ns)
{
    struct sink_webhook *hook = self;
    int64_t deadline_ns;
    if (sink_is_stopping(&hook->config, &deadline_ns)) {
        return courier_stop(&hook->courier, now_ns, deadline_ns) ? 0 : AGENT_FINISHED;
    }
    return courier_work(&hook->courier, now_ns) ? 1 : 0;
}

static int64_t webhook_due(void *self)
{
    const struct sink_webhook *hook = self;
    const int64_t courier_ns = courier_due(&hook->courier);
    const int64_t post_ns = post_way_due(&hook->way);
    return post_ns < courier_ns ? post_ns : courier_ns;
}

static int webhook_fd(void *self)
{
    const struct sink_webhook *hook = self;
    return post_way_fd(&hook->way);
}

static void webhook_free(struct sink *sink)
{
    struct sink_webhook *hook = (struct sink_webhook *)sink;
    post_way_done(&hook->way);
    courier_done(&hook->courier);
    free(hook);
}

static enum err_code open_courier(struct sink_webhook *hook, struct err *err)
{
    struct buf name = {0};
    buf_printf(&name, "sink.%s", hook->config.sink->id);
    const struct courier_config config = {
        .sink = &hook->config,
        .cursor = CURSOR_SINK,
        .name = name.data,
        .goal = hook->config.sink->url,
        .trade = &TRADE,
        .self = hook,
    };
    const enum err_code code = courier_open(&hook->courier, &config, err);
    buf_done(&name);
    return code;
}

enum err_code sink_webhook_new(const struct sink_config *config, struct sink **ret_sink, struct err *err)
{
    struct sink_webhook *hook = memory_new(1, sizeof *hook);
    hook->config = *config;
    hook->sink.free = webhook_free;
    hook->sink.agent = (struct agent){.name = config->sink->id,
                                      .self = hook,
                                      .do_work = webhook_work,
                                      .next_due = webhook_due,
                                      .prompt = true,
                                      .wait_fd = webhook_fd};
    enum err_code code = post_way_open(&hook->way, &hook->config, "application/json; charset=utf-8", err);
    if (code == ERR_NONE) {
        code = open_courier(hook, err);
    }
    if (code != ERR_NONE) {
        webhook_free(&hook->sink);
        return code;
    }
    *ret_sink = &hook->sink;
    return ERR_NONE;
}
