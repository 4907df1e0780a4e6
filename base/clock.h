/*
 * clock: the only place that asks the machine for the time.
 *
 * A runner reads its clock once per cycle and hands `now_ns` down; nothing
 * below reads a clock, so replay can hand down a virtual one.
 *
 * All times are int64_t nanoseconds; wall times count from 1970-01-01 UTC.
 * A live clock never goes backwards: a forward step of the system's clock is
 * followed at once; after a backward step the clock goes on at a quarter of
 * the true speed until the system's time has caught up (delays then last
 * longer by the clock but never restart), and the step is counted.
 *
 * Threads: one struct clock per thread.
 */
#ifndef DAVY_BASE_CLOCK_H
#define DAVY_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_US  INT64_C(1000)
#define NS_PER_MS  INT64_C(1000000)
#define NS_PER_S   INT64_C(1000000000)
#define TIME_NEVER INT64_MAX /* a deadline that does not exist */

struct clock {
    int64_t last_ns;      /* what was handed out last */
    int64_t last_mono_ns; /* monotonic time of that */
    uint64_t back_steps;  /* how often the system's clock stepped back by more than 1 ms */
    bool behind;          /* such a step is being made good at the moment */
};

void clock_init(struct clock *clock);

/* Reads the wall time, never less than the last reading. */
int64_t clock_now_ns(struct clock *clock);

/* What clock_now_ns makes of a reading of the two system clocks; pure, so that it can be tested with any reading. */
int64_t clock_advance(struct clock *clock, int64_t wall_ns, int64_t mono_ns);

/* Reads the monotonic time; for measuring durations only. */
int64_t clock_mono_ns(void);

#endif
