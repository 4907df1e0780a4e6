/*
 * http_post: hands one body at a time to an HTTP server, without waiting for it.
 *
 * A thin layer on libcurl's multi interface: its sockets stand in an epoll set,
 * whose descriptor a runner can wait for, and its timer becomes a deadline.  So
 * an agent begins a POST, goes on with other things, and asks from time to time
 * how it went.  The connection is kept between two POSTs.
 *
 * Delivered means: a whole answer with a status of 2xx came in time.  Any other
 * status, a redirection too (it is not followed), is a failure with a sentence
 * for people.  Certificates and host names are verified, always.
 *
 * Threads: made by the starting thread, then used by one.  Memory: its own; the
 * configuration's texts and the body are borrowed, the body until the end of the
 * POST.
 */
#ifndef DAVY_ALERTING_HTTP_POST_H
#define DAVY_ALERTING_HTTP_POST_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct http_post_config {
    const char *url;
    const char *content_type;
    const char *user, *password; /* NULL: none */
    const char *ca;              /* trusted certificates (PEM); NULL: those of the system */
    const char *cert, *key;      /* our own (PEM); NULL: none */
    int64_t timeout_ns;          /* one POST, from looking the host up to the last byte of the answer */
};

struct http_post;

enum http_post_state { HTTP_POST_IDLE, HTTP_POST_OPEN, HTTP_POST_DELIVERED, HTTP_POST_FAILED };

enum err_code http_post_new(const struct http_post_config *config, struct http_post **ret_post,
                            struct err *err) MUST_CHECK;
/* Breaks off what is under way.  Accepts NULL. */
void http_post_free(struct http_post *post);

/* Begins a POST; none may be under way.  `headers` are more lines of the head ("Name: value"), copied. */
void http_post_begin(struct http_post *post, const char *body, size_t len, const char *const *headers, size_t count,
                     int64_t now_ns);

/* Goes on as far as it goes without waiting.  DELIVERED and FAILED are told once, then it is IDLE; FAILED fills *err.
 */
enum http_post_state http_post_go_on(struct http_post *post, int64_t now_ns, struct err *err);

/* Readable when there is something to go on with; -1 while none is under way. */
int http_post_fd(const struct http_post *post);
/* When to go on at the latest; TIME_NEVER while none is under way. */
int64_t http_post_due(const struct http_post *post);

#endif
