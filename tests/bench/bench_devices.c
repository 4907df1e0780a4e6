/*
 * bench_devices: davy-sim with 1 000 Modbus TCP devices of ten points each, on
 * one core, beside a bare epoll server with 1 000 listeners that answers zeros;
 * each in a process of its own, asked at the same pace, in turns.
 *
 *   cpu      processor time of the server for an answer, and its share of a
 *            core when every device is asked once a second
 *   peak     answers a second when every connection always has a question
 *   memory   resident, of davy-sim
 *
 * Every device has an address of its own in 127.0.0.0/8, so one port is enough.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEVICES = 1000, REGISTERS = 10, ROUNDS = 5, EVENTS = 256, REQUEST = 12, REPLY = 9 + 2 * REGISTERS };
static const int64_t ns_per_s = 1000000000;
static const int64_t turn_ns = 2000000000;

struct server {
    pid_t pid;
    unsigned net; /* 127.<net>.x.y */
    uint16_t port;
    int epoll;
    int fds[DEVICES];
    bool busy[DEVICES];
    uint64_t answers, late; /* late: the slot came before the answer to the last */
    bool flat_out;
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_devices: %s: %s\n", what, strerror(errno));
    exit(3);
}

static struct sockaddr_in address_of(const struct server *server, unsigned device)
{
    const uint32_t host = 127U << 24 | server->net << 16 | (device / 250) << 8 | (1 + device % 250);
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(host), .sin_port = htons(server->port)};
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        fail("no port");
    }
    (void)close(fd);
    return ntohs(address.sin_port);
}

/* ---- the bare server --------------------------------------------------------------------------------------------- */

static void bare_answer(int fd)
{
    uint8_t bytes[REQUEST], out[REPLY] = {0};
    if (read(fd, bytes, sizeof bytes) != REQUEST) {
        (void)close(fd);
        return;
    }
    memcpy(out, bytes, 8);
    out[4] = 0;
    out[5] = REPLY - 6;
    out[8] = 2 * REGISTERS;
    if (write(fd, out, sizeof out) != REPLY) {
        (void)close(fd);
    }
}

static _Noreturn void bare_serve(const struct server *server)
{
    struct epoll_event events[EVENTS];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < DEVICES; i++) {
        const struct sockaddr_in address = address_of(server, i);
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct epoll_event add = {.events = EPOLLIN, .data.u64 = (uint64_t)fd << 1 | 1};
        if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 8) != 0 ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &add) != 0) {
            fail("no listener");
        }
    }
    for (;;) {
        const int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            const int fd = (int)(events[i].data.u64 >> 1);
            if ((events[i].data.u64 & 1) == 0) {
                bare_answer(fd);
                continue;
            }
            const int on = 1;
            const int peer = accept(fd, NULL, NULL);
            struct epoll_event add = {.events = EPOLLIN, .data.u64 = (uint64_t)peer << 1};
            (void)setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            (void)epoll_ctl(epoll, EPOLL_CTL_ADD, peer, &add);
        }
    }
}

/* ---- ours -------------------------------------------------------------------------------------------------------- */

static void write_site(const struct server *server, const char *path)
{
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        fail(path);
    }
    (void)fprintf(out, "{\"site\":{\"id\":\"b\"},\"sources\":{");
    for (unsigned i = 0; i < DEVICES; i++) {
        char host[INET_ADDRSTRLEN];
        const struct sockaddr_in address = address_of(server, i);
        (void)inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
        (void)fprintf(out, "%s\"d%u\":{\"type\":\"modbus-tcp\",\"host\":\"%s\",\"port\":%u}", i > 0 ? "," : "", i, host,
                      server->port);
    }
    (void)fprintf(out, "},\"points\":[");
    for (unsigned i = 0; i < DEVICES * REGISTERS; i++) {
        (void)fprintf(
            out,
            "%s{\"id\":\"d%u/%u\",\"every\":\"1s\",\"range\":[0,1000],\"from\":{\"source\":\"d%u\",\"unit\":1,"
            "\"table\":\"holding\",\"address\":%u,\"type\":\"u16\"}}",
            i > 0 ? "," : "", i / REGISTERS, i % REGISTERS, i / REGISTERS, i % REGISTERS);
    }
    (void)fprintf(out, "]}");
    if (fclose(out) != 0) {
        fail(path);
    }
}

static void write_scenario(const char *path)
{
    FILE *out = fopen(path, "w");
    if (out == NULL ||
        fputs("{\"start\":0,\"length\":\"1h\",\"points\":{\"*\":{\"base\":500,\"noise\":20}}}", out) < 0 ||
        fclose(out) != 0) {
        fail(path);
    }
}

static _Noreturn void ours_serve(const char *folder)
{
    char program[PATH_MAX], site[PATH_MAX], scenario[PATH_MAX];
    const ssize_t len = readlink("/proc/self/exe", program, sizeof program - sizeof "davy-sim");
    char *const slash = len > 0 ? memrchr(program, '/', (size_t)len) : NULL;
    if (slash == NULL) {
        fail("/proc/self/exe");
    }
    (void)strcpy(slash + 1, "davy-sim");
    (void)snprintf(site, sizeof site, "%s/site.json", folder);
    (void)snprintf(scenario, sizeof scenario, "%s/scenario.json", folder);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (freopen("/dev/null", "w", stderr) == NULL) { /* a thousand lines of what listens */
        fail("/dev/null");
    }
    (void)execl(program, program, "run", site, scenario, (char *)NULL);
    fail(program);
    abort();
}

/* ---- the client -------------------------------------------------------------------------------------------------- */

static int connect_within(const struct server *server, unsigned device, int64_t until_ns)
{
    const struct sockaddr_in address = address_of(server, device);
    for (;;) {
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
            return fd;
        }
        if (fd < 0 || bench_now_ns() > until_ns) {
            fail("no connection");
        }
        (void)close(fd);
        (void)poll(NULL, 0, 20); /* it is starting */
    }
}

static void connect_all(struct server *server)
{
    const int64_t until_ns = bench_now_ns() + 60 * ns_per_s;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < DEVICES; i++) {
        const int on = 1;
        struct epoll_event add = {.events = EPOLLIN, .data.u32 = i};
        server->fds[i] = connect_within(server, i, until_ns);
        (void)setsockopt(server->fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->fds[i], &add);
    }
}

static void ask(struct server *server, unsigned device)
{
    static const uint8_t request[REQUEST] = {0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, REGISTERS};
    if (server->busy[device]) {
        server->late++;
    } else if (write(server->fds[device], request, sizeof request) == REQUEST) {
        server->busy[device] = true;
    } else {
        fail("asking");
    }
}

static void take(struct server *server, unsigned device)
{
    uint8_t reply[300];
    if (read(server->fds[device], reply, sizeof reply) != REPLY || reply[8] != 2 * REGISTERS) {
        fail("an answer is not what it should be");
    }
    server->busy[device] = false;
    server->answers++;
    if (server->flat_out) {
        ask(server, device);
    }
}

/* Asks every device once a second, one after the other; or (flat out) each again as soon as it has answered. */
static void run(struct server *server, int64_t length_ns)
{
    struct epoll_event events[EVENTS];
    const int64_t begin_ns = bench_now_ns(), step_ns = ns_per_s / DEVICES;
    int64_t next_ns = begin_ns;
    for (unsigned i = 0; i < DEVICES && server->flat_out; i++) {
        if (!server->busy[i]) {
            ask(server, i);
        }
    }
    for (int64_t now_ns = begin_ns; now_ns < begin_ns + length_ns; now_ns = bench_now_ns()) {
        for (; !server->flat_out && next_ns <= now_ns; next_ns += step_ns) {
            ask(server, (unsigned)((next_ns - begin_ns) / step_ns % DEVICES));
        }
        const struct timespec wait = {.tv_nsec = server->flat_out ? 10000000 : next_ns - now_ns};
        const int n = epoll_pwait2(server->epoll, events, EVENTS, &wait, NULL);
        for (int i = 0; i < n; i++) {
            take(server, events[i].data.u32);
        }
    }
}

/* Processor time that the server has used. */
static int64_t cpu_ns(const struct server *server)
{
    char path[64];
    long long used = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/schedstat", (int)server->pid);
    FILE *in = fopen(path, "r");
    if (in == NULL || fscanf(in, "%lld", &used) != 1) {
        fail(path);
    }
    (void)fclose(in);
    return used;
}

static double resident_mb(const struct server *server)
{
    char path[64];
    long pages = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)server->pid);
    FILE *in = fopen(path, "r");
    if (in == NULL || fscanf(in, "%*d %ld", &pages) != 1) {
        fail(path);
    }
    (void)fclose(in);
    return (double)(pages * sysconf(_SC_PAGESIZE)) / 1e6;
}

static double cpu_per_answer(void *self)
{
    struct server *server = self;
    const int64_t before_ns = cpu_ns(server);
    server->answers = 0;
    server->flat_out = false;
    run(server, turn_ns);
    return (double)(cpu_ns(server) - before_ns) / (double)server->answers;
}

static double answers_per_s(void *self)
{
    struct server *server = self;
    server->answers = 0;
    server->flat_out = true;
    const int64_t begin_ns = bench_now_ns();
    run(server, turn_ns / 4);
    const double rate = (double)server->answers * 1e9 / (double)(bench_now_ns() - begin_ns);
    server->flat_out = false;
    run(server, turn_ns / 40); /* the last answers */
    return rate;
}

static void measure(struct server *ours, struct server *bare)
{
    const struct bench_pair cpu = bench_alternate(ROUNDS, cpu_per_answer, ours, cpu_per_answer, bare);
    const uint64_t late = ours->late;
    bench_print("devices", "cpu_per_answer", cpu.ours / 1e3, "us", "%d devices, each asked for %d points once a second",
                DEVICES, REGISTERS);
    bench_print("devices", "cpu_ratio", cpu.ratio, "x", "of a bare epoll server that answers zeros: %.1f us",
                cpu.bare / 1e3);
    bench_print("devices", "core_share", cpu.ours * DEVICES / 1e7, "%",
                "of one core at %d answers a second; %llu were late", DEVICES, (unsigned long long)late);
    const struct bench_pair peak = bench_alternate(ROUNDS, answers_per_s, ours, answers_per_s, bare);
    bench_print("devices", "peak_answers_per_s", peak.ours, "1/s", "%.2f of the bare server: %.0f", peak.ratio,
                peak.bare);
    bench_print("devices", "memory", resident_mb(ours), "MB", "resident, %d connections", DEVICES);
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"site.json", "scenario.json"};
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

int main(void)
{
    static struct server ours = {.net = 1}, bare = {.net = 2};
    char folder[] = "/tmp/davy-bench-devices-XXXXXX", path[PATH_MAX];
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (mkdtemp(folder) == NULL) {
        fail(folder);
    }
    ours.port = bare.port = free_port();
    (void)snprintf(path, sizeof path, "%s/site.json", folder);
    write_site(&ours, path);
    (void)snprintf(path, sizeof path, "%s/scenario.json", folder);
    write_scenario(path);
    bare.pid = fork();
    if (bare.pid == 0) {
        bare_serve(&bare);
    }
    ours.pid = fork();
    if (ours.pid == 0) {
        ours_serve(folder);
    }
    connect_all(&bare);
    connect_all(&ours);
    measure(&ours, &bare);
    (void)kill(ours.pid, SIGKILL);
    (void)kill(bare.pid, SIGKILL);
    (void)waitpid(ours.pid, NULL, 0);
    (void)waitpid(bare.pid, NULL, 0);
    remove_folder(folder);
    return 0;
}
