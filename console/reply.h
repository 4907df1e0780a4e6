/*
 * reply: one answer on its way to a client, piece by piece.
 *
 * Long answers are never whole in memory: `more` puts the next piece, some
 * REPLY_PIECE bytes, into `out` whenever the client has taken the one before.
 * What it must remember in between stands in `at`, as numbers only, so that
 * nothing of the store is held while a slow client reads.
 *
 * Memory: `out`, and what `at` owns, until reply_done; texts of `ask` and `id`
 * are the request's.  Threads: the console's.
 */
#ifndef DAVY_CONSOLE_REPLY_H
#define DAVY_CONSOLE_REPLY_H

#include "base/buf.h"
#include "console/ask.h"
#include "console/source.h"

enum { REPLY_PIECE = 32 * 1024 };

/* MORE: out has the next piece.  WAIT: nothing now.  END: out has the last piece, or nothing.  BROKEN: it cannot be
 * gone on with; the client is to notice. */
enum reply_next { REPLY_MORE, REPLY_WAIT, REPLY_END, REPLY_BROKEN };

struct reply;
typedef enum reply_next reply_more_fn(struct reply *reply, const struct console_source *source, int64_t now_ns);

/* One line of the list of alarms. */
struct reply_alarm {
    int64_t time_ns;
    uint32_t alarm;
    uint8_t level, acked;
};

struct reply {
    unsigned status;
    const char *type;  /* Content-Type */
    const char *allow; /* header Allow; NULL: none */
    unsigned retry_s;  /* header Retry-After; 0: none */
    struct buf out;
    reply_more_fn *more; /* NULL: `out` is all of it */
    bool lasting;        /* a stream: outlives a run of the monitor, goes on with the next */

    struct ask ask;
    const char *id;
    bool any; /* an element of the list was printed */
    union {
        struct {
            uint32_t next;
        } points;
        struct {
            int64_t next_ns;
            int64_t first_ns; /* monotonic, of the piece's first bucket; 0: none yet */
            size_t piece;     /* bytes of the next ones */
            bool stopped;     /* before the end of what was asked */
            bool known;       /* the site has the point */
        } samples;
        struct {
            struct reply_alarm *items; /* owned */
            size_t count, next;
        } alarms;
        struct {
            uint64_t end;
        } events;
        struct {
            int64_t beat_ns; /* when to show that the stream is alive */
            bool begun;      /* the client was greeted, and its place is known */
            bool from_now;   /* it named no place */
        } stream;
        struct {
            struct metrics_index *index; /* borrowed */
            size_t next;
        } metrics;
    } at;
};

void reply_done(struct reply *reply);

/* Makes it {"error": text}. */
void reply_error(struct reply *reply, unsigned status, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same for what a function of the store or a reader said: 400, 404 or 503. */
void reply_fail(struct reply *reply, const struct err *err);
/* The store failed: logs it; tells it if nothing was sent yet, else the answer is to be broken off.  Gives BROKEN. */
enum reply_next reply_break(struct reply *reply, const struct err *err);
/* 503 with a time to come back. */
void reply_later(struct reply *reply, const char *text);

/* Begins an answer of JSON, or one that goes on by `more`. */
void reply_begin(struct reply *reply, reply_more_fn *more);
/* Puts what stands before the next element of a list: its bracket, or a comma and a new line. */
void reply_element(struct reply *reply);
/* Ends a list. */
enum reply_next reply_end_list(struct reply *reply);
/* A piece that has nothing to show yet gets a blank, which JSON allows between elements. */
enum reply_next reply_go_on(struct reply *reply);

#endif
