/*
 * sinks: events per second through a webhook, from the journal on disk to a
 * receiver that answers 204, beside a bare loop of curl_easy_perform that posts
 * the same body over one kept connection to the same receiver; and what a CAP
 * document costs to make.
 *
 * The receiver is a process of its own that reads a request with two blocking
 * reads at most and answers; so what is measured is ours and libcurl's.
 */
#include "alerting/cap_document.h"
#include "alerting/sink.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tests/bench/bench.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 2000, ROUNDS = 7, DOCUMENTS = 20000, ROOM = 16384 };

static const char EVENT[] =
    "{\"v\":1,\"site\":\"jx-mine\",\"seq\":1,\"event\":\"raised\",\"alarm\":\"ch4-limit:face-501/t1/"
    "ch4\",\"occurrence\":1,"
    "\"level\":\"yellow\",\"rule\":\"ch4-limit\",\"point\":\"face-501/t1/"
    "ch4\",\"hazard\":\"face-501\",\"kind\":\"ch4\","
    "\"value\":1.02,\"unit\":\"%CH4\",\"when\":\"value >= 1.0\",\"time\":\"2026-01-05T00:00:30.000Z\","
    "\"message\":\"501面T1甲烷: 1.02 %CH4\",\"advice\":\"停电撤人\",\"status\":\"actual\"}";

static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "bench_sinks: %s\n", what);
        exit(3);
    }
}

/* ---- the receiver, a process of its own -------------------------------------------------------------------------- */

/* Answers requests until the other side closes. */
static void answer_all(int fd)
{
    static const char ANSWER[] = "HTTP/1.1 204 No Content\r\n\r\n";
    char bytes[ROOM + 1];
    size_t have = 0;
    ssize_t n;
    while ((n = read(fd, bytes + have, ROOM - have)) > 0) {
        have += (size_t)n;
        bytes[have] = '\0';
        const char *body = strstr(bytes, "\r\n\r\n");
        const char *length = strcasestr(bytes, "content-length:");
        if (body == NULL || length == NULL ||
            have < (size_t)(body + 4 - bytes) + strtoul(length + strlen("content-length:"), NULL, 10)) {
            continue;
        }
        have = 0; /* one at a time */
        if (write(fd, ANSWER, sizeof ANSWER - 1) < 0) {
            break;
        }
    }
    (void)close(fd);
}

static pid_t start_receiver(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    must(listener >= 0 && bind(listener, (struct sockaddr *)&address, len) == 0 && listen(listener, 8) == 0 &&
             getsockname(listener, (struct sockaddr *)&address, &len) == 0,
         "no socket for the receiver");
    *ret_port = ntohs(address.sin_port);
    const pid_t pid = fork();
    must(pid >= 0, "no process for the receiver");
    if (pid > 0) {
        (void)close(listener);
        return pid;
    }
    (void)signal(SIGCHLD, SIG_IGN);
    for (;;) {
        const int fd = accept(listener, NULL, NULL);
        const int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (fork() == 0) {
            answer_all(fd);
            _exit(0);
        }
        (void)close(fd);
    }
}

/* ---- ours -------------------------------------------------------------------------------------------------------- */

struct ours {
    struct store *store;
    struct doorbell *bell;
    const struct counter *delivered;
    uint64_t seq;
};

static double run_ours(void *self)
{
    struct ours *ours = self;
    struct err err;
    struct store_batch *batch = store_batch_new(ours->store);
    for (int i = 0; i < EVENTS; i++) {
        store_batch_event(batch, ++ours->seq, 0, "ch4-limit:face-501/t1/ch4", EVENT, sizeof EVENT - 1, "", 0);
    }
    must(store_batch_commit(batch, true, &err) == ERR_NONE, "the journal cannot be written");
    store_batch_free(batch);
    const struct timespec pause = {.tv_nsec = 200000};
    const int64_t start_ns = bench_now_ns();
    doorbell_ring(ours->bell);
    while (counter_get(ours->delivered) < ours->seq) {
        (void)nanosleep(&pause, NULL);
    }
    return EVENTS / (double)(bench_now_ns() - start_ns) * 1e9;
}

/* ---- bare -------------------------------------------------------------------------------------------------------- */

static double run_bare(void *self)
{
    CURL *easy = self;
    const int64_t start_ns = bench_now_ns();
    for (int i = 0; i < EVENTS; i++) {
        must(curl_easy_perform(easy) == CURLE_OK, "the bare loop cannot post");
    }
    return EVENTS / (double)(bench_now_ns() - start_ns) * 1e9;
}

static CURL *make_bare(const char *url, struct curl_slist **ret_headers)
{
    CURL *easy = curl_easy_init();
    *ret_headers = curl_slist_append(NULL, "Content-Type: application/json; charset=utf-8");
    must(easy != NULL && curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
             curl_easy_setopt(easy, CURLOPT_POSTFIELDS, EVENT) == CURLE_OK &&
             curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)sizeof EVENT - 1) == CURLE_OK &&
             curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *ret_headers) == CURLE_OK,
         "no bare handle");
    return easy;
}

/* ---- the webhook ------------------------------------------------------------------------------------------------- */

static void bench_webhook(const char *folder)
{
    uint16_t port;
    char url[64];
    const pid_t receiver = start_receiver(&port);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/hook", (unsigned)port);
    static const struct site site = {.id = "jx-mine"};
    const struct site_sink hook = {
        .id = "hook", .type = SINK_WEBHOOK, .url = url, .secret = "secret", .timeout_ns = 10 * NS_PER_S};
    struct counters *counters = counters_new(64);
    struct cell stop = {0};
    struct ours ours = {0};
    struct sink *sink;
    struct runner *runner;
    struct err err;
    must(store_open(folder, site.id, &ours.store, &err) == ERR_NONE && doorbell_open(&ours.bell, &err) == ERR_NONE,
         "no store");
    const struct sink_config config = {
        .site = &site, .sink = &hook, .store = ours.store, .bell = ours.bell, .counters = counters, .stop = &stop};
    must(sink_new(&config, &sink, &err) == ERR_NONE, err.text);
    ours.delivered = counter_find(counters, "sink.hook.delivered");
    const struct agent agent = sink_agent(sink);
    must(runner_start("sink-hook", &agent, 1, ours.bell, &runner, &err) == ERR_NONE, "no thread");
    struct curl_slist *headers;
    CURL *bare = make_bare(url, &headers);

    const struct bench_pair pair = bench_alternate(ROUNDS, run_ours, &ours, run_bare, bare);
    bench_print("sinks", "webhook_events_per_s", pair.ours, "1/s", "signed, from the journal, one at a time");
    bench_print("sinks", "webhook_bare_per_s", pair.bare, "1/s", "curl_easy_perform in a loop, the same body");
    bench_print("sinks", "webhook_ratio", pair.ratio, "", "ours / bare, median of rounds");

    cell_set(&stop, (uint64_t)time(NULL) * NS_PER_S + NS_PER_S);
    doorbell_ring(ours.bell);
    runner_join(runner);
    sink_free(sink);
    curl_easy_cleanup(bare);
    curl_slist_free_all(headers);
    doorbell_free(ours.bell);
    store_close(ours.store);
    counters_free(counters);
    (void)kill(receiver, SIGTERM);
    (void)waitpid(receiver, NULL, 0);
}

/* ---- documents --------------------------------------------------------------------------------------------------- */

static void bench_documents(void)
{
    struct site site = {.id = "jx-mine", .name = "金鑫煤矿"};
    table_init(&site.point_by_id);
    table_init(&site.alarm_by_name);
    table_init(&site.hazard_by_id);
    const struct cap_style style = {.site = &site};
    const struct store_event stored = {.seq = 1, .alarm = "", .json = EVENT, .json_len = sizeof EVENT - 1};
    struct cap_event event = {0};
    struct buf document = {0};
    const int64_t start_ns = bench_cpu_ns();
    for (int i = 0; i < DOCUMENTS; i++) {
        must(cap_event_read(&event, &stored, 0, NULL) == ERR_NONE, "the event cannot be read");
        cap_document(&document, &style, &event, NULL);
    }
    bench_print("sinks", "cap_document_us", (double)(bench_cpu_ns() - start_ns) / DOCUMENTS / 1e3, "us",
                "from the event's JSON to %zu bytes of XML", document.len);
    cap_event_done(&event);
    buf_done(&document);
}

int main(void)
{
    char folder[] = "/tmp/davy-bench-XXXXXX", command[64];
    must(mkdtemp(folder) != NULL, "no folder");
    bench_documents();
    bench_webhook(folder);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? 0 : 3;
}
