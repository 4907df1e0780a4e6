/*
 * bench_http: what the console costs, beside a bare libmicrohttpd that sends
 * constant bytes of the same length, in turns.
 *
 *   small     /healthz, on a connection that is kept
 *   points    the newest readings of 10 000 points
 *   minutes   a day of a point by the minute
 *   samples   a day of a point, each second
 *   stream    20 000 events to 10 clients at once; and how long one event takes to all of them
 *   busy      samples/s into the store, with clients that ask without pause, against without
 */
#include "base/agent.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"
#include "console/console.h"
#include "tests/bench/bench.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    POINTS = 10000,
    DAY_S = 86400,
    ROUNDS = 11,
    EVENTS = 20000,
    CLIENTS = 10,
    ALONE = 300,
    SLOTS = 8192,
    FLOOD = 2000000
};
static const int64_t start_ns = INT64_C(1767571200) * NS_PER_S;

static char folder[] = "/tmp/davy-bench-XXXXXX";
static struct site site;
static struct store *store;
static struct store_writer *writer;
static struct ring *ring;
static struct board *board;
static struct counters *counters;
static struct console *console;
static uint64_t seq;
static size_t stream_bytes; /* of all events; a client gets some more, with what frames them */

static void must(enum err_code code, const struct err *err)
{
    if (code != ERR_NONE) {
        (void)fprintf(stderr, "bench_http: %s\n", err->text);
        exit(1);
    }
}

/* ---- what is served ---------------------------------------------------------------------------------------------- */

static void make_site(void)
{
    site = (struct site){.id = "bench", .point_count = POINTS, .points = memory_new(POINTS, sizeof *site.points)};
    for (uint32_t i = 0; i < POINTS; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "area-%u/p%u", i % 100, i);
        site.points[i] = (struct site_point){.id = memory_strdup(id),
                                             .name = "工作面瓦斯",
                                             .unit = "%CH4",
                                             .hazard = SITE_NONE,
                                             .from.source = SITE_NONE};
        (void)table_add(&site.point_by_id, site.points[i].id, i); /* ids differ */
    }
}

static void put(const struct agent *agent, uint32_t point, int64_t second)
{
    const struct sample sample = {.time_ns = start_ns + second * NS_PER_S,
                                  .seen_ns = start_ns + second * NS_PER_S,
                                  .value = (double)((second * 7 + point) % 1000) / 100,
                                  .point = point};
    while (!ring_push(ring, &sample)) {
        (void)agent->do_work(agent->self, second);
    }
}

/* A day of one point, a sample of each, and the minutes and hours made of them. */
static void fill_store(void)
{
    const struct agent agent = store_writer_agent(writer);
    for (uint32_t i = 0; i < POINTS; i++) {
        const struct board_entry entry = {.time_ns = start_ns, .value = 0.01 * (i % 500), .status = 0};
        put(&agent, i, 0);
        board_write(board, i, &entry);
    }
    for (int64_t second = 1; second < DAY_S; second++) {
        put(&agent, 0, second);
    }
    while (agent.do_work(agent.self, INT64_MAX / 2) > 0) {
    }
    struct store_care *care =
        store_care_new(&(struct store_care_config){.store = store, .site = &site, .counters = counters});
    const struct counter *rounds = counter_find(counters, "store.care_rounds");
    const struct agent carer = store_care_agent(care);
    while (counter_get(rounds) == 0) {
        (void)carer.do_work(carer.self, carer.next_due(carer.self) + 1);
    }
    store_care_free(care);
}

static void put_events(struct store_batch *batch, int n)
{
    struct err err;
    char json[400];
    for (int i = 0; i < n; i++) {
        seq++;
        const int len =
            snprintf(json, sizeof json,
                     "{\"v\":1,\"site\":\"bench\",\"seq\":%llu,\"event\":\"raised\",\"alarm\":\"ch4-limit:area-1/p1\","
                     "\"occurrence\":1,\"level\":\"yellow\",\"rule\":\"ch4-limit\",\"point\":\"area-1/p1\","
                     "\"kind\":\"ch4\",\"value\":1.02,\"unit\":\"%%CH4\",\"when\":\"value >= 1.0\","
                     "\"time\":\"2026-01-05T00:00:30.000Z\",\"message\":\"1.02 %%CH4\",\"status\":\"actual\"}",
                     (unsigned long long)seq);
        store_batch_event(batch, seq, start_ns, "ch4-limit:area-1/p1", json, (size_t)len, "", 0);
        stream_bytes += (size_t)len;
    }
    must(store_batch_commit(batch, false, &err), &err);
}

static void serve(void)
{
    struct err err;
    must(store_open(folder, site.id, &store, &err), &err);
    must(ring_open(sizeof(struct sample), SLOTS, 0, &ring, &err), &err);
    counters = counters_new(256);
    board = board_new(POINTS);
    const struct store_writer_config config = {
        .store = store, .site = &site, .inputs = &ring, .input_count = 1, .counters = counters, .sync_ns = NS_PER_S};
    must(store_writer_new(&config, &writer, &err), &err);
    fill_store();
    must(console_new("127.0.0.1", 0, &console, &err), &err);
    const struct console_source source = {.site = &site,
                                          .store = store,
                                          .store_path = folder,
                                          .board = board,
                                          .counters = counters,
                                          .counts = console_count(counters),
                                          .status = "test",
                                          .shards = 1,
                                          .clients = 64,
                                          .streams = 32};
    console_show(console, &source);
}

/* ---- a client ---------------------------------------------------------------------------------------------------- */

static int connect_to(uint16_t port)
{
    const struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&name, sizeof name) != 0) {
        perror("bench_http: connect");
        exit(1);
    }
    return fd;
}

struct question {
    const char *target;
    uint16_t port;
    int fd;
    int times;
    size_t bytes; /* of one whole answer, headers included */
};

/* Reads one answer: up to its announced length, or its last chunk. */
static size_t read_answer(int fd)
{
    static _Thread_local char room[1 << 18];
    size_t len = 0, head = 0, total = 0, wanted = 0;
    char tail[8] = "";
    while (true) {
        const ssize_t n = recv(fd, room + len, sizeof room - len, 0);
        if (n <= 0) {
            (void)fprintf(stderr, "bench_http: the answer was broken off\n");
            exit(1);
        }
        total += (size_t)n;
        if (head == 0) {
            len += (size_t)n;
            const char *end = memmem(room, len, "\r\n\r\n", 4);
            if (end == NULL) {
                continue;
            }
            head = (size_t)(end + 4 - room);
            const char *announced = memmem(room, head, "Content-Length: ", 16);
            wanted = announced == NULL ? 0 : head + strtoull(announced + 16, NULL, 10);
            memcpy(tail, room + (len >= 5 ? len - 5 : 0), 5);
            len = 0;
        } else if (n >= 5) {
            memcpy(tail, room + n - 5, 5);
        } else {
            memmove(tail, tail + n, 5 - (size_t)n);
            memcpy(tail + 5 - n, room, (size_t)n);
        }
        if (wanted > 0 ? total >= wanted : memcmp(tail, "0\r\n\r\n", 5) == 0) {
            return total;
        }
    }
}

/* Milliseconds an answer. */
static double ask(void *self)
{
    struct question *question = self;
    char request[512];
    const int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", question->target);
    const int64_t began_ns = bench_now_ns();
    for (int i = 0; i < question->times; i++) {
        if (send(question->fd, request, (size_t)len, MSG_NOSIGNAL) != len) {
            perror("bench_http: send");
            exit(1);
        }
        question->bytes = read_answer(question->fd);
    }
    return (double)(bench_now_ns() - began_ns) / NS_PER_MS / question->times;
}

/* ---- the bare thing ---------------------------------------------------------------------------------------------- */

static struct MHD_Response *constant;

static enum MHD_Result send_constant(void *self, struct MHD_Connection *connection, const char *url, const char *method,
                                     const char *version, const char *bytes, size_t *len, void **request)
{
    (void)self, (void)url, (void)method, (void)version, (void)bytes, (void)len;
    if (*request == NULL) { /* an answer before the request is whole would end the connection */
        *request = connection;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, constant);
}

static struct MHD_Daemon *bare_start(size_t bytes, uint16_t *ret_port)
{
    char *room = memory_new(bytes + 1, 1);
    memset(room, 'x', bytes);
    constant = MHD_create_response_from_buffer(bytes, room, MHD_RESPMEM_MUST_FREE);
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, send_constant, NULL,
                                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)65536, MHD_OPTION_END);
    const union MHD_DaemonInfo *info = daemon == NULL ? NULL : MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL) {
        (void)fprintf(stderr, "bench_http: the bare server does not start\n");
        exit(1);
    }
    *ret_port = info->port;
    return daemon;
}

static void measure(const char *metric, const char *target, int times)
{
    struct question ours = {.target = target, .port = console_port(console), .times = times};
    ours.fd = connect_to(ours.port);
    (void)ask(&ours);
    struct question bare = {.target = "/", .times = times};
    struct MHD_Daemon *daemon = bare_start(ours.bytes > 200 ? ours.bytes - 200 : ours.bytes, &bare.port);
    bare.fd = connect_to(bare.port);
    const struct bench_pair pair = bench_alternate(ROUNDS, ask, &ours, ask, &bare);
    bench_print("http", metric, pair.ours, "ms", "an answer of %zu bytes; bare constant bytes %.3f ms, ratio %.2f",
                ours.bytes, pair.bare, pair.ratio);
    (void)close(ours.fd);
    (void)close(bare.fd);
    MHD_stop_daemon(daemon);
    MHD_destroy_response(constant);
}

/* ---- the stream -------------------------------------------------------------------------------------------------- */

struct listener {
    int fd;
    size_t bytes;
};

static void listen_all(struct listener *listeners, const char *target, uint16_t port)
{
    char request[128];
    const int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
    for (int i = 0; i < CLIENTS; i++) {
        listeners[i] = (struct listener){.fd = connect_to(port)};
        if (send(listeners[i].fd, request, (size_t)len, MSG_NOSIGNAL) != len) {
            exit(1);
        }
    }
}

/* Reads until each has had so many bytes. */
static void hear_all(struct listener *listeners, size_t bytes)
{
    static char room[1 << 16];
    struct pollfd fds[CLIENTS];
    for (bool all = false; !all;) {
        all = true;
        for (int i = 0; i < CLIENTS; i++) {
            fds[i] = (struct pollfd){.fd = listeners[i].bytes < bytes ? listeners[i].fd : -1, .events = POLLIN};
            all = all && fds[i].fd < 0;
        }
        if (all || poll(fds, CLIENTS, 10000) <= 0) {
            break;
        }
        for (int i = 0; i < CLIENTS; i++) {
            const ssize_t n = fds[i].revents != 0 ? recv(listeners[i].fd, room, sizeof room, 0) : 0;
            listeners[i].bytes += n > 0 ? (size_t)n : 0;
        }
    }
}

static void close_all(struct listener *listeners)
{
    for (int i = 0; i < CLIENTS; i++) {
        (void)close(listeners[i].fd);
    }
}

/* Seconds for all events to all clients. */
static double stream_ours(void *self)
{
    (void)self;
    struct listener listeners[CLIENTS];
    const int64_t began_ns = bench_now_ns();
    listen_all(listeners, "/api/v1/stream?after=0", console_port(console));
    hear_all(listeners, stream_bytes);
    const double seconds = (double)(bench_now_ns() - began_ns) / NS_PER_S;
    close_all(listeners);
    return seconds;
}

static double stream_bare(void *self)
{
    const uint16_t *port = self;
    struct listener listeners[CLIENTS];
    const int64_t began_ns = bench_now_ns();
    listen_all(listeners, "/", *port);
    hear_all(listeners, stream_bytes);
    const double seconds = (double)(bench_now_ns() - began_ns) / NS_PER_S;
    close_all(listeners);
    return seconds;
}

static void measure_stream(void)
{
    struct store_batch *batch = store_batch_new(store);
    for (int i = 0; i < EVENTS / 100; i++) {
        put_events(batch, 100);
    }
    uint16_t port = 0;
    struct MHD_Daemon *daemon = bare_start(stream_bytes, &port);
    const struct bench_pair pair = bench_alternate(5, stream_ours, NULL, stream_bare, &port);
    bench_print("http", "stream_events", EVENTS * CLIENTS / pair.ours, "1/s",
                "events to %d clients at once, all of them counted; bare constant bytes would be %.0f, time ratio %.2f",
                CLIENTS, EVENTS * CLIENTS / pair.bare, pair.ratio);
    MHD_stop_daemon(daemon);
    MHD_destroy_response(constant);

    struct listener listeners[CLIENTS];
    double took_ms[ALONE];
    listen_all(listeners, "/api/v1/stream", console_port(console));
    hear_all(listeners, 100); /* greeted */
    for (int i = 0; i < ALONE; i++) {
        (void)poll(NULL, 0, 3); /* all asleep, as they usually are */
        for (int k = 0; k < CLIENTS; k++) {
            listeners[k].bytes = 0;
        }
        put_events(batch, 1);
        const int64_t began_ns = bench_now_ns();
        doorbell_ring(console_bell(console));
        hear_all(listeners, 300);
        took_ms[i] = (double)(bench_now_ns() - began_ns) / NS_PER_MS;
    }
    const double p50 = bench_quantile(took_ms, ALONE, 0.5);
    bench_print("http", "stream_one", p50, "ms",
                "from the commit of one event until %d clients have it, median; 99 of 100: %.3f", CLIENTS,
                bench_quantile(took_ms, ALONE, 0.99));
    close_all(listeners);
    store_batch_free(batch);
}

/* ---- a busy console ---------------------------------------------------------------------------------------------- */

static atomic_bool pausing = true, ending;
static atomic_uint_fast64_t answered;

static void *ask_without_pause(void *self)
{
    struct question question = {.target = self, .port = console_port(console), .times = 1};
    question.fd = connect_to(question.port);
    while (!atomic_load(&ending)) {
        if (atomic_load(&pausing)) {
            (void)poll(NULL, 0, 1);
        } else {
            (void)ask(&question);
            (void)atomic_fetch_add(&answered, 1);
        }
    }
    (void)close(question.fd);
    return NULL;
}

static int64_t second = DAY_S;

/* Samples a second into the store, by the writer on a thread's own time. */
static double flood(void *self)
{
    const bool *busy = self;
    const struct agent agent = store_writer_agent(writer);
    atomic_store(&pausing, !*busy);
    const int64_t began_ns = bench_now_ns();
    for (int i = 0; i < FLOOD; i++) {
        put(&agent, (uint32_t)(i % POINTS), second);
        second += i % POINTS == POINTS - 1;
    }
    while (agent.do_work(agent.self, INT64_MAX / 2) > 0) {
    }
    const double rate = FLOOD / ((double)(bench_now_ns() - began_ns) / NS_PER_S);
    atomic_store(&pausing, true);
    return rate;
}

static void measure_busy(void)
{
    static char *const targets[] = {
        "/api/v1/points?id=area-1/*",
        "/api/v1/points/area-0%2Fp0/samples?from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z&every=1m&agg=mean,max"};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, ask_without_pause, targets[i]) != 0) {
            exit(1);
        }
    }
    bool yes = true, no = false;
    const int64_t began_ns = bench_now_ns();
    const struct bench_pair pair = bench_alternate(3, flood, &yes, flood, &no);
    const double seconds = (double)(bench_now_ns() - began_ns) / NS_PER_S;
    atomic_store(&ending, true);
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    bench_print(
        "http", "busy_samples", pair.ours, "1/s",
        "samples into the store while 2 clients ask without pause (some %.0f answers/s); quiet %.0f, ratio %.2f",
        (double)atomic_load(&answered) / (seconds / 2), pair.bare, pair.ratio);
}

static void folder_remove(void)
{
    DIR *const open = opendir(folder);
    for (const struct dirent *entry; open != NULL && (entry = readdir(open)) != NULL;) {
        (void)unlinkat(dirfd(open), entry->d_name, 0); /* "." and ".." are refused */
    }
    if (open != NULL) {
        (void)closedir(open);
    }
    (void)rmdir(folder);
}

int main(void)
{
    if (mkdtemp(folder) == NULL) {
        perror("mkdtemp");
        return 1;
    }
    make_site();
    serve();
    measure("small", "/healthz", 200);
    measure("points_10000", "/api/v1/points", 3);
    measure(
        "day_by_minute",
        "/api/v1/points/area-0%2Fp0/samples?from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z&every=1m&agg=mean,max",
        5);
    measure("day_of_samples", "/api/v1/points/area-0%2Fp0/samples?from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z",
            1);
    measure_stream();
    measure_busy();
    console_leave(console);
    console_free(console);
    store_writer_free(writer);
    store_close(store);
    folder_remove();
    return 0;
}
