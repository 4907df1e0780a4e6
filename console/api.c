/* api: see api.h; which route has which answer. */
#include "console/api.h"

/* Makes the first piece.  A list that is whole after it goes out with its length. */
static void first_piece(struct reply *reply, const struct console_source *source, int64_t now_ns)
{
    reply_more_fn *more = reply->more;
    if (more == NULL) {
        return;
    }
    const enum reply_next next = more(reply, source, now_ns);
    if (next == REPLY_END) {
        reply->more = NULL;
    } else if (next == REPLY_BROKEN && reply->status == 200) { /* some of it was there before the store failed */
        reply_error(reply, 503, "the store cannot be read; the log says why");
    }
}

void api_begin(struct reply *reply, const struct console_source *source, const struct route *route, int64_t now_ns)
{
    reply->id = route->id;
    switch (route->kind) {
    case ROUTE_POINTS:
        reply_begin(reply, api_points_more);
        break;
    case ROUTE_POINT:
        api_point(reply, source);
        break;
    case ROUTE_SAMPLES:
        api_samples_begin(reply, source);
        break;
    case ROUTE_ALARMS:
        api_alarms_begin(reply, source);
        break;
    case ROUTE_ALARM:
        api_alarm(reply, source);
        break;
    case ROUTE_EVENTS:
        reply_begin(reply, api_events_more);
        reply->at.events.end = store_last_seq(source->store);
        break;
    case ROUTE_STREAM:
        stream_begin(reply);
        break;
    case ROUTE_SITE:
        api_site(reply, source, now_ns);
        break;
    case ROUTE_NONE:
    case ROUTE_PAGE:
    case ROUTE_ACT:
    case ROUTE_METRICS:
    case ROUTE_HEALTH:
    case ROUTE_KINDS:
        reply_error(reply, 404, "there is nothing here");
        break;
    }
    first_piece(reply, source, now_ns);
}
