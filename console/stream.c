/* stream: see stream.h. */
#include "console/stream.h"

#include "console/api.h"
#include "console/rows.h"

void stream_put(struct buf *out, const struct store_event *event)
{
    size_t len = 0;
    const char *kind = rows_find(event->json, event->json_len, "event", &len);
    buf_printf(out, "id: %llu\nevent: %.*s\ndata: ", (unsigned long long)event->seq, kind == NULL ? 7 : (int)len,
               kind == NULL ? "unknown" : kind);
    buf_add(out, event->json, event->json_len); /* has no line breaks: JSON escapes them */
    buf_add(out, "\n\n", 2);
}

static void put_lost(struct buf *out, uint64_t after, uint64_t next)
{
    buf_printf(out, "event: lost\ndata: {\"after\":%llu,\"next\":%llu}\n\n", (unsigned long long)after,
               (unsigned long long)next);
}

static bool take_event(void *self, const struct store_event *event)
{
    struct reply *reply = self;
    if (event->seq != reply->ask.after + 1) {
        put_lost(&reply->out, reply->ask.after, event->seq);
    }
    reply->ask.after = event->seq;
    stream_put(&reply->out, event);
    return reply->out.len < REPLY_PIECE;
}

/* Finds the place, once there is a journal to look at. */
static void greet(struct reply *reply, uint64_t last_seq)
{
    if (reply->at.stream.from_now) {
        reply->ask.after = last_seq;
    } else if (reply->ask.after > last_seq) { /* of another journal, or a restored one */
        put_lost(&reply->out, reply->ask.after, last_seq + 1);
        reply->ask.after = last_seq;
    }
    reply->at.stream.begun = true;
}

enum reply_next stream_more(struct reply *reply, const struct console_source *source, int64_t now_ns)
{
    struct err err = {0};
    if (reply->at.stream.beat_ns == 0) {
        buf_text(&reply->out, "retry: 2000\n\n");
    }
    if (source != NULL) {
        const uint64_t last_seq = store_last_seq(source->store);
        if (!reply->at.stream.begun) {
            greet(reply, last_seq);
        }
        reply->any = true; /* an error can no longer be told in place of the answer */
        if (last_seq > reply->ask.after &&
            store_events(source->store, reply->ask.after, take_event, reply, &err) != ERR_NONE) {
            return reply_break(reply, &err);
        }
    }
    if (reply->out.len == 0 && reply->at.stream.beat_ns <= now_ns) {
        buf_text(&reply->out, ": alive\n\n");
    }
    if (reply->out.len == 0) {
        return REPLY_WAIT;
    }
    reply->at.stream.beat_ns = now_ns + STREAM_BEAT_NS;
    return REPLY_MORE;
}

void stream_begin(struct reply *reply)
{
    reply_begin(reply, stream_more);
    reply->type = "text/event-stream";
    reply->lasting = true;
    reply->at.stream.from_now = !reply->ask.has_after;
}

bool stream_is_due(const struct reply *reply, uint64_t last_seq, int64_t now_ns)
{
    return now_ns >= reply->at.stream.beat_ns || (reply->at.stream.begun && last_seq > reply->ask.after);
}
