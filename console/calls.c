/* calls: see calls.h. */
#include "console/calls.h"

struct http_call *calls_free_one(struct calls *calls)
{
    for (size_t i = 0; i < HTTP_CALLS; i++) {
        if (calls->items[i].phase == CALL_FREE) {
            calls->used = i >= calls->used ? i + 1 : calls->used;
            return &calls->items[i];
        }
    }
    return NULL;
}

void calls_free(struct calls *calls, struct http_call *call)
{
    call->phase = CALL_FREE;
    call_clear(call);
    call->connection = NULL;
    while (calls->used > 0 && calls->items[calls->used - 1].phase == CALL_FREE) {
        calls->used--;
    }
}

size_t calls_count(const struct calls *calls)
{
    size_t count = 0;
    for (size_t i = 0; i < calls->used; i++) {
        count += calls->items[i].phase != CALL_FREE && calls->items[i].phase != CALL_CUT;
    }
    return count;
}

static bool owes(const struct http_call *call)
{
    return call->phase == CALL_IDLE || call->phase == CALL_HEAD || call->phase == CALL_BODY;
}

struct http_call *calls_longest_owing(const struct calls *calls)
{
    struct http_call *longest = NULL;
    for (size_t i = 0; i < calls->used; i++) {
        if (owes(&calls->items[i]) && (longest == NULL || calls->items[i].since_ns < longest->since_ns)) {
            longest = &calls->items[i];
        }
    }
    return longest;
}

struct http_call *calls_overdue(const struct calls *calls, int64_t now_ns)
{
    for (size_t i = 0; i < calls->used; i++) {
        if (calls->items[i].phase != CALL_FREE && calls->items[i].deadline_ns <= now_ns) {
            return &calls->items[i];
        }
    }
    return NULL;
}

int64_t calls_due(const struct calls *calls)
{
    int64_t due_ns = TIME_NEVER;
    for (size_t i = 0; i < calls->used; i++) {
        if (calls->items[i].phase != CALL_FREE && calls->items[i].deadline_ns < due_ns) {
            due_ns = calls->items[i].deadline_ns;
        }
    }
    return due_ns;
}

void call_set(struct http_call *call, enum http_phase phase, int64_t now_ns, int64_t length_ns)
{
    if (phase != CALL_HEAD && phase != CALL_BODY) { /* a request owes from its connection's idleness on */
        call->since_ns = now_ns;
    }
    call->phase = phase;
    call->deadline_ns = length_ns == 0 ? TIME_NEVER : now_ns + length_ns;
}

void call_clear(struct http_call *call)
{
    reply_done(&call->reply);
    buf_done(&call->target_text);
    buf_done(&call->body_text);
    *call = (struct http_call){
        .home = call->home,
        .phase = call->phase,
        .connection = call->connection,
        .since_ns = call->since_ns,
        .deadline_ns = call->deadline_ns,
        .suspended = call->suspended,
        .surplus = call->surplus,
    };
}
