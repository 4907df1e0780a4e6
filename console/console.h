/*
 * console: what operators and programs see of a monitor over HTTP: the API, the
 * stream of events, metrics, health.
 *
 * A listening socket and a thread of its own ("http").  It outlives a run of the
 * monitor: a run is shown with console_show and left with console_leave, and
 * streams go on with the next one.  It reads the board and the store beside
 * everybody else; acts go through a ring into the manager and come back through
 * another.  Nobody waits for it.
 *
 * Threads: all functions from main.  Memory: fixed at the start, but for one
 * piece of an answer for each connection.
 */
#ifndef DAVY_CONSOLE_CONSOLE_H
#define DAVY_CONSOLE_CONSOLE_H

#include "base/err.h"
#include "console/source.h"
#include <stdint.h>

struct console;

/* Listens and starts the thread; until a run is shown /healthz says "starting".  ERR_ENV when the address cannot be
 * had. */
enum err_code console_new(const char *host, uint16_t port, struct console **ret_console, struct err *err) MUST_CHECK;
/* Ends streams and answers, the thread, and the socket.  After console_leave.  Accepts NULL. */
void console_free(struct console *console);
/* The port listened on. */
uint16_t console_port(const struct console *console);

/* Makes the counters of a run that the console sets. */
struct console_counters console_count(struct counters *counters);

/* From now on this run is shown; the source is borrowed until console_leave has returned. */
void console_show(struct console *console, const struct console_source *source);
/* The run is about to end: no more acts are taken, and /healthz says so.  Events are still told. */
void console_hold(struct console *console);
/* The run is no longer looked at when this returns.  Nothing happens when none is shown. */
void console_leave(struct console *console);

/* Rung when there are new events, and when acts are answered. */
struct doorbell *console_bell(const struct console *console);

#endif
