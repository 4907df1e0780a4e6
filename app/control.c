/* control: see control.h; the client's side is control_ask.c. */
#include "app/control.h"

#include "app/control_import.h"
#include "app/control_socket.h"
#include "app/keeper.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/doorbell.h"
#include "model/alarm.h"
#include "model/queues.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* IMPORTING: sends lines of history; KEEPING: has sent all, and waits until they are committed. */
enum client_state { CLIENT_FREE, CLIENT_READING, CLIENT_WAITING, CLIENT_IMPORTING, CLIENT_KEEPING, CLIENT_WRITING };

struct client {
    enum client_state state;
    int fd;
    int64_t deadline_ns;
    uint64_t ticket;      /* WAITING: of its act */
    struct import import; /* IMPORTING, KEEPING */
    bool stalled;         /* IMPORTING: the writer's ring is full */
    size_t in_len;
    char in[CONTROL_REQUEST_MAX];
    struct buf out;
    size_t out_pos;
};

struct control {
    struct control_config config;
    struct control_socket socket;
    int epoll;
    bool listening; /* false while every client slot is taken: who comes then waits in the socket's queue */
    uint64_t next_ticket;
    struct import_way import_way;
    int64_t now_ns; /* of this cycle */
    struct client clients[CONTROL_CLIENTS];
};

enum err_code control_new(const struct control_config *config, struct control **ret_control, struct err *err)
{
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    control->config = *config;
    control->import_way = (struct import_way){
        .site = config->site, .history = config->history, .bell = config->history_bell, .kept = config->history_kept};
    control->socket = (struct control_socket){.fd = -1, .folder = -1};
    control->epoll = epoll_create1(EPOLL_CLOEXEC);
    enum err_code code = ERR_NONE;
    if (control->epoll < 0) {
        code = err_set(err, ERR_ENV, "epoll: %s", strerror(errno));
    } else {
        code = control_socket_listen(config->store_path, &control->socket, err);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    control->listening = true;
    if (code == ERR_NONE && epoll_ctl(control->epoll, EPOLL_CTL_ADD, control->socket.fd, &event) != 0) {
        code = err_set(err, ERR_ENV, "epoll: %s", strerror(errno));
    }
    if (code != ERR_NONE) {
        control_free(control);
        return code;
    }
    *ret_control = control;
    return ERR_NONE;
}

static void client_close(struct client *client)
{
    (void)close(client->fd); /* leaves the epoll set by itself */
    buf_done(&client->out);
    client->out = (struct buf){0};
    client->state = CLIENT_FREE;
}

void control_free(struct control *control)
{
    if (control == NULL) {
        return;
    }
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        if (control->clients[i].state != CLIENT_FREE) {
            client_close(&control->clients[i]);
        }
    }
    control_socket_close(&control->socket);
    if (control->epoll >= 0) {
        (void)close(control->epoll);
    }
    free(control);
}

/* ---- answers ---- */

static void client_write(struct client *client)
{
    while (client->out_pos < client->out.len) {
        ssize_t n = send(client->fd, client->out.data + client->out_pos, client->out.len - client->out_pos,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return; /* epoll tells when there is room */
        }
        if (n <= 0) {
            client_close(client);
            return;
        }
        client->out_pos += (size_t)n;
    }
    client_close(client);
}

/* From here on the client only gets what stands in its `out`. */
static void client_answer(struct control *control, struct client *client)
{
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};
    (void)epoll_ctl(control->epoll, EPOLL_CTL_MOD, client->fd, &event);
    client->state = CLIENT_WRITING;
    client->deadline_ns = control->now_ns + CONTROL_CLIENT_NS;
    client->out_pos = 0;
    client_write(client);
}

static void answer_error(struct control *control, struct client *client, const char *text)
{
    buf_text(&client->out, "{\"ok\":false,\"error\":");
    buf_json_string(&client->out, text);
    buf_text(&client->out, "}\n");
    client_answer(control, client);
}

/* Points that their devices refuse. */
static void print_exceptions(const struct control *control, struct client *client)
{
    const struct site *site = control->config.site;
    for (size_t i = 0; control->config.exceptions != NULL && i < site->point_count; i++) {
        const uint64_t code = cell_get(&control->config.exceptions[i]);
        if (code != 0) {
            char name[600];
            (void)snprintf(name, sizeof name, "exception.%s", site->points[i].id);
            buf_text(&client->out, "{\"name\":");
            buf_json_string(&client->out, name);
            buf_printf(&client->out, ",\"value\":%llu,\"unit\":\"\",\"help\":", (unsigned long long)code);
            buf_json_string(&client->out, "code of the Modbus exception by which its device refuses the point");
            buf_text(&client->out, "}\n");
        }
    }
}

static void answer_stat(struct control *control, struct client *client)
{
    for (size_t i = 0; i < counters_count(control->config.counters); i++) {
        const struct counter *counter = counters_at(control->config.counters, i);
        buf_text(&client->out, "{\"name\":");
        buf_json_string(&client->out, counter_name(counter));
        buf_printf(&client->out, ",\"value\":%llu,\"unit\":", (unsigned long long)counter_get(counter));
        buf_json_string(&client->out, counter_unit(counter));
        buf_text(&client->out, ",\"help\":");
        buf_json_string(&client->out, counter_help(counter));
        buf_text(&client->out, "}\n");
    }
    print_exceptions(control, client);
    client_answer(control, client);
}

/* ---- requests ---- */

static bool take_text(const json_t *object, const char *key, char *room, size_t size)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        return true;
    }
    const char *text = json_string_value(value);
    if (text == NULL || strlen(text) >= size) {
        return false;
    }
    memcpy(room, text, strlen(text) + 1);
    return true;
}

/* A whole number from 0 to most, at first 0; false for anything else that stands there. */
static bool take_whole(const json_t *object, const char *key, int64_t most, int64_t *number)
{
    const json_t *value = json_object_get(object, key);
    const json_int_t there = json_integer_value(value);
    if (value != NULL && (!json_is_integer(value) || there < 0 || there > most)) {
        return false;
    }
    *number = there;
    return true;
}

/* Reads the numbers of an act; on failure gives the reason. */
static const char *read_numbers(const json_t *object, struct act *act)
{
    const int64_t most_ms = INT64_MAX / NS_PER_MS;
    int64_t occurrence = 0, for_ms = 0, until_ms = 0;
    if (!take_whole(object, "occurrence", UINT32_MAX, &occurrence)) {
        return "the occurrence is a whole number, from 1";
    }
    if (!take_whole(object, "for_ms", most_ms, &for_ms) || !take_whole(object, "until_ms", most_ms, &until_ms)) {
        return "the end is not a time that can be counted";
    }
    act->occurrence = (uint32_t)occurrence;
    act->for_ns = for_ms * NS_PER_MS;
    act->until_ns = until_ms * NS_PER_MS;
    return NULL;
}

/* Reads an act; on failure gives the reason. */
static const char *read_act(const struct site *site, const json_t *object, struct act *act)
{
    const char *kind = json_string_value(json_object_get(object, "do"));
    enum act_kind act_kind;
    if (kind == NULL || !act_parse(kind, strlen(kind), &act_kind)) {
        return "\"do\" is not an act";
    }
    act->kind = (uint8_t)act_kind;
    const char *alarm = json_string_value(json_object_get(object, "alarm"));
    act->alarm = alarm == NULL ? SITE_NONE : site_alarm(site, alarm, strlen(alarm));
    if (act->alarm == SITE_NONE) {
        return "there is no such alarm in the site; an alarm is named <rule>:<point>, \"davy alarms SITE\" lists them";
    }
    if (!take_text(object, "by", act->by, sizeof act->by) ||
        !take_text(object, "comment", act->comment, sizeof act->comment) ||
        !take_text(object, "cause", act->cause, sizeof act->cause) ||
        !take_text(object, "measure", act->measure, sizeof act->measure)) {
        return "a text is too long; names have up to 127 bytes, other texts up to 1023";
    }
    if (act->by[0] == '\0') {
        return "who acts is missing (--by NAME)";
    }
    if (act->kind == ACT_SHELVE && act->comment[0] == '\0') {
        return "a shelf needs its reason (--comment TEXT)";
    }
    const char *level = json_string_value(json_object_get(object, "level"));
    enum level seen = LEVEL_NONE;
    if (level != NULL && !level_parse(level, strlen(level), &seen)) {
        return "the level is not known; levels are blue, yellow, orange, red";
    }
    act->level = (uint8_t)seen;
    return read_numbers(object, act);
}

static void take_act(struct control *control, struct client *client, const json_t *object)
{
    struct act act = {.ticket = ++control->next_ticket, .time_ns = control->now_ns};
    const char *fault = read_act(control->config.site, object, &act);
    if (fault != NULL) {
        answer_error(control, client, fault);
        return;
    }
    if (!ring_push(control->config.commands, &act)) {
        answer_error(control, client, "too many acts wait already; try again in a moment");
        return;
    }
    doorbell_ring(control->config.command_bell);
    struct epoll_event event = {.events = 0,
                                .data.ptr = client}; /* only a hang-up interests until the answer is here */
    (void)epoll_ctl(control->epoll, EPOLL_CTL_MOD, client->fd, &event);
    client->ticket = act.ticket;
    client->state = CLIENT_WAITING;
    client->deadline_ns = control->now_ns + CONTROL_ACT_NS;
}

/* ---- backups ---- */

static void take_backup(struct control *control, struct client *client, const json_t *object)
{
    struct keeper_job job = {.ticket = control->next_ticket + 1};
    if (!take_text(object, "dir", job.dir, sizeof job.dir) || job.dir[0] != '/') {
        answer_error(control, client, "the folder of a backup is missing, or its path is too long");
        return;
    }
    if (control->config.jobs == NULL || !ring_push(control->config.jobs, &job)) {
        answer_error(control, client, "other backups wait already; try again when they are done");
        return;
    }
    control->next_ticket++;
    doorbell_ring(control->config.job_bell);
    struct epoll_event event = {.events = 0, .data.ptr = client}; /* only a hang-up interests until it is done */
    (void)epoll_ctl(control->epoll, EPOLL_CTL_MOD, client->fd, &event);
    client->ticket = job.ticket;
    client->deadline_ns = control->now_ns + CONTROL_JOB_NS;
    client->state = CLIENT_WAITING;
}

/* ---- imports ---- */

static void wait_for(struct control *control, struct client *client, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    (void)epoll_ctl(control->epoll, EPOLL_CTL_MOD, client->fd, &event);
}

/* Takes what of an import is in the client's buffer. */
static void import_on(struct control *control, struct client *client)
{
    size_t used = 0;
    enum import_state state = import_take(&control->import_way, &client->import, client->in, client->in_len, &used);
    memmove(client->in, client->in + used, client->in_len - used);
    client->in_len -= used;
    if (used > 0) {
        client->deadline_ns = control->now_ns + IMPORT_PATIENCE_NS;
    }
    if (state == IMPORT_NONSENSE || (state == IMPORT_MORE && client->in_len == sizeof client->in)) {
        answer_error(control, client, "a line of the import makes no sense; davy of another version?");
        return;
    }
    bool stalled = state == IMPORT_FULL;
    if (state == IMPORT_ENDED) {
        client->state = CLIENT_KEEPING;
        wait_for(control, client, 0);
    } else if (stalled != client->stalled) {
        wait_for(control, client, stalled ? 0 : EPOLLIN);
    }
    client->stalled = stalled;
}

static void begin_import(struct control *control, struct client *client, size_t request_len)
{
    if (control->config.history == NULL) {
        answer_error(control, client, "nothing can be imported here");
        return;
    }
    memmove(client->in, client->in + request_len, client->in_len - request_len);
    client->in_len -= request_len;
    client->state = CLIENT_IMPORTING;
    client->import = (struct import){0};
    client->stalled = false;
    client->deadline_ns = control->now_ns + IMPORT_PATIENCE_NS;
    import_on(control, client);
}

/* Goes on with imports for which the writer made room, and answers those that are kept. */
static int carry_imports(struct control *control)
{
    int work = 0;
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct client *client = &control->clients[i];
        if (client->state == CLIENT_IMPORTING && client->stalled && ring_room(control->config.history) > 0) {
            import_on(control, client);
            work++;
        }
        if (client->state == CLIENT_KEEPING && import_is_kept(&control->import_way, &client->import)) {
            buf_printf(&client->out, "{\"ok\":true,\"kept\":%llu,\"unknown\":%llu}\n",
                       (unsigned long long)client->import.taken, (unsigned long long)client->import.unknown);
            client_answer(control, client);
            work++;
        }
    }
    return work;
}

/* ---- what was asked ---- */

static void take_request(struct control *control, struct client *client, size_t len)
{
    json_error_t where;
    json_t *object = json_loadb(client->in, len, JSON_REJECT_DUPLICATES, &where);
    const char *what = json_string_value(json_object_get(object, "do"));
    if (what == NULL) {
        answer_error(control, client, "the request is not a JSON object with \"do\"");
    } else if (strcmp(what, "stat") == 0) {
        answer_stat(control, client);
    } else if (strcmp(what, "backup") == 0) {
        take_backup(control, client, object);
    } else if (strcmp(what, "import") == 0) {
        begin_import(control, client, len + 1);
    } else {
        take_act(control, client, object);
    }
    json_decref(object);
}

static void client_read(struct control *control, struct client *client)
{
    ssize_t n = recv(client->fd, client->in + client->in_len, sizeof client->in - client->in_len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        client_close(client);
        return;
    }
    client->in_len += (size_t)n;
    if (client->state == CLIENT_IMPORTING) {
        import_on(control, client);
        return;
    }
    const char *end = memchr(client->in, '\n', client->in_len);
    if (end != NULL) {
        take_request(control, client, (size_t)(end - client->in));
    } else if (client->in_len == sizeof client->in) {
        answer_error(control, client, "the request is too long");
    }
}

/* ---- the agent ---- */

static void listen_again(struct control *control, bool listening)
{
    if (control->listening != listening) {
        struct epoll_event event = {.events = listening ? EPOLLIN : 0, .data.ptr = NULL};
        (void)epoll_ctl(control->epoll, EPOLL_CTL_MOD, control->socket.fd, &event);
        control->listening = listening;
    }
}

static void accept_clients(struct control *control)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct client *client = &control->clients[i];
        if (client->state != CLIENT_FREE) {
            continue;
        }
        int fd = accept4(control->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            return;
        }
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
        if (epoll_ctl(control->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
            (void)close(fd);
            return;
        }
        client->state = CLIENT_READING;
        client->fd = fd;
        client->in_len = 0;
        client->deadline_ns = control->now_ns + CONTROL_CLIENT_NS;
    }
    listen_again(control, false);
}

static void give_answer(struct control *control, struct client *client, const struct answer *answer)
{
    if (answer->code == ERR_NONE) {
        buf_printf(&client->out, "{\"ok\":true,\"seq\":%llu}\n", (unsigned long long)answer->seq);
    } else {
        buf_text(&client->out, "{\"ok\":false,\"error\":");
        buf_json_string(&client->out, answer->text);
        buf_printf(&client->out, ",\"code\":%d}\n", (int)answer->code);
    }
    client_answer(control, client);
}

/* Of the manager, and of the keeper. */
static int take_answers(struct control *control, struct ring *answers)
{
    int work = 0;
    size_t n = 0;
    const struct answer *answer = NULL;
    while (answers != NULL && (answer = ring_peek(answers, &n)) != NULL) {
        for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
            struct client *client = &control->clients[i];
            if (client->state == CLIENT_WAITING && client->ticket == answer->ticket) {
                give_answer(control, client, answer);
            }
        }
        ring_release(answers, 1);
        work++;
    }
    return work;
}

static int take_events(struct control *control)
{
    struct epoll_event events[CONTROL_CLIENTS + 1];
    int n = epoll_wait(control->epoll, events, CONTROL_CLIENTS + 1, 0);
    for (int i = 0; i < n; i++) {
        struct client *client = events[i].data.ptr;
        if (client == NULL) {
            accept_clients(control);
        } else if (client->state == CLIENT_READING || (client->state == CLIENT_IMPORTING && !client->stalled)) {
            client_read(control, client);
        } else if (client->state == CLIENT_WRITING) {
            client_write(client);
        } else if (client->state != CLIENT_FREE && (events[i].events & (EPOLLHUP | EPOLLERR)) != 0) {
            client_close(client); /* its act, what it sent, goes on; nobody waits for the answer */
        }
    }
    return n > 0 ? n : 0;
}

static void drop_slow(struct control *control)
{
    bool room = false;
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        struct client *client = &control->clients[i];
        if (client->state != CLIENT_FREE && client->deadline_ns <= control->now_ns) {
            client_close(client);
        }
        room = room || client->state == CLIENT_FREE;
    }
    if (room) {
        listen_again(control, true);
    }
}

static int control_do_work(void *self, int64_t now_ns)
{
    struct control *control = self;
    control->now_ns = now_ns;
    int work = take_answers(control, control->config.answers) + take_answers(control, control->config.jobs_done) +
               carry_imports(control) + take_events(control);
    drop_slow(control);
    if (work == 0 && cell_get(control->config.stop) != 0) {
        return AGENT_FINISHED;
    }
    return work;
}

static int64_t control_next_due(void *self)
{
    const struct control *control = self;
    int64_t due_ns = TIME_NEVER;
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        const struct client *client = &control->clients[i];
        if (client->state != CLIENT_FREE && client->deadline_ns < due_ns) {
            due_ns = client->deadline_ns;
        }
    }
    return due_ns;
}

static int control_wait_fd(void *self)
{
    const struct control *control = self;
    return control->epoll;
}

struct agent control_agent(struct control *control)
{
    return (struct agent){
        .name = "control",
        .self = control,
        .do_work = control_do_work,
        .next_due = control_next_due,
        .wait_fd = control_wait_fd,
    };
}
