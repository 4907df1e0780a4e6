/*
 * counter: every number worth knowing, by name, written by one thread and read
 * by any.
 *
 * Counters are made during start from a registry with fixed room and live as
 * long as it.  Names are lower-case words joined by dots, e.g.
 * "ingest.plc-1.polls".  They appear in `davy stat` and, where a site has a
 * point of that name, as samples of points "davy.<name>".
 *
 * Threads: counter_new during start only; add/set by the one owner thread;
 * read by anyone.
 */
#ifndef DAVY_BASE_COUNTER_H
#define DAVY_BASE_COUNTER_H

#include <stddef.h>
#include <stdint.h>

struct counters; /* the registry */
struct counter;  /* one cache line */

struct counters *counters_new(size_t room);
void counters_free(struct counters *counters);

/* Gives the counter of that name, made if need be (help and unit are copied).  When the room is used up it gives a
 * shared overflow counter named "counters.lost". */
struct counter *counter_new(struct counters *counters, const char *name, const char *unit, const char *help);

void counter_add(struct counter *counter, uint64_t n); /* owner */
void counter_set(struct counter *counter, uint64_t v); /* owner */
uint64_t counter_get(const struct counter *counter);   /* any thread */

/* any thread, after start: finds one by name; NULL: there is none. */
const struct counter *counter_find(const struct counters *counters, const char *name);

/* any thread: walks all counters in the order they were made. */
size_t counters_count(const struct counters *counters);
const struct counter *counters_at(const struct counters *counters, size_t i);
const char *counter_name(const struct counter *counter);
const char *counter_unit(const struct counter *counter);
const char *counter_help(const struct counter *counter);

#endif
