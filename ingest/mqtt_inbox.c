/*
 * mqtt_inbox: takes messages from MQTT brokers, by way of paho.
 *
 * Threads.  `mqtt-inbox`, made at start, keeps the connections: it connects,
 * waits, subscribes, tries again, and syncs the spool.  paho's callbacks only
 * note what happened and wake it; the message callback puts the message into
 * the spool (mqtt_intake).  `intake` takes what the callback does not take at
 * once.  The state of a source is guarded by the inbox's mutex, which is never
 * held while paho is called: paho holds its own in its callbacks.
 *
 * Traps of paho 1.3.12:
 *  - The callback runs before the PUBACK is sent and PUBACK follows whatever it
 *    returns; a message refused with 0 is kept in paho's memory and is lost
 *    with the process.  So a message that must stay with the broker is refused
 *    by ending the connection's socket first: the PUBACK goes nowhere, paho may
 *    forget the message, and the broker sends it again to the next connection.
 *  - Its own reconnect neither renews subscriptions nor tells whether the
 *    broker still knew the session.  So we reconnect ourselves.
 *  - All asynchronous clients of a process share one lock, held during the
 *    callback: what the callback does, no other client of this process can send.
 *  - It leaves Nagle's algorithm on and has no setting for that.
 *  - It formats a line for its own trace at every packet and every call inside it, under a lock and with a look at the
 *    clock, though nobody reads it: half the cost of a message.  Its level is raised to errors.
 */
#include "ingest/mqtt_intake.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/nodelay.h"
#include "ingest/back_off.h"
#include "ingest/mqtt_socket.h"
#include "ingest/sparkplug_host.h"
#include "ingest/wire_tap.h"
#include "model/site_url.h"
#include "model/tls_trouble.h"
#include <MQTTAsync.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEEP_ALIVE_S = 30,
    CONNECT_TIMEOUT_S = 10,
    DISCONNECT_TIMEOUT_MS = 500,
    HOST_MAX = 256,
};
static const int64_t retry_min_ns = NS_PER_S;
static const int64_t retry_max_ns = 30 * NS_PER_S;

enum inbox_state {
    INBOX_DOWN,       /* waits for retry_ns */
    INBOX_CONNECTING, /* waits for paho */
    INBOX_CONNECTED,  /* told by paho, subscriptions not yet looked at */
    INBOX_UP,
};

struct inbox_source {
    struct mqtt_inbox *inbox;
    const struct site_source *source;
    struct mqtt_take *take; /* const after start; what it holds is the intake's */
    uint32_t index;         /* const after start, into site.sources */
    MQTTAsync client;       /* const after start */
    char host[HOST_MAX];   /* const after start */
    uint16_t port;         /* const after start */
    bool encrypted;        /* const after start */
    uint64_t seed;         /* const after start: of the jitter */
    char **filters;        /* const after start: paho wants them not const */
    int *qos;              /* const after start */
    struct cell tls;       /* enum tls_trouble of the try under way; paho's threads, the keeper before it */
    struct sockets before; /* connections to this port when ours was not made yet; keeper, while DOWN */

    enum inbox_state state; /* mutex, and all below */
    bool session;           /* the broker still knew us */
    bool subscribed;        /* once since start: the site's topics may be new to an old session */
    const char *told;       /* why there is no connection, as last told; NULL: there is one */
    bool was_up;
    int reason;       /* paho's, of the last trouble */
    int64_t retry_ns; /* mono */
    int64_t down_since_ns;
    unsigned tries;
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
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

/* ---- notes from paho's threads ---- */

static void note(struct inbox_source *source, enum inbox_state state, int reason)
{
    (void)pthread_mutex_lock(&source->inbox->mutex); /* cannot fail: the mutex is sound and not held by us */
    source->state = state;
    source->reason = reason;
    if (state == INBOX_DOWN) {
        source->retry_ns = 0; /* not yet set: the keeper does */
    }
    (void)pthread_cond_signal(&source->inbox->changed);
    (void)pthread_mutex_unlock(&source->inbox->mutex);
}

/* A line of what the TLS library has to say; 1: go on. */
static int on_tls_trouble(const char *line, size_t len, void *context)
{
    struct inbox_source *source = context;
    cell_set(&source->tls, tls_trouble_of(line, len));
    return 1;
}

static void on_connected(void *context, MQTTAsync_successData *data)
{
    struct inbox_source *source = context;
    source->session = data->alt.connect.sessionPresent != 0; /* read by the keeper after note() */
    note(source, INBOX_CONNECTED, 0);
}

static void on_connect_failed(void *context, MQTTAsync_failureData *data)
{
    note(context, INBOX_DOWN, data != NULL ? data->code : -1);
}

static void on_lost(void *context, char *cause)
{
    struct inbox_source *source = context;
    (void)cause; /* always NULL in this version */
    cell_set(&source->tls, TLS_NONE); /* it had been agreed on */
    note(source, INBOX_DOWN, 0);
}

/* The broker may grant less than was asked, down to nothing (0x80), for each topic apart. */
static void subscription_refused(struct inbox_source *source, const char *topic)
{
    log_event(LOG_ERROR, "ingest", "ING-012", source->source->id,
              "source=%s host=%s port=%u topic=\"%s\" reason=\"the broker refuses the subscription\"",
              source->source->id, source->host, source->port, topic);
}

static void subscribe_again(struct inbox_source *source)
{
    (void)pthread_mutex_lock(&source->inbox->mutex);
    source->subscribed = false; /* with the next connection */
    (void)pthread_mutex_unlock(&source->inbox->mutex);
}

static void on_subscribed(void *context, MQTTAsync_successData *data)
{
    struct inbox_source *source = context;
    const size_t n = source->source->topic_count;
    bool refused = false;
    for (size_t i = 0; i < n; i++) {
        const int granted = n == 1 ? data->alt.qos : data->alt.qosList[i];
        if (granted > 2) {
            refused = true;
            subscription_refused(source, source->filters[i]);
        }
    }
    if (refused) {
        subscribe_again(source);
    }
}

static void on_subscribe_failed(void *context, MQTTAsync_failureData *data)
{
    struct inbox_source *source = context;
    if (data != NULL && data->code > 0) { /* else the connection went away under it */
        subscription_refused(source, source->filters[0]);
    }
    subscribe_again(source);
}

static bool is_ours(const struct inbox_source *source, const char *topic, size_t len)
{
    for (size_t i = 0; i < source->source->topic_count; i++) {
        if (mqtt_topic_matches(source->source->topics[i], topic, len)) {
            return true;
        }
    }
    return false; /* a subscription of an earlier run that the broker still keeps */
}

/* Ends the connection on which this message came; true when that is certain. */
static bool cut(struct inbox_source *source)
{
    struct sockets ours;
    mqtt_sockets_find(source->port, &ours);
    mqtt_sockets_subtract(&ours, &source->before);
    return mqtt_sockets_cut(&ours) > 0;
}

/* Tells a recording, if there is one. */
static void tap(const struct inbox_source *source, int64_t seen_ns, const char *topic, size_t len,
                const MQTTAsync_message *message)
{
    const struct mqtt_inbox *inbox = source->inbox;
    if (inbox->config.tap == NULL) {
        return;
    }
    const unsigned flags = (unsigned)message->qos & WIRE_QOS;
    const struct wire_record record = {
        .kind = WIRE_MESSAGE,
        .flags = (uint8_t)(flags | (message->retained ? WIRE_RETAINED : 0) | (message->dup ? WIRE_REPEATED : 0)),
        .source = (uint16_t)source->index,
        .time_ns = seen_ns,
        .name = topic,
        .name_len = len,
        .bytes = message->payload,
        .len = (size_t)message->payloadlen};
    wire_tap_record(inbox->config.tap, &record);
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    struct inbox_source *source = context;
    const size_t len = topic_len > 0 ? (size_t)topic_len : strlen(topic);
    const int64_t seen_ns = clock_now_ns(&source->inbox->clock);
    tap(source, seen_ns, topic, len, message);
    if (is_ours(source, topic, len) &&
        !mqtt_intake_put(source->inbox->intake, source->index, seen_ns, topic, len, message->payload,
                         (size_t)message->payloadlen) &&
        !cut(source)) {
        return 0; /* the broker will think it taken; paho at least offers it again */
    }
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

/* ---- the keeper ---- */

static const char *reason_text(const struct inbox_source *source)
{
    const enum tls_trouble tls = (enum tls_trouble)cell_get(&source->tls);
    if (tls != TLS_NONE) {
        return tls_trouble_text(tls);
    }
    switch (source->reason) {
    case 0:
        return "the connection was lost";
    case 1:
        return "the broker does not speak MQTT 3.1.1";
    case 2:
        return "the broker refuses the client id";
    case 4:
        return "the broker refuses user and password";
    case 5:
        return "the broker does not allow this client";
    default:
        return source->encrypted ? TLS_SILENT_TEXT : "no connection";
    }
}

/* mutex held: says why there is no connection, once for each reason in a row. */
static void tell_down(struct inbox_source *source)
{
    char subject[512];
    const char *reason = reason_text(source);
    if (source->told == reason) {
        return;
    }
    source->told = reason;
    (void)snprintf(subject, sizeof subject, "%s: %s", source->source->id, reason);
    log_event(LOG_WARN, "ingest", "ING-010", subject, "source=%s host=%s port=%u reason=\"%s\"", source->source->id,
              source->host, source->port, reason);
}

/* mutex held: sets the time of the next try. */
static void plan_retry(struct inbox_source *source, int64_t mono_ns)
{
    source->retry_ns = mono_ns + back_off_wait(source->seed, source->tries, retry_min_ns, retry_max_ns);
    source->tries++;
    counter_set(source->take->count.connected, 0);
    source->down_since_ns = source->told == NULL ? mono_ns : source->down_since_ns;
    tell_down(source);
}

/* Without the mutex. */
static void start_connect(struct inbox_source *source)
{
    const struct site_source *site = source->source;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    tls.trustStore = site->ca;
    tls.keyStore = site->cert;
    tls.privateKey = site->key;
    tls.verify = 1;
    tls.ssl_error_cb = on_tls_trouble;
    tls.ssl_error_context = source;
    cell_set(&source->tls, TLS_NONE);
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.keepAliveInterval = KEEP_ALIVE_S;
    options.connectTimeout = CONNECT_TIMEOUT_S;
    options.cleansession = 0;
    options.MQTTVersion = MQTTVERSION_3_1_1;
    options.username = site->user;
    options.password = site->password;
    options.onSuccess = on_connected;
    options.onFailure = on_connect_failed;
    options.context = source;
    options.ssl = source->encrypted ? &tls : NULL;
    mqtt_sockets_find(source->port, &source->before);
    if (MQTTAsync_connect(source->client, &options) != MQTTASYNC_SUCCESS) {
        note(source, INBOX_DOWN, -1);
    }
}

/* Without the mutex. */
static void subscribe(struct inbox_source *source)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = on_subscribed;
    options.onFailure = on_subscribe_failed;
    options.context = source;
    const int code = MQTTAsync_subscribeMany(source->client, (int)source->source->topic_count, source->filters,
                                             source->qos, &options);
    if (code != MQTTASYNC_SUCCESS) {
        subscribe_again(source);
    }
}

/* mutex held: the connection stands. */
static void greet(struct inbox_source *source, int64_t mono_ns)
{
    const int64_t down_ns = source->told != NULL ? mono_ns - source->down_since_ns : 0;
    log_event(LOG_INFO, "ingest", "ING-011", source->source->id,
              "source=%s host=%s port=%u connected after=%llds tries=%u session=%s", source->source->id, source->host,
              source->port, (long long)(down_ns / NS_PER_S), source->tries, source->session ? "kept" : "new");
    counter_set(source->take->count.connected, 1);
    if (source->was_up) {
        counter_add(source->take->count.reconnects, 1);
    }
    source->was_up = true;
    source->told = NULL;
    source->tries = 0;
    source->state = INBOX_UP;
}

/* mutex held, given up while paho is called.  Gives when to look again. */
static int64_t keep(struct inbox_source *source, int64_t mono_ns)
{
    pthread_mutex_t *mutex = &source->inbox->mutex;
    if (source->state == INBOX_CONNECTED) {
        greet(source, mono_ns);
        const bool wanted = !source->session || !source->subscribed;
        source->subscribed = true;
        (void)pthread_mutex_unlock(mutex);
        (void)nodelay_peer(source->host, source->port); /* only helps */
        if (wanted) {
            subscribe(source);
        }
        (void)pthread_mutex_lock(mutex);
        return TIME_NEVER;
    }
    if (source->state != INBOX_DOWN) {
        return TIME_NEVER;
    }
    if (source->retry_ns == 0) {
        plan_retry(source, mono_ns);
    }
    if (mono_ns < source->retry_ns) {
        return source->retry_ns;
    }
    source->state = INBOX_CONNECTING;
    (void)pthread_mutex_unlock(mutex);
    start_connect(source);
    (void)pthread_mutex_lock(mutex);
    return TIME_NEVER;
}

static bool any_change(const struct mqtt_inbox *inbox)
{
    for (uint32_t i = 0; i < inbox->count; i++) {
        const struct inbox_source *source = &inbox->sources[i];
        if (source->state == INBOX_CONNECTED || (source->state == INBOX_DOWN && source->retry_ns == 0)) {
            return true;
        }
    }
    return false;
}

/* mutex held: sleeps until something is noted or due. */
static void sleep_until(struct mqtt_inbox *inbox, int64_t due_ns)
{
    if (any_change(inbox) || cell_get(&inbox->stop) != 0) {
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

/* Takes the url apart; gives it as paho wants it. */
static enum err_code read_url(struct inbox_source *source, char *ret_uri, size_t room, struct err *err)
{
    char url[SITE_URL_MAX];
    bool tls = false;
    const char *host = NULL;
    size_t len = 0;
    const char *reason = source->source->url == NULL ? "it is missing" : site_mqtt_url(source->source->url, url, &tls);
    const char *place = url + strlen(tls ? "mqtts://" : "mqtt://");
    if (reason == NULL) {
        reason = site_split_host(place, -1, &host, &len, &source->port);
    }
    if (reason != NULL || len >= sizeof source->host) {
        return err_set(err, ERR_INPUT, "source \"%s\": url: %s", source->source->id,
                       reason != NULL ? reason : "its host is too long");
    }
    memcpy(source->host, host, len);
    source->encrypted = tls;
    (void)snprintf(ret_uri, room, "%s://%s", tls ? "ssl" : "tcp", place); /* room for the longest url */
    return ERR_NONE;
}

static void fill_filters(struct inbox_source *source, struct arena *arena)
{
    const size_t n = source->source->topic_count;
    source->filters = ARENA_ARRAY(arena, char *, n + 1);
    source->qos = ARENA_ARRAY(arena, int, n + 1);
    for (size_t i = 0; i < n; i++) {
        source->filters[i] = arena_strdup(arena, source->source->topics[i]);
        source->qos[i] = 1;
    }
}

static enum err_code make_source(struct mqtt_inbox *inbox, uint32_t index, struct err *err)
{
    const struct site *site = inbox->config.site;
    struct inbox_source *source = &inbox->sources[inbox->count];
    char uri[SITE_URL_MAX + 8];
    char id[512];
    source->inbox = inbox;
    source->index = index;
    source->take = mqtt_intake_take(inbox->intake, index);
    source->source = &site->sources[index];
    source->seed = back_off_seed(source->source->id);
    source->retry_ns = 1; /* the first try is due at once */
    const enum err_code code = read_url(source, uri, sizeof uri, err);
    if (code != ERR_NONE) {
        return code;
    }
    (void)snprintf(id, sizeof id, "davy-%s-%s", site->id, source->source->id);
    const char *client_id = source->source->client_id != NULL ? source->source->client_id : id;
    const int failed = MQTTAsync_create(&source->client, uri, client_id, MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (failed != MQTTASYNC_SUCCESS) {
        return err_set(err, ERR_ENV, "source \"%s\": no MQTT client could be made (%d)", source->source->id, failed);
    }
    inbox->count++;
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
    fill_filters(source, &inbox->arena);
    if (MQTTAsync_setCallbacks(source->client, source, on_lost, on_message, NULL) != MQTTASYNC_SUCCESS) {
        return err_set(err, ERR_ENV, "source \"%s\": the MQTT client takes no callbacks", source->source->id);
    }
    return ERR_NONE;
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

static void destroy_clients(struct mqtt_inbox *inbox)
{
    for (uint32_t i = 0; i < inbox->count; i++) {
        if (inbox->sources[i].client == NULL) {
            continue;
        }
        MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
        options.timeout = DISCONNECT_TIMEOUT_MS;
        (void)MQTTAsync_disconnect(inbox->sources[i].client, &options); /* it may not be connected */
        MQTTAsync_destroy(&inbox->sources[i].client);                   /* no callback comes after this */
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
    destroy_clients(inbox);
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
    destroy_clients(inbox);
    mqtt_intake_free(inbox->intake);
    (void)pthread_cond_destroy(&inbox->changed);
    (void)pthread_mutex_destroy(&inbox->mutex);
    arena_done(&inbox->arena);
    free(inbox);
}
