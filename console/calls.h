/*
 * calls: the connections of http.h as a set: which is free, who pays for a full
 * house, whose time is over.
 *
 * Threads: the console's.
 */
#ifndef DAVY_CONSOLE_CALLS_H
#define DAVY_CONSOLE_CALLS_H

#include "console/http.h"

/* A free one, NULL: there is none. */
struct http_call *calls_free_one(struct http_call *calls);
/* How many are there, those being cut off apart. */
size_t calls_count(const struct http_call *calls);
/* The one that has owed a whole request for longest, connections without any included; NULL: all are being answered. */
struct http_call *calls_longest_owing(struct http_call *calls);
/* One whose time is over, NULL: none. */
struct http_call *calls_overdue(struct http_call *calls, int64_t now_ns);
/* When the next one's is; TIME_NEVER: never. */
int64_t calls_due(const struct http_call *calls);

/* Moves it on, with so long for it (0: as long as it takes). */
void call_set(struct http_call *call, enum http_phase phase, int64_t now_ns, int64_t length_ns);
/* Makes it ready for the next request on its connection. */
void call_clear(struct http_call *call);

#endif
