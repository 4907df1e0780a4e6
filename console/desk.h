/*
 * desk: what is said to each request, and acts on their way to the manager.
 *
 *   head   ── refused at once (400 403 404 405 413 414 415 421 431), or read on
 *   whole  ── answered from the run that is shown; an act is handed to the
 *             manager, and its answer waited for
 *
 * Threads: the console's.  Everything here is borrowed from it.
 */
#ifndef DAVY_CONSOLE_DESK_H
#define DAVY_CONSOLE_DESK_H

#include "console/http.h"
#include "console/metrics.h"

enum { DESK_STREAMS = 32 };        /* at most, before a run says so */
#define DESK_ACT_NS (8 * NS_PER_S) /* for an act to be on the disk, as for the commands (app/control.h) */

struct desk {
    const char *host;                    /* listened on */
    const struct console_source *source; /* NULL: no run is shown */
    struct metrics_index *index;         /* of it */
    bool holding;                        /* the run is about to end */
    bool ending;                         /* the console is */
    uint64_t turn;                       /* counts the runs */
    uint64_t next_ticket;
    size_t streams, streams_most;
    int64_t now_ns; /* of this round */
};

/* The handler of http.h: take and more. */
enum http_say desk_take(void *self, struct http_call *call, bool whole);
enum reply_next desk_more(void *self, struct http_call *call);

/* An answer of the manager, for the call whose act it is. */
void desk_answer(struct desk *desk, struct http_call *call, const struct answer *answer);
/* The act is not waited for any longer. */
void desk_give_up(struct http_call *call, const char *why);

#endif
