/*
 * http: connections and requests, on libmicrohttpd; the only file that knows it.
 *
 * The library reads and writes; what is answered says a handler.  One thread
 * does all of it, by http_work: no socket blocks, a client is never waited for,
 * and what it has not taken stays where it came from.
 *
 * Bounds.  At most so many connections as the site says: who comes to a full house is let in
 * at the cost of the one that has been owing a whole request for longest; when
 * all are being answered it is told to come again.  A request is to be whole
 * within HTTP_HEAD_NS and HTTP_BODY_NS, however its bytes drip; a connection
 * may be idle for HTTP_IDLE_NS; each piece of an answer is to be taken within
 * HTTP_TAKE_NS.  Who is slower is cut off.
 *
 * Known of libmicrohttpd 0.9.75: it undoes percent-encoding before anybody can
 * split a path (so the target is taken from its log callback, as it was sent);
 * a content reader that has nothing must suspend the connection or it is asked
 * without end, and is then out of the library's sight, sometimes for good, so
 * that the client's end is looked for here too, once a second; suspended ones must
 * be resumed before the daemon stops;
 * a request line or headers larger than its memory for a connection it answers
 * by itself, in HTML.
 */
#ifndef DAVY_CONSOLE_HTTP_H
#define DAVY_CONSOLE_HTTP_H

#include "base/clock.h"
#include "base/err.h"
#include "console/guard.h"
#include "console/reply.h"
#include "console/route.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    HTTP_CLIENTS = 64,                   /* at most, where nothing else is said */
    HTTP_CLIENTS_MOST = 1024,            /* that can be said */
    HTTP_CALLS = HTTP_CLIENTS_MOST + 16, /* while those cut off are not gone yet */
    HTTP_HEAD_MAX = 16 * 1024,           /* bytes of headers */
    HTTP_BODY_MAX = 64 * 1024,
};
#define HTTP_HEAD_NS (10 * NS_PER_S)
#define HTTP_BODY_NS (10 * NS_PER_S)
#define HTTP_IDLE_NS (30 * NS_PER_S)
#define HTTP_TAKE_NS (30 * NS_PER_S)

struct http;
struct calls;

struct http_request {
    const char *method;
    char *target; /* as it was sent, ended by NUL */
    size_t target_len;
    bool target_too_long;
    struct guard_headers headers;
    const char *last_event_id; /* NULL: not sent */
    uint64_t body_announced;   /* Content-Length */
    size_t head_bytes;         /* of names and values */
    char *body;                /* ended by NUL */
    size_t body_len;
    bool body_too_large; /* and thrown away */
};

/* IDLE: no request; HEAD, BODY: it comes; THINKING: the handler waits; SENDING; RESTING: a stream without news; CUT. */
enum http_phase { CALL_FREE, CALL_IDLE, CALL_HEAD, CALL_BODY, CALL_THINKING, CALL_SENDING, CALL_RESTING, CALL_CUT };

/* A connection, and the request on it. */
struct http_call {
    struct http_request request;
    struct reply reply;

    /* the handler's, zero at the beginning of each request */
    struct target target;
    struct route route;
    uint64_t turn;      /* the run it is answered from */
    uint64_t ticket;    /* of its act; 0: none is under way */
    int64_t act_due_ns; /* when to wait for the act no longer */
    bool acted;         /* the answer is there */

    /* http's */
    struct http *home;
    enum http_phase phase;
    void *connection;
    int64_t since_ns, deadline_ns;
    size_t out_pos;
    bool suspended, ended, surplus;
    struct buf target_text, body_text;
};

enum http_say { HTTP_READ_ON, HTTP_REPLY, HTTP_WAIT };

struct http_handler {
    void *self;
    /* The head is there (READ_ON, or ANSWER what needs no body), the request is whole, or http_wake was called. */
    enum http_say (*take)(void *self, struct http_call *call, bool whole);
    /* The next piece of call->reply. */
    enum reply_next (*more)(void *self, struct http_call *call);
};

/* Since the start; the two first at this moment. */
struct http_counts {
    uint64_t connections, streams;
    uint64_t requests, refused, failed; /* refused: answered 4xx, failed: 5xx */
    uint64_t timeouts, shed, surplus, broken;
};

/* A listening socket for host and port (0: any), or ERR_ENV with a sentence. */
enum err_code http_listen(const char *host, uint16_t port, int *ret_fd, uint16_t *ret_port, struct err *err) MUST_CHECK;

/* Takes the socket. */
enum err_code http_new(int listening, const struct http_handler *handler, struct http **ret_http,
                       struct err *err) MUST_CHECK;
void http_free(struct http *http); /* closes all connections; accepts NULL */

/* One round, bounded; gives how much was done. */
int http_work(struct http *http, int64_t now_ns);
int64_t http_due(struct http *http, int64_t now_ns);
int http_fd(const struct http *http);

/* Goes on with a call that WAITs. */
void http_wake(struct http *http, struct http_call *call);
/* All there are; FREE ones among them. */
struct calls *http_calls(struct http *http);
/* How many clients are let in from now on, HTTP_CLIENTS_MOST at most. */
void http_set_clients(struct http *http, size_t most);
const struct http_counts *http_count(struct http *http);

#endif
