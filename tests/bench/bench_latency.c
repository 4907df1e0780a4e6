/*
 * bench_latency: from a sample published over MQTT to the alarm event received
 * over MQTT, through the whole program, beside a bare echo on the same broker
 * in the same run.
 *
 *   ours:  publish -> mosquitto -> davy run (judge, store, journal on disk) -> mosquitto -> receive
 *   bare:  publish -> mosquitto -> a paho client that publishes the message again -> mosquitto -> receive
 *
 * The bare client uses paho's async client with TCP_NODELAY and QoS 1, and does
 * nothing else.  The measuring client speaks MQTT itself over blocking sockets,
 * so its own cost is small and the same for both.  Messages are sent one at a
 * time, every 2 ms at the earliest; turns alternate in blocks.
 */
#include "base/nodelay.h"
#include "bench.h"
#include "mqtt_rig.h"

#include <MQTTAsync.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCKS = 11, PER_BLOCK = 200, GAP_US = 2000 };

/* ---- the bare echo, a process of its own ---- */

static MQTTAsync echo_client;

static int echo_arrived(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    (void)context;
    (void)topic_len;
    MQTTAsync_message copy = MQTTAsync_message_initializer;
    copy.payload = message->payload;
    copy.payloadlen = message->payloadlen;
    copy.qos = 1;
    (void)MQTTAsync_sendMessage(echo_client, "bare/out", &copy, NULL);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void echo_connected(void *context, MQTTAsync_successData *data)
{
    (void)context;
    (void)data;
    (void)nodelay_peer("127.0.0.1", rig_broker_port);
    (void)MQTTAsync_subscribe(echo_client, "bare/in", 1, NULL);
}

static pid_t start_echo(void)
{
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    char url[64];
    (void)snprintf(url, sizeof url, "tcp://127.0.0.1:%u", rig_broker_port);
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.onSuccess = echo_connected;
    if (MQTTAsync_create(&echo_client, url, "bare-echo", MQTTCLIENT_PERSISTENCE_NONE, NULL) != 0 ||
        MQTTAsync_setCallbacks(echo_client, NULL, NULL, echo_arrived, NULL) != 0 ||
        MQTTAsync_connect(echo_client, &options) != 0) {
        _exit(1);
    }
    for (;;) {
        (void)pause();
    }
}

static pid_t start_davy(const char *self)
{
    char text[2048];
    (void)snprintf(text, sizeof text,
                   "{\"site\":{\"id\":\"b\"},\"sources\":{\"gw\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:%u\","
                   "\"topics\":[\"davy/in\"]}},\"points\":[{\"id\":\"p\",\"from\":{\"source\":\"gw\",\"key\":\"p\"}}],"
                   "\"rules\":[{\"id\":\"r\",\"levels\":[{\"level\":\"red\",\"when\":\"value >= 1\"}]}],"
                   "\"sinks\":{\"centre\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:%u\"}},"
                   "\"store\":{\"path\":\"data\"}}",
                   rig_broker_port, rig_broker_port);
    return rig_start_davy(self, text);
}

/* ---- measuring ---- */

struct way {
    const char *in, *out;
    bool davy;
    int fd;
    int sent;
    int64_t last_ms;
    double latencies_us[BLOCKS * PER_BLOCK];
    size_t count;
};

static int64_t wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Sends one message and waits for what it causes: over the limit raises, under it clears, so each causes one event. */
static double once(struct way *way)
{
    char payload[128];
    int64_t ms = wall_ms();
    way->last_ms = ms > way->last_ms ? ms : way->last_ms + 1;
    way->sent++;
    (void)snprintf(payload, sizeof payload, "{\"time\":%lld,\"seq\":%d,\"values\":{\"p\":%d}}",
                   (long long)way->last_ms, way->sent, way->sent % 2 * 2);
    int64_t began_ns = bench_now_ns();
    rig_publish(way->fd, way->in, payload, (uint16_t)(way->sent % 60000 + 1));
    rig_await(way->fd);
    return (double)(bench_now_ns() - began_ns) / 1000.0;
}

static void run_block(struct way *way, bool count)
{
    for (int i = 0; i < PER_BLOCK; i++) {
        double latency_us = once(way);
        if (count) {
            way->latencies_us[way->count++] = latency_us;
        }
        (void)usleep(GAP_US);
    }
}

/* Until the other end has subscribed: its first answer. */
static void await_ready(struct way *way)
{
    struct pollfd waiting = {.fd = way->fd, .events = POLLIN};
    for (int tries = 0; tries < 200; tries++) {
        char payload[128];
        way->last_ms = wall_ms();
        way->sent += 2; /* always over the limit: only the first that is heard causes an event */
        (void)snprintf(payload, sizeof payload, "{\"time\":%lld,\"seq\":%d,\"values\":{\"p\":2}}",
                       (long long)way->last_ms, way->sent);
        rig_publish(way->fd, way->in, payload, (uint16_t)way->sent);
        uint8_t puback[4];
        rig_read(way->fd, puback, 4);
        if (poll(&waiting, 1, 50) == 1) {
            rig_await(way->fd);
            way->sent = way->sent / 2 * 2 + 1; /* the next one is under the limit */
            return;
        }
    }
    rig_die("the other end does not answer");
}

static void report(const char *name, struct way *way)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}};
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        char metric[32];
        (void)snprintf(metric, sizeof metric, "%s_%s", name, quantiles[i].name);
        bench_print("latency", metric, bench_quantile(way->latencies_us, way->count, quantiles[i].q), "us", "%s",
                    way->davy ? "sample published to alarm event received, journal synced to disk before"
                              : "two hops by a paho client that only echoes");
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    rig_open();
    pid_t davy = start_davy(argv[0]);
    pid_t echo = start_echo();
    static struct way ours = {.in = "davy/in", .out = "davy/v1/b/events/#", .davy = true};
    static struct way bare = {.in = "bare/in", .out = "bare/out"};
    struct way *ways[] = {&ours, &bare};
    for (int w = 0; w < 2; w++) {
        ways[w]->fd = rig_connect(w == 0 ? "measure-ours" : "measure-bare");
        rig_subscribe(ways[w]->fd, ways[w]->out);
        await_ready(ways[w]);
    }
    double ratios[BLOCKS];
    for (int block = -1; block < BLOCKS; block++) {
        for (int w = 0; w < 2; w++) {
            run_block(ways[w], block >= 0);
        }
        if (block >= 0) {
            double a[PER_BLOCK];
            double b[PER_BLOCK];
            memcpy(a, ours.latencies_us + ours.count - PER_BLOCK, sizeof a);
            memcpy(b, bare.latencies_us + bare.count - PER_BLOCK, sizeof b);
            ratios[block] = bench_median(a, PER_BLOCK) / bench_median(b, PER_BLOCK);
        }
    }
    report("davy", &ours);
    report("bare", &bare);
    bench_print("latency", "ratio_p50", bench_median(ratios, BLOCKS), "1", "median of %d alternated blocks of %d",
                BLOCKS, PER_BLOCK);
    bench_print("latency", "ratio_p99",
                bench_quantile(ours.latencies_us, ours.count, 0.99) / bench_quantile(bare.latencies_us, bare.count, 0.99),
                "1", "over the whole run");
    rig_end(davy);
    rig_end(echo);
    rig_close();
    return 0;
}
