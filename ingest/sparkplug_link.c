/*
 * sparkplug_link: see sparkplug_link.h; the traps of paho are told in
 * mqtt_inbox.c.
 */
#include "ingest/sparkplug_link.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/nodelay.h"
#include "ingest/back_off.h"
#include "ingest/sparkplug_topic.h"
#include "model/site_url.h"
#include <MQTTAsync.h>
#include <string.h>

enum {
    KEEP_ALIVE_S = 30,
    CONNECT_TIMEOUT_S = 10,
    GOODBYE_MS = 500,
};
static const int64_t retry_min_ns = NS_PER_S;
static const int64_t retry_max_ns = 30 * NS_PER_S;

/* ---- notes from paho's threads ----------------------------------------------------------------------------------- */

static void note(struct spb_link *link, enum spb_link_state state, int reason)
{
    (void)pthread_mutex_lock(link->lock); /* cannot fail: the mutex is sound and not held by us */
    link->state = state;
    link->reason = reason;
    if (state == SPB_LINK_DOWN) {
        link->retry_ns = 0; /* not yet set: spb_link_step does */
    }
    (void)pthread_mutex_unlock(link->lock);
    link->owner.changed(link->owner.self);
}

static void on_connected(void *context, MQTTAsync_successData *data)
{
    (void)data;
    note(context, SPB_LINK_CONNECTED, 0);
}

static void on_connect_failed(void *context, MQTTAsync_failureData *data)
{
    note(context, SPB_LINK_DOWN, data != NULL ? data->code : -1);
}

static void on_lost(void *context, char *cause)
{
    (void)cause; /* always NULL in this version */
    note(context, SPB_LINK_DOWN, 0);
}

static void refused(const struct spb_link *link, const char *topic)
{
    log_event(LOG_ERROR, "ingest", "ING-012", link->source->id,
              "source=%s host=%s port=%u topic=\"%s\" reason=\"the broker refuses the subscription\"", link->source->id,
              link->host, link->port, topic);
}

static void on_subscribed(void *context, MQTTAsync_successData *data)
{
    struct spb_link *link = context;
    for (int i = 0; i < link->filter_count; i++) {
        if (data->alt.qosList[i] > 2) { /* there are always two topics or more */
            refused(link, link->filters[i]);
        }
    }
    note(link, SPB_LINK_SUBSCRIBED, 0);
}

static void on_subscribe_failed(void *context, MQTTAsync_failureData *data)
{
    struct spb_link *link = context;
    if (data != NULL && data->code > 0) { /* else the connection went away under it */
        refused(link, link->filters[0]);
        note(link, SPB_LINK_SUBSCRIBED, 0); /* as with a part refused: the next connection asks again */
    }
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    struct spb_link *link = context;
    const size_t len = topic_len > 0 ? (size_t)topic_len : strlen(topic);
    const char *payload = message->payload != NULL ? message->payload : "";
    link->owner.message(link->owner.self, topic, len, payload, (size_t)message->payloadlen, message->retained != 0);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

/* ---- what is published ------------------------------------------------------------------------------------------- */

static MQTTAsync_token publish(struct spb_link *link, const char *topic, const struct buf *payload, int qos,
                               bool retain)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    MQTTAsync_message message = MQTTAsync_message_initializer;
    message.payload = payload->data;
    message.payloadlen = (int)payload->len;
    message.qos = qos;
    message.retained = retain;
    const int code = MQTTAsync_sendMessage(link->client, topic, &message, &options);
    return code == MQTTASYNC_SUCCESS ? options.token : 0; /* a connection that is gone is noted as lost */
}

static MQTTAsync_token publish_state(struct spb_link *link, bool online, int64_t state_ms)
{
    struct buf text = {0};
    spb_write_state(&text, online, state_ms);
    const MQTTAsync_token token = publish(link, link->state_topic, &text, 1, true);
    buf_done(&text);
    return token;
}

void spb_link_say_online(struct spb_link *link, int64_t state_ms)
{
    log_event(LOG_WARN, "ingest", "ING-044", link->source->id, "source=%s host_id=%s", link->source->id,
              link->source->host_id);
    (void)publish_state(link, true, state_ms);
}

void spb_link_ask(struct spb_link *link, const char *node, int64_t now_ns)
{
    struct buf topic = {0};
    struct buf payload = {0};
    spb_write_rebirth_topic(&topic, node);
    spb_write_rebirth(&payload, now_ns / NS_PER_MS);
    (void)publish(link, topic.data, &payload, 0, false); /* asked again when no birth comes */
    buf_done(&topic);
    buf_done(&payload);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static const char *reason_text(int reason)
{
    switch (reason) {
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
        return "no connection";
    }
}

/* Sets the time of the next try, says so once. */
static void plan_retry(struct spb_link *link, int64_t mono_ns)
{
    link->retry_ns = mono_ns + back_off_wait(link->seed, link->tries, retry_min_ns, retry_max_ns);
    link->tries++;
    if (!link->announced_down) {
        link->announced_down = true;
        link->down_since_ns = mono_ns;
        log_event(LOG_WARN, "ingest", "ING-010", link->source->id, "source=%s host=%s port=%u reason=\"%s\"",
                  link->source->id, link->host, link->port, reason_text(link->reason));
    }
}

static void greet(struct spb_link *link, int64_t mono_ns)
{
    const int64_t down_ns = link->announced_down ? mono_ns - link->down_since_ns : 0;
    log_event(LOG_INFO, "ingest", "ING-011", link->source->id,
              "source=%s host=%s port=%u connected after=%llds tries=%u session=new", link->source->id, link->host,
              link->port, (long long)(down_ns / NS_PER_S), link->tries);
    link->announced_down = false;
    link->tries = 0;
}

/* Without the lock. */
static void start_connect(struct spb_link *link, int64_t state_ms)
{
    const struct site_source *site = link->source;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    struct buf death = {0};
    spb_write_state(&death, false, state_ms);
    will.topicName = link->state_topic;
    will.message = death.data;
    will.retained = 1;
    will.qos = 1;
    tls.trustStore = site->ca;
    tls.keyStore = site->cert;
    tls.privateKey = site->key;
    tls.verify = 1;
    options.keepAliveInterval = KEEP_ALIVE_S;
    options.connectTimeout = CONNECT_TIMEOUT_S;
    options.cleansession = 1;
    options.MQTTVersion = MQTTVERSION_3_1_1;
    options.username = site->user;
    options.password = site->password;
    options.will = &will;
    options.onSuccess = on_connected;
    options.onFailure = on_connect_failed;
    options.context = link;
    options.ssl = strncmp(site->url, "mqtts:", 6) == 0 ? &tls : NULL;
    const int code = MQTTAsync_connect(link->client, &options); /* copies all of it */
    buf_done(&death);
    if (code != MQTTASYNC_SUCCESS) {
        note(link, SPB_LINK_DOWN, -1);
    }
}

/* Without the lock. */
static void subscribe(struct spb_link *link)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = on_subscribed;
    options.onFailure = on_subscribe_failed;
    options.context = link;
    (void)nodelay_peer(link->host, link->port); /* only helps */
    (void)MQTTAsync_subscribeMany(link->client, link->filter_count, link->filters, link->qos, &options);
    /* when it fails the connection is gone, which is noted */
}

static int64_t step_down(struct spb_link *link, int64_t mono_ns, int64_t now_ns, bool *ret_lost)
{
    if (link->was_up) {
        link->was_up = false;
        *ret_lost = true;
    }
    if (link->retry_ns == 0) {
        plan_retry(link, mono_ns);
    }
    if (mono_ns < link->retry_ns) {
        return link->retry_ns;
    }
    link->state = SPB_LINK_CONNECTING;
    link->state_ms = now_ns / NS_PER_MS;
    const int64_t state_ms = link->state_ms;
    (void)pthread_mutex_unlock(link->lock);
    start_connect(link, state_ms);
    (void)pthread_mutex_lock(link->lock);
    return TIME_NEVER;
}

int64_t spb_link_step(struct spb_link *link, int64_t mono_ns, int64_t now_ns, bool *ret_born, bool *ret_lost)
{
    const int64_t state_ms = link->state_ms;
    switch (link->state) {
    case SPB_LINK_DOWN:
        return step_down(link, mono_ns, now_ns, ret_lost);
    case SPB_LINK_CONNECTED:
        greet(link, mono_ns);
        link->state = SPB_LINK_SUBSCRIBING;
        (void)pthread_mutex_unlock(link->lock);
        subscribe(link);
        (void)pthread_mutex_lock(link->lock);
        break;
    case SPB_LINK_SUBSCRIBED:
        link->state = SPB_LINK_UP;
        link->was_up = true;
        (void)pthread_mutex_unlock(link->lock);
        (void)publish_state(link, true, state_ms);
        (void)pthread_mutex_lock(link->lock);
        *ret_born = true;
        break;
    default:
        break;
    }
    return TIME_NEVER;
}

/* ---- start and end ----------------------------------------------------------------------------------------------- */

/* Takes the url apart; gives it as paho wants it. */
static enum err_code read_url(struct spb_link *link, char *ret_uri, size_t room, struct err *err)
{
    char url[SITE_URL_MAX];
    bool tls = false;
    const char *host = NULL;
    size_t len = 0;
    const char *reason = link->source->url == NULL ? "it is missing" : site_mqtt_url(link->source->url, url, &tls);
    const char *place = url + strlen(tls ? "mqtts://" : "mqtt://");
    if (reason == NULL) {
        reason = site_split_host(place, -1, &host, &len, &link->port);
    }
    if (reason != NULL || len >= sizeof link->host) {
        return err_set(err, ERR_INPUT, "source \"%s\": url: %s", link->source->id,
                       reason != NULL ? reason : "its host is too long");
    }
    memcpy(link->host, host, len);
    (void)snprintf(ret_uri, room, "%s://%s", tls ? "ssl" : "tcp", place); /* room for the longest url */
    return ERR_NONE;
}

static void add_filter(struct spb_link *link, struct arena *arena, const char *filter, int qos)
{
    link->filters[link->filter_count] = arena_strdup(arena, filter);
    link->qos[link->filter_count++] = qos;
}

static void fill_filters(struct spb_link *link, struct arena *arena)
{
    const struct site_source *source = link->source;
    struct buf topic = {0};
    spb_write_state_topic(&topic, source->host_id);
    link->state_topic = arena_strdup(arena, topic.data);
    link->filters = ARENA_ARRAY(arena, char *, 2 * source->topic_count + 1);
    link->qos = ARENA_ARRAY(arena, int, 2 * source->topic_count + 1);
    add_filter(link, arena, link->state_topic, 1);
    for (size_t i = 0; i < source->topic_count; i++) {
        buf_clear(&topic);
        add_filter(link, arena, source->topics[i], 0);
        if (spb_write_death_filter(&topic, source->topics[i])) {
            add_filter(link, arena, topic.data, 1);
        }
    }
    buf_done(&topic);
}

enum err_code spb_link_init(struct spb_link *link, const struct site *site, const struct site_source *source,
                            const struct spb_link_owner *owner, pthread_mutex_t *lock, struct arena *arena,
                            struct err *err)
{
    char uri[SITE_URL_MAX + 8];
    char id[512];
    *link = (struct spb_link){
        .source = source,
        .owner = *owner,
        .lock = lock,
        .seed = back_off_seed(source->id),
        .retry_ns = 1, /* the first try is due at once */
    };
    const enum err_code code = read_url(link, uri, sizeof uri, err);
    if (code != ERR_NONE) {
        return code;
    }
    (void)snprintf(id, sizeof id, "davy-%s-%s", site->id, source->id);
    MQTTAsync client = NULL;
    const int failed = MQTTAsync_create(&client, uri, source->client_id != NULL ? source->client_id : id,
                                        MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (failed != MQTTASYNC_SUCCESS) {
        return err_set(err, ERR_ENV, "source \"%s\": no MQTT client could be made (%d)", source->id, failed);
    }
    link->client = client;
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR); /* see mqtt_inbox.c */
    fill_filters(link, arena);
    if (MQTTAsync_setCallbacks(client, link, on_lost, on_message, NULL) != MQTTASYNC_SUCCESS) {
        return err_set(err, ERR_ENV, "source \"%s\": the MQTT client takes no callbacks", source->id);
    }
    return ERR_NONE;
}

void spb_link_done(struct spb_link *link, int64_t now_ns)
{
    MQTTAsync client = link->client;
    if (client == NULL) {
        return;
    }
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    options.timeout = GOODBYE_MS;
    if (MQTTAsync_isConnected(client) != 0) {
        const MQTTAsync_token token = publish_state(link, false, now_ns / NS_PER_MS);
        if (token != 0) {
            (void)MQTTAsync_waitForCompletion(client, token, GOODBYE_MS); /* else the broker keeps our birth */
        }
    }
    (void)MQTTAsync_disconnect(client, &options); /* it may not be connected */
    MQTTAsync_destroy(&client);                   /* no callback comes after this */
    link->client = NULL;
}
