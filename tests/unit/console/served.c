/*
 * The console itself: its thread, real sockets, a store beside it.  This thread
 * is main, the client and (for acts) the manager.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "console/console.h"
#include "console/http.h"
#include "model/queues.h"
#include "tests/unit/console/unit.h"
#include "tests/unit/store/rig.h"
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { POINTS = 3, SAMPLES = 20000, PATIENCE_MS = 60000 };
#define FIRST_NS (INT64_C(1767571200) * NS_PER_S)

static struct bench {
    char *path;
    struct site *site;
    struct rig rig;
    struct board *board;
    struct counters *counters;
    struct ring *commands, *answers;
    struct doorbell *command_bell;
    struct site_alarm alarm;
    struct console *console;
    uint64_t seq;
} b;

static void show(void)
{
    const struct console_source source = {
        .site = b.site,
        .store = b.rig.store,
        .store_path = b.path,
        .board = b.board,
        .counters = b.counters,
        .counts = console_count(b.counters),
        .commands = b.commands,
        .command_bell = b.command_bell,
        .answers = b.answers,
        .status = "test",
        .shards = 1,
        .clients = HTTP_CLIENTS,
        .streams = 4,
    };
    console_show(b.console, &source);
}

static int open_bench(void **state)
{
    (void)state;
    struct err err;
    memset(&b, 0, sizeof b);
    b.path = folder_new();
    b.site = site_make(POINTS);
    b.site->sources[0].id = "field";
    for (uint32_t i = 0; i < POINTS; i++) {
        b.site->points[i].hazard = SITE_NONE;
        assert_int_equal(table_add(&b.site->point_by_id, b.site->points[i].id, i), TABLE_NONE);
    }
    b.alarm = (struct site_alarm){.name = "r:p0", .hazard = SITE_NONE};
    b.site->alarms = &b.alarm;
    b.site->alarm_count = 1;
    assert_int_equal(table_add(&b.site->alarm_by_name, b.alarm.name, 0), TABLE_NONE);
    rig_open(&b.rig, b.path, b.site, NS_PER_S);
    b.board = board_new(POINTS);
    b.counters = counters_new(64);
    assert_int_equal(ring_open(sizeof(struct act), 2, 0, &b.commands, &err), ERR_NONE);
    assert_int_equal(ring_open(sizeof(struct answer), 2, 0, &b.answers, &err), ERR_NONE);
    assert_int_equal(doorbell_open(&b.command_bell, &err), ERR_NONE);
    if (console_new("127.0.0.1", 0, &b.console, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    console_leave(b.console);
    console_free(b.console);
    rig_close(&b.rig);
    board_free(b.board);
    counters_free(b.counters);
    ring_free(b.commands);
    ring_free(b.answers);
    doorbell_free(b.command_bell);
    b.site->alarms = NULL;
    b.site->alarm_count = 0;
    table_done(&b.site->alarm_by_name);
    table_done(&b.site->point_by_id);
    site_unmake(b.site);
    folder_remove(b.path);
    return 0;
}

/* ---- a client ---------------------------------------------------------------------------------------------------- */

static int connect_client(void)
{
    const struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_port = htons(console_port(b.console)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof name), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until `until` stands in what came (NULL: until the end). */
static void hear(int fd, struct buf *heard, const char *until)
{
    char room[4096];
    while (until == NULL || heard->len == 0 || strstr(heard->data, until) == NULL) {
        const ssize_t n = recv(fd, room, sizeof room, 0);
        if (n == 0 && until == NULL) {
            return;
        }
        if (n <= 0) {
            fail_msg("waited in vain for %s; came: %s", until, heard->len > 0 ? heard->data : "");
        }
        buf_add(heard, room, (size_t)n);
    }
}

/* Takes the sizes of chunks out of an answer; a chunk may end in the middle of a word. */
static void join_chunks(struct buf *heard)
{
    char *head = strstr(heard->data, "\r\n\r\n");
    if (head == NULL || strstr(heard->data, "Transfer-Encoding: chunked") == NULL) {
        return;
    }
    const char *in = head + 4;
    char *out = head + 4;
    for (size_t size = 1; size > 0;) {
        char *end = NULL;
        size = strtoul(in, &end, 16);
        assert_true(end != in && size <= (size_t)(heard->data + heard->len - end));
        memmove(out, end + 2, size);
        out += size;
        in = end + 2 + size + 2;
    }
    heard->len = (size_t)(out - heard->data);
    *out = '\0';
}

static void ask(const char *line, const char *headers, const char *body, struct buf *heard)
{
    struct buf request = {0};
    const int fd = connect_client();
    buf_printf(&request, "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", line, headers);
    if (body != NULL) {
        buf_printf(&request, "Content-Length: %zu\r\n", strlen(body));
    }
    buf_printf(&request, "\r\n%s", body == NULL ? "" : body);
    say(fd, request.data);
    buf_clear(heard);
    buf_text(heard, "");
    hear(fd, heard, NULL);
    join_chunks(heard);
    (void)close(fd);
    buf_done(&request);
}

static void has(const struct buf *heard, const char *part)
{
    if (strstr(heard->data, part) == NULL) {
        fail_msg("%s is not in\n%.600s", part, heard->data);
    }
}

/* By hand: sanitizers look at all of a text for each call of a function of the library. */
static size_t count(const struct buf *heard, const char *part)
{
    const size_t len = strlen(part);
    size_t n = 0;
    for (size_t i = 0; i + len <= heard->len; i++) {
        n += heard->data[i] == part[0] && memcmp(heard->data + i, part, len) == 0;
    }
    return n;
}

static void put_event(const char *kind)
{
    struct buf json = {0};
    struct err err;
    struct store_batch *batch = store_batch_new(b.rig.store);
    b.seq++;
    buf_printf(&json, "{\"v\":1,\"seq\":%llu,\"event\":\"%s\",\"alarm\":\"r:p0\"}", (unsigned long long)b.seq, kind);
    store_batch_event(batch, b.seq, FIRST_NS, "r:p0", json.data, json.len, "", 0);
    if (store_batch_commit(batch, false, &err) != ERR_NONE) {
        fail_msg("%s", err.text);
    }
    store_batch_free(batch);
    buf_done(&json);
    doorbell_ring(console_bell(b.console));
}

/* ---- stories ----------------------------------------------------------------------------------------------------- */

static void a_run_is_shown_held_and_left(void **state)
{
    (void)state;
    struct buf heard = {0};
    ask("GET /healthz", "", NULL, &heard);
    has(&heard, "503");
    has(&heard, "starting");
    ask("GET /api/v1/points", "", NULL, &heard);
    has(&heard, "Retry-After: 1");
    show();
    ask("GET /healthz", "", NULL, &heard);
    has(&heard, "200 OK");
    ask("GET /api/v1/points", "", NULL, &heard);
    assert_int_equal(count(&heard, "\"status\":\"unknown\""), POINTS);
    console_hold(b.console);
    while (true) { /* it is told at the next round */
        ask("GET /healthz", "", NULL, &heard);
        if (strstr(heard.data, "stopping") != NULL) {
            break;
        }
    }
    ask("GET /api/v1/points", "", NULL, &heard);
    has(&heard, "200 OK");
    console_leave(b.console);
    ask("GET /api/v1/points", "", NULL, &heard);
    has(&heard, "503");
    buf_done(&heard);
}

/* Some 1.3 MB, in pieces, with each sample once; and the same in buckets of a second. */
static void long_answers_are_whole(void **state)
{
    (void)state;
    struct buf heard = {0};
    for (int i = 0; i < SAMPLES; i++) {
        rig_put(&b.rig, 0, FIRST_NS + i * NS_PER_S, FIRST_NS + i * NS_PER_S, i, 0);
    }
    rig_run(&b.rig);
    show();
    ask("GET /api/v1/points/p0/samples?from=0&to=now", "", NULL, &heard);
    assert_int_equal(count(&heard, "\"time\""), SAMPLES);
    assert_int_equal(count(&heard, "\"value\":19999,"), 1);
    ask("GET /api/v1/points/p0/samples?from=0&to=now&limit=1234", "", NULL, &heard);
    assert_int_equal(count(&heard, "\"time\""), 1234);
    ask("GET /api/v1/points/p0/samples?from=2026-01-04T00:00:00Z&to=2026-01-07T00:00:00Z&every=1s&agg=max", "", NULL,
        &heard);
    assert_int_equal(count(&heard, "\"max\""), SAMPLES);
    ask("GET /api/v1/points/p0/samples?from=2026-01-04T00:00:00Z&to=2026-01-07T00:00:00Z&every=7m&agg=count", "", NULL,
        &heard);
    const int64_t first = FIRST_NS / NS_PER_S / 420;
    assert_int_equal(count(&heard, "\"count\""), (FIRST_NS / NS_PER_S + SAMPLES - 1) / 420 - first + 1);
    ask("GET /api/v1/points/nothing/samples", "", NULL, &heard);
    has(&heard, "404");
    buf_done(&heard);
}

static void a_stream_goes_on_with_the_next_run(void **state)
{
    (void)state;
    struct buf heard = {0};
    show();
    put_event("raised");
    put_event("acked");
    const int fd = connect_client();
    say(fd, "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1\r\n\r\n");
    hear(fd, &heard, "\"seq\":2");
    put_event("cleared");
    hear(fd, &heard, "\"seq\":3");
    console_hold(b.console);
    put_event("raised"); /* while it stops */
    hear(fd, &heard, "\"seq\":4");
    console_leave(b.console);
    put_event("cleared"); /* between two runs */
    show();
    put_event("raised");
    hear(fd, &heard, "\"seq\":6");
    assert_int_equal(count(&heard, "\nid: "), 5);
    assert_null(strstr(heard.data, "id: 1\n"));
    (void)close(fd);
    buf_done(&heard);
}

/* A place that the journal does not have is told as lost. */
static void a_place_that_is_gone_is_told(void **state)
{
    (void)state;
    struct buf heard = {0};
    show();
    put_event("raised");
    const int fd = connect_client();
    say(fd, "GET /api/v1/stream?after=99 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    hear(fd, &heard, "event: lost\ndata: {\"after\":99,\"next\":2}\n\n");
    put_event("cleared");
    hear(fd, &heard, "\"seq\":2");
    (void)close(fd);
    buf_done(&heard);
}

/* Hands in one act and answers it as the manager would. */
static void act(int32_t code, const char *text, const char *says)
{
    struct buf heard = {0};
    const char body[] = "{\"by\":\"li\"}";
    const int fd = connect_client();
    char request[300];
    (void)snprintf(request, sizeof request,
                   "POST /api/v1/alarms/r:p0/ack HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(body), body);
    say(fd, request);
    const struct act *taken = NULL;
    size_t n = 0;
    while ((taken = ring_peek(b.commands, &n)) == NULL) {
        (void)poll(NULL, 0, 1);
    }
    struct answer answer = {.ticket = taken->ticket, .code = code};
    assert_string_equal(taken->by, "li");
    ring_release(b.commands, 1);
    (void)snprintf(answer.text, sizeof answer.text, "%s", text);
    if (code == ERR_NONE) {
        put_event("acked");
        answer.seq = b.seq;
    }
    assert_true(ring_push(b.answers, &answer));
    doorbell_ring(console_bell(b.console));
    buf_text(&heard, "");
    hear(fd, &heard, NULL);
    has(&heard, says);
    (void)close(fd);
    buf_done(&heard);
}

static void acts_go_to_the_manager_and_come_back(void **state)
{
    (void)state;
    show();
    act(ERR_NONE, "", "\"event\":\"acked\"");
    act(ERR_NO, "r:p0 is already acknowledged at red", "{\"error\":\"r:p0 is already acknowledged at red\"}");
    act(ERR_NO, "no", "409");
}

/* Who waits for an act when the run ends is told so; what comes while all slots of the ring are full, too. */
static void acts_that_cannot_be_done_are_answered(void **state)
{
    (void)state;
    struct buf heard = {0};
    int waiting[2];
    show();
    for (int i = 0; i < 2; i++) { /* as many as the ring has room for */
        waiting[i] = connect_client();
        say(waiting[i],
            "POST /api/v1/alarms/r:p0/comment HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Connection: close\r\nContent-Length: 28\r\n\r\n{\"by\":\"li\",\"comment\":\"word\"}");
        while (ring_fill(b.commands) < (size_t)i + 1) {
            (void)poll(NULL, 0, 1);
        }
    }
    ask("POST /api/v1/alarms/r:p0/ack", "Content-Type: application/json\r\n", "{\"by\":\"li\"}", &heard);
    has(&heard, "503");
    has(&heard, "too many acts wait");
    console_leave(b.console);
    for (int i = 0; i < 2; i++) {
        buf_clear(&heard);
        hear(waiting[i], &heard, NULL);
        has(&heard, "whether the act was done is in the events");
        (void)close(waiting[i]);
    }
    buf_done(&heard);
}

/* A house full of clients that say nothing: the newest is let in, the longest silent one goes. */
static void silent_clients_shut_nobody_out(void **state)
{
    (void)state;
    struct buf heard = {0};
    int silent[HTTP_CLIENTS];
    show();
    for (size_t i = 0; i < HTTP_CLIENTS; i++) {
        silent[i] = connect_client();
        say(silent[i], "GET /heal");
    }
    for (int i = 0; i < 5; i++) {
        ask("GET /healthz", "", NULL, &heard);
        has(&heard, "200 OK");
    }
    char byte;
    assert_int_equal(recv(silent[0], &byte, 1, 0), 0); /* cut off */
    ask("GET /metrics", "", NULL, &heard);
    assert_null(strstr(heard.data, "\ndavy_http_shed_total 0\n"));
    for (size_t i = 0; i < HTTP_CLIENTS; i++) {
        (void)close(silent[i]);
    }
    buf_done(&heard);
}

static void the_end_ends_streams(void **state)
{
    (void)state;
    struct buf heard = {0};
    show();
    put_event("raised");
    const int fd = connect_client();
    say(fd, "GET /api/v1/stream?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    hear(fd, &heard, "\"seq\":1");
    console_leave(b.console);
    console_free(b.console);
    b.console = NULL;
    hear(fd, &heard, "\r\n0\r\n\r\n"); /* the last chunk: nothing was cut off */
    (void)close(fd);
    buf_done(&heard);
    struct err err;
    assert_int_equal(console_new("127.0.0.1", 0, &b.console, &err), ERR_NONE); /* for the bench to close */
}

static void an_address_in_use_is_told(void **state)
{
    (void)state;
    struct console *second = NULL;
    struct err err;
    assert_int_equal(console_new("127.0.0.1", console_port(b.console), &second, &err), ERR_ENV);
    assert_non_null(strstr(err.text, "another program has it"));
    assert_null(second);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
    const struct CMUnitTest tests[] = {
        STORY(a_run_is_shown_held_and_left),
        STORY(long_answers_are_whole),
        STORY(a_stream_goes_on_with_the_next_run),
        STORY(a_place_that_is_gone_is_told),
        STORY(acts_go_to_the_manager_and_come_back),
        STORY(acts_that_cannot_be_done_are_answered),
        STORY(silent_clients_shut_nobody_out),
        STORY(the_end_ends_streams),
        STORY(an_address_in_use_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
