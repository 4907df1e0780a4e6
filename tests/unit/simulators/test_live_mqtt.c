/*
 * The program's publishers against a real broker: messages in order, none
 * lost over a disconnect, faults as a subscriber meets them.
 */
#include "tests/unit/simulators/field.h"
#include <MQTTAsync.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { HEARD_MAX = 200 };

struct heard {
    pthread_mutex_t lock;
    pthread_cond_t more;
    char *payloads[HEARD_MAX];
    int64_t at_ms[HEARD_MAX];
    int count;
    bool subscribed;
};

struct broker {
    pid_t pid;
    int notes;
    uint16_t port;
    char *conf;
    MQTTAsync client;
    struct heard heard;
};

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    (void)topic_len;
    struct heard *heard = context;
    (void)pthread_mutex_lock(&heard->lock);
    if (heard->count < HEARD_MAX && strcmp(topic, "davy/v1/s/telemetry") == 0) {
        heard->at_ms[heard->count] = field_ms();
        heard->payloads[heard->count++] = strndup(message->payload, (size_t)message->payloadlen);
    }
    (void)pthread_cond_broadcast(&heard->more);
    (void)pthread_mutex_unlock(&heard->lock);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void on_subscribed(void *context, MQTTAsync_successData *data)
{
    (void)data;
    struct heard *heard = context;
    (void)pthread_mutex_lock(&heard->lock);
    heard->subscribed = true;
    (void)pthread_cond_broadcast(&heard->more);
    (void)pthread_mutex_unlock(&heard->lock);
}

struct subscription {
    MQTTAsync client;
    struct heard *heard;
};

static void on_connected(void *context, MQTTAsync_successData *data)
{
    (void)data;
    struct subscription *subscription = context;
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.onSuccess = on_subscribed;
    options.context = subscription->heard;
    (void)MQTTAsync_subscribe(subscription->client, "#", 1, &options);
}

/* Waits until `count` payloads were heard (or, with 0, until subscribed). */
static bool wait_heard(struct heard *heard, int count, int seconds)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += seconds;
    int waited = 0;
    (void)pthread_mutex_lock(&heard->lock);
    while ((heard->count < count || !heard->subscribed) && waited == 0) {
        waited = pthread_cond_timedwait(&heard->more, &heard->lock, &end);
    }
    const bool good = heard->count >= count && heard->subscribed;
    (void)pthread_mutex_unlock(&heard->lock);
    return good;
}

static bool try_connect(struct broker *broker, struct subscription *subscription)
{
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.cleansession = 1;
    options.onSuccess = on_connected;
    options.context = subscription;
    return MQTTAsync_connect(broker->client, &options) == MQTTASYNC_SUCCESS && wait_heard(&broker->heard, 0, 10);
}

static struct subscription subscription; /* outlives the callbacks */

static void open_broker(struct broker *broker)
{
    *broker = (struct broker){.port = field_free_port(),
                              .heard = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER}};
    char conf[128], url[64];
    (void)snprintf(conf, sizeof conf, "listener %u 127.0.0.1\nallow_anonymous true\n", broker->port);
    broker->conf = field_file("mosquitto.conf", conf);
    const char *const argv[] = {"mosquitto", "-c", broker->conf, NULL};
    broker->pid = field_start(argv, &broker->notes);
    (void)snprintf(url, sizeof url, "tcp://127.0.0.1:%u", broker->port);
    assert_int_equal(MQTTAsync_create(&broker->client, url, "listener", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
    assert_int_equal(MQTTAsync_setCallbacks(broker->client, &broker->heard, NULL, on_message, NULL), 0);
    subscription = (struct subscription){broker->client, &broker->heard};
    assert_true(field_wait_port(broker->port, 10));
    const bool connected = try_connect(broker, &subscription);
    assert_true(connected);
}

static void close_broker(struct broker *broker)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    (void)MQTTAsync_disconnect(broker->client, &options);
    for (int64_t end = field_ms() + 2000; MQTTAsync_isConnected(broker->client) != 0 && field_ms() < end;) {
        (void)poll(NULL, 0, 5);
    }
    MQTTAsync_destroy(&broker->client);
    (void)field_stop(broker->pid);
    (void)close(broker->notes);
    field_remove(broker->conf);
    for (int i = 0; i < broker->heard.count; i++) {
        free(broker->heard.payloads[i]);
    }
}

/* Runs the program for `seconds` with one fault of the gateway and waits for `least` messages. */
static void play(struct broker *broker, const char *fault, int least)
{
    char *json = NULL;
    int notes = -1;
    open_broker(broker);
    assert_true(
        asprintf(&json,
                 "{\"site\":{\"id\":\"s\"},\"sources\":{\"gw\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:%u\","
                 "\"topics\":[\"davy/v1/s/telemetry\"],\"format\":\"davy\"}},\"points\":[{\"id\":\"a\",\"every\":"
                 "\"100ms\",\"from\":{\"source\":\"gw\",\"key\":\"A\"}}]}",
                 broker->port) > 0);
    char *site = field_file("site.json", json);
    free(json);
    assert_true(asprintf(&json, "{\"start\":0,\"length\":\"600s\",\"points\":{\"a\":{\"base\":3}},\"events\":[%s]}",
                         fault) > 0);
    char *scenario = field_file("scenario.json", json);
    free(json);
    const char *const argv[] = {DAVY_SIM, "run", site, scenario, NULL};
    const pid_t pid = field_start(argv, &notes);
    assert_true(field_wait_line(notes, "ready", 10));
    assert_true(wait_heard(&broker->heard, least, 15));
    assert_int_equal(field_stop(pid), 0);
    (void)close(notes);
    field_remove(site);
    field_remove(scenario);
}

/* The seq of a payload, -1 when it is none. */
static json_int_t seq_of(const char *payload)
{
    json_t *root = json_loads(payload, 0, NULL);
    json_t *seq = json_object_get(root, "seq");
    const json_int_t number = json_is_integer(seq) ? json_integer_value(seq) : -1;
    json_decref(root);
    return number;
}

static void messages_come_in_order_from_the_first(void **state)
{
    (void)state;
    struct broker broker;
    play(&broker, "", 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(seq_of(broker.heard.payloads[i]), i + 1);
        assert_non_null(strstr(broker.heard.payloads[i], "\"values\":{\"A\":3}"));
    }
    close_broker(&broker);
}

static void nothing_is_lost_over_a_disconnect(void **state)
{
    (void)state;
    struct broker broker;
    play(&broker, "{\"at\":\"500ms\",\"source\":\"gw\",\"fault\":\"disconnect\",\"for\":\"1s\"}", 22);
    int64_t widest = 0;
    json_int_t next = 1;
    for (int i = 0; i < 22; i++) {
        const json_int_t seq = seq_of(broker.heard.payloads[i]);
        assert_true(seq == next || seq == next - 1); /* one may come again: at least once */
        next = seq + 1;
        if (i > 0 && broker.heard.at_ms[i] - broker.heard.at_ms[i - 1] > widest) {
            widest = broker.heard.at_ms[i] - broker.heard.at_ms[i - 1];
        }
    }
    assert_true(widest > 700); /* it was away */
    close_broker(&broker);
}

static void duplicates_carry_the_same_seq(void **state)
{
    (void)state;
    struct broker broker;
    play(&broker, "{\"at\":\"0s\",\"source\":\"gw\",\"fault\":\"duplicate\"}", 8);
    for (int i = 0; i < 8; i += 2) {
        assert_string_equal(broker.heard.payloads[i], broker.heard.payloads[i + 1]);
        assert_int_equal(seq_of(broker.heard.payloads[i]), i / 2 + 1);
    }
    close_broker(&broker);
}

static void broken_messages_come_between_good_ones(void **state)
{
    (void)state;
    struct broker broker;
    play(&broker, "{\"at\":\"0s\",\"source\":\"gw\",\"fault\":\"malformed\"}", 12);
    for (int i = 0; i < 12; i += 2) {
        assert_int_equal(seq_of(broker.heard.payloads[i]), -1);
        assert_int_equal(seq_of(broker.heard.payloads[i + 1]), i / 2 + 1);
    }
    close_broker(&broker);
}

static void reordered_messages_come_in_swapped_pairs(void **state)
{
    (void)state;
    struct broker broker;
    play(&broker, "{\"at\":\"0s\",\"source\":\"gw\",\"fault\":\"reorder\"}", 6);
    static const int want[] = {2, 1, 4, 3, 6, 5};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(seq_of(broker.heard.payloads[i]), want[i]);
    }
    close_broker(&broker);
}

static void a_flood_repeats_each_message(void **state)
{
    (void)state;
    struct broker broker;
    play(&broker, "{\"at\":\"0s\",\"source\":\"gw\",\"fault\":\"flood:20\"}", 63);
    for (int i = 0; i < 63; i++) {
        assert_int_equal(seq_of(broker.heard.payloads[i]), i / 21 + 1);
        assert_string_equal(broker.heard.payloads[i], broker.heard.payloads[i / 21 * 21]);
    }
    close_broker(&broker);
}

static json_int_t time_of(const char *payload)
{
    json_t *root = json_loads(payload, 0, NULL);
    const json_int_t time_ms = json_integer_value(json_object_get(root, "time"));
    json_decref(root);
    return time_ms;
}

static void a_clock_steps_there_and_back(void **state)
{
    (void)state;
    enum { HOUR_MS = 3600000 };
    struct broker broker;
    play(&broker, "{\"at\":\"200ms\",\"source\":\"gw\",\"fault\":\"clock:+1h\",\"for\":\"200ms\"}", 5);
    const json_int_t first_ms = time_of(broker.heard.payloads[0]);
    for (int i = 0; i < 5; i++) {
        const json_int_t shift_ms = i == 2 || i == 3 ? HOUR_MS : 0;
        assert_int_equal(time_of(broker.heard.payloads[i]) - first_ms, 100 * i + shift_ms);
    }
    close_broker(&broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_in_order_from_the_first),
        cmocka_unit_test(nothing_is_lost_over_a_disconnect),
        cmocka_unit_test(duplicates_carry_the_same_seq),
        cmocka_unit_test(broken_messages_come_between_good_ones),
        cmocka_unit_test(reordered_messages_come_in_swapped_pairs),
        cmocka_unit_test(a_flood_repeats_each_message),
        cmocka_unit_test(a_clock_steps_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
