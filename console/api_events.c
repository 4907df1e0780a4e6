/* api_events: the journal behind a seq, the events as they are. */
#include "console/api.h"

#include <string.h>

enum { LOOKED_AT_MOST = 4096 }; /* events in a piece, also when none of them is asked for */

struct taking {
    struct reply *reply;
    size_t looked_at;
    bool ended;
};

static bool is_asked_for(const struct ask *ask, const struct store_event *event)
{
    return ask->alarm == NULL ||
           (strlen(ask->alarm) == event->alarm_len && memcmp(ask->alarm, event->alarm, event->alarm_len) == 0);
}

static bool take_event(void *self, const struct store_event *event)
{
    struct taking *taking = self;
    struct reply *reply = taking->reply;
    if (event->seq > reply->at.events.end) { /* came after the question; a list has an end */
        taking->ended = true;
        return false;
    }
    reply->ask.after = event->seq;
    if (is_asked_for(&reply->ask, event)) {
        reply_element(reply);
        buf_add(&reply->out, event->json, event->json_len);
        reply->ask.limit--;
    }
    return ++taking->looked_at < LOOKED_AT_MOST && reply->out.len < REPLY_PIECE && reply->ask.limit > 0;
}

enum reply_next api_events_more(struct reply *reply, const struct console_source *source, int64_t now_ns)
{
    (void)now_ns;
    struct taking taking = {.reply = reply};
    struct err err = {0};
    if (reply->ask.limit == 0 || reply->ask.after >= reply->at.events.end) {
        return reply_end_list(reply);
    }
    if (store_events(source->store, reply->ask.after, take_event, &taking, &err) != ERR_NONE) {
        return reply_break(reply, &err);
    }
    const bool more = !taking.ended && reply->ask.limit > 0 && reply->ask.after < reply->at.events.end;
    return more && taking.looked_at > 0 ? reply_go_on(reply) : reply_end_list(reply);
}

static bool take_one(void *self, const struct store_event *event)
{
    struct reply *reply = self;
    if (event->seq == reply->at.events.end) {
        buf_add(&reply->out, event->json, event->json_len);
        buf_text(&reply->out, "\n");
    }
    return false;
}

void api_event(struct reply *reply, const struct console_source *source, uint64_t seq)
{
    struct err err = {0};
    reply_begin(reply, NULL);
    reply->at.events.end = seq;
    if (store_events(source->store, seq - 1, take_one, reply, &err) != ERR_NONE || reply->out.len == 0) {
        reply_error(reply, 503, "the act is journalled as event %llu, which cannot be read now",
                    (unsigned long long)seq);
    }
}
