/*
 * publisher: a queue in front of a paho client (see publisher.h).
 *
 *   IDLE --connect--> CONNECTING --ok--> UP --send head--> SENDING --confirmed--> UP
 *     ^                   |failed         |cut, lost          |lost: the head is sent again
 *     +---- after RETRY --+---------------+-------------------+
 */
#include "simulators/publisher.h"
#include "base/buf.h"
#include "base/clock.h"
#include "simulators/gateway.h"
#include <MQTTAsync.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum state { IDLE, CONNECTING, UP, SENDING };
enum { KEEP_ALIVE_S = 20, CONNECT_TIMEOUT_S = 5 };
static const int64_t RETRY_NS = 300 * NS_PER_MS;
static const int64_t CONFIRM_NS = 10 * NS_PER_S; /* no confirmation for so long: connect anew */

struct text {
    char *bytes; /* the text, then, if it has one, its topic ending in NUL */
    size_t len;
    const char *topic; /* NULL: the publisher's */
    int qos;
    bool retained;
};

/* What paho's callbacks leave for the owner. */
struct notes {
    bool connected, failed, lost;
    int confirmed; /* token; 0 = none */
    int refused;   /* token */
};

struct publisher {
    const struct site_source *source;
    struct buf topic, url, client_id;
    void (*wake)(void *self);
    void *wake_self;
    MQTTAsync client;
    enum state state;
    int64_t retry_ns;   /* IDLE: not before; SENDING: give up at */
    int token;          /* SENDING: of the head */
    struct text *queue; /* ring */
    size_t size, first, count;
    uint64_t dropped;
    uv_mutex_t lock;
    struct notes notes; /* under lock */
};

/* ---- paho's threads ---------------------------------------------------------------------------------------------- */

static void on_connected(void *context, MQTTAsync_successData *data)
{
    (void)data;
    struct publisher *publisher = context;
    uv_mutex_lock(&publisher->lock);
    publisher->notes.connected = true;
    uv_mutex_unlock(&publisher->lock);
    publisher->wake(publisher->wake_self);
}

static void on_connect_failed(void *context, MQTTAsync_failureData *data)
{
    (void)data;
    struct publisher *publisher = context;
    uv_mutex_lock(&publisher->lock);
    publisher->notes.failed = true;
    uv_mutex_unlock(&publisher->lock);
}

static void on_lost(void *context, char *cause)
{
    (void)cause;
    struct publisher *publisher = context;
    uv_mutex_lock(&publisher->lock);
    publisher->notes.lost = true;
    uv_mutex_unlock(&publisher->lock);
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    (void)context; /* a publisher subscribes to nothing; paho demands the callback */
    (void)topic_len;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_sent(void *context, MQTTAsync_successData *data)
{
    struct publisher *publisher = context;
    uv_mutex_lock(&publisher->lock);
    publisher->notes.confirmed = data->token;
    uv_mutex_unlock(&publisher->lock);
    publisher->wake(publisher->wake_self);
}

static void on_refused(void *context, MQTTAsync_failureData *data)
{
    struct publisher *publisher = context;
    uv_mutex_lock(&publisher->lock);
    publisher->notes.refused = data->token;
    uv_mutex_unlock(&publisher->lock);
}

/* ---- the queue --------------------------------------------------------------------------------------------------- */

static void drop_head(struct publisher *publisher)
{
    free(publisher->queue[publisher->first].bytes);
    publisher->queue[publisher->first] = (struct text){0};
    publisher->first = (publisher->first + 1) % publisher->size;
    publisher->count--;
}

static void queue_add(struct publisher *publisher, struct text text)
{
    if (publisher->count == publisher->size) {
        if (publisher->state == SENDING) {
            publisher->state = UP; /* its confirmation will fit no token */
            publisher->token = 0;
        }
        drop_head(publisher);
        publisher->dropped++;
    }
    publisher->queue[(publisher->first + publisher->count) % publisher->size] = text;
    publisher->count++;
}

void publisher_put(struct publisher *publisher, const char *text, size_t len)
{
    const struct publisher_manner manner = {.qos = 1};
    publisher_put_as(publisher, &manner, text, len);
}

void publisher_put_as(struct publisher *publisher, const struct publisher_manner *manner, const char *text, size_t len)
{
    char *bytes = malloc(len + manner->topic_len + 1);
    if (bytes == NULL) {
        publisher->dropped++;
        return;
    }
    if (len > 0) {
        memcpy(bytes, text, len);
    }
    struct text queued = {.bytes = bytes, .len = len, .qos = manner->qos, .retained = manner->retained};
    if (manner->topic != NULL) {
        memcpy(bytes + len, manner->topic, manner->topic_len);
        bytes[len + manner->topic_len] = '\0';
        queued.topic = bytes + len;
    }
    queue_add(publisher, queued);
}

size_t publisher_waiting(const struct publisher *publisher)
{
    return publisher->count;
}

/* ---- the connection ---------------------------------------------------------------------------------------------- */

static void connect_now(struct publisher *publisher, int64_t now_ns)
{
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    const struct site_source *source = publisher->source;
    options.keepAliveInterval = KEEP_ALIVE_S;
    options.connectTimeout = CONNECT_TIMEOUT_S;
    options.cleansession = 1;
    options.username = source->user;
    options.password = source->password;
    options.onSuccess = on_connected;
    options.onFailure = on_connect_failed;
    options.context = publisher;
    if (strncmp(publisher->url.data, "ssl:", 4) == 0) {
        tls.trustStore = source->ca;
        tls.keyStore = source->cert;
        tls.privateKey = source->key;
        tls.verify = 1;
        options.ssl = &tls;
    }
    uv_mutex_lock(&publisher->lock);
    publisher->notes = (struct notes){0}; /* of the connection before */
    uv_mutex_unlock(&publisher->lock);
    publisher->state = CONNECTING;
    if (MQTTAsync_connect(publisher->client, &options) != MQTTASYNC_SUCCESS) {
        publisher->state = IDLE;
        publisher->retry_ns = now_ns + RETRY_NS;
    }
}

static void cut_off(struct publisher *publisher, int64_t now_ns)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    (void)MQTTAsync_disconnect(publisher->client, &options); /* not connected is as good */
    publisher->state = IDLE;
    publisher->retry_ns = now_ns + RETRY_NS;
}

static void send_head(struct publisher *publisher, int64_t now_ns)
{
    const struct text *head = &publisher->queue[publisher->first];
    MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
    MQTTAsync_message message = MQTTAsync_message_initializer;
    response.onSuccess = on_sent;
    response.onFailure = on_refused;
    response.context = publisher;
    message.payload = head->bytes;
    message.payloadlen = (int)head->len;
    message.qos = head->qos;
    message.retained = head->retained;
    const char *topic = head->topic != NULL ? head->topic : publisher->topic.data;
    if (MQTTAsync_sendMessage(publisher->client, topic, &message, &response) == MQTTASYNC_SUCCESS) {
        publisher->token = response.token;
        publisher->state = SENDING;
        publisher->retry_ns = now_ns + CONFIRM_NS;
    } else {
        cut_off(publisher, now_ns);
    }
}

/* Takes what the callbacks have left. */
static void take_notes(struct publisher *publisher, int64_t now_ns)
{
    uv_mutex_lock(&publisher->lock);
    const struct notes notes = publisher->notes;
    publisher->notes = (struct notes){0};
    uv_mutex_unlock(&publisher->lock);
    if (publisher->state == CONNECTING && notes.connected) {
        publisher->state = UP;
    }
    if (publisher->state == SENDING && notes.confirmed == publisher->token) {
        drop_head(publisher);
        publisher->state = UP;
    }
    const bool refused = publisher->state == SENDING && notes.refused != 0 && notes.refused == publisher->token;
    if (publisher->state != IDLE && (notes.failed || notes.lost || refused)) {
        cut_off(publisher, now_ns);
    }
}

void publisher_work(struct publisher *publisher, int64_t now_ns, bool cut)
{
    take_notes(publisher, now_ns);
    if (publisher->state == SENDING && now_ns >= publisher->retry_ns) {
        cut_off(publisher, now_ns);
    }
    if (cut) {
        if (publisher->state != IDLE) {
            cut_off(publisher, now_ns);
        }
        return;
    }
    if (publisher->state == IDLE && now_ns >= publisher->retry_ns) {
        connect_now(publisher, now_ns);
    }
    if (publisher->state == UP && publisher->count > 0) {
        send_head(publisher, now_ns);
    }
}

uint64_t publisher_dropped(const struct publisher *publisher)
{
    return publisher->dropped;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* paho knows tcp:// and ssl:// in all its versions, mqtt:// only in some. */
static void write_url(struct buf *url, const char *given)
{
    const char *rest = strstr(given, "://");
    const bool tls = strncmp(given, "mqtts", 5) == 0;
    buf_printf(url, "%s%s", tls ? "ssl" : "tcp", rest != NULL ? rest : given);
}

static enum err_code open_client(struct publisher *publisher, struct err *err)
{
    int code = MQTTAsync_create(&publisher->client, publisher->url.data, publisher->client_id.data,
                                MQTTCLIENT_PERSISTENCE_NONE, NULL);
    if (code == MQTTASYNC_SUCCESS) {
        MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR); /* its trace is half the cost of a message */
        code = MQTTAsync_setCallbacks(publisher->client, publisher, on_lost, on_message, NULL);
    }
    if (code != MQTTASYNC_SUCCESS) {
        return err_set(err, ERR_ENV, "source \"%s\": %s cannot be used (paho %d)", publisher->source->id,
                       publisher->source->url, code);
    }
    return ERR_NONE;
}

enum err_code publisher_new(const char *site_id, const struct site_source *source, size_t queue,
                            void (*wake)(void *self), void *wake_self, struct publisher **ret_publisher,
                            struct err *err)
{
    struct publisher *publisher = calloc(1, sizeof *publisher);
    if (publisher == NULL || uv_mutex_init(&publisher->lock) != 0) {
        free(publisher);
        return err_set(err, ERR_ENV, "out of memory");
    }
    publisher->source = source;
    publisher->wake = wake;
    publisher->wake_self = wake_self;
    publisher->size = queue;
    publisher->queue = calloc(queue, sizeof publisher->queue[0]);
    write_url(&publisher->url, source->url);
    buf_printf(&publisher->client_id, "davy-sim-%s-%s", site_id, source->id);
    gateway_topic(source, &publisher->topic);
    const enum err_code code =
        publisher->queue == NULL ? err_set(err, ERR_ENV, "out of memory") : open_client(publisher, err);
    if (code != ERR_NONE) {
        publisher_free(publisher);
        return code;
    }
    *ret_publisher = publisher;
    return ERR_NONE;
}

static void close_client(struct publisher *publisher)
{
    enum { STEPS = 100, STEP_MS = 10 };
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    (void)MQTTAsync_disconnect(publisher->client, &options); /* not connected is as good */
    for (int i = 0; i < STEPS && MQTTAsync_isConnected(publisher->client) != 0; i++) {
        uv_sleep(STEP_MS);
    }
    MQTTAsync_destroy(&publisher->client);
}

void publisher_free(struct publisher *publisher)
{
    if (publisher == NULL) {
        return;
    }
    if (publisher->client != NULL) {
        close_client(publisher);
    }
    while (publisher->queue != NULL && publisher->count > 0) {
        drop_head(publisher);
    }
    free(publisher->queue);
    buf_done(&publisher->topic);
    buf_done(&publisher->url);
    buf_done(&publisher->client_id);
    uv_mutex_destroy(&publisher->lock);
    free(publisher);
}
