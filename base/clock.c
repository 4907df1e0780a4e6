/* clock: see clock.h.  What to make of two readings is clock_advance, which knows no machine. */
#include "base/clock.h"
#include <time.h>

enum { SLOWED_BY = 4 };

static int64_t read_ns(clockid_t id)
{
    struct timespec time;
    (void)clock_gettime(id, &time); /* cannot fail for these two clocks */
    return (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
}

int64_t clock_advance(struct clock *clock, int64_t wall_ns, int64_t mono_ns)
{
    if (wall_ns >= clock->last_ns) {
        clock->last_ns = wall_ns;
        clock->last_mono_ns = mono_ns;
        clock->behind = false;
        return wall_ns;
    }
    if (!clock->behind && clock->last_ns - wall_ns > NS_PER_MS) {
        clock->behind = true;
        clock->back_steps++;
    }
    const int64_t step_ns = (mono_ns - clock->last_mono_ns) / SLOWED_BY;
    clock->last_ns += step_ns;
    clock->last_mono_ns += step_ns * SLOWED_BY; /* the rest of the division counts next time */
    return clock->last_ns;
}

void clock_init(struct clock *clock)
{
    *clock = (struct clock){.last_ns = read_ns(CLOCK_REALTIME), .last_mono_ns = read_ns(CLOCK_MONOTONIC)};
}

int64_t clock_now_ns(struct clock *clock)
{
    const int64_t mono_ns = read_ns(CLOCK_MONOTONIC);
    return clock_advance(clock, read_ns(CLOCK_REALTIME), mono_ns);
}

int64_t clock_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}
