/*
 * bench_modbus: what a poll costs, beside a bare epoll client with its own
 * MBAP framing that does nothing else, against the same server in the same
 * run, in turns.
 *
 *   cpu      processor time of this process a poll, at the same offered rate
 *   peak     polls a second when each slot is over before the last is answered
 *   dead     32 units behind one connection, one of them dead: the rate of the
 *            other 31, of what it should be; and one that is slow
 *   memory   of 1 000 connections
 */
#include "bench.h"
#include "ingest/ingest.h"

#include "base/clock.h"
#include "base/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINKS_MAX = 1000, ROUNDS = 5, EVENTS = 256, DEAD_UNIT = 17, UNITS = 32, REGISTERS = 10, SLOW_MS = 90 };
static const int64_t turn_ns = 400 * NS_PER_MS;

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench_modbus: %s: %s\n", what, strerror(errno));
    exit(3);
}

/* ---- the server: a child with a listener; answers reads with zeros, unit DEAD_UNIT not at all ---- */

static bool slow_not_dead; /* of the server: how unit DEAD_UNIT is */

static void answer(int fd)
{
    uint8_t bytes[1024];
    uint8_t out[1024];
    const ssize_t got = read(fd, bytes, sizeof bytes);
    if (got <= 0) {
        (void)close(fd);
        return;
    }
    for (ssize_t at = 0; at + 12 <= got; at += 12) {
        const unsigned size = 2U * bytes[at + 11];
        if (bytes[at + 6] == DEAD_UNIT && !slow_not_dead) {
            continue;
        }
        if (bytes[at + 6] == DEAD_UNIT) {
            (void)poll(NULL, 0, SLOW_MS); /* as on a line: nothing else comes meanwhile */
        }
        memset(out, 0, 9 + size);
        memcpy(out, bytes + at, 8);
        out[4] = 0;
        out[5] = (uint8_t)(size + 3);
        out[8] = (uint8_t)size;
        if (write(fd, out, 9 + size) < 0) {
            (void)close(fd);
            return;
        }
    }
}

static _Noreturn void serve(int listener)
{
    struct epoll_event events[EVENTS];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event add = {.events = EPOLLIN, .data.fd = listener};
    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &add);
    for (;;) {
        const int n = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd != listener) {
                answer(events[i].data.fd);
                continue;
            }
            add.data.fd = accept(listener, NULL, NULL);
            const int on = 1;
            (void)setsockopt(add.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            (void)epoll_ctl(epoll, EPOLL_CTL_ADD, add.data.fd, &add);
        }
    }
}

static pid_t start_server(bool slow, uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, LINKS_MAX) != 0 || getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
        fail("no listener");
    }
    const pid_t pid = fork();
    if (pid == 0) {
        slow_not_dead = slow;
        serve(listener);
    }
    (void)close(listener);
    *ret_port = ntohs(address.sin_port);
    return pid;
}

/* ---- ours ---- */

struct ours {
    struct site site;
    struct site_source *sources;
    struct site_point *points;
    char (*ids)[24];
    struct ring *ring;
    struct router router;
    uint64_t *masks;
    uint16_t *seqs;
    struct doorbell *bell;
    struct counters *counters;
    struct cell stop;
    struct mbus_worker *worker;
    struct agent agent;
    struct clock clock;
    uint64_t good, comm, odd; /* odd: good ones of unit DEAD_UNIT */
};

static void ours_open(struct ours *ours, uint16_t port, unsigned links, unsigned units, int64_t every_ns)
{
    const unsigned points = links * units * REGISTERS;
    struct err err;
    *ours = (struct ours){.sources = calloc(links, sizeof *ours->sources),
                          .points = calloc(points, sizeof *ours->points),
                          .ids = calloc(links, sizeof *ours->ids),
                          .masks = calloc(points, sizeof *ours->masks),
                          .seqs = calloc(points, sizeof *ours->seqs),
                          .counters = counters_new(links * (16 + units * 8))};
    for (unsigned i = 0; i < links; i++) {
        (void)snprintf(ours->ids[i], sizeof ours->ids[i], "plc-%u", i);
        ours->sources[i] = (struct site_source){.id = ours->ids[i],
                                                .type = SOURCE_MODBUS_TCP,
                                                .host = "127.0.0.1",
                                                .port = port,
                                                .timeout_ns = 500 * NS_PER_MS};
    }
    for (unsigned i = 0; i < points; i++) {
        const unsigned read = i / REGISTERS;
        ours->masks[i] = 1;
        ours->points[i] = (struct site_point){.id = "p",
                                              .every_ns = every_ns,
                                              .from = {.source = read / units,
                                                       .unit = (uint8_t)(1 + read % units),
                                                       .table = TABLE_HOLDING,
                                                       .address = (uint16_t)(i % REGISTERS),
                                                       .type = TYPE_U16,
                                                       .order = {0, 1},
                                                       .registers = 1,
                                                       .scale = 1}};
    }
    ours->site = (struct site){
        .id = "b", .sources = ours->sources, .source_count = links, .points = ours->points, .point_count = points};
    if (ring_open(sizeof(struct sample), 1 << 16, 0, &ours->ring, &err) != ERR_NONE ||
        doorbell_open(&ours->bell, &err) != ERR_NONE) {
        fail(err.text);
    }
    static struct doorbell *none = NULL;
    ours->router = (struct router){
        .rings = &ours->ring, .bells = &none, .shard_count = 1, .masks = ours->masks, .seqs = ours->seqs};
    const struct mbus_config config = {.site = &ours->site,
                                       .router = &ours->router,
                                       .bell = ours->bell,
                                       .stop = &ours->stop,
                                       .counters = ours->counters};
    if (mbus_worker_new(&config, &ours->worker, &err) != ERR_NONE) {
        fail(err.text);
    }
    ours->agent = mbus_worker_agent(ours->worker);
    clock_init(&ours->clock);
}

static void ours_close(struct ours *ours)
{
    cell_set(&ours->stop, 1);
    while (ours->agent.do_work(ours->agent.self, clock_now_ns(&ours->clock)) != AGENT_FINISHED) {
    }
    mbus_worker_free(ours->worker);
    doorbell_free(ours->bell);
    ring_free(ours->ring);
    counters_free(ours->counters);
    free(ours->sources);
    free(ours->points);
    free(ours->ids);
    free(ours->masks);
    free(ours->seqs);
}

/* Takes the samples as a shard would: peek a batch, look, release. */
static void take(struct ours *ours)
{
    size_t n;
    for (const struct sample *samples = ring_peek(ours->ring, &n); samples != NULL;
         samples = ring_peek(ours->ring, &n)) {
        for (size_t i = 0; i < n; i++) {
            ours->good += samples[i].status == 0;
            ours->odd += samples[i].status == 0 && ours->points[samples[i].point].from.unit == DEAD_UNIT;
            ours->comm += samples[i].status != 0;
        }
        ring_release(ours->ring, n);
    }
}

static void ours_run(struct ours *ours, int64_t length_ns)
{
    const int64_t until_ns = bench_now_ns() + length_ns;
    while (bench_now_ns() < until_ns) {
        const int64_t now_ns = clock_now_ns(&ours->clock);
        const int work = ours->agent.do_work(ours->agent.self, now_ns);
        take(ours);
        if (work == 0) {
            const int64_t wait_ns = ours->agent.next_due(ours->agent.self) - now_ns;
            struct pollfd fd = {.fd = ours->agent.wait_fd(ours->agent.self), .events = POLLIN};
            const struct timespec wait = {.tv_nsec = wait_ns < 0 ? 0 : wait_ns > 10000000 ? 10000000 : wait_ns};
            (void)ppoll(&fd, 1, &wait, NULL);
        }
    }
}

static double ours_cpu(void *self)
{
    struct ours *ours = self;
    ours_run(ours, turn_ns / 20); /* settle after the other's turn */
    ours->good = 0;
    const int64_t start_ns = bench_cpu_ns();
    ours_run(ours, turn_ns);
    return (double)(bench_cpu_ns() - start_ns) / ((double)ours->good / REGISTERS);
}

static double ours_rate(void *self)
{
    struct ours *ours = self;
    ours_run(ours, turn_ns / 20);
    ours->good = 0;
    const int64_t start_ns = bench_now_ns();
    ours_run(ours, turn_ns);
    return (double)ours->good / REGISTERS * 1e9 / (double)(bench_now_ns() - start_ns);
}

/* ---- bare: epoll, one request after the other on each connection, at the same pace ---- */

struct bare {
    int epoll;
    int fds[LINKS_MAX];
    bool busy[LINKS_MAX];
    uint16_t tid[LINKS_MAX];
    unsigned links;
    int64_t every_ns; /* of each link; 0: as fast as it goes */
    int64_t next_ns;  /* the next slot of all links, taken in turn */
    unsigned turn;
    uint64_t polls;
};

static void bare_open(struct bare *bare, uint16_t port, unsigned links, int64_t every_ns)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    *bare = (struct bare){.links = links, .every_ns = every_ns, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    for (unsigned i = 0; i < links; i++) {
        bare->fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        const int on = 1;
        struct epoll_event add = {.events = EPOLLIN, .data.u32 = i};
        if (connect(bare->fds[i], (const struct sockaddr *)&address, sizeof address) != 0) {
            fail("no connection");
        }
        (void)setsockopt(bare->fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)epoll_ctl(bare->epoll, EPOLL_CTL_ADD, bare->fds[i], &add);
    }
}

static void bare_close(struct bare *bare)
{
    for (unsigned i = 0; i < bare->links; i++) {
        (void)close(bare->fds[i]);
    }
    (void)close(bare->epoll);
}

static void bare_ask(struct bare *bare, unsigned i)
{
    const uint16_t tid = ++bare->tid[i];
    const uint8_t frame[12] = {(uint8_t)(tid >> 8), (uint8_t)tid, 0, 0, 0, 6, 1, 3, 0, 0, 0, REGISTERS};
    if (write(bare->fds[i], frame, sizeof frame) != sizeof frame) {
        fail("sending");
    }
    bare->busy[i] = true;
}

static void bare_take(struct bare *bare, unsigned i)
{
    uint8_t bytes[300];
    if (read(bare->fds[i], bytes, sizeof bytes) != 9 + 2 * REGISTERS ||
        (uint16_t)(bytes[0] << 8 | bytes[1]) != bare->tid[i]) {
        fail("a reply is not what it should be");
    }
    bare->busy[i] = false;
    bare->polls++;
    if (bare->every_ns == 0) {
        bare_ask(bare, i);
    }
}

/* Asks whose slot has come, one link after the other. */
static int64_t bare_slots(struct bare *bare, int64_t now_ns)
{
    const int64_t step_ns = bare->every_ns / bare->links;
    for (; bare->next_ns <= now_ns; bare->next_ns += step_ns) {
        if (!bare->busy[bare->turn]) {
            bare_ask(bare, bare->turn);
        }
        bare->turn = (bare->turn + 1) % bare->links;
    }
    return bare->next_ns - now_ns;
}

static void bare_run(struct bare *bare, int64_t length_ns)
{
    struct epoll_event events[EVENTS];
    const int64_t until_ns = bench_now_ns() + length_ns;
    bare->next_ns = bench_now_ns();
    for (unsigned i = 0; i < bare->links && bare->every_ns == 0; i++) {
        if (!bare->busy[i]) {
            bare_ask(bare, i);
        }
    }
    for (int64_t now_ns = bench_now_ns(); now_ns < until_ns; now_ns = bench_now_ns()) {
        int64_t wait_ns = 10 * NS_PER_MS;
        if (bare->every_ns > 0) {
            wait_ns = bare_slots(bare, now_ns);
        }
        const struct timespec wait = {.tv_nsec = wait_ns};
        const int n = epoll_pwait2(bare->epoll, events, EVENTS, &wait, NULL);
        for (int i = 0; i < n; i++) {
            bare_take(bare, events[i].data.u32);
        }
    }
}

static double bare_cpu(void *self)
{
    struct bare *bare = self;
    bare->polls = 0;
    const int64_t start_ns = bench_cpu_ns();
    bare_run(bare, turn_ns);
    return (double)(bench_cpu_ns() - start_ns) / (double)bare->polls;
}

static double bare_rate(void *self)
{
    struct bare *bare = self;
    bare->polls = 0;
    const int64_t start_ns = bench_now_ns();
    bare_run(bare, turn_ns);
    return (double)bare->polls * 1e9 / (double)(bench_now_ns() - start_ns);
}

/* ---- figures ---- */

static void compare(uint16_t port, unsigned links, int64_t every_ns)
{
    struct ours ours;
    static struct bare bare;
    char metric[64];
    ours_open(&ours, port, links, 1, every_ns);
    bare_open(&bare, port, links, every_ns);
    ours_run(&ours, turn_ns); /* connect */
    const struct bench_pair cpu = bench_alternate(ROUNDS, ours_cpu, &ours, bare_cpu, &bare);
    (void)snprintf(metric, sizeof metric, "cpu_per_poll_%u", links);
    bench_print("modbus", metric, cpu.ours / 1e3, "us", "%u devices at %.0f polls/s, %d values each", links,
                1e9 / (double)every_ns * links, REGISTERS);
    (void)snprintf(metric, sizeof metric, "cpu_ratio_%u", links);
    bench_print("modbus", metric, cpu.ratio, "x", "of a bare epoll client in the same run: %.2f us; %llu comm",
                cpu.bare / 1e3, (unsigned long long)ours.comm);
    bare_close(&bare);
    ours_close(&ours);
}

static void peak(uint16_t port, unsigned links)
{
    struct ours ours;
    static struct bare bare;
    char metric[64];
    ours_open(&ours, port, links, 1, links * 2 * NS_PER_US); /* half a million slots a second: more than there can be */
    bare_open(&bare, port, links, 0);
    ours_run(&ours, turn_ns);
    const struct bench_pair rate = bench_alternate(ROUNDS, ours_rate, &ours, bare_rate, &bare);
    (void)snprintf(metric, sizeof metric, "peak_polls_per_s_%u", links);
    bench_print("modbus", metric, rate.ours, "1/s", "%.2f of a bare epoll client in the same run: %.0f", rate.ratio,
                rate.bare);
    bare_close(&bare);
    ours_close(&ours);
}

static void dead(uint16_t port, const char *metric, const char *note)
{
    struct ours ours;
    const int64_t every_ns = 100 * NS_PER_MS;
    ours_open(&ours, port, 1, UNITS, every_ns);
    const int64_t start_ns = bench_now_ns();
    ours_run(&ours, 30 * NS_PER_S);
    const double due = (double)(bench_now_ns() - start_ns) / (double)every_ns * (UNITS - 1) * REGISTERS;
    bench_print("modbus", metric, (double)(ours.good - ours.odd) / due, "x",
                "one unit of %d behind one connection %s, 30 s from the start, time-out 500 ms", UNITS, note);
    ours_close(&ours);
}

static void memory(uint16_t port)
{
    struct ours ours;
    const int64_t before = bench_peak_bytes();
    ours_open(&ours, port, LINKS_MAX, 1, NS_PER_S);
    ours_run(&ours, 2 * NS_PER_S);
    bench_print("modbus", "memory_1000", (double)(bench_peak_bytes() - before) / 1e6, "MB",
                "1000 connections, %d values each, the site included", REGISTERS);
    ours_close(&ours);
}

int main(void)
{
    uint16_t port;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    log_set_level(LOG_ERROR);
    const pid_t server = start_server(false, &port);
    memory(port);
    compare(port, 1, 200 * NS_PER_US);
    compare(port, 100, NS_PER_MS);
    compare(port, 1000, 10 * NS_PER_MS);
    peak(port, 100);
    peak(port, 1000);
    dead(port, "dead_neighbours", "dead");
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    const pid_t slow_server = start_server(true, &port);
    dead(port, "slow_neighbours", "takes 90 ms, polls are due each 100 ms");
    (void)kill(slow_server, SIGKILL);
    (void)waitpid(slow_server, NULL, 0);
    return 0;
}
