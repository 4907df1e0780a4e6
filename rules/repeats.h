/*
 * repeats: how many of the newest movements of a value, in a row, have been
 * seen before, in the same order.
 *
 *     reading      5 7 6 6 9 …  4 5 7 6 9            a stretch copied from before
 *     movements    5 7 6 9   …  4 5 7 6 9
 *                  -------        -------             4 movements repeat
 *
 * A movement is a reading that differs by more than the point's resolution from
 * where the value last had moved to (as for unchanged()), so rest, however
 * long, repeats nothing, and what flickers within the resolution is rest.
 *
 * Movements of equal value are chained, newest first.  A new movement walks the
 * chain of its value; for each distance (lag) it meets it is counted for how
 * many movements in a row they have been equal:
 *
 *     5 7 6 9 … 4 5 7 6          the new 6 meets the old one, lag 6, which the
 *         '-----------'          7 before it has met too: 2, and the 5: 3
 *
 * What is kept are the last REPEATS_KEPT movements; a count goes on past them.
 *
 * Memory: from the arena at init, about 32 KiB.  Time of a movement: as many
 * steps as there are kept ones of its value; of a reading at rest: none.
 * Threads: one.
 */
#ifndef DAVY_RULES_REPEATS_H
#define DAVY_RULES_REPEATS_H

#include "base/arena.h"
#include <stdint.h>

enum { REPEATS_KEPT = 1024 };

struct repeats;

struct repeats *repeats_new(struct arena *arena, int64_t width_ns, double resolution);

/* Adds a good reading (times rise strictly) and gives the greatest n such that the newest n movements equal n others in
 * the same order, each of which lies less than W and at most REPEATS_KEPT movements before its counterpart; 0 when
 * there is none. */
double repeats_add(struct repeats *repeats, int64_t time_ns, double value);

#endif
