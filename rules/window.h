/*
 * window: the good samples of one point over a stretch of time, and what is
 * asked of them, each in time independent of how many there are.
 *
 * A window of width W holds, for a query at time t, the samples in (t - W, t].
 * Up to WINDOW_EXACT_MAX samples each is kept as it is; beyond that neighbours
 * are joined to buckets so that the edge is off by at most W/256.
 *
 *   entries (ring)   | dropped |  tail ............ head |
 *                                 ^ oldest in (t-W, t]   ^ newest
 *
 * Sums are kept relative to a reference sample and compensated (twice the
 * precision of a double), so an answer is as good as correctly rounded and does
 * not depend on what went through the window before.
 *
 * One window may be shared by alarms whose times differ: samples stay until
 * they are older than newest - W; a query at an earlier time than the one
 * before is answered by looking at the entries one by one.
 *
 * Times given to window_add rise strictly.  Queries have t >= newest sample.
 * Memory: from the arena at init (sized by how often samples are expected);
 * grows by malloc up to its bound when they come faster.  Threads: one.
 */
#ifndef DAVY_RULES_WINDOW_H
#define DAVY_RULES_WINDOW_H

#include "base/arena.h"
#include "rules/program.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WINDOW_EXACT_MAX = 1024, WINDOW_EDGE_PARTS = 256 };

struct window;

/* Makes a window of the kind with these needs.  every_ns (0: not known) is how often samples are expected; resolution is
 * the point's, for changes(). */
struct window *window_new(struct arena *arena, enum window_kind kind, int64_t width_ns, uint8_t needs,
                          int64_t every_ns, double resolution);
/* Gives back what growing took; the rest is the arena's.  Accepts NULL. */
void window_done(struct window *window);

/* Adds a good sample at time_ns (after all before). */
void window_add(struct window *window, int64_t time_ns, double value);

/* Fetch ahead what window_add and window_query will need: the window itself; then, when that has come, the ends of what
 * it holds. */
void window_fetch(const struct window *window);
void window_fetch_entries(const struct window *window);

/* The answer of function `op` (OP_MEAN … OP_CHANGES, OP_EWMA … OP_REPEATS) at t; NaN when there is none (empty
 * window, slope of fewer than 2 samples, zscore over fewer than 2 earlier or over all-equal samples, see also anomaly.h
 * and repeats.h).  An empty window has no answer to anything, count included (contract: "Numbers that are not
 * there"). */
double window_query(struct window *window, enum op op, int64_t t_ns);

/* Seconds until the least-squares line over (t - W, t] reaches `limit`, rising (up) or falling.  In this order: limit
 * NaN: NaN; fewer than 3 samples: infinite; the line at t has reached the limit: 0; its slope is not towards the limit:
 * infinite; else (limit - line(t)) / slope. */
double window_eta(struct window *window, double limit, bool up, int64_t t_ns);

/* Bytes in use; those of them that are not the arena's; and how often it had to grow. */
size_t window_bytes(const struct window *window);
size_t window_grown_bytes(const struct window *window);
uint32_t window_growths(const struct window *window);

#endif
