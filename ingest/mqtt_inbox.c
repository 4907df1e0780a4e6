/*
 * mqtt_inbox: takes messages from MQTT brokers.
 *
 * Threads.  `mqtt-inbox`, made at start, keeps the connections (broker_link.h)
 * and syncs the spool.  paho's callback thread puts each message into the spool
 * (mqtt_intake); `intake` takes what the callback does not take at once.  The
 * links are guarded by the inbox's mutex, which is never held while paho is
 * called: paho holds its own in its callbacks.
 */
#include "ingest/broker_link.h"
#include "ingest/mqtt_intake.h"

#include "base/log.h"
#include "base/memory.h"
#include "ingest/sparkplug_host.h"
#include "ingest/wire_tap.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct inbox_source {
    struct mqtt_inbox *inbox;
    const struct site_source *source;
    struct mqtt_take *take;  /* const after start; what it holds is the intake's */
    uint32_t index;          /* const after start, into site.sources */
    struct broker_link link; /* mutex, as told there */
    bool was_up;             /* keeper */
};

struct mqtt_inbox {
    struct mqtt_config config;
    struct arena arena;
    struct mqtt_intake *intake;
    struct clock clock; /* callback thread */
    struct inbox_source *sources;
    uint32_t count;
    struct cell stop; /* one writer: whoever stops */
    pthread_t keeper;
    bool keeper_runs;
    struct runner *runner; /* of the intake */
    bool stopped;
    bool woken; /* mutex: something changed since the keeper last looked */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

/* ---- paho's callback thread ---- */

static void on_changed(void *self)
{
    struct mqtt_inbox *inbox = ((struct inbox_source *)self)->inbox;
    (void)pthread_mutex_lock(&inbox->mutex); /* cannot fail: the mutex is sound and not held by us */
    inbox->woken = true;
    (void)pthread_cond_signal(&inbox->changed);
    (void)pthread_mutex_unlock(&inbox->mutex);
}

static bool is_ours(const struct inbox_source *source, const struct broker_message *message)
{
    for (size_t i = 0; i < source->source->topic_count; i++) {
        if (mqtt_topic_matches(source->source->topics[i], message->topic, message->topic_len)) {
            return true;
        }
    }
    return false; /* a subscription of an earlier run that the broker still keeps */
}

/* Tells a recording, if there is one. */
static void tap(const struct inbox_source *source, int64_t seen_ns, const struct broker_message *message)
{
    const struct mqtt_inbox *inbox = source->inbox;
    if (inbox->config.tap == NULL) {
        return;
    }
    const unsigned flags = (unsigned)message->qos & WIRE_QOS;
    const struct wire_record record = {
        .kind = WIRE_MESSAGE,
        .flags = (uint8_t)(flags | (message->retained ? WIRE_RETAINED : 0) | (message->repeated ? WIRE_REPEATED : 0)),
        .source = (uint16_t)source->index,
        .time_ns = seen_ns,
        .name = message->topic,
        .name_len = message->topic_len,
        .bytes = (const uint8_t *)message->payload,
        .len = message->len};
    wire_tap_record(inbox->config.tap, &record);
}

static bool on_message(void *self, const struct broker_message *message)
{
    struct inbox_source *source = self;
    struct mqtt_inbox *inbox = source->inbox;
    const int64_t seen_ns = clock_now_ns(&inbox->clock);
    tap(source, seen_ns, message);
    return !is_ours(source, message) || mqtt_intake_put(inbox->intake, source->index, seen_ns, message->topic,
                                                        message->topic_len, message->payload, message->len);
}

/* ---- the keeper ---- */

/* mutex held, given up while paho is called.  Gives when to look again. */
static int64_t keep(struct inbox_source *source, int64_t mono_ns)
{
    enum broker_news news = BROKER_NOTHING;
    const int64_t due_ns = broker_link_step(&source->link, mono_ns, &news);
    if (news == BROKER_FAILED) {
        counter_set(source->take->count.connected, 0);
    } else if (news == BROKER_MET) {
        counter_set(source->take->count.connected, 1);
        counter_add(source->take->count.reconnects, source->was_up);
        source->was_up = true;
    }
    return due_ns;
}

/* mutex held: sleeps until something is noted or due. */
static void sleep_until(struct mqtt_inbox *inbox, int64_t due_ns)
{
    if (inbox->woken || cell_get(&inbox->stop) != 0) {
        return;
    }
    if (due_ns == TIME_NEVER) {
        (void)pthread_cond_wait(&inbox->changed, &inbox->mutex);
        return;
    }
    const struct timespec until = {.tv_sec = due_ns / NS_PER_S, .tv_nsec = due_ns % NS_PER_S};
    (void)pthread_cond_timedwait(&inbox->changed, &inbox->mutex, &until); /* the condition counts monotonic time */
}

/* mutex held, given up while the disk is waited for.  Gives when to look again. */
static int64_t sync_spool(struct mqtt_inbox *inbox, int64_t due_ns)
{
    (void)pthread_mutex_unlock(&inbox->mutex);
    mqtt_intake_sync(inbox->intake);
    (void)pthread_mutex_lock(&inbox->mutex);
    const int64_t next_ns = clock_mono_ns() + inbox->config.sync_ns;
    return next_ns < due_ns ? next_ns : due_ns;
}

static void *keeper(void *arg)
{
    struct mqtt_inbox *inbox = arg;
    (void)pthread_setname_np(pthread_self(), "mqtt-inbox");
    (void)pthread_mutex_lock(&inbox->mutex);
    while (cell_get(&inbox->stop) == 0) {
        int64_t due_ns = TIME_NEVER;
        inbox->woken = false;
        for (uint32_t i = 0; i < inbox->count; i++) {
            const int64_t this_ns = keep(&inbox->sources[i], clock_mono_ns());
            due_ns = this_ns < due_ns ? this_ns : due_ns;
        }
        due_ns = sync_spool(inbox, due_ns);
        sleep_until(inbox, due_ns);
    }
    (void)pthread_mutex_unlock(&inbox->mutex);
    return NULL;
}

/* ---- start and stop ---- */

static struct broker_filter *make_filters(const struct site_source *source, struct arena *arena)
{
    struct broker_filter *filters = ARENA_ARRAY(arena, struct broker_filter, source->topic_count + 1);
    for (size_t i = 0; i < source->topic_count; i++) {
        filters[i] = (struct broker_filter){.topic = source->topics[i], .qos = 1};
    }
    return filters;
}

static enum err_code make_source(struct mqtt_inbox *inbox, uint32_t index, struct err *err)
{
    const struct site *site = inbox->config.site;
    struct inbox_source *source = &inbox->sources[inbox->count++];
    source->inbox = inbox;
    source->index = index;
    source->take = mqtt_intake_take(inbox->intake, index);
    source->source = &site->sources[index];
    const struct broker_config config = {
        .site = site,
        .source = source->source,
        .filters = make_filters(source->source, &inbox->arena),
        .filter_count = source->source->topic_count,
        .owner = {.changed = on_changed, .message = on_message, .self = source},
        .lock = &inbox->mutex,
    };
    return broker_link_init(&source->link, &config, &inbox->arena, err);
}

static uint32_t count_sources(const struct site *site)
{
    uint32_t count = 0;
    for (size_t i = 0; i < site->source_count; i++) {
        count += site->sources[i].type == SOURCE_MQTT && !spb_host_takes(&site->sources[i]);
    }
    return count;
}

static enum err_code make_sources(struct mqtt_inbox *inbox, struct err *err)
{
    const struct site *site = inbox->config.site;
    inbox->sources = ARENA_ARRAY(&inbox->arena, struct inbox_source, count_sources(site) + 1);
    for (uint32_t i = 0; i < site->source_count; i++) {
        if (site->sources[i].type != SOURCE_MQTT || spb_host_takes(&site->sources[i])) {
            continue;
        }
        const enum err_code code = make_source(inbox, i, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    arena_seal(&inbox->arena);
    return ERR_NONE;
}

static void init_sync(struct mqtt_inbox *inbox)
{
    pthread_condattr_t monotonic;
    (void)pthread_mutex_init(&inbox->mutex, NULL); /* these cannot fail on Linux with these arguments */
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&inbox->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

enum err_code mqtt_inbox_new(const struct mqtt_config *config, struct mqtt_inbox **ret_inbox, struct err *err)
{
    struct mqtt_inbox *inbox = memory_new(1, sizeof *inbox);
    inbox->config = *config;
    arena_init(&inbox->arena);
    clock_init(&inbox->clock);
    init_sync(inbox);
    enum err_code code = mqtt_intake_new(config, &inbox->intake, err);
    if (code == ERR_NONE) {
        code = make_sources(inbox, err);
    }
    if (code != ERR_NONE) {
        inbox->stopped = true; /* the rings stay the caller's to close */
        mqtt_inbox_free(inbox);
        return code;
    }
    *ret_inbox = inbox;
    return ERR_NONE;
}

int64_t mqtt_inbox_again_from(const struct mqtt_inbox *inbox)
{
    return mqtt_intake_again_from(inbox->intake);
}

bool mqtt_inbox_takes(const struct mqtt_inbox *inbox, uint32_t source)
{
    return inbox != NULL && mqtt_intake_take(inbox->intake, source) != NULL;
}

/* The intake first: a message that comes in can be taken. */
enum err_code mqtt_inbox_start(struct mqtt_inbox *inbox, struct err *err)
{
    const struct agent agent = mqtt_intake_agent(inbox->intake);
    if (runner_start("intake", &agent, 1, inbox->config.bell, &inbox->runner, err) != ERR_NONE) {
        return ERR_ENV;
    }
    const int failed = pthread_create(&inbox->keeper, NULL, keeper, inbox);
    inbox->keeper_runs = failed == 0;
    return failed == 0 ? ERR_NONE : err_set(err, ERR_ENV, "cannot start thread \"mqtt-inbox\": %s", strerror(failed));
}

static void end_links(struct mqtt_inbox *inbox)
{
    for (uint32_t i = 0; i < inbox->count; i++) {
        broker_link_done(&inbox->sources[i].link);
    }
}

void mqtt_inbox_stop(struct mqtt_inbox *inbox)
{
    if (inbox == NULL || inbox->stopped) {
        return;
    }
    inbox->stopped = true;
    (void)pthread_mutex_lock(&inbox->mutex);
    cell_set(&inbox->stop, 1);
    (void)pthread_cond_signal(&inbox->changed);
    (void)pthread_mutex_unlock(&inbox->mutex);
    if (inbox->keeper_runs) {
        (void)pthread_join(inbox->keeper, NULL);
    }
    end_links(inbox);
    if (inbox->runner == NULL) {
        router_close(inbox->config.router);
        return;
    }
    mqtt_intake_end(inbox->intake);
    runner_join(inbox->runner);
}

void mqtt_inbox_free(struct mqtt_inbox *inbox)
{
    if (inbox == NULL) {
        return;
    }
    mqtt_inbox_stop(inbox);
    end_links(inbox);
    mqtt_intake_free(inbox->intake);
    (void)pthread_cond_destroy(&inbox->changed);
    (void)pthread_mutex_destroy(&inbox->mutex);
    arena_done(&inbox->arena);
    free(inbox);
}
