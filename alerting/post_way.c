/*
 * post_way: see post_way.h.
 */
#include "alerting/post_way.h"
#include "alerting/post_head.h"
#include "base/clock.h"

enum err_code post_way_open(struct post_way *way, const struct sink_config *config, const char *content_type,
                            struct err *err)
{
    const struct site_sink *sink = config->sink;
    *way = (struct post_way){.config = config};
    const struct http_post_config http = {
        .url = sink->url,
        .content_type = content_type,
        .user = sink->user,
        .password = sink->password,
        .ca = sink->ca,
        .cert = sink->cert,
        .key = sink->key,
        .timeout_ns = sink->timeout_ns,
    };
    return http_post_new(&http, &way->post, err);
}

void post_way_done(struct post_way *way)
{
    http_post_free(way->post);
    way->post = NULL;
    buf_done(&way->event_head);
    buf_done(&way->signature_head);
}

void post_way_prepare(struct post_way *way, uint64_t seq, const char *body, size_t len)
{
    way->body = body;
    way->len = len;
    post_head_event(&way->event_head, way->config->site->id, seq);
    if (way->config->sink->secret != NULL) {
        post_head_signature(&way->signature_head, way->config->sink->secret, body, len);
    }
}

void post_way_begin(struct post_way *way, int64_t now_ns)
{
    const char *const headers[] = {way->event_head.data, way->signature_head.data};
    http_post_begin(way->post, way->body, way->len, headers, way->config->sink->secret != NULL ? 2 : 1, now_ns);
}

enum courier_step post_way_go_on(struct post_way *way, int64_t now_ns, struct err *err)
{
    switch (http_post_go_on(way->post, now_ns, err)) {
    case HTTP_POST_DELIVERED:
        return COURIER_DONE;
    case HTTP_POST_FAILED:
        return COURIER_FAILED;
    case HTTP_POST_IDLE:
    case HTTP_POST_OPEN:
        break;
    }
    return COURIER_OPEN;
}

void post_way_break_off(struct post_way *way)
{
    http_post_free(way->post);
    way->post = NULL;
}

int64_t post_way_due(const struct post_way *way)
{
    return way->post == NULL ? TIME_NEVER : http_post_due(way->post);
}

int post_way_fd(const struct post_way *way)
{
    return way->post == NULL ? -1 : http_post_fd(way->post);
}
