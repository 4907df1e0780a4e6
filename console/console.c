/*
 * console: see console.h.  The agent: which run is shown, answers of the
 * manager, streams that have something to say, and a round of http.
 *
 *   main    wanted: the view to be shown, 0 for none ──►  http thread
 *   main  ◄──  shown: the view it looks at                http thread
 *
 * Main waits for the change, so that nothing of a view is looked at when it is given back.
 */
#include "console/console.h"

#include "base/agent.h"
#include "base/cell.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "console/calls.h"
#include "console/desk.h"
#include "console/stream.h"
#include "model/queues.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHANGE_LOOK_MS = 100 };
#define GOODBYE_NS NS_PER_S /* for what is being sent at the end */

/* A run as it is shown. */
struct view {
    struct console_source source;
    struct metrics_index *index;
};

struct console {
    char *host; /* const after start */
    uint16_t port;
    struct doorbell *bell, *changed_bell;
    struct runner *runner;
    struct cell wanted, holding, stop; /* main */
    struct cell shown;                 /* http thread, like all below */
    struct http *http;
    struct desk desk;
    int64_t goodbye_ns; /* when to end whatever is still sent; 0: not stopping */
};

static struct view *view_of(const struct cell *cell)
{
    return (struct view *)(uintptr_t)cell_get(cell); /* a cell holds 64 bits, a pointer fits */
}

/* ---- which run --------------------------------------------------------------------------------------------------- */

/* Ends what cannot outlive the run: acts that wait; long answers notice by themselves. */
static void leave(struct console *console)
{
    struct calls *calls = http_calls(console->http);
    for (size_t i = 0; i < calls->used; i++) {
        if (calls->items[i].phase == CALL_THINKING && !calls->items[i].acted) {
            desk_give_up(&calls->items[i], "the monitor stops or reads its site anew");
            http_wake(console->http, &calls->items[i]);
        }
    }
}

static int follow(struct console *console)
{
    struct view *wanted = view_of(&console->wanted);
    console->desk.holding = cell_get(&console->holding) != 0;
    if (wanted == view_of(&console->shown)) {
        return 0;
    }
    leave(console);
    console->desk.turn++;
    console->desk.source = wanted == NULL ? NULL : &wanted->source;
    console->desk.index = wanted == NULL ? NULL : wanted->index;
    if (wanted != NULL) {
        console->desk.streams_most = wanted->source.streams;
        http_set_clients(console->http, wanted->source.clients);
    }
    cell_set(&console->shown, (uint64_t)(uintptr_t)wanted);
    doorbell_ring(console->changed_bell);
    return 1;
}

/* ---- what waits -------------------------------------------------------------------------------------------------- */

static struct http_call *call_with(struct console *console, uint64_t ticket)
{
    struct calls *calls = http_calls(console->http);
    for (size_t i = 0; i < calls->used; i++) {
        if (calls->items[i].phase == CALL_THINKING && calls->items[i].ticket == ticket) {
            return &calls->items[i];
        }
    }
    return NULL;
}

static int take_answers(struct console *console)
{
    struct ring *answers = console->desk.source == NULL ? NULL : console->desk.source->answers;
    const struct answer *answer;
    size_t n;
    int work = 0;
    while (answers != NULL && (answer = ring_peek(answers, &n)) != NULL) {
        struct http_call *call = call_with(console, answer->ticket); /* NULL: the client has gone */
        if (call != NULL) {
            desk_answer(&console->desk, call, answer);
            http_wake(console->http, call);
        }
        ring_release(answers, 1);
        work++;
    }
    return work;
}

static bool wake_one(struct console *console, struct http_call *call, uint64_t last_seq)
{
    const int64_t now_ns = console->desk.now_ns;
    if (call->phase == CALL_THINKING && !call->acted && call->act_due_ns <= now_ns) {
        desk_give_up(call, "the act is not on the disk yet");
        http_wake(console->http, call);
        return true;
    }
    if (call->phase == CALL_RESTING && call->suspended &&
        (console->desk.ending || stream_is_due(&call->reply, last_seq, now_ns))) {
        http_wake(console->http, call);
        return true;
    }
    return false;
}

/* Wakes streams that have something to say, and acts that were waited for long enough. */
static int wake(struct console *console)
{
    struct calls *calls = http_calls(console->http);
    const struct console_source *source = console->desk.source;
    const uint64_t last_seq = source == NULL ? 0 : store_last_seq(source->store);
    int work = 0;
    console->desk.streams = 0;
    for (size_t i = 0; i < calls->used; i++) {
        console->desk.streams += calls->items[i].reply.lasting;
        work += wake_one(console, &calls->items[i], last_seq);
    }
    return work;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

struct console_counters console_count(struct counters *counters)
{
    return (struct console_counters){
        .connections = counter_new(counters, "http.connections", "", "connections that are open"),
        .streams = counter_new(counters, "http.streams", "", "streams of events that are open"),
        .requests = counter_new(counters, "http.requests", "", "requests answered"),
        .refused = counter_new(counters, "http.refused", "", "requests answered with a status from 400 to 499"),
        .failed = counter_new(counters, "http.failed", "", "requests answered with a status from 500 on"),
        .timeouts = counter_new(counters, "http.timeouts", "", "clients cut off that sent or took too slowly"),
        .shed = counter_new(counters, "http.shed", "", "connections cut off, owing a request, to let another in"),
        .surplus = counter_new(counters, "http.surplus", "", "requests told to come again: the house was full"),
        .broken = counter_new(counters, "http.broken", "", "answers broken off: the run ended, or the store failed"),
    };
}

static void publish(const struct console *console)
{
    const struct http_counts *counts = http_count(console->http);
    const struct console_counters *to = &console->desk.source->counts;
    counter_set(to->connections, counts->connections);
    counter_set(to->streams, counts->streams);
    counter_set(to->requests, counts->requests);
    counter_set(to->refused, counts->refused);
    counter_set(to->failed, counts->failed);
    counter_set(to->timeouts, counts->timeouts);
    counter_set(to->shed, counts->shed);
    counter_set(to->surplus, counts->surplus);
    counter_set(to->broken, counts->broken);
}

/* ---- the agent --------------------------------------------------------------------------------------------------- */

static bool has_said_goodbye(struct console *console, int64_t now_ns)
{
    if (cell_get(&console->stop) == 0) {
        return false;
    }
    if (console->goodbye_ns == 0) {
        console->desk.ending = true;
        console->goodbye_ns = now_ns + GOODBYE_NS;
        return false;
    }
    const struct calls *calls = http_calls(console->http);
    bool busy = false;
    for (size_t i = 0; i < calls->used; i++) {
        busy |= calls->items[i].phase >= CALL_HEAD && calls->items[i].phase != CALL_CUT;
    }
    return !busy || now_ns >= console->goodbye_ns;
}

static int console_work(void *self, int64_t now_ns)
{
    struct console *console = self;
    console->desk.now_ns = now_ns;
    int work = take_answers(console); /* those of a run that ends too */
    work += follow(console) + wake(console);
    work += http_work(console->http, now_ns);
    if (console->desk.source != NULL && console->desk.source->counts.requests != NULL) {
        publish(console);
    }
    return has_said_goodbye(console, now_ns) ? AGENT_FINISHED : work;
}

static int64_t console_due(void *self)
{
    struct console *console = self;
    int64_t due_ns = http_due(console->http, console->desk.now_ns);
    const struct calls *calls = http_calls(console->http);
    for (size_t i = 0; i < calls->used; i++) {
        const struct http_call *call = &calls->items[i];
        if (call->phase == CALL_THINKING && call->act_due_ns < due_ns) {
            due_ns = call->act_due_ns;
        } else if (call->phase == CALL_RESTING && call->reply.at.stream.beat_ns < due_ns) {
            due_ns = call->reply.at.stream.beat_ns;
        }
    }
    return due_ns;
}

static int console_fd(void *self)
{
    const struct console *console = self;
    return http_fd(console->http);
}

/* ---- main's side ------------------------------------------------------------------------------------------------- */

static enum err_code open_http(struct console *console, const char *host, uint16_t port, struct err *err)
{
    const struct http_handler handler = {.self = &console->desk, .take = desk_take, .more = desk_more};
    int listening = -1;
    enum err_code code = http_listen(host, port, &listening, &console->port, err);
    if (code == ERR_NONE) {
        code = http_new(listening, &handler, &console->http, err);
        if (code != ERR_NONE) {
            (void)close(listening);
        }
    }
    return code;
}

enum err_code console_new(const char *host, uint16_t port, struct console **ret_console, struct err *err)
{
    struct console *console = memory_new(1, sizeof *console);
    console->host = memory_strdup(host);
    console->desk.host = console->host;
    console->desk.streams_most = DESK_STREAMS;
    enum err_code code = doorbell_open(&console->bell, err);
    code = code == ERR_NONE ? doorbell_open(&console->changed_bell, err) : code;
    code = code == ERR_NONE ? open_http(console, host, port, err) : code;
    if (code == ERR_NONE) {
        const struct agent agent = {
            .name = "http", .self = console, .do_work = console_work, .next_due = console_due, .wait_fd = console_fd};
        code = runner_start("http", &agent, 1, console->bell, &console->runner, err);
    }
    if (code != ERR_NONE) {
        console_free(console);
        return code;
    }
    char subject[32];
    (void)snprintf(subject, sizeof subject, "port %u", (unsigned)console->port); /* a new address is no repeat */
    log_event(LOG_INFO, "console", "CON-001", subject, "host=%s port=%u serving", host, (unsigned)console->port);
    if (!guard_is_loopback(host)) {
        log_event(LOG_WARN, "console", "CON-003", subject, "host=%s who reaches this address may look and act", host);
    }
    *ret_console = console;
    return ERR_NONE;
}

void console_free(struct console *console)
{
    if (console == NULL) {
        return;
    }
    cell_set(&console->stop, 1);
    if (console->bell != NULL) {
        doorbell_ring(console->bell);
    }
    runner_join(console->runner);
    http_free(console->http);
    doorbell_free(console->bell);
    doorbell_free(console->changed_bell);
    free(console->host);
    free(console);
}

uint16_t console_port(const struct console *console)
{
    return console->port;
}

/* Waits until the thread looks at this view (NULL: at none), and no longer at the one before. */
static void change_to(struct console *console, struct view *view)
{
    cell_set(&console->wanted, (uint64_t)(uintptr_t)view);
    doorbell_ring(console->bell);
    while (view_of(&console->shown) != view) {
        struct pollfd changed = {.fd = doorbell_fd(console->changed_bell), .events = POLLIN};
        doorbell_park(console->changed_bell);
        if (view_of(&console->shown) != view) {
            (void)poll(&changed, 1, CHANGE_LOOK_MS); /* whatever it says, the cell is looked at */
        }
        doorbell_unpark(console->changed_bell);
    }
}

void console_show(struct console *console, const struct console_source *source)
{
    struct view *view = memory_new(1, sizeof *view);
    view->source = *source;
    view->index = metrics_index_new(source->site, source->counters);
    cell_set(&console->holding, 0);
    change_to(console, view);
}

void console_hold(struct console *console)
{
    cell_set(&console->holding, 1);
    doorbell_ring(console->bell);
}

void console_leave(struct console *console)
{
    struct view *view = view_of(&console->wanted);
    if (view != NULL) {
        change_to(console, NULL);
        cell_set(&console->holding, 0);
        metrics_index_free(view->index);
        free(view);
    }
}

struct doorbell *console_bell(const struct console *console)
{
    return console->bell;
}
