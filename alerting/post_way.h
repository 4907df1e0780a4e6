/*
 * post_way: how a sink's things leave by HTTP: what the webhook and the CAP
 * sink have in common.
 *
 * Joins http_post (the transport) and post_head (our header lines) to what a
 * courier asks of its trade.
 *
 * Thread: the sink's.  Memory: its own; the body is borrowed until it is
 * delivered or has failed.
 */
#ifndef DAVY_ALERTING_POST_WAY_H
#define DAVY_ALERTING_POST_WAY_H

#include "alerting/courier.h"
#include "alerting/http_post.h"

struct post_way {
    const struct sink_config *config;
    struct http_post *post; /* NULL once broken off */
    const char *body;
    size_t len;
    struct buf event_head, signature_head;
};

enum err_code post_way_open(struct post_way *way, const struct sink_config *config, const char *content_type,
                            struct err *err) MUST_CHECK;
void post_way_done(struct post_way *way);

/* Makes ready what is to be posted for event `seq`, signed when the sink has a secret. */
void post_way_prepare(struct post_way *way, uint64_t seq, const char *body, size_t len);
void post_way_begin(struct post_way *way, int64_t now_ns);
enum courier_step post_way_go_on(struct post_way *way, int64_t now_ns, struct err *err);
void post_way_break_off(struct post_way *way);

/* As an agent's next_due and wait_fd. */
int64_t post_way_due(const struct post_way *way);
int post_way_fd(const struct post_way *way);

#endif
