/*
 * edge_link: see edge_link.h; the traps of paho are told in publisher.h.
 */
#include "simulators/edge_link.h"

#include "base/clock.h"
#include "simulators/edge_payload.h"
#include <MQTTAsync.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum state { IDLE, CONNECTING, SUBSCRIBING, UP, LEAVING };
enum { KEEP_ALIVE_S = 20, CONNECT_TIMEOUT_S = 5, GOODBYE_MS = 500 };
static const int64_t RETRY_NS = 300 * NS_PER_MS;
static const int64_t PATIENCE_NS = 10 * NS_PER_S; /* no word from paho for so long: begin anew */

/* What paho's callbacks leave for the owner. */
struct notes {
    bool connected, subscribed, failed, lost, left, asked;
};

struct edge_link {
    const struct site_source *source;
    struct edge *edge;
    void (*wake)(void *self);
    void *wake_self;
    MQTTAsync client;
    struct buf url, client_id, commands;
    struct buf death_topic, death; /* of the connection that is */
    enum state state;
    int64_t retry_ns; /* IDLE: not before; CONNECTING, SUBSCRIBING, LEAVING: not longer */
    int64_t epoch_ns;
    uv_mutex_t lock;
    struct notes notes; /* under lock */
};

/* ---- paho's threads ---------------------------------------------------------------------------------------------- */

static void note(struct edge_link *link, bool *what)
{
    uv_mutex_lock(&link->lock);
    *what = true;
    uv_mutex_unlock(&link->lock);
    link->wake(link->wake_self);
}

static void on_connected(void *context, MQTTAsync_successData *data)
{
    struct edge_link *link = context;
    (void)data;
    note(link, &link->notes.connected);
}

static void on_subscribed(void *context, MQTTAsync_successData *data)
{
    struct edge_link *link = context;
    (void)data;
    note(link, &link->notes.subscribed);
}

static void on_failed(void *context, MQTTAsync_failureData *data)
{
    struct edge_link *link = context;
    (void)data;
    note(link, &link->notes.failed);
}

static void on_left(void *context, MQTTAsync_successData *data)
{
    struct edge_link *link = context;
    (void)data;
    note(link, &link->notes.left);
}

static void on_lost(void *context, char *cause)
{
    struct edge_link *link = context;
    (void)cause;
    note(link, &link->notes.lost);
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    struct edge_link *link = context;
    (void)topic_len;
    if (message->payload != NULL && edge_payload_asks(message->payload, (size_t)message->payloadlen)) {
        note(link, &link->notes.asked);
    }
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

/* ---- the connection ---------------------------------------------------------------------------------------------- */

static void connect_now(struct edge_link *link, int64_t now_ns)
{
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    const struct site_source *source = link->source;
    edge_write_death(link->edge, (link->epoch_ns + now_ns) / NS_PER_MS, &link->death_topic, &link->death);
    will.topicName = link->death_topic.data;
    will.payload.data = link->death.data;
    will.payload.len = (int)link->death.len;
    will.qos = 1;
    options.keepAliveInterval = KEEP_ALIVE_S;
    options.connectTimeout = CONNECT_TIMEOUT_S;
    options.cleansession = 1;
    options.username = source->user;
    options.password = source->password;
    options.will = &will;
    options.onSuccess = on_connected;
    options.onFailure = on_failed;
    options.context = link;
    if (strncmp(link->url.data, "ssl:", 4) == 0) {
        tls.trustStore = source->ca;
        tls.keyStore = source->cert;
        tls.privateKey = source->key;
        tls.verify = 1;
        options.ssl = &tls;
    }
    uv_mutex_lock(&link->lock);
    link->notes = (struct notes){0}; /* of the connection before */
    uv_mutex_unlock(&link->lock);
    link->state = CONNECTING;
    link->retry_ns = now_ns + PATIENCE_NS;
    if (MQTTAsync_connect(link->client, &options) != MQTTASYNC_SUCCESS) {
        link->state = IDLE;
        link->retry_ns = now_ns + RETRY_NS;
    }
}

static void subscribe(struct edge_link *link)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = on_subscribed;
    options.onFailure = on_failed;
    options.context = link;
    link->state = SUBSCRIBING;
    (void)MQTTAsync_subscribe(link->client, link->commands.data, 1, &options); /* fails only without connection */
}

/* A disconnect keeps the broker from sending the will, so the death is said before it. */
static void say_death(struct edge_link *link)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    MQTTAsync_message message = MQTTAsync_message_initializer;
    message.payload = link->death.data;
    message.payloadlen = (int)link->death.len;
    message.qos = 1;
    (void)MQTTAsync_sendMessage(link->client, link->death_topic.data, &message,
                                &options); /* without connection the will */
}

/* paho forgets a connect that is asked for before a disconnect has ended, so its end is waited for. */
static void cut_off(struct edge_link *link, int64_t now_ns)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    options.onSuccess = on_left;
    options.context = link;
    if (link->state == UP) {
        options.timeout = GOODBYE_MS; /* until the death is confirmed */
        say_death(link);
        link->edge->bdseq++;
    }
    const bool leaving = MQTTAsync_disconnect(link->client, &options) == MQTTASYNC_SUCCESS;
    link->state = leaving ? LEAVING : IDLE;
    link->retry_ns = now_ns + (leaving ? PATIENCE_NS : RETRY_NS);
}

void edge_link_send(struct edge_link *link, const char *topic, const char *bytes, size_t len)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    MQTTAsync_message message = MQTTAsync_message_initializer;
    message.payload = (void *)(uintptr_t)bytes; /* paho copies it */
    message.payloadlen = (int)len;
    (void)MQTTAsync_sendMessage(link->client, topic, &message, &options); /* lost with the connection */
}

bool edge_link_is_up(const struct edge_link *link)
{
    return link->state == UP;
}

bool edge_link_work(struct edge_link *link, int64_t now_ns, int64_t epoch_ns, bool cut)
{
    link->epoch_ns = epoch_ns;
    uv_mutex_lock(&link->lock);
    const struct notes notes = link->notes;
    link->notes = (struct notes){0};
    uv_mutex_unlock(&link->lock);
    const bool late = link->state != IDLE && link->state != UP && now_ns >= link->retry_ns;
    if (link->state == LEAVING && (notes.left || late)) {
        link->state = IDLE;
        link->retry_ns = now_ns + RETRY_NS;
    } else if (link->state != IDLE && link->state != LEAVING && (cut || late || notes.failed || notes.lost)) {
        cut_off(link, now_ns);
    } else if (link->state == IDLE && !cut && now_ns >= link->retry_ns) {
        connect_now(link, now_ns);
    } else if (link->state == CONNECTING && notes.connected) {
        subscribe(link);
    } else if (link->state == SUBSCRIBING && notes.subscribed) {
        link->state = UP;
        return true;
    }
    return link->state == UP && notes.asked;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void write_url(struct buf *url, const char *given)
{
    const char *rest = strstr(given, "://");
    const bool tls = strncmp(given, "mqtts", 5) == 0;
    buf_printf(url, "%s%s", tls ? "ssl" : "tcp", rest != NULL ? rest : given);
}

enum err_code edge_link_new(const char *site_id, const struct site_source *source, size_t number, struct edge *edge,
                            void (*wake)(void *self), void *wake_self, struct edge_link **ret_link, struct err *err)
{
    struct edge_link *link = calloc(1, sizeof *link);
    if (link == NULL || uv_mutex_init(&link->lock) != 0) {
        free(link);
        return err_set(err, ERR_ENV, "out of memory");
    }
    link->source = source;
    link->edge = edge;
    link->wake = wake;
    link->wake_self = wake_self;
    write_url(&link->url, source->url);
    buf_printf(&link->client_id, "davy-sim-%s-%s-%zu", site_id, source->id, number);
    edge_command_topic(edge, &link->commands);
    int code = MQTTAsync_create(&link->client, link->url.data, link->client_id.data, MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (code == MQTTASYNC_SUCCESS) {
        MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR); /* its trace is half the cost of a message */
        code = MQTTAsync_setCallbacks(link->client, link, on_lost, on_message, NULL);
    }
    if (code != MQTTASYNC_SUCCESS) {
        edge_link_free(link);
        return err_set(err, ERR_ENV, "source \"%s\": %s cannot be used (paho %d)", source->id, source->url, code);
    }
    *ret_link = link;
    return ERR_NONE;
}

void edge_link_leave(struct edge_link *link)
{
    if (link != NULL && link->state != IDLE && link->state != LEAVING) {
        cut_off(link, 0);
    }
}

static void close_client(struct edge_link *link)
{
    enum { STEPS = 200, STEP_MS = 10 };
    edge_link_leave(link);
    for (int i = 0; i < STEPS && MQTTAsync_isConnected(link->client) != 0; i++) {
        uv_sleep(STEP_MS);
    }
    MQTTAsync_destroy(&link->client);
}

void edge_link_free(struct edge_link *link)
{
    if (link == NULL) {
        return;
    }
    if (link->client != NULL) {
        close_client(link);
    }
    buf_done(&link->url);
    buf_done(&link->client_id);
    buf_done(&link->commands);
    buf_done(&link->death_topic);
    buf_done(&link->death);
    uv_mutex_destroy(&link->lock);
    free(link);
}
