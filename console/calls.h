/*
 * calls: the connections of http.h as a set: which is free, who pays for a full
 * house, whose time is over.
 *
 * Threads: the console's.
 */
#ifndef DAVY_CONSOLE_CALLS_H
#define DAVY_CONSOLE_CALLS_H

#include "console/http.h"

struct calls {
    struct http_call *items; /* HTTP_CALLS of them */
    size_t used;             /* those from here on are free: a small house is looked through quickly */
};

/* A free one, NULL: there is none. */
struct http_call *calls_free_one(struct calls *calls);
/* Makes one free. */
void calls_free(struct calls *calls, struct http_call *call);
/* How many are there, those being cut off apart. */
size_t calls_count(const struct calls *calls);
/* The one that has owed a whole request for longest, connections without any included; NULL: all are being answered. */
struct http_call *calls_longest_owing(const struct calls *calls);
/* One whose time is over, NULL: none. */
struct http_call *calls_overdue(const struct calls *calls, int64_t now_ns);
/* When the next one's is; TIME_NEVER: never. */
int64_t calls_due(const struct calls *calls);

/* Moves it on, with so long for it (0: as long as it takes). */
void call_set(struct http_call *call, enum http_phase phase, int64_t now_ns, int64_t length_ns);
/* Makes it ready for the next request on its connection. */
void call_clear(struct http_call *call);

#endif
