/*
 * broker_link: see broker_link.h.  This is what paho is asked for, and what its
 * callbacks note.
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
 *  - It formats a line for its own trace at every packet and every call inside
 *    it, under a lock and with a look at the clock, though nobody reads it: half
 *    the cost of a message.  Its level is raised to errors.
 *  - The answer to one topic comes in another place than that to several.
 */
#include "ingest/broker_link.h"

#include "base/clock.h"
#include "ingest/back_off.h"
#include "model/tls_trouble.h"
#include <MQTTAsync.h>
#include <stdio.h>
#include <string.h>

enum {
    KEEP_ALIVE_S = 30,
    CONNECT_TIMEOUT_S = 10,
    GOODBYE_MS = 500,
};

/* ---- notes from paho's threads ----------------------------------------------------------------------------------- */

static void note(struct broker_link *link, enum broker_state state, int reason)
{
    (void)pthread_mutex_lock(link->config.lock); /* cannot fail: the mutex is sound and not held by us */
    link->state = state;
    link->reason = reason;
    if (state == BROKER_DOWN) {
        link->retry_ns = 0;
        link->asking = false;
    }
    (void)pthread_mutex_unlock(link->config.lock);
    link->config.owner.changed(link->config.owner.self);
}

/* A line of what the TLS library has to say; 1: go on. */
static int on_tls_trouble(const char *line, size_t len, void *context)
{
    struct broker_link *link = context;
    cell_set(&link->tls, tls_trouble_of(line, len));
    return 1;
}

static void on_connected(void *context, MQTTAsync_successData *data)
{
    struct broker_link *link = context;
    link->session = data->alt.connect.sessionPresent != 0; /* read by the stepping thread after note() */
    note(link, BROKER_CONNECTED, 0);
}

static void on_connect_failed(void *context, MQTTAsync_failureData *data)
{
    note(context, BROKER_DOWN, data != NULL ? data->code : -1);
}

static void on_lost(void *context, char *cause)
{
    struct broker_link *link = context;
    (void)cause;                    /* always NULL in this version */
    cell_set(&link->tls, TLS_NONE); /* it had been agreed on */
    note(link, BROKER_DOWN, 0);
}

static void on_subscribed(void *context, MQTTAsync_successData *data)
{
    const struct broker_asking *asking = context;
    broker_link_answered(asking->link, asking->count, asking->count == 1 ? &data->alt.qos : data->alt.qosList);
}

static void on_subscribe_failed(void *context, MQTTAsync_failureData *data)
{
    const struct broker_asking *asking = context;
    if (data != NULL && data->code > 0) {
        broker_link_answered(asking->link, asking->count, NULL);
    } else {
        broker_link_unanswered(asking->link); /* usually the connection goes away under it */
    }
}

bool broker_link_cut(const struct broker_link *link)
{
    struct sockets ours;
    mqtt_sockets_find(link->port, &ours);
    mqtt_sockets_subtract(&ours, &link->before);
    return mqtt_sockets_cut(&ours) > 0;
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    struct broker_link *link = context;
    const struct broker_message taken = {
        .topic = topic,
        .topic_len = topic_len > 0 ? (size_t)topic_len : strlen(topic),
        .payload = message->payload != NULL ? message->payload : "",
        .len = (size_t)message->payloadlen,
        .qos = message->qos,
        .retained = message->retained != 0,
        .repeated = message->dup != 0,
    };
    if (!link->config.owner.message(link->config.owner.self, &taken) && !broker_link_cut(link)) {
        return 0; /* the broker will think it taken; paho at least offers it again */
    }
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

/* ---- what paho is asked for -------------------------------------------------------------------------------------- */

static void connect_now(struct broker_link *link, const struct buf *will_text)
{
    const struct site_source *source = link->config.source;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    tls.trustStore = source->ca;
    tls.keyStore = source->cert;
    tls.privateKey = source->key;
    tls.verify = 1;
    tls.ssl_error_cb = on_tls_trouble;
    tls.ssl_error_context = link;
    will.topicName = link->config.will_topic;
    will.message = will_text->data;
    will.retained = 1;
    will.qos = 1;
    options.keepAliveInterval = KEEP_ALIVE_S;
    options.connectTimeout = CONNECT_TIMEOUT_S;
    options.cleansession = link->config.clean;
    options.MQTTVersion = MQTTVERSION_3_1_1;
    options.username = source->user;
    options.password = source->password;
    options.will = link->config.will_topic != NULL ? &will : NULL;
    options.onSuccess = on_connected;
    options.onFailure = on_connect_failed;
    options.context = link;
    options.ssl = link->encrypted ? &tls : NULL;
    cell_set(&link->tls, TLS_NONE);
    mqtt_sockets_find(link->port, &link->before);
    if (MQTTAsync_connect(link->client, &options) != MQTTASYNC_SUCCESS) { /* it copies all of it */
        note(link, BROKER_DOWN, -1);
    }
}

void broker_link_connect(struct broker_link *link)
{
    struct buf will = {0};
    if (link->config.will_topic != NULL) {
        link->config.owner.write_will(link->config.owner.self, &will);
    }
    (void)pthread_mutex_unlock(link->config.lock);
    connect_now(link, &will);
    (void)pthread_mutex_lock(link->config.lock);
    buf_done(&will);
}

bool broker_link_subscribe(struct broker_link *link)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = on_subscribed;
    options.onFailure = on_subscribe_failed;
    link->asked_count = 0;
    for (size_t i = 0; i < link->config.filter_count; i++) {
        const struct broker_filter *filter = &link->config.filters[i];
        if (filter->open) {
            link->asked[link->asked_count] = (char *)(uintptr_t)filter->topic; /* paho only reads it */
            link->asked_qos[link->asked_count] = filter->qos;
            link->asked_at[link->asked_count++] = i;
        }
    }
    const size_t count = link->asked_count;
    options.context = &link->askings[count];
    link->asking = true;
    (void)pthread_mutex_unlock(link->config.lock);
    const int code = MQTTAsync_subscribeMany(link->client, (int)count, link->asked, link->asked_qos, &options);
    (void)pthread_mutex_lock(link->config.lock);
    return code == MQTTASYNC_SUCCESS;
}

int broker_link_publish(struct broker_link *link, const char *topic, const struct buf *payload, int qos, bool retain)
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

void broker_link_flush(struct broker_link *link, int token)
{
    (void)MQTTAsync_waitForCompletion(link->client, token, GOODBYE_MS); /* it may be gone before */
}

bool broker_link_connected(struct broker_link *link)
{
    return link->client != NULL && MQTTAsync_isConnected(link->client) != 0;
}

/* ---- start and end ----------------------------------------------------------------------------------------------- */

static void make_lists(struct broker_link *link, struct arena *arena)
{
    const size_t n = link->config.filter_count + 1;
    link->asked = ARENA_ARRAY(arena, char *, n);
    link->asked_qos = ARENA_ARRAY(arena, int, n);
    link->asked_at = ARENA_ARRAY(arena, size_t, n);
    link->askings = ARENA_ARRAY(arena, struct broker_asking, n);
    for (size_t i = 0; i < n; i++) {
        link->askings[i] = (struct broker_asking){.link = link, .count = i};
    }
}

static enum err_code make_client(struct broker_link *link, const char *uri, struct err *err)
{
    const struct site_source *source = link->config.source;
    char id[512];
    (void)snprintf(id, sizeof id, "davy-%s-%s", link->config.site->id, source->id);
    const char *client_id = source->client_id != NULL ? source->client_id : id;
    MQTTAsync client = NULL;
    const int failed = MQTTAsync_create(&client, uri, client_id, MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (failed != MQTTASYNC_SUCCESS) {
        return err_set(err, ERR_ENV, "source \"%s\": no MQTT client could be made (%d)", source->id, failed);
    }
    link->client = client;
    MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
    if (MQTTAsync_setCallbacks(client, link, on_lost, on_message, NULL) != MQTTASYNC_SUCCESS) {
        return err_set(err, ERR_ENV, "source \"%s\": the MQTT client takes no callbacks", source->id);
    }
    return ERR_NONE;
}

enum err_code broker_link_init(struct broker_link *link, const struct broker_config *config, struct arena *arena,
                               struct err *err)
{
    char uri[BROKER_URI_MAX];
    *link = (struct broker_link){
        .config = *config,
        .seed = back_off_seed(config->source->id),
        .retry_ns = 1, /* the first try is due at once */
        .ask_ns = TIME_NEVER,
    };
    make_lists(link, arena);
    const enum err_code code = broker_link_read_url(link, uri, err);
    return code == ERR_NONE ? make_client(link, uri, err) : code;
}

void broker_link_done(struct broker_link *link)
{
    MQTTAsync client = link->client;
    if (client == NULL) {
        return;
    }
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    options.timeout = GOODBYE_MS;
    (void)MQTTAsync_disconnect(client, &options); /* it may not be connected */
    MQTTAsync_destroy(&client);                   /* no callback comes after this */
    link->client = NULL;
}
