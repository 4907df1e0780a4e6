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
 *
 * Two scenes: `quiet`, one point and nothing else to do; `loaded`, a million
 * points with a rule each, of which 20 000 send 10 000 samples a second, which are
 * judged and stored meanwhile (the bare client shares the machine with that as
 * well); measured after each has been heard twice.
 * Of both the stages as davy's own counters tell them: medians of the time since
 * the sample was taken in, and what was added by each.
 */
#include "base/nodelay.h"
#include "bench.h"
#include "mqtt_rig.h"

#include <MQTTAsync.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
    BLOCKS = 11,
    PER_BLOCK = 200,
    GAP_US = 2000,
    POINTS = 1000000,
    LOAD_POINTS = 20000, /* of them that send */
    LOAD_SAMPLES = 100,  /* in a message */
    LOAD_GAP_US = 10000,
    READY_TRIES = 3000, /* of 50 ms: a million points are loaded meanwhile */
};

static const int64_t warm_ns = INT64_C(1000) * LOAD_GAP_US * 2 * LOAD_POINTS / LOAD_SAMPLES;

static const char *self;

/* ---- processes of our own ---- */

/* The child ends with the benchmark, however that ends. */
static pid_t fork_helper(void)
{
    const pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    }
    return pid;
}

/* The bare echo. */
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
    const pid_t pid = fork_helper();
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

static int64_t wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What else there is to do: samples of one point after the other, none of them near its limit. */
static pid_t start_load(void)
{
    const pid_t pid = fork_helper();
    if (pid != 0) {
        return pid;
    }
    static char payload[LOAD_SAMPLES * 24 + 64];
    static uint8_t packet[sizeof payload + 64];
    const int fd = rig_connect("load");
    for (unsigned next = 0;; next += LOAD_SAMPLES) {
        int len = snprintf(payload, sizeof payload, "{\"time\":%lld,\"values\":{", (long long)wall_ms());
        for (unsigned i = 0; i < LOAD_SAMPLES; i++) {
            const unsigned point = (next + i) * 7919u % LOAD_POINTS * (POINTS / LOAD_POINTS); /* 7919: a prime */
            len += snprintf(payload + len, sizeof payload - (size_t)len, "%s\"q%u\":%u.%02u", i > 0 ? "," : "", point,
                            next / LOAD_POINTS % 2, point % 50);
        }
        len += snprintf(payload + len, sizeof payload - (size_t)len, "}}");
        const size_t bytes = rig_packet(packet, "davy/load", payload, (size_t)len, 0);
        if (write(fd, packet, bytes) != (ssize_t)bytes) {
            _exit(1);
        }
        (void)usleep(LOAD_GAP_US);
    }
}

static void write_points(void)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/points.csv", rig_folder);
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        rig_die(path);
    }
    (void)fputs("id,kind,from.source,from.key\n", out);
    for (int i = 0; i < POINTS; i++) {
        (void)fprintf(out, "q%d,ch4,gw,q%d\n", i, i);
    }
    if (fclose(out) != 0) {
        rig_die(path);
    }
}

static pid_t start_davy(bool loaded)
{
    static const char limit[] =
        ",{\"id\":\"limit\",\"where\":{\"kind\":\"ch4\"},\"levels\":[{\"level\":\"red\",\"when\":\"value >= 3\"}]}";
    char text[2048];
    if (loaded) {
        write_points();
    }
    (void)snprintf(text, sizeof text,
                   "{\"site\":{\"id\":\"b\"},\"sources\":{\"gw\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:%u\","
                   "\"topics\":[\"davy/in\",\"davy/load\"]}},"
                   "\"points\":[{\"id\":\"p\",\"from\":{\"source\":\"gw\",\"key\":\"p\"}}],%s"
                   "\"rules\":[{\"id\":\"r\",\"where\":{\"id\":\"p\"},"
                   "\"levels\":[{\"level\":\"red\",\"when\":\"value >= 1\"}]}%s],"
                   "\"sinks\":{\"centre\":{\"type\":\"mqtt\",\"url\":\"mqtt://127.0.0.1:%u\"}},"
                   "\"store\":{\"path\":\"%s\"}}",
                   rig_broker_port, loaded ? "\"points_csv\":\"points.csv\"," : "", loaded ? limit : "",
                   rig_broker_port, loaded ? "loaded" : "quiet");
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

/* Sends one message and waits for what it causes: over the limit raises, under it clears, so each causes one event. */
static double once(struct way *way)
{
    char payload[128];
    int64_t ms = wall_ms();
    way->last_ms = ms > way->last_ms ? ms : way->last_ms + 1;
    way->sent++;
    (void)snprintf(payload, sizeof payload, "{\"time\":%lld,\"seq\":%d,\"values\":{\"p\":%d}}", (long long)way->last_ms,
                   way->sent, way->sent % 2 * 2);
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
    for (int tries = 0; tries < READY_TRIES; tries++) {
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

/* ---- telling ---- */

static void report(const char *scene, const char *name, struct way *way)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}};
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        char metric[64];
        (void)snprintf(metric, sizeof metric, "%s%s_%s", scene, name, quantiles[i].name);
        bench_print("latency", metric, bench_quantile(way->latencies_us, way->count, quantiles[i].q), "us", "%s",
                    way->davy ? "sample published to alarm event received, journal synced to disk before"
                              : "two hops by a paho client that only echoes");
    }
}

/* Gives a counter of `davy stat`; -1 when it is not there. */
static double counter_of(const char *stats, const char *name)
{
    char wanted[128];
    (void)snprintf(wanted, sizeof wanted, "\"name\":\"%s\"", name);
    const char *at = strstr(stats, wanted);
    const char *value = at == NULL ? NULL : strstr(at, "\"value\":");
    return value == NULL ? -1 : strtod(value + strlen("\"value\":"), NULL);
}

static void read_stats(char *to, size_t room)
{
    char command[3 * PATH_MAX];
    const char *slash = strrchr(self, '/');
    (void)snprintf(command, sizeof command, "'%.*s/davy' stat '%s/site.json' --format ndjson",
                   slash != NULL ? (int)(slash - self) : 1, slash != NULL ? self : ".", rig_folder);
    FILE *in = popen(command, "r");
    const size_t len = in == NULL ? 0 : fread(to, 1, room - 1, in);
    to[len] = '\0';
    if (in == NULL || pclose(in) != 0) {
        rig_die("davy stat");
    }
}

static void report_stages(const char *scene)
{
    static const struct {
        const char *name, *counter, *what;
        bool from_before; /* the counter begins where the one before ended */
    } stages[] = {
        {"intake", "rules.0.latency_p50_us", "callback, spool, decoding, ring, waking the engine", false},
        {"judge", "alerting.judged_p50_us", "judging, waking the alerting", false},
        {"commit", "alerting.latency_p50_us", "the book, the event as JSON, synced to the disk, into the database",
         false},
        {"send", "sink.centre.latency_p50_us", "waking the sink, reading the journal, handing over to paho", true},
    };
    static char stats[1 << 18];
    double before = 0;
    read_stats(stats, sizeof stats);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        char metric[64];
        const double us = counter_of(stats, stages[i].counter);
        (void)snprintf(metric, sizeof metric, "%sstage_%s", scene, stages[i].name);
        bench_print("latency", metric, stages[i].from_before ? us : us - before, "us", "%s", stages[i].what);
        before = us;
    }
    bench_print("latency", "stored_samples", counter_of(stats, "store.samples"), "1", "%swhile this was measured",
                scene);
}

static void report_ratios(const char *scene, struct way *ours, struct way *bare, double ratios[BLOCKS])
{
    char metric[64];
    report(scene, "davy", ours);
    report(scene, "bare", bare);
    (void)snprintf(metric, sizeof metric, "%sratio_p50", scene);
    bench_print("latency", metric, bench_median(ratios, BLOCKS), "1",
                "median of %d alternated blocks of %d; Node-RED 4.1 is published with 1070 us, p99 1420", BLOCKS,
                PER_BLOCK);
    (void)snprintf(metric, sizeof metric, "%sratio_p99", scene);
    bench_print("latency", metric,
                bench_quantile(ours->latencies_us, ours->count, 0.99) /
                    bench_quantile(bare->latencies_us, bare->count, 0.99),
                "1", "over the whole run");
}

static void run_blocks(struct way *ours, struct way *bare, double ret_ratios[BLOCKS])
{
    for (int block = -1; block < BLOCKS; block++) {
        run_block(ours, block >= 0);
        run_block(bare, block >= 0);
        if (block >= 0) {
            double a[PER_BLOCK];
            double b[PER_BLOCK];
            memcpy(a, ours->latencies_us + ours->count - PER_BLOCK, sizeof a);
            memcpy(b, bare->latencies_us + bare->count - PER_BLOCK, sizeof b);
            ret_ratios[block] = bench_median(a, PER_BLOCK) / bench_median(b, PER_BLOCK);
        }
    }
}

static void run_scene(const char *scene, bool loaded)
{
    static struct way ours, bare;
    double ratios[BLOCKS];
    ours = (struct way){.in = "davy/in", .out = "davy/v1/b/events/#", .davy = true};
    bare = (struct way){.in = "bare/in", .out = "bare/out"};
    struct way *ways[] = {&ours, &bare};
    const pid_t davy = start_davy(loaded);
    const pid_t echo = start_echo();
    for (int w = 0; w < 2; w++) {
        ways[w]->fd = rig_connect(w == 0 ? "measure-ours" : "measure-bare");
        rig_subscribe(ways[w]->fd, ways[w]->out);
        await_ready(ways[w]);
    }
    const pid_t load = loaded ? start_load() : 0;
    for (const int64_t from_ns = bench_now_ns(); loaded && bench_now_ns() - from_ns < warm_ns * 3 / 2;) {
        run_block(&bare, false);
    }
    run_blocks(&ours, &bare, ratios);
    report_ratios(scene, &ours, &bare, ratios);
    report_stages(scene);
    for (int w = 0; w < 2; w++) {
        (void)close(ways[w]->fd);
    }
    if (loaded) {
        rig_end(load);
    }
    rig_end(davy);
    rig_end(echo);
}

int main(int argc, char **argv)
{
    (void)argc;
    self = argv[0];
    rig_open();
    run_scene("", false);
    run_scene("loaded_", true);
    rig_close();
    return 0;
}
