/*
 * sink_mqtt: the link to a broker, on paho's asynchronous client (1.3.12).
 * What is sent, and when, is mqtt_feed.c's affair.
 *
 * Known of paho, and what follows here:
 * - All its clients share two threads and one mutex, held during every
 *   callback.  So callbacks set cells and ring, nothing else; and our calls may
 *   wait for a callback of another client (the inbox, whose spool is full).
 *   The sink has a thread of its own for that.
 * - Messages queued for a lost connection are sent on the next one, before what
 *   we send then: a receiver would see newer events before older ones.  So each
 *   connection is a client of its own; destroying the old one drops its queue
 *   and, because of the mutex, no callback of it runs afterwards.
 * - Destroying a client leaks topic and payload of messages that were queued and
 *   not yet written to the socket.  That is the price of the line above: at
 *   most one window (mqtt_feed.c) per lost connection, and usually nothing.
 * - Destroying the last client stops paho's threads and waits for them up to a
 *   second.  So the new client is made before the old one is destroyed.
 * - It looks host names up inside its sending thread, which a slow resolver
 *   holds up for all clients: an address in digits is the better setting.
 * - It leaves Nagle's algorithm on: see base/nodelay.h.
 * - It formats a line for its own trace at every packet, though nobody reads it,
 *   unless its level is raised to errors: half the time it takes for a message.
 * - No reconnecting, buffering or persistence of its own is used; the journal
 *   is the outbox and the receipt the only proof.
 *
 * Threads: the sink's; callbacks as said.  Memory: the link's own, and paho's.
 */
#include "alerting/mqtt_link.h"
#include "base/buf.h"
#include "base/memory.h"
#include "base/nodelay.h"
#include "base/slice.h"
#include "base/text.h"
#include "model/tls_trouble.h"
#include <MQTTAsync.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_ALIVE_S = 15, CONNECT_TIMEOUT_S = 10, QOS = 1 };

struct mqtt_link {
    struct mqtt_link_config config;
    char *host;
    uint16_t port;
    struct buf uri;    /* as paho wants it */
    MQTTAsync client;  /* NULL before the first connect */
    bool tuned;        /* Nagle's algorithm was seen to on this connection */
    struct cell state; /* enum mqtt_link_state; paho's threads, ours while none of its runs */
    struct cell code;  /* why it is down, as paho says it (an int) */
    struct cell tls;   /* and what the TLS library said, enum tls_trouble */
};

/* ---- paho's threads ---------------------------------------------------------------------------------------------- */

static void set_state(struct mqtt_link *link, enum mqtt_link_state state, int code)
{
    cell_set(&link->code, (uint64_t)(uint32_t)code);
    cell_set(&link->state, state);
    doorbell_ring(link->config.bell);
}

/* A line of what the TLS library has to say; 1: go on. */
static int on_tls_trouble(const char *line, size_t len, void *context)
{
    struct mqtt_link *link = context;
    cell_set(&link->tls, tls_trouble_of(line, len));
    return 1;
}

static void on_connected(void *context, MQTTAsync_successData *data)
{
    (void)data;
    slice_ask_short(); /* the thread that takes all messages; it has little to do with each */
    set_state(context, LINK_UP, 0);
}

static void on_refused(void *context, MQTTAsync_failureData *data)
{
    set_state(context, LINK_DOWN, data != NULL ? data->code : MQTTASYNC_FAILURE);
}

static void on_lost(void *context, char *cause)
{
    struct mqtt_link *link = context;
    (void)cause; /* always NULL in this version */
    cell_set(&link->tls, TLS_NONE); /* it had been agreed on */
    set_state(link, LINK_DOWN, MQTTASYNC_DISCONNECTED);
}

static void settle(struct mqtt_receipt *receipt, uint64_t outcome)
{
    cell_set(&receipt->outcome, outcome);
    doorbell_ring(receipt->bell);
}

static void on_confirmed(void *context, MQTTAsync_successData *data)
{
    (void)data;
    settle(context, RECEIPT_CONFIRMED);
}

static void on_failed(void *context, MQTTAsync_failureData *data)
{
    (void)data;
    settle(context, RECEIPT_FAILED);
}

/* paho wants one when a client is made; nothing is subscribed, so nothing arrives. */
static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    (void)context;
    (void)topic_len;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

/* ---- making it --------------------------------------------------------------------------------------------------- */

/* Takes what follows the scheme apart: host or [IPv6 address], and a port or none; gives it as paho wants it. */
static bool take_host(struct mqtt_link *link, const char *text, const char *scheme, uint16_t default_port)
{
    const bool brackets = *text == '[';
    const char *host = text + brackets;
    const size_t host_len = strcspn(host, brackets ? "]" : ":/");
    if (host_len == 0 || (brackets && host[host_len] != ']')) {
        return false;
    }
    const char *rest = host + host_len + brackets;
    double port = default_port;
    if (*rest == ':' && !text_parse_number(rest + 1, strcspn(rest + 1, "/"), &port)) {
        return false;
    }
    if (port < 1 || port > UINT16_MAX) {
        return false;
    }
    link->port = (uint16_t)port;
    link->host = memory_new(host_len + 1, 1);
    memcpy(link->host, host, host_len);
    buf_printf(&link->uri, "%s%.*s:%u", scheme, (int)(rest - text), text, (unsigned)link->port);
    return true;
}

static bool take_url(struct mqtt_link *link, const char *url)
{
    static const struct {
        const char *scheme, *paho;
        uint16_t port;
    } schemes[] = {{"mqtt://", "tcp://", 1883}, {"mqtts://", "ssl://", 8883}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        const size_t len = strlen(schemes[i].scheme);
        if (strncmp(url, schemes[i].scheme, len) == 0) {
            return take_host(link, url + len, schemes[i].paho, schemes[i].port);
        }
    }
    return false;
}

enum err_code mqtt_link_new(const struct mqtt_link_config *config, struct mqtt_link **ret_link, struct err *err)
{
    struct mqtt_link *link = memory_new(1, sizeof *link);
    link->config = *config;
    if (config->url == NULL || !take_url(link, config->url)) {
        mqtt_link_free(link);
        return err_set(err, ERR_INPUT, "url \"%s\" names no broker; write mqtt://host:port or mqtts://host:port",
                       config->url != NULL ? config->url : "");
    }
    *ret_link = link;
    return ERR_NONE;
}

void mqtt_link_free(struct mqtt_link *link)
{
    if (link == NULL) {
        return;
    }
    if (link->client != NULL) {
        MQTTAsync_destroy(&link->client); /* says DISCONNECT when it is connected */
    }
    buf_done(&link->uri);
    free(link->host);
    free(link);
}

/* Makes a fresh client beside the old one. */
static enum err_code make_client(struct mqtt_link *link, MQTTAsync *ret_client, struct err *err)
{
    MQTTAsync client = NULL;
    int rc = MQTTAsync_create(&client, link->uri.data, link->config.client_id, MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (rc == MQTTASYNC_SUCCESS) {
        MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
        rc = MQTTAsync_setCallbacks(client, link, on_lost, on_message, NULL);
    }
    if (rc != MQTTASYNC_SUCCESS) {
        if (client != NULL) {
            MQTTAsync_destroy(&client);
        }
        return err_set(err, ERR_ENV, "the MQTT client cannot be made: error %d", rc);
    }
    *ret_client = client;
    return ERR_NONE;
}

static bool is_encrypted(const struct mqtt_link *link)
{
    return strncmp(link->uri.data, "ssl:", 4) == 0;
}

static MQTTAsync_SSLOptions tls_of(struct mqtt_link *link)
{
    const struct mqtt_link_config *config = &link->config;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    tls.trustStore = config->ca;
    tls.keyStore = config->cert;
    tls.privateKey = config->key;
    tls.enableServerCertAuth = 1;
    tls.verify = 1;
    tls.ssl_error_cb = on_tls_trouble;
    tls.ssl_error_context = link;
    return tls;
}

enum err_code mqtt_link_connect(struct mqtt_link *link, const char *will_topic, const char *will, struct err *err)
{
    MQTTAsync fresh = NULL;
    if (make_client(link, &fresh, err) != ERR_NONE) {
        return ERR_ENV;
    }
    if (link->client != NULL) {
        MQTTAsync_destroy(&link->client);
    }
    link->client = fresh;
    link->tuned = false;
    cell_set(&link->tls, TLS_NONE);
    cell_set(&link->state, LINK_CONNECTING); /* no callback of the old client runs any more, none of the new one yet */

    MQTTAsync_willOptions last_will = MQTTAsync_willOptions_initializer;
    last_will.topicName = will_topic;
    last_will.message = will;
    last_will.retained = 1;
    last_will.qos = QOS;
    MQTTAsync_SSLOptions tls = tls_of(link);
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.keepAliveInterval = KEEP_ALIVE_S;
    options.connectTimeout = CONNECT_TIMEOUT_S;
    options.cleansession = 1;
    options.automaticReconnect = 0;
    options.username = link->config.user;
    options.password = link->config.password;
    options.will = &last_will;
    options.ssl = is_encrypted(link) ? &tls : NULL;
    options.onSuccess = on_connected;
    options.onFailure = on_refused;
    options.context = link;
    const int rc = MQTTAsync_connect(link->client, &options);
    if (rc != MQTTASYNC_SUCCESS) {
        cell_set(&link->state, LINK_DOWN);
        return err_set(err, ERR_ENV, "connecting cannot begin: error %d", rc);
    }
    return ERR_NONE;
}

/* ---- using it ---------------------------------------------------------------------------------------------------- */

enum mqtt_link_state mqtt_link_state(struct mqtt_link *link)
{
    const enum mqtt_link_state state = (enum mqtt_link_state)cell_get(&link->state);
    if (state == LINK_UP && !link->tuned) {
        (void)nodelay_peer(link->host, link->port); /* without it the link is slower, not wrong */
        link->tuned = true;
    }
    return state;
}

const char *mqtt_link_reason(const struct mqtt_link *link)
{
    static const char *const refusals[] = {NULL,
                                           "the broker does not speak MQTT 3.1.1",
                                           "the broker does not take this client id",
                                           "the broker is not ready",
                                           "wrong user or password",
                                           "not authorised"};
    const int code = (int)(uint32_t)cell_get(&link->code);
    const enum tls_trouble tls = (enum tls_trouble)cell_get(&link->tls);
    if (tls != TLS_NONE) {
        return tls_trouble_text(tls);
    }
    if (code > 0 && (size_t)code < sizeof refusals / sizeof refusals[0]) {
        return refusals[code];
    }
    if (code == MQTTASYNC_DISCONNECTED) {
        return "connection lost";
    }
    return is_encrypted(link) ? TLS_SILENT_TEXT : "the broker cannot be reached";
}

enum err_code mqtt_link_publish(struct mqtt_link *link, const char *topic, const void *payload, size_t len,
                                bool retained, struct mqtt_receipt *receipt, struct err *err)
{
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    if (receipt != NULL) {
        receipt->bell = link->config.bell;
        cell_set(&receipt->outcome, RECEIPT_OPEN); /* before paho knows of it */
        response.onSuccess = on_confirmed;
        response.onFailure = on_failed;
        response.context = receipt;
    }
    const int rc = MQTTAsync_send(link->client, topic, (int)len, payload, QOS, retained, &response);
    if (rc != MQTTASYNC_SUCCESS) {
        return err_set(err, ERR_ENV, "%s (%d)",
                       rc == MQTTASYNC_DISCONNECTED ? "connection lost" : "a message is refused", rc);
    }
    return ERR_NONE;
}
