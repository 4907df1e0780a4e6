/*
 * bench_mqtt: how many messages a second are taken in over MQTT, with 1, 10 and
 * 100 samples each, QoS 0 and 1, beside a bare subscriber on the same broker in
 * the same run.
 *
 *   ours:  publish -> mosquitto -> davy run: acknowledged when safe from SIGKILL; decoded, judged (a limit on each
 *          point), stored
 *   bare:  publish -> mosquitto -> a paho client that throws everything away (TCP_NODELAY, as ours)
 *   mute:  the same with paho's trace turned off, as ours has it (half the cost of a message, see ingest/broker_link.c)
 *
 * A round is a burst of messages, as fast as the broker takes them, and ends
 * when the receiver has answered the last: ours by the alarm that it raises,
 * the bare ones by publishing it again.  So ours has at the end judged them all.
 * Turns alternate; the first of each is thrown away.
 *
 * All share the machine with the broker and the publisher.  On two cores what
 * ours does beyond receiving has only what those leave idle.
 */
#include "base/nodelay.h"
#include "bench.h"
#include "mqtt_rig.h"

#include <MQTTAsync.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUNDS = 7, POINTS = 100, PAYLOAD_MAX = 4096, WAYS = 3 };

/* ---- a bare subscriber, a process of its own ---- */

static MQTTAsync bare_client;
static int bare_qos;
static char bare_in[32], bare_out[32]; /* topics */

static int bare_arrived(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    (void)context;
    (void)topic_len;
    if (memmem(message->payload, (size_t)message->payloadlen, "\"end\":9", 7) != NULL) {
        MQTTAsync_message copy = MQTTAsync_message_initializer;
        copy.payload = message->payload;
        copy.payloadlen = message->payloadlen;
        copy.qos = 1;
        (void)MQTTAsync_sendMessage(bare_client, bare_out, &copy, NULL);
    }
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void bare_connected(void *context, MQTTAsync_successData *data)
{
    (void)context;
    (void)data;
    (void)nodelay_peer("127.0.0.1", rig_broker_port);
    (void)MQTTAsync_subscribe(bare_client, bare_in, bare_qos, NULL);
}

static pid_t start_bare(const char *name, int qos)
{
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    rig_end_with_parent();
    char url[64];
    (void)snprintf(url, sizeof url, "tcp://127.0.0.1:%u", rig_broker_port);
    bare_qos = qos;
    (void)snprintf(bare_in, sizeof bare_in, "%s/in", name);
    (void)snprintf(bare_out, sizeof bare_out, "%s/out", name);
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.onSuccess = bare_connected;
    if (MQTTAsync_create(&bare_client, url, name, MQTTCLIENT_PERSISTENCE_NONE, NULL) != 0 ||
        MQTTAsync_setCallbacks(bare_client, NULL, NULL, bare_arrived, NULL) != 0 ||
        MQTTAsync_connect(bare_client, &options) != 0) {
        _exit(1);
    }
    if (strcmp(name, "mute") == 0) {
        MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);
    }
    for (;;) {
        (void)pause();
    }
}

/* ---- ours ---- */

static pid_t start_davy(const char *self, int qos)
{
    static char text[32768];
    size_t at = (size_t)snprintf(text, sizeof text,
                                 "{\"site\":{\"id\":\"b\"},\"sources\":{\"gw\":{\"type\":\"mqtt\",\"url\":"
                                 "\"mqtt://127.0.0.1:%u\",\"topics\":[\"davy/in\"]}},\"points\":["
                                 "{\"id\":\"end\",\"kind\":\"end\",\"from\":{\"source\":\"gw\",\"key\":\"end\"}}",
                                 rig_broker_port);
    for (int i = 0; i < POINTS; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at,
                               ",{\"id\":\"p%d\",\"kind\":\"p\",\"from\":{\"source\":\"gw\",\"key\":\"k%d\"}}", i, i);
    }
    (void)snprintf(text + at, sizeof text - at,
                   "],\"rules\":[{\"id\":\"end\",\"where\":{\"kind\":\"end\"},\"levels\":[{\"level\":\"red\",\"when\":"
                   "\"value >= 9\"}]},{\"id\":\"p\",\"where\":{\"kind\":\"p\"},\"levels\":[{\"level\":\"red\",\"when\":"
                   "\"value >= 1000\"}]}],\"sinks\":{\"centre\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:%u\"}},"
                   "\"store\":{\"path\":\"data-%d\"}}",
                   rig_broker_port, qos);
    return rig_start_davy(self, text);
}

/* ---- a burst ---- */

struct way {
    char in[32], out[32]; /* topics */
    int fd;               /* publishes; receipts come back on it */
    int answers;          /* hears the answer to the last */
    int qos, samples, messages;
    int64_t time_ms; /* of the message sent last */
    int seq;
    uint8_t *bytes; /* of a whole burst */
};

static size_t write_payload(struct way *way, char *to, int samples, const char *more)
{
    way->seq++;
    way->time_ms++;
    size_t at =
        (size_t)snprintf(to, PAYLOAD_MAX, "{\"time\":%lld,\"seq\":%d,\"values\":{", (long long)way->time_ms, way->seq);
    for (int i = 0; i < samples; i++) {
        at += (size_t)snprintf(to + at, PAYLOAD_MAX - at, "%s\"k%d\":%d.%02d", i > 0 ? "," : "", i, 20 + i % 7,
                               way->seq % 100);
    }
    return at + (size_t)snprintf(to + at, PAYLOAD_MAX - at, "%s}}", more);
}

static size_t write_burst(struct way *way)
{
    char payload[PAYLOAD_MAX];
    size_t len = 0;
    for (int i = 0; i < way->messages; i++) {
        const bool last = i == way->messages - 1;
        const char *more = last ? ",\"end\":9" : i == 0 ? ",\"end\":0" : "";
        const size_t payload_len = write_payload(way, payload, way->samples, more);
        len += rig_packet(way->bytes + len, way->in, payload, payload_len,
                          way->qos > 0 ? (uint16_t)(way->seq % 60000 + 1) : 0);
    }
    return len;
}

/* Reads receipts away; the broker would stop otherwise. */
static void drain(int fd)
{
    uint8_t scrap[4096];
    while (recv(fd, scrap, sizeof scrap, MSG_DONTWAIT) > 0) {
    }
}

static void send_burst(const struct way *way, size_t len)
{
    for (size_t at = 0; at < len;) {
        struct pollfd ready = {.fd = way->fd, .events = POLLIN | POLLOUT};
        if (poll(&ready, 1, RIG_DEADLINE_MS) != 1) {
            rig_die("the broker takes nothing");
        }
        if ((ready.revents & POLLIN) != 0) {
            drain(way->fd);
        }
        if ((ready.revents & POLLOUT) != 0) {
            const ssize_t n = send(way->fd, way->bytes + at, len - at, MSG_DONTWAIT);
            if (n < 0 && errno != EAGAIN) {
                rig_die("publish");
            }
            at += n > 0 ? (size_t)n : 0;
        }
    }
}

/* Messages a second, from the first byte sent to the answer to the last message. */
static double burst(void *self)
{
    struct way *way = self;
    const size_t len = write_burst(way);
    const int64_t began_ns = bench_now_ns();
    send_burst(way, len);
    rig_await(way->answers); /* ours: raised */
    const double seconds = (double)(bench_now_ns() - began_ns) / 1e9;
    drain(way->fd);
    return (double)way->messages / seconds;
}

/* Ours also tells that the alarm is over when the next burst begins, which is not the answer to it. */
static double burst_ours(void *self)
{
    struct way *way = self;
    const size_t len = write_burst(way);
    const int64_t began_ns = bench_now_ns();
    send_burst(way, len);
    rig_await(way->answers); /* cleared by the first message */
    rig_await(way->answers); /* raised by the last */
    const double seconds = (double)(bench_now_ns() - began_ns) / 1e9;
    drain(way->fd);
    return (double)way->messages / seconds;
}

/* Until the other end has subscribed: its first answer. */
static void await_ready(struct way *way)
{
    struct pollfd waiting = {.fd = way->answers, .events = POLLIN};
    for (int tries = 0; tries < 200; tries++) {
        char payload[PAYLOAD_MAX];
        const size_t len = write_payload(way, payload, 1, ",\"end\":9");
        payload[len] = '\0';
        rig_publish(way->fd, way->in, payload, (uint16_t)way->seq);
        if (poll(&waiting, 1, 100) == 1) {
            rig_await(way->answers);
            while (poll(&waiting, 1, 200) == 1) { /* the bare one answers each */
                rig_await(way->answers);
            }
            return;
        }
    }
    rig_die("the other end does not answer");
}

static void measure(struct way ways[WAYS], int qos, int samples, int messages)
{
    char metric[64];
    for (int w = 0; w < WAYS; w++) {
        ways[w].qos = qos;
        ways[w].samples = samples;
        ways[w].messages = messages;
    }
    const struct bench_pair bare = bench_alternate(ROUNDS, burst_ours, &ways[0], burst, &ways[1]);
    const struct bench_pair mute = bench_alternate(ROUNDS, burst_ours, &ways[0], burst, &ways[2]);
    (void)snprintf(metric, sizeof metric, "qos%d_%d_messages_per_s", qos, samples);
    bench_print("mqtt", metric, bare.ours, "1/s", "%d samples a message, judged and stored", samples);
    (void)snprintf(metric, sizeof metric, "qos%d_%d_samples_per_s", qos, samples);
    bench_print("mqtt", metric, bare.ours * samples, "1/s", "the same in samples");
    (void)snprintf(metric, sizeof metric, "qos%d_%d_bare_per_s", qos, samples);
    bench_print("mqtt", metric, bare.bare, "1/s", "messages thrown away by a bare subscriber");
    (void)snprintf(metric, sizeof metric, "qos%d_%d_ratio", qos, samples);
    bench_print("mqtt", metric, bare.ratio, "1", "median of %d alternated rounds of %d messages", ROUNDS, messages);
    (void)snprintf(metric, sizeof metric, "qos%d_%d_mute_per_s", qos, samples);
    bench_print("mqtt", metric, mute.bare, "1/s", "thrown away by a bare subscriber with paho's trace off");
    (void)snprintf(metric, sizeof metric, "qos%d_%d_mute_ratio", qos, samples);
    bench_print("mqtt", metric, mute.ratio, "1", "ours beside that one");
}

/* Connects the publisher of a way and who hears its answers, and waits until the other end is there. */
static void open_way(struct way *way, const char *name, int qos)
{
    char client[48];
    *way = (struct way){.time_ms = 1767571230000 + (int64_t)qos * 1000000000};
    (void)snprintf(way->in, sizeof way->in, "%s/in", name);
    (void)snprintf(way->out, sizeof way->out, "%s", strcmp(name, "davy") == 0 ? "davy/v1/b/events/#" : "");
    if (way->out[0] == '\0') {
        (void)snprintf(way->out, sizeof way->out, "%s/out", name);
    }
    way->bytes = malloc((size_t)30000 * 512);
    if (way->bytes == NULL) {
        rig_die("memory");
    }
    (void)snprintf(client, sizeof client, "publish-%d-%s", qos, name);
    way->fd = rig_connect(client);
    (void)snprintf(client, sizeof client, "answers-%d-%s", qos, name);
    way->answers = rig_connect(client);
    rig_subscribe(way->answers, way->out);
    await_ready(way);
}

static void close_way(struct way *way)
{
    (void)close(way->fd);
    (void)close(way->answers);
    free(way->bytes);
}

int main(int argc, char **argv)
{
    static const struct {
        int samples, messages;
    } sizes[] = {{1, 30000}, {10, 20000}, {100, 5000}};
    static const char *const names[WAYS] = {"davy", "bare", "mute"};
    (void)argc;
    rig_open();
    for (int qos = 0; qos < 2; qos++) {
        struct way ways[WAYS];
        pid_t pids[WAYS];
        for (int w = 0; w < WAYS; w++) {
            pids[w] = w == 0 ? start_davy(argv[0], qos) : start_bare(names[w], qos);
        }
        for (int w = 0; w < WAYS; w++) {
            open_way(&ways[w], names[w], qos);
        }
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            measure(ways, qos, sizes[i].samples, sizes[i].messages);
        }
        for (int w = 0; w < WAYS; w++) {
            rig_end(pids[w]);
            close_way(&ways[w]);
        }
    }
    rig_close();
    return 0;
}
