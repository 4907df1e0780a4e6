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

#include <MQTTAsync.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCKS = 11, PER_BLOCK = 200, GAP_US = 2000, DEADLINE_MS = 10000 };

static char folder[] = "/tmp/davy-bench-XXXXXX";
static uint16_t broker_port;

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_latency: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- a measuring client: just enough of MQTT 3.1.1 ---- */

static int mqtt_connect(const char *client_id)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(broker_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) {
        die("connect");
    }
    uint8_t packet[64] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60};
    size_t len = strlen(client_id);
    packet[13] = (uint8_t)len;
    memcpy(packet + 14, client_id, len);
    packet[1] = (uint8_t)(12 + len);
    uint8_t answer[4];
    if (write(fd, packet, 14 + len) < 0 || recv(fd, answer, 4, MSG_WAITALL) != 4 || answer[3] != 0) {
        die("CONNACK");
    }
    return fd;
}

static void mqtt_subscribe(int fd, const char *topic)
{
    uint8_t packet[128] = {0x82, 0, 0, 1, 0, 0};
    size_t len = strlen(topic);
    packet[5] = (uint8_t)len;
    memcpy(packet + 6, topic, len);
    packet[6 + len] = 0; /* QoS 0 to us: one packet a message */
    packet[1] = (uint8_t)(5 + len);
    uint8_t answer[5];
    if (write(fd, packet, 7 + len) < 0 || recv(fd, answer, 5, MSG_WAITALL) != 5) {
        die("SUBACK");
    }
}

static void mqtt_publish(int fd, const char *topic, const char *payload, uint16_t id)
{
    uint8_t packet[512];
    size_t topic_len = strlen(topic);
    size_t payload_len = strlen(payload);
    size_t rest = 2 + topic_len + 2 + payload_len;
    size_t at = 0;
    packet[at++] = 0x32; /* QoS 1 */
    packet[at++] = (uint8_t)(rest % 128 | (rest >= 128 ? 128 : 0));
    if (rest >= 128) {
        packet[at++] = (uint8_t)(rest / 128);
    }
    packet[at++] = (uint8_t)(topic_len >> 8);
    packet[at++] = (uint8_t)topic_len;
    memcpy(packet + at, topic, topic_len);
    at += topic_len;
    packet[at++] = (uint8_t)(id >> 8);
    packet[at++] = (uint8_t)id;
    memcpy(packet + at, payload, payload_len);
    if (write(fd, packet, at + payload_len) < 0) {
        die("publish");
    }
}

static void read_all(int fd, uint8_t *bytes, size_t len)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    while (len > 0) {
        if (poll(&waiting, 1, DEADLINE_MS) != 1) {
            die("waiting for a message");
        }
        ssize_t n = read(fd, bytes, len);
        if (n <= 0) {
            die("read");
        }
        bytes += n;
        len -= (size_t)n;
    }
}

/* Reads packets until a PUBLISH; PUBACKs of our own messages are passed over. */
static void mqtt_await(int fd)
{
    for (;;) {
        uint8_t head = 0;
        uint8_t byte = 0;
        size_t rest = 0;
        unsigned shift = 0;
        read_all(fd, &head, 1);
        do {
            read_all(fd, &byte, 1);
            rest |= (size_t)(byte & 127) << shift;
            shift += 7;
        } while ((byte & 128) != 0);
        uint8_t body[8192];
        if (rest > sizeof body) {
            die("a message is too long");
        }
        read_all(fd, body, rest);
        if ((head & 0xf0) == 0x30) {
            return;
        }
    }
}

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
    (void)nodelay_peer("127.0.0.1", broker_port);
    (void)MQTTAsync_subscribe(echo_client, "bare/in", 1, NULL);
}

static pid_t start_echo(void)
{
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    char url[64];
    (void)snprintf(url, sizeof url, "tcp://127.0.0.1:%u", broker_port);
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

/* ---- the programs ---- */

static uint16_t free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        die("a free port");
    }
    (void)close(fd);
    return ntohs(address.sin_port);
}

static pid_t start(const char *log, char *const argv[])
{
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        (void)dup2(fd, 1);
        (void)dup2(fd, 2);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    return pid;
}

static void await_port(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int64_t end_ns = bench_now_ns() + (int64_t)DEADLINE_MS * 1000000; bench_now_ns() < end_ns;) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int answer = connect(fd, (const struct sockaddr *)&address, sizeof address);
        (void)close(fd);
        if (answer == 0) {
            return;
        }
        (void)usleep(5000);
    }
    die("the broker does not listen");
}

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    if (out == NULL || fputs(text, out) == EOF || fclose(out) != 0) {
        die(path);
    }
}

static pid_t start_broker(void)
{
    char path[PATH_MAX];
    char log[PATH_MAX];
    char text[256];
    broker_port = free_port();
    (void)snprintf(path, sizeof path, "%s/mosquitto.conf", folder);
    (void)snprintf(log, sizeof log, "%s/mosquitto.log", folder);
    (void)snprintf(text, sizeof text, "listener %u 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n",
                   broker_port);
    write_file(path, text);
    const char *binary = access("/usr/sbin/mosquitto", X_OK) == 0 ? "/usr/sbin/mosquitto" : "mosquitto";
    char *argv[] = {(char *)(uintptr_t)binary, (char *)(uintptr_t)"-c", path, NULL};
    pid_t pid = start(log, argv);
    await_port(broker_port);
    return pid;
}

static pid_t start_davy(const char *self)
{
    static char binary[PATH_MAX];
    static char path[PATH_MAX];
    char log[PATH_MAX];
    char text[2048];
    const char *slash = strrchr(self, '/');
    (void)snprintf(binary, sizeof binary, "%.*s/davy", slash != NULL ? (int)(slash - self) : 1,
                   slash != NULL ? self : ".");
    (void)snprintf(path, sizeof path, "%s/site.json", folder);
    (void)snprintf(log, sizeof log, "%s/davy.log", folder);
    (void)snprintf(text, sizeof text,
                   "{\"site\":{\"id\":\"b\"},\"sources\":{\"gw\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:%u\","
                   "\"topics\":[\"davy/in\"]}},\"points\":[{\"id\":\"p\",\"from\":{\"source\":\"gw\",\"key\":\"p\"}}],"
                   "\"rules\":[{\"id\":\"r\",\"levels\":[{\"level\":\"red\",\"when\":\"value >= 1\"}]}],"
                   "\"sinks\":{\"centre\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:%u\"}},"
                   "\"store\":{\"path\":\"data\"}}",
                   broker_port, broker_port);
    write_file(path, text);
    char *argv[] = {binary, (char *)(uintptr_t)"run", path, NULL};
    return start(log, argv);
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
    mqtt_publish(way->fd, way->in, payload, (uint16_t)(way->sent % 60000 + 1));
    mqtt_await(way->fd);
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
        mqtt_publish(way->fd, way->in, payload, (uint16_t)way->sent);
        uint8_t puback[4];
        read_all(way->fd, puback, 4);
        if (poll(&waiting, 1, 50) == 1) {
            mqtt_await(way->fd);
            way->sent = way->sent / 2 * 2 + 1; /* the next one is under the limit */
            return;
        }
    }
    die("the other end does not answer");
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
    if (mkdtemp(folder) == NULL) {
        die(folder);
    }
    pid_t broker = start_broker();
    pid_t davy = start_davy(argv[0]);
    pid_t echo = start_echo();
    static struct way ours = {.in = "davy/in", .out = "davy/v1/b/events/#", .davy = true};
    static struct way bare = {.in = "bare/in", .out = "bare/out"};
    struct way *ways[] = {&ours, &bare};
    for (int w = 0; w < 2; w++) {
        ways[w]->fd = mqtt_connect(w == 0 ? "measure-ours" : "measure-bare");
        mqtt_subscribe(ways[w]->fd, ways[w]->out);
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
    bench_print("latency", "ratio_p50", bench_median(ratios, BLOCKS), "1", "median of %d alternated blocks of %d", BLOCKS,
                PER_BLOCK);
    bench_print("latency", "ratio_p99",
                bench_quantile(ours.latencies_us, ours.count, 0.99) / bench_quantile(bare.latencies_us, bare.count, 0.99),
                "1", "over the whole run");
    (void)kill(davy, SIGTERM);
    (void)kill(echo, SIGTERM);
    (void)waitpid(davy, NULL, 0);
    (void)waitpid(echo, NULL, 0);
    (void)kill(broker, SIGTERM);
    (void)waitpid(broker, NULL, 0);
    char command[PATH_MAX + 16];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? 0 : 1;
}
