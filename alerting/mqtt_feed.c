/*
 * mqtt_feed: the journal on a broker (contract 6 and 9).
 *
 *   davy/v1/<site>/events/<level>   every event, QoS 1 (level none: "none")
 *   davy/v1/<site>/alarms/<alarm>   retained: how the alarm is; empty when all is well
 *   davy/v1/<site>/status           retained: online, heartbeat every 10 s; last will and good-bye: offline
 *
 *            time to try          up
 *     AWAY ------------> CONNECTING ------> ONLINE -----> LEAVING -----> end
 *       ^------------------------'-----------'   stop, all delivered
 *            down, or no confirmation for 30 s
 *
 * Events go out in order behind the cursor (mqtt_window.c); the cursor moves
 * when the broker has confirmed both messages of an event.  After a loss
 * everything behind the cursor is sent again: at least once, in order.
 *
 * Thread: the sink's.  It never waits; the bell and deadlines call it.
 */
#include "alerting/cursor.h"
#include "alerting/mqtt_link.h"
#include "alerting/mqtt_window.h"
#include "alerting/sink_inside.h"
#include "base/clock.h"
#include "base/latency.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

enum {
    HEARTBEAT_S = 10,
    CONNECT_S = 15,
    CONFIRM_S = 30,
    RETRY_FIRST_S = 1,
    RETRY_DOUBLINGS = 5, /* 1 s .. 32 s, less up to a third */
};

enum feed_phase { FEED_AWAY, FEED_CONNECTING, FEED_ONLINE, FEED_LEAVING };

struct mqtt_feed {
    struct sink sink;
    struct sink_config config;
    struct cursor cursor;
    struct mqtt_link *link;
    char *client_id;
    struct counter *events, *connects, *failures, *behind, *p50, *p99;
    struct latency latency; /* from the disk to the broker's connection */
    enum feed_phase phase;
    int64_t now_ns;      /* of this cycle */
    int64_t due_ns;      /* AWAY: next try; CONNECTING: when it is given up; ONLINE: next heartbeat */
    int64_t progress_ns; /* the last confirmation, or the first send into an empty window */
    unsigned failed;     /* connections in a row that came to nothing */
    uint32_t jitter;
    struct mqtt_window window;
    struct mqtt_receipt goodbye;
    struct buf text; /* scratch */
};

/* ---- status ------------------------------------------------------------------------------------------------------ */

static const char *status_text(struct mqtt_feed *feed, const char *state)
{
    char time[TEXT_TIME_MAX];
    (void)text_format_time(feed->now_ns, time); /* the length is not needed */
    buf_clear(&feed->text);
    buf_text(&feed->text, "{\"v\":1,\"site\":");
    buf_json_string(&feed->text, feed->config.site->id);
    buf_printf(&feed->text, ",\"state\":\"%s\",\"seq\":%llu,\"time\":\"%s\"}", state,
               (unsigned long long)store_last_seq(feed->config.store), time);
    return feed->text.data;
}

static enum err_code publish_status(struct mqtt_feed *feed, const char *state, struct mqtt_receipt *receipt,
                                    struct err *err)
{
    const char *text = status_text(feed, state);
    return mqtt_link_publish(feed->link, mqtt_window_topic(&feed->window, "status", "", 0), text, feed->text.len, true,
                             receipt, err);
}

/* ---- being away -------------------------------------------------------------------------------------------------- */

/* A third of the wait is left to chance, so that many sites do not come back at one instant. */
static int64_t next_wait_ns(struct mqtt_feed *feed)
{
    const unsigned doublings = feed->failed < RETRY_DOUBLINGS ? feed->failed : RETRY_DOUBLINGS;
    const int64_t wait_ns = RETRY_FIRST_S * NS_PER_S << doublings;
    feed->jitter = feed->jitter * 1664525u + 1013904223u;
    return wait_ns - wait_ns / 3 * (int64_t)(feed->jitter >> 16) / 65536;
}

static void go_away(struct mqtt_feed *feed, const char *reason)
{
    counter_add(feed->failures, 1);
    log_event(LOG_WARN, "alerting", "ALT-020", feed->config.sink->id,
              "sink=%s url=%s reason=\"%s\" seq=%llu events wait in the journal", feed->config.sink->id,
              feed->config.sink->url, reason, (unsigned long long)feed->cursor.seq);
    feed->due_ns = feed->now_ns + next_wait_ns(feed);
    feed->failed++;
    feed->phase = FEED_AWAY;
}

static void begin_connecting(struct mqtt_feed *feed)
{
    struct err err;
    const char *will = status_text(feed, "offline");
    if (mqtt_link_connect(feed->link, mqtt_window_topic(&feed->window, "status", "", 0), will, &err) != ERR_NONE) {
        go_away(feed, err.text);
        return;
    }
    mqtt_window_begin(&feed->window, feed->cursor.seq);
    feed->due_ns = feed->now_ns + CONNECT_S * NS_PER_S;
    feed->phase = FEED_CONNECTING;
}

static void go_online(struct mqtt_feed *feed)
{
    log_event(LOG_INFO, "alerting", "ALT-021", feed->config.sink->id, "sink=%s url=%s tries=%u connected",
              feed->config.sink->id, feed->config.sink->url, feed->failed + 1);
    counter_add(feed->connects, 1);
    feed->failed = 0;
    feed->due_ns = feed->now_ns; /* the first heartbeat says online */
    feed->progress_ns = feed->now_ns;
    feed->phase = FEED_ONLINE;
}

/* ---- the agent --------------------------------------------------------------------------------------------------- */

static void keep_place(struct mqtt_feed *feed, bool sync)
{
    struct err err;
    if (cursor_keep(&feed->cursor, feed->now_ns, sync, &err) != ERR_NONE) {
        log_event(LOG_WARN, "alerting", "ALT-004", feed->config.sink->id, "sink=%s reason=\"%s\" kept later",
                  feed->config.sink->id, err.text);
    }
}

static bool work_connecting(struct mqtt_feed *feed)
{
    const enum mqtt_link_state state = mqtt_link_state(feed->link);
    if (state == LINK_UP) {
        go_online(feed);
        return true;
    }
    if (state == LINK_DOWN) {
        go_away(feed, mqtt_link_reason(feed->link));
    } else if (feed->now_ns >= feed->due_ns) {
        go_away(feed, "the broker does not answer");
    }
    return false;
}

static void beat(struct mqtt_feed *feed)
{
    struct err err;
    if (publish_status(feed, "online", NULL, &err) != ERR_NONE) {
        go_away(feed, err.text);
        return;
    }
    feed->due_ns = feed->now_ns + HEARTBEAT_S * NS_PER_S;
}

/* Something was sent: tells how long the newest event waited for that. */
static void note_latency(struct mqtt_feed *feed)
{
    int64_t since_ns;
    if (feed->config.told != NULL && told_get(feed->config.told, feed->window.sent_seq, &since_ns)) {
        latency_add(&feed->latency, clock_mono_ns() - since_ns, 1);
        latency_show(&feed->latency, feed->p50, feed->p99);
    }
}

/* Settles and sends; true when something moved. */
static bool exchange(struct mqtt_feed *feed)
{
    struct mqtt_window *window = &feed->window;
    struct err err;
    uint64_t events;
    bool settled, sent;
    const bool was_idle = window->count == 0;
    const enum err_code code = mqtt_window_settle(window, &feed->cursor.seq, &events, &settled, &err);
    counter_add(feed->events, events);
    if (code != ERR_NONE || mqtt_window_send(window, feed->cursor.seq, &sent, &err) != ERR_NONE) {
        go_away(feed, err.text);
        return false;
    }
    if (sent) {
        note_latency(feed);
    }
    counter_set(feed->behind, store_last_seq(feed->config.store) - feed->cursor.seq);
    if (settled || was_idle) {
        feed->progress_ns = feed->now_ns;
    } else if (feed->now_ns - feed->progress_ns > CONFIRM_S * NS_PER_S) {
        go_away(feed, "the broker confirms nothing");
    }
    return settled || sent;
}

static bool work_online(struct mqtt_feed *feed)
{
    if (mqtt_link_state(feed->link) == LINK_DOWN) {
        go_away(feed, mqtt_link_reason(feed->link));
        return false;
    }
    if (feed->now_ns >= feed->due_ns) {
        beat(feed);
    }
    return feed->phase == FEED_ONLINE && exchange(feed);
}

static int finish(struct mqtt_feed *feed)
{
    mqtt_link_free(feed->link);
    feed->link = NULL;
    keep_place(feed, true);
    return AGENT_FINISHED;
}

/* The pipeline is stopping: delivers what is there, says good-bye, ends; at once where there is no connection. */
static int work_stopping(struct mqtt_feed *feed, int64_t deadline_ns)
{
    if (feed->phase == FEED_AWAY || feed->now_ns >= deadline_ns) {
        return finish(feed);
    }
    if (feed->phase == FEED_CONNECTING) {
        return work_connecting(feed);
    }
    if (feed->phase == FEED_LEAVING) {
        const bool open = cell_get(&feed->goodbye.outcome) == RECEIPT_OPEN;
        return open && mqtt_link_state(feed->link) == LINK_UP ? 0 : finish(feed);
    }
    if (work_online(feed)) {
        return 1;
    }
    if (feed->phase == FEED_ONLINE && feed->window.count == 0) {
        struct err err;
        if (publish_status(feed, "offline", &feed->goodbye, &err) != ERR_NONE) {
            return finish(feed);
        }
        feed->phase = FEED_LEAVING;
    }
    return 0;
}

static int feed_work(void *self, int64_t now_ns)
{
    struct mqtt_feed *feed = self;
    feed->now_ns = now_ns;
    int64_t deadline_ns;
    if (sink_is_stopping(&feed->config, &deadline_ns)) {
        return work_stopping(feed, deadline_ns);
    }
    bool some = false;
    if (feed->phase == FEED_AWAY && now_ns >= feed->due_ns) {
        begin_connecting(feed);
    } else if (feed->phase == FEED_CONNECTING) {
        some = work_connecting(feed);
    } else if (feed->phase == FEED_ONLINE) {
        some = work_online(feed);
    }
    keep_place(feed, false);
    return some ? 1 : 0;
}

static int64_t feed_due(void *self)
{
    const struct mqtt_feed *feed = self;
    const int64_t cursor_ns = cursor_due(&feed->cursor);
    return feed->due_ns < cursor_ns ? feed->due_ns : cursor_ns;
}

static void feed_free(struct sink *sink)
{
    struct mqtt_feed *feed = (struct mqtt_feed *)sink;
    mqtt_link_free(feed->link);
    cursor_done(&feed->cursor);
    mqtt_window_done(&feed->window);
    buf_done(&feed->text);
    free(feed->client_id);
    free(feed);
}

static struct counter *make_counter(struct mqtt_feed *feed, const char *what, const char *help)
{
    buf_clear(&feed->text);
    buf_printf(&feed->text, "sink.%s.%s", feed->config.sink->id, what);
    return counter_new(feed->config.counters, feed->text.data, "", help);
}

static enum err_code make_link(struct mqtt_feed *feed, struct err *err)
{
    const struct site_sink *sink = feed->config.sink;
    buf_printf(&feed->text, "davy-%s-sink-%s", feed->config.site->id, sink->id);
    feed->client_id = memory_strdup(sink->client_id != NULL ? sink->client_id : feed->text.data);
    const struct mqtt_link_config config = {
        .url = sink->url,
        .client_id = feed->client_id,
        .user = sink->user,
        .password = sink->password,
        .ca = sink->ca,
        .cert = sink->cert,
        .key = sink->key,
        .bell = feed->config.bell,
    };
    return mqtt_link_new(&config, &feed->link, err);
}

enum err_code sink_mqtt_new(const struct sink_config *config, struct sink **ret_sink, struct err *err)
{
    struct mqtt_feed *feed = memory_new(1, sizeof *feed);
    feed->config = *config;
    feed->sink.free = feed_free;
    feed->sink.agent = (struct agent){
        .name = config->sink->id, .self = feed, .do_work = feed_work, .next_due = feed_due, .prompt = true};
    for (const char *c = config->sink->id; *c != '\0'; c++) {
        feed->jitter = feed->jitter * 31 + (unsigned char)*c;
    }
    enum err_code code = make_link(feed, err);
    feed->window.site_id = config->site->id;
    feed->window.store = config->store;
    feed->window.link = feed->link;
    if (code == ERR_NONE) {
        code = cursor_open(&feed->cursor, config->store, CURSOR_SINK, config->sink->id, err);
    }
    if (code != ERR_NONE) {
        feed_free(&feed->sink);
        return code;
    }
    feed->events = make_counter(feed, "events", "events confirmed by the broker");
    feed->connects = make_counter(feed, "connects", "connections made");
    feed->failures = make_counter(feed, "failures", "connections lost or not made");
    feed->behind = make_counter(feed, "behind", "events of the journal not yet confirmed");
    feed->p50 = make_counter(feed, "latency_p50_us", "event on the disk to handed to the connection, us, median");
    feed->p99 = make_counter(feed, "latency_p99_us", "event on the disk to handed to the connection, us, 99 of 100");
    *ret_sink = &feed->sink;
    return ERR_NONE;
}
