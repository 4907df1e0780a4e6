/* reply: see reply.h. */
#include "console/reply.h"

#include "base/log.h"
#include "console/api.h"
#include <stdarg.h>
#include <stdlib.h>

void reply_done(struct reply *reply)
{
    if (reply->more == api_alarms_more) {
        free(reply->at.alarms.items);
    }
    buf_done(&reply->out);
    *reply = (struct reply){0};
}

static void restart(struct reply *reply, unsigned status)
{
    struct buf out = reply->out;
    reply->out = (struct buf){0};
    reply_done(reply);
    buf_clear(&out);
    *reply = (struct reply){.status = status, .type = "application/json", .out = out};
}

void reply_error(struct reply *reply, unsigned status, const char *fmt, ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    restart(reply, status);
    buf_text(&reply->out, "{\"error\":");
    buf_json_string(&reply->out, text.data);
    buf_text(&reply->out, "}\n");
    buf_done(&text);
}

void reply_fail(struct reply *reply, const struct err *err)
{
    static const unsigned statuses[] = {[ERR_NONE] = 500, [ERR_NO] = 404, [ERR_INPUT] = 400, [ERR_ENV] = 503};
    reply_error(reply, statuses[err->code], "%s", err->text);
}

enum reply_next reply_break(struct reply *reply, const struct err *err)
{
    log_event(LOG_ERROR, "console", "CON-002", "store", "reason=\"%s\" an answer could not be given", err->text);
    if (!reply->any) {
        reply_fail(reply, err);
    }
    return REPLY_BROKEN;
}

void reply_later(struct reply *reply, const char *text)
{
    reply_error(reply, 503, "%s", text);
    reply->retry_s = 1;
}

void reply_begin(struct reply *reply, reply_more_fn *more)
{
    reply->status = 200;
    reply->type = "application/json";
    reply->more = more;
    reply->any = false;
    buf_clear(&reply->out);
}

void reply_element(struct reply *reply)
{
    buf_text(&reply->out, reply->any ? ",\n" : "[");
    reply->any = true;
}

enum reply_next reply_end_list(struct reply *reply)
{
    buf_text(&reply->out, reply->any ? "]\n" : "[]\n");
    return REPLY_END;
}

enum reply_next reply_go_on(struct reply *reply)
{
    if (reply->out.len == 0) {
        buf_text(&reply->out, "\n");
    }
    return REPLY_MORE;
}
