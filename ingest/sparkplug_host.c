/*
 * sparkplug_host: see sparkplug_host.h.
 */
#include "ingest/sparkplug_host.h"

#include "base/log.h"
#include "ingest/sparkplug_intake.h"
#include "ingest/sparkplug_link.h"
#include "ingest/wire_tap.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct host_source {
    struct spb_host *host;
    uint32_t index;           /* into site.sources */
    struct spb_intake intake; /* mutex */
    struct spb_link link;     /* mutex, as told there */
};

struct spb_host {
    struct spb_config config;
    struct arena arena;
    struct spb_shared shared; /* mutex */
    struct host_source *sources;
    uint32_t count;
    struct cell stop; /* one writer: whoever stops */
    pthread_t keeper;
    bool keeper_runs;
    bool stopped;
    bool woken; /* mutex: something changed since the keeper last looked */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

bool spb_host_takes(const struct site_source *source)
{
    return source->type == SOURCE_MQTT && source->format == FORMAT_SPARKPLUG;
}

/* ---- paho's callback thread -------------------------------------------------------------------------------------- */

/* mutex held */
static void wake(struct spb_host *host)
{
    host->woken = true;
    (void)pthread_cond_signal(&host->changed);
}

static void on_changed(void *self)
{
    struct host_source *source = self;
    (void)pthread_mutex_lock(&source->host->mutex); /* cannot fail: sound, and not held by us */
    wake(source->host);
    (void)pthread_mutex_unlock(&source->host->mutex);
}

static void refuse(const struct host_source *source, const char *topic, size_t len)
{
    char text[TOPIC_PRINT_MAX];
    mqtt_topic_print(topic, len, text);
    log_event(LOG_WARN, "ingest", "ING-045", source->intake.source->id,
              "source=%s topic=\"%s\" reason=\"no room in time\"", source->intake.source->id, text);
}

/* mutex held: tells a recording, if there is one. */
static void tap(struct host_source *source, const struct broker_message *message)
{
    struct spb_host *host = source->host;
    const struct wire_record record = {.kind = WIRE_MESSAGE,
                                       .flags = message->retained ? WIRE_RETAINED : 0,
                                       .source = (uint16_t)source->index,
                                       .time_ns = clock_now_ns(&host->shared.clock),
                                       .name = message->topic,
                                       .name_len = message->topic_len,
                                       .bytes = (const uint8_t *)message->payload,
                                       .len = message->len};
    if (host->config.tap != NULL) {
        wire_tap_record(host->config.tap, &record);
    }
}

static void on_message(void *self, const struct broker_message *message)
{
    struct host_source *source = self;
    struct spb_host *host = source->host;
    if (cell_get(&host->stop) != 0) {
        return; /* our own goodbye, or something that comes too late */
    }
    (void)pthread_mutex_lock(&host->mutex);
    const int64_t due_ns = source->intake.session.due_ns;
    tap(source, message);
    if (!spb_intake_take(&source->intake, message->topic, message->topic_len, message->payload, message->len,
                         message->retained)) {
        refuse(source, message->topic, message->topic_len);
    }
    if (source->intake.session.due_ns < due_ns || source->intake.session.state_again) {
        wake(host);
    }
    (void)pthread_mutex_unlock(&host->mutex);
}

/* ---- the keeper -------------------------------------------------------------------------------------------------- */

/* mutex held, given up while paho is called: all who are to be asked now, and our own STATE. */
static void say_what_is_due(struct host_source *source)
{
    struct spb_host *host = source->host;
    const char *node;
    while (spb_link_up(&source->link) && (node = spb_session_ask(&source->intake.session, clock_mono_ns())) != NULL) {
        const int64_t now_ns = clock_now_ns(&host->shared.clock);
        counter_add(source->intake.count.rebirths, 1);
        (void)pthread_mutex_unlock(&host->mutex);
        spb_link_ask(&source->link, node, now_ns);
        (void)pthread_mutex_lock(&host->mutex);
    }
    if (spb_link_up(&source->link) && source->intake.session.state_again) {
        const int64_t state_ms = source->link.state_ms;
        source->intake.session.state_again = false;
        (void)pthread_mutex_unlock(&host->mutex);
        spb_link_say_online(&source->link, state_ms);
        (void)pthread_mutex_lock(&host->mutex);
    }
}

/* mutex held, given up while paho is called.  Gives when to look again. */
static int64_t keep(struct host_source *source)
{
    struct spb_host *host = source->host;
    bool born = false;
    bool lost = false;
    const int64_t link_ns =
        spb_link_step(&source->link, clock_mono_ns(), clock_now_ns(&host->shared.clock), &born, &lost);
    if (lost) {
        spb_intake_down(&source->intake);
    }
    if (born) {
        spb_intake_up(&source->intake);
    }
    const int64_t due_ns = spb_intake_tick(&source->intake);
    say_what_is_due(source);
    const int64_t asked_ns = source->intake.session.due_ns < due_ns ? source->intake.session.due_ns : due_ns;
    return link_ns < asked_ns ? link_ns : asked_ns;
}

/* mutex held: sleeps until something is noted or due. */
static void sleep_until(struct spb_host *host, int64_t due_ns)
{
    if (host->woken || cell_get(&host->stop) != 0) {
        return;
    }
    if (due_ns == TIME_NEVER) {
        (void)pthread_cond_wait(&host->changed, &host->mutex);
        return;
    }
    const struct timespec until = {.tv_sec = due_ns / NS_PER_S, .tv_nsec = due_ns % NS_PER_S};
    (void)pthread_cond_timedwait(&host->changed, &host->mutex, &until); /* the condition counts monotonic time */
}

static void *keeper(void *arg)
{
    struct spb_host *host = arg;
    (void)pthread_setname_np(pthread_self(), "sparkplug");
    (void)pthread_mutex_lock(&host->mutex);
    while (cell_get(&host->stop) == 0) {
        int64_t due_ns = TIME_NEVER;
        host->woken = false;
        for (uint32_t i = 0; i < host->count; i++) {
            const int64_t this_ns = keep(&host->sources[i]);
            due_ns = this_ns < due_ns ? this_ns : due_ns;
        }
        sleep_until(host, due_ns);
    }
    (void)pthread_mutex_unlock(&host->mutex);
    return NULL;
}

/* ---- start and stop ---------------------------------------------------------------------------------------------- */

static enum err_code make_source(struct spb_host *host, uint32_t index, struct err *err)
{
    const struct site *site = host->config.site;
    struct host_source *source = &host->sources[host->count];
    const struct spb_link_owner owner = {.changed = on_changed, .message = on_message, .self = source};
    source->host = host;
    source->index = index;
    spb_intake_init(&source->intake, &host->shared, &host->config, index, &host->arena);
    host->count++;
    return spb_link_init(&source->link, site, &site->sources[index], &owner, &host->mutex, &host->arena, err);
}

static enum err_code make_sources(struct spb_host *host, struct err *err)
{
    const struct site *site = host->config.site;
    host->sources = ARENA_ARRAY(&host->arena, struct host_source, site->source_count + 1);
    spb_shared_init(&host->shared, &host->config, &host->stop, &host->arena);
    for (uint32_t i = 0; i < site->source_count; i++) {
        if (!spb_host_takes(&site->sources[i])) {
            continue;
        }
        const enum err_code code = make_source(host, i, err);
        if (code != ERR_NONE) {
            return code;
        }
    }
    arena_seal(&host->arena);
    return ERR_NONE;
}

static void init_sync(struct spb_host *host)
{
    pthread_condattr_t monotonic;
    (void)pthread_mutex_init(&host->mutex, NULL); /* these cannot fail on Linux with these arguments */
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&host->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

enum err_code spb_host_start(const struct spb_config *config, struct spb_host **ret_host, struct err *err)
{
    struct spb_host *host = calloc(1, sizeof *host);
    if (host == NULL) {
        return err_set(err, ERR_ENV, "no memory for the Sparkplug host");
    }
    host->config = *config;
    arena_init(&host->arena);
    init_sync(host);
    enum err_code code = make_sources(host, err);
    if (code == ERR_NONE) {
        const int failed = pthread_create(&host->keeper, NULL, keeper, host);
        host->keeper_runs = failed == 0;
        if (failed != 0) {
            code = err_set(err, ERR_ENV, "cannot start thread \"sparkplug\": %s", strerror(failed));
        }
    }
    if (code != ERR_NONE) {
        host->stopped = true; /* the rings stay the caller's to close */
        spb_host_free(host);
        return code;
    }
    *ret_host = host;
    return ERR_NONE;
}

static void end_links(struct spb_host *host)
{
    struct clock clock;
    clock_init(&clock);
    for (uint32_t i = 0; i < host->count; i++) {
        spb_link_done(&host->sources[i].link, clock_now_ns(&clock));
    }
}

void spb_host_stop(struct spb_host *host)
{
    if (host == NULL || host->stopped) {
        return;
    }
    host->stopped = true;
    (void)pthread_mutex_lock(&host->mutex);
    cell_set(&host->stop, 1);
    wake(host);
    (void)pthread_mutex_unlock(&host->mutex);
    if (host->keeper_runs) {
        (void)pthread_join(host->keeper, NULL);
    }
    end_links(host);
    router_close(host->config.router);
}

void spb_host_free(struct spb_host *host)
{
    if (host == NULL) {
        return;
    }
    spb_host_stop(host);
    end_links(host);
    for (uint32_t i = 0; i < host->count; i++) {
        spb_intake_done(&host->sources[i].intake);
    }
    (void)pthread_cond_destroy(&host->changed);
    (void)pthread_mutex_destroy(&host->mutex);
    arena_done(&host->arena);
    free(host);
}
