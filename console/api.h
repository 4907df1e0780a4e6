/*
 * api: the answers of /api/v1, from what a run of the monitor shows.
 *
 * api_begin decides status and kind and makes the first piece, so that what
 * fails at once is told with its status; the `_more` functions go on.
 *
 * All but a page's files, which are no affair of a run.  They read the board and the store and change nothing.  Each piece is some
 * ten milliseconds of work at most, as all clients share the thread.
 */
#ifndef DAVY_CONSOLE_API_H
#define DAVY_CONSOLE_API_H

#include "console/reply.h"
#include "console/route.h"

/* Answers a GET of a route that reads: all but ACT, METRICS and HEALTH. */
void api_begin(struct reply *reply, const struct console_source *source, const struct route *route, int64_t now_ns);
/* Answers an act that was journalled: its event. */
void api_event(struct reply *reply, const struct console_source *source, uint64_t seq);

/* What the site is, and where its journal stands. */
void api_site(struct reply *reply, const struct console_source *source, int64_t now_ns);
/* One file each: api_points, api_samples, api_alarms, api_events, stream. */
void api_point(struct reply *reply, const struct console_source *source);
reply_more_fn api_points_more, api_samples_more, api_buckets_more, api_alarms_more, api_events_more, stream_more;
void api_samples_begin(struct reply *reply, const struct console_source *source);
void api_alarms_begin(struct reply *reply, const struct console_source *source);
void api_alarm(struct reply *reply, const struct console_source *source);
void stream_begin(struct reply *reply);

#endif
