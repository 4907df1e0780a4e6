/*
 * mqtt_rig: see mqtt_rig.h.
 */
#include "mqtt_rig.h"
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

char rig_folder[] = "/tmp/davy-bench-XXXXXX";
uint16_t rig_broker_port;
static pid_t broker;

void rig_die(const char *what)
{
    (void)fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- the client ---- */

int rig_connect(const char *client_id)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(rig_broker_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) {
        rig_die("connect");
    }
    /* No time to live: on a busy machine one may be silent for minutes while others have their turns. */
    uint8_t packet[64] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0};
    size_t len = strlen(client_id);
    packet[13] = (uint8_t)len;
    memcpy(packet + 14, client_id, len);
    packet[1] = (uint8_t)(12 + len);
    uint8_t answer[4];
    if (write(fd, packet, 14 + len) < 0 || recv(fd, answer, 4, MSG_WAITALL) != 4 || answer[3] != 0) {
        rig_die("CONNACK");
    }
    return fd;
}

void rig_subscribe(int fd, const char *topic)
{
    uint8_t packet[128] = {0x82, 0, 0, 1, 0, 0};
    size_t len = strlen(topic);
    packet[5] = (uint8_t)len;
    memcpy(packet + 6, topic, len);
    packet[6 + len] = 0; /* QoS 0 to us: one packet a message */
    packet[1] = (uint8_t)(5 + len);
    uint8_t answer[5];
    if (write(fd, packet, 7 + len) < 0 || recv(fd, answer, 5, MSG_WAITALL) != 5) {
        rig_die("SUBACK");
    }
}

size_t rig_packet(uint8_t *to, const char *topic, const char *payload, size_t payload_len, uint16_t id)
{
    const size_t topic_len = strlen(topic);
    size_t rest = 2 + topic_len + (id != 0 ? 2 : 0) + payload_len;
    size_t at = 0;
    to[at++] = id != 0 ? 0x32 : 0x30;
    do {
        to[at++] = (uint8_t)(rest % 128 | (rest >= 128 ? 128 : 0));
        rest /= 128;
    } while (rest > 0);
    to[at++] = (uint8_t)(topic_len >> 8);
    to[at++] = (uint8_t)topic_len;
    memcpy(to + at, topic, topic_len);
    at += topic_len;
    if (id != 0) {
        to[at++] = (uint8_t)(id >> 8);
        to[at++] = (uint8_t)id;
    }
    memcpy(to + at, payload, payload_len);
    return at + payload_len;
}

void rig_publish(int fd, const char *topic, const char *payload, uint16_t id)
{
    uint8_t packet[512];
    const size_t len = rig_packet(packet, topic, payload, strlen(payload), id);
    if (write(fd, packet, len) != (ssize_t)len) {
        rig_die("publish");
    }
}

void rig_read(int fd, void *to, size_t len)
{
    uint8_t *bytes = to;
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    while (len > 0) {
        if (poll(&waiting, 1, RIG_DEADLINE_MS) != 1) {
            rig_die("waiting for a message");
        }
        ssize_t n = read(fd, bytes, len);
        if (n <= 0) {
            rig_die("read");
        }
        bytes += n;
        len -= (size_t)n;
    }
}

void rig_await(int fd)
{
    for (;;) {
        uint8_t head = 0;
        uint8_t byte = 0;
        size_t rest = 0;
        unsigned shift = 0;
        rig_read(fd, &head, 1);
        do {
            rig_read(fd, &byte, 1);
            rest |= (size_t)(byte & 127) << shift;
            shift += 7;
        } while ((byte & 128) != 0);
        uint8_t body[8192];
        if (rest > sizeof body) {
            rig_die("a message is too long");
        }
        rig_read(fd, body, rest);
        if ((head & 0xf0) == 0x30) {
            return;
        }
    }
}

/* ---- the programs ---- */

void rig_end_with_parent(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a broker that gives up root forgets it */
}

static uint16_t free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        rig_die("a free port");
    }
    (void)close(fd);
    return ntohs(address.sin_port);
}

static pid_t start(const char *log, char *const argv[])
{
    pid_t pid = fork();
    if (pid == 0) {
        rig_end_with_parent();
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
    for (int64_t end_ns = bench_now_ns() + (int64_t)RIG_DEADLINE_MS * 1000000; bench_now_ns() < end_ns;) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int answer = connect(fd, (const struct sockaddr *)&address, sizeof address);
        (void)close(fd);
        if (answer == 0) {
            return;
        }
        (void)usleep(5000);
    }
    rig_die("the broker does not listen");
}

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    if (out == NULL || fputs(text, out) == EOF || fclose(out) != 0) {
        rig_die(path);
    }
}

static void start_broker(void)
{
    char path[PATH_MAX];
    char log[PATH_MAX];
    char text[256];
    rig_broker_port = free_port();
    (void)snprintf(path, sizeof path, "%s/mosquitto.conf", rig_folder);
    (void)snprintf(log, sizeof log, "%s/mosquitto.log", rig_folder);
    (void)snprintf(text, sizeof text,
                   "listener %u 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
                   "max_queued_messages 0\nlog_dest none\n",
                   rig_broker_port);
    write_file(path, text);
    const char *binary = access("/usr/sbin/mosquitto", X_OK) == 0 ? "/usr/sbin/mosquitto" : "mosquitto";
    char *argv[] = {(char *)(uintptr_t)binary, (char *)(uintptr_t) "-c", path, NULL};
    broker = start(log, argv);
    await_port(rig_broker_port);
}

pid_t rig_start_davy(const char *self, const char *site)
{
    static char binary[PATH_MAX];
    static char path[PATH_MAX];
    char log[PATH_MAX];
    const char *slash = strrchr(self, '/');
    (void)snprintf(binary, sizeof binary, "%.*s/davy", slash != NULL ? (int)(slash - self) : 1,
                   slash != NULL ? self : ".");
    (void)snprintf(path, sizeof path, "%s/site.json", rig_folder);
    (void)snprintf(log, sizeof log, "%s/davy.log", rig_folder);
    write_file(path, site);
    char *argv[] = {binary, (char *)(uintptr_t) "run", path, NULL};
    return start(log, argv);
}

void rig_end(pid_t pid)
{
    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, NULL, 0);
}

void rig_open(void)
{
    if (mkdtemp(rig_folder) == NULL) {
        rig_die(rig_folder);
    }
    start_broker();
}

void rig_close(void)
{
    char command[PATH_MAX + 16];
    rig_end(broker);
    (void)snprintf(command, sizeof command, "rm -rf %s", rig_folder);
    if (system(command) != 0) {
        rig_die(command);
    }
}
