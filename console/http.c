/* http: see http.h. */
#include "console/http.h"

#include "base/memory.h"
#include "console/calls.h"
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    POOL_BYTES = 64 * 1024, /* the library's memory for a connection; headers larger than that it refuses by itself */
    BLOCK_BYTES = 16 * 1024,
    GONE_AFTER_MS = 30000, /* a peer that does not acknowledge for so long is gone */
};

struct http {
    struct http_handler handler;
    struct MHD_Daemon *daemon;
    int epoll;
    int64_t now_ns;  /* of this round */
    int64_t look_ns; /* when to look for streams whose clients have gone */
    int done;        /* in this round */
    struct http_counts counts;
    struct calls calls;
    size_t clients; /* let in at most */
};

/* ---- connections ------------------------------------------------------------------------------------------------- */

static struct MHD_Connection *connection_of(const struct http_call *call)
{
    return call->connection;
}

static struct http_call *call_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

static int descriptor_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

static void suspend(struct http_call *call)
{
    MHD_suspend_connection(connection_of(call));
    call->suspended = true;
}

void http_wake(struct http *http, struct http_call *call)
{
    (void)http;
    if (call->suspended) {
        call->suspended = false;
        MHD_resume_connection(connection_of(call));
    }
}

/* The library sees the end of the connection and gives it back. */
static void cut(struct http *http, struct http_call *call)
{
    (void)shutdown(descriptor_of(connection_of(call)), SHUT_RDWR);
    http_wake(http, call);
    call_set(call, CALL_CUT, http->now_ns, 0);
    http->done++;
}

/* Makes room for one more. */
static void receive(struct http *http, struct http_call *call)
{
    if (calls_count(&http->calls) >= http->clients) {
        struct http_call *longest = calls_longest_owing(&http->calls);
        call->surplus = longest == NULL;
        if (longest != NULL) {
            http->counts.shed++;
            cut(http, longest);
        }
    }
    call_set(call, CALL_IDLE, http->now_ns, HTTP_HEAD_NS);
}

static void on_connection(void *self, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct http *http = self;
    http->done++;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        struct http_call *call = *context;
        if (call != NULL) {
            calls_free(&http->calls, call);
        }
        return;
    }
    struct http_call *call = calls_free_one(&http->calls);
    *context = call; /* there is always one: the library lets no more in */
    if (call != NULL) {
        const unsigned patience_ms = GONE_AFTER_MS;
        *call = (struct http_call){.home = http, .connection = connection};
        (void)setsockopt(descriptor_of(connection), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof patience_ms);
        receive(http, call);
    }
}

static void on_completed(void *self, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode why)
{
    (void)request;
    (void)why;
    struct http *http = self;
    struct http_call *call = call_of(connection);
    http->done++;
    if (call != NULL) {
        if (call->phase != CALL_CUT) {
            call_set(call, CALL_IDLE, http->now_ns, HTTP_IDLE_NS);
        }
        call_clear(call);
    }
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

/* Called with the request line as it was sent, before anything else of a request. */
static void *on_target(void *self, const char *target, struct MHD_Connection *connection)
{
    struct http *http = self;
    struct http_call *call = call_of(connection);
    if (call != NULL) {
        const size_t len = strlen(target);
        call->request.target_too_long = len > TARGET_MAX;
        buf_add(&call->target_text, target, len > TARGET_MAX ? TARGET_MAX : len);
        call->request.target = call->target_text.data;
        call->request.target_len = call->target_text.len;
        call_set(call, CALL_HEAD, http->now_ns, HTTP_HEAD_NS);
        http->done++;
    }
    return call;
}

static enum MHD_Result add_header_bytes(void *self, enum MHD_ValueKind kind, const char *key, const char *value)
{
    (void)kind;
    *(size_t *)self += strlen(key) + (value == NULL ? 0 : strlen(value));
    return MHD_YES;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void read_head(struct http_call *call, struct MHD_Connection *connection, const char *method)
{
    struct http_request *request = &call->request;
    const char *announced = header(connection, "Content-Length");
    request->method = method;
    request->headers = (struct guard_headers){
        .host = header(connection, "Host"),
        .origin = header(connection, "Origin"),
        .fetch_site = header(connection, "Sec-Fetch-Site"),
        .content_type = header(connection, "Content-Type"),
    };
    request->last_event_id = header(connection, "Last-Event-ID");
    request->body_announced = announced == NULL ? 0 : strtoull(announced, NULL, 10);
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header_bytes, &request->head_bytes);
}

static void read_body(struct http_call *call, const char *bytes, size_t len)
{
    call->request.body_too_large |= call->body_text.len + len > HTTP_BODY_MAX;
    if (!call->request.body_too_large) {
        buf_add(&call->body_text, bytes, len);
    }
}

static void end_body(struct http_call *call)
{
    buf_text(&call->body_text, "");
    call->request.body = call->body_text.data;
    call->request.body_len = call->body_text.len;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* Copies what is left of the piece; each time the client has taken what it had. */
static ssize_t give(struct http *http, struct http_call *call, char *room, size_t size)
{
    const size_t left = call->reply.out.len - call->out_pos;
    const size_t n = left < size ? left : size;
    memcpy(room, call->reply.out.data + call->out_pos, n);
    call->out_pos += n;
    call_set(call, CALL_SENDING, http->now_ns, HTTP_TAKE_NS);
    return (ssize_t)n;
}

static ssize_t on_room(void *self, uint64_t pos, char *room, size_t size)
{
    (void)pos;
    struct http_call *call = self;
    struct http *http = call->home;
    http->done++;
    if (call->phase == CALL_CUT) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (call->out_pos < call->reply.out.len) {
        return give(http, call, room, size);
    }
    enum reply_next next = REPLY_END;
    buf_clear(&call->reply.out);
    call->out_pos = 0;
    if (!call->ended) {
        next = http->handler.more(http->handler.self, call);
    }
    if (next == REPLY_BROKEN) {
        http->counts.broken++;
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    call->ended = next == REPLY_END;
    if (call->reply.out.len > 0) {
        return give(http, call, room, size);
    }
    if (call->ended) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    suspend(call);
    call_set(call, CALL_RESTING, http->now_ns, 0);
    return 0;
}

static struct MHD_Response *make_response(struct http_call *call)
{
    struct reply *reply = &call->reply;
    if (reply->more != NULL) {
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_room, call, NULL);
    }
    return MHD_create_response_from_buffer(reply->out.len, reply->out.data, MHD_RESPMEM_MUST_COPY);
}

static void add_headers(struct MHD_Response *response, const struct reply *reply)
{
    char seconds[16];
    (void)MHD_add_response_header(response, "Content-Type", reply->type); /* each only fails for lack of memory */
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    (void)MHD_add_response_header(response, "Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'");
    if (reply->allow != NULL) {
        (void)MHD_add_response_header(response, "Allow", reply->allow);
    }
    if (reply->retry_s > 0) {
        (void)snprintf(seconds, sizeof seconds, "%u", reply->retry_s);
        (void)MHD_add_response_header(response, "Retry-After", seconds);
    }
}

static enum MHD_Result send_answer(struct http *http, struct http_call *call)
{
    struct MHD_Response *response = make_response(call);
    if (response == NULL) {
        return MHD_NO;
    }
    add_headers(response, &call->reply);
    http->counts.requests++;
    http->counts.refused += call->reply.status >= 400 && call->reply.status < 500;
    http->counts.failed += call->reply.status >= 500;
    call_set(call, CALL_SENDING, http->now_ns, HTTP_TAKE_NS);
    const enum MHD_Result result = MHD_queue_response(connection_of(call), call->reply.status, response);
    MHD_destroy_response(response); /* the connection has it now */
    return result;
}

static enum MHD_Result carry_on(struct http *http, struct http_call *call, enum http_say say)
{
    switch (say) {
    case HTTP_READ_ON:
        break;
    case HTTP_WAIT:
        suspend(call);
        call_set(call, CALL_THINKING, http->now_ns, 0);
        break;
    case HTTP_REPLY:
        return send_answer(http, call);
    }
    return MHD_YES;
}

static enum MHD_Result on_head(struct http *http, struct http_call *call, const char *method)
{
    read_head(call, connection_of(call), method);
    call_set(call, CALL_BODY, http->now_ns, HTTP_BODY_NS);
    if (call->surplus) {
        http->counts.surplus++;
        reply_later(&call->reply, "too many clients are being answered; try again in a moment");
        return send_answer(http, call);
    }
    return carry_on(http, call, http->handler.take(http->handler.self, call, false));
}

static enum MHD_Result on_request(void *self, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *bytes, size_t *len, void **request)
{
    (void)url; /* decoded already: not to be split any more */
    (void)version;
    (void)request;
    struct http *http = self;
    struct http_call *call = call_of(connection);
    if (call == NULL) {
        return MHD_NO;
    }
    http->done++;
    if (call->phase == CALL_HEAD) {
        return on_head(http, call, method);
    }
    if (*len > 0) {
        read_body(call, bytes, *len);
        *len = 0;
        return MHD_YES;
    }
    if (call->phase == CALL_BODY) {
        end_body(call);
    }
    return carry_on(http, call, http->handler.take(http->handler.self, call, true));
}

/* ---- the server -------------------------------------------------------------------------------------------------- */

/* Leaves percent signs alone. */
static size_t leave_encoded(void *self, struct MHD_Connection *connection, char *text)
{
    (void)self;
    (void)connection;
    return strlen(text);
}

enum err_code http_new(int listening, const struct http_handler *handler, struct http **ret_http, struct err *err)
{
    struct http *http = memory_new(1, sizeof *http);
    http->handler = *handler;
    http->clients = HTTP_CLIENTS;
    http->calls.items = memory_new(HTTP_CALLS, sizeof *http->calls.items);
    http->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http,
                                    MHD_OPTION_LISTEN_SOCKET, (MHD_socket)listening, MHD_OPTION_CONNECTION_LIMIT,
                                    (unsigned)HTTP_CALLS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
                                    MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_NOTIFY_COMPLETED,
                                    on_completed, http, MHD_OPTION_URI_LOG_CALLBACK, on_target, http,
                                    MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        http->daemon == NULL ? NULL : MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL) {
        http_free(http);
        return err_set(err, ERR_ENV, "http: the server cannot be started; are there descriptors left?");
    }
    http->epoll = info->epoll_fd;
    *ret_http = http;
    return ERR_NONE;
}

void http_free(struct http *http)
{
    if (http == NULL) {
        return;
    }
    for (size_t i = 0; i < http->calls.used; i++) {
        http_wake(http, &http->calls.items[i]);
    }
    if (http->daemon != NULL) {
        MHD_stop_daemon(http->daemon);
    }
    for (size_t i = 0; i < http->calls.used; i++) {
        call_clear(&http->calls.items[i]);
    }
    free(http->calls.items);
    free(http);
}

/* Cuts off connections whose clients have gone unseen: streams at rest, and idle ones that were suspended before. */
static void cut_gone(struct http *http)
{
    struct pollfd fds[HTTP_CALLS];
    http->look_ns = http->now_ns + NS_PER_S;
    for (size_t i = 0; i < http->calls.used; i++) {
        const struct http_call *call = &http->calls.items[i];
        const bool unseen = call->phase == CALL_RESTING || call->phase == CALL_IDLE;
        fds[i] = (struct pollfd){.fd = unseen ? descriptor_of(connection_of(call)) : -1, .events = POLLRDHUP};
    }
    const int gone = poll(fds, http->calls.used, 0);
    for (size_t i = 0; gone > 0 && i < http->calls.used; i++) {
        if (fds[i].revents != 0) {
            cut(http, &http->calls.items[i]);
        }
    }
}

int http_work(struct http *http, int64_t now_ns)
{
    http->now_ns = now_ns;
    http->done = 0;
    struct http_call *late;
    while ((late = calls_overdue(&http->calls, now_ns)) != NULL) {
        http->counts.timeouts += late->phase != CALL_IDLE; /* an idle connection is not slow, only not needed */
        cut(http, late);
    }
    if (now_ns >= http->look_ns) {
        cut_gone(http);
    }
    (void)MHD_run(http->daemon);
    return http->done;
}

int64_t http_due(struct http *http, int64_t now_ns)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    const int64_t due_ns = calls_due(&http->calls);
    if (MHD_get_timeout(http->daemon, &wait_ms) != MHD_YES) {
        return due_ns;
    }
    const int64_t wait_ns = wait_ms > 1000 ? NS_PER_S : (int64_t)wait_ms * NS_PER_MS;
    return now_ns + wait_ns < due_ns ? now_ns + wait_ns : due_ns;
}

int http_fd(const struct http *http)
{
    return http->epoll;
}

struct calls *http_calls(struct http *http)
{
    return &http->calls;
}

void http_set_clients(struct http *http, size_t most)
{
    http->clients = most;
}

const struct http_counts *http_count(struct http *http)
{
    http->counts.connections = calls_count(&http->calls);
    http->counts.streams = 0;
    for (size_t i = 0; i < http->calls.used; i++) {
        http->counts.streams += http->calls.items[i].reply.lasting;
    }
    return &http->counts;
}
