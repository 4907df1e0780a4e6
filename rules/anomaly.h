/*
 * anomaly: how far the newest reading lies from all readings of the window
 * before it, measured by how far readings usually lie from those before them.
 *
 *     reading            x
 *       |     ____                  d(x): to the nearest earlier reading
 *       |    / o  | d(x)
 *       | o o  o  o   o             0: the value has been seen in the window
 *       |o  o o oo o o o            1: as far from all that was seen as usual
 *       +------- W --------> s      2 and more: a value of a new kind
 *
 * It needs no limit, no shape of distribution and no season: a value between
 * two levels at which a machine always works is as strange to it as one beyond
 * both.  It is the distance to the nearest neighbour, the plainest of the
 * novelty scores (Knorr, Ng: VLDB 1998; Ramaswamy, Rastogi, Shim: SIGMOD
 * 2000), divided by the root mean square of the same distance over about W.
 *
 * The window is kept as ANOMALY_PARTS stretches of equal length, of each the
 * lowest and the highest reading; with up to two readings a stretch nothing is
 * lost.  So memory and time of a reading are constant.
 *
 * Memory: from the arena at init, about 8 KiB.  Threads: one.
 */
#ifndef DAVY_RULES_ANOMALY_H
#define DAVY_RULES_ANOMALY_H

#include "base/arena.h"
#include <stdint.h>

enum { ANOMALY_PARTS = 512, ANOMALY_BEGIN_PARTS = 16 };

struct anomaly;

struct anomaly *anomaly_new(struct arena *arena, int64_t width_ns);

/* Adds a good reading (times rise strictly) and gives d / sqrt(q): d is its distance to the nearest kept reading of
 * (time - W, time), q the average of the squares of the distances before, with time constant W (while these are n, each
 * weighs 1/n at least, so that q does not start at 0).  0 when d is 0; infinite when only q is 0.  NaN while the
 * readings reach back less than W / ANOMALY_BEGIN_PARTS, and when there is none in the window before. */
double anomaly_add(struct anomaly *anomaly, int64_t time_ns, double value);

#endif
