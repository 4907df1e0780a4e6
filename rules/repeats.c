/* repeats: see repeats.h. */
#include "rules/repeats.h"

#include <math.h>
#include <string.h>

struct movement {
    int64_t time_ns;
    double value;
    uint32_t before; /* number of the movement before it in the same chain; 0: none */
};

/* Equal movements at one lag. */
struct echo {
    uint32_t last;  /* number of the newest movement that met its counterpart */
    uint32_t count; /* how many in a row up to it */
};

struct repeats {
    int64_t width_ns;
    double resolution;
    double answer;                      /* after the newest movement */
    uint32_t movements;                 /* number of the newest, from 1; 136 years at one a second */
    struct movement kept[REPEATS_KEPT]; /* at its number modulo REPEATS_KEPT */
    uint32_t chains[REPEATS_KEPT];      /* number of the newest movement whose value has this hash; 0: none */
    struct echo echoes[REPEATS_KEPT];   /* [lag - 1] */
};

struct repeats *repeats_new(struct arena *arena, int64_t width_ns, double resolution)
{
    struct repeats *repeats = ARENA_NEW(arena, struct repeats);
    *repeats = (struct repeats){.width_ns = width_ns, .resolution = resolution};
    return repeats;
}

static struct movement *movement_at(struct repeats *repeats, uint32_t number)
{
    return &repeats->kept[number % REPEATS_KEPT];
}

static uint32_t *chain_of(struct repeats *repeats, double value)
{
    uint64_t word;
    memcpy(&word, &value, sizeof word);
    word *= UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / golden ratio, odd: the highest bits depend on all */
    return &repeats->chains[(word >> 32) * REPEATS_KEPT >> 32];
}

/* True when `then` lies less than W before `now`; counts without sign, where no difference of two times overflows. */
static bool is_within(const struct repeats *repeats, int64_t then_ns, int64_t now_ns)
{
    return (uint64_t)now_ns - (uint64_t)then_ns < (uint64_t)repeats->width_ns;
}

/* Counts on at a lag; gives how many are equal there now. */
static uint32_t count_on(struct repeats *repeats, uint32_t number, uint32_t lag)
{
    struct echo *echo = &repeats->echoes[lag - 1];
    const bool goes_on = number > 1 && echo->last == number - 1;
    *echo = (struct echo){.last = number, .count = goes_on ? echo->count + 1 : 1};
    return echo->count;
}

/* Meets all kept movements of the same value, newest first, and gives the greatest count.  What follows the first one
 * that is too old is older still; numbers of overwritten ones are too far back. */
static uint32_t meet(struct repeats *repeats, uint32_t number, int64_t time_ns, double value)
{
    uint32_t greatest = 0;
    for (uint32_t n = *chain_of(repeats, value); n != 0 && number - n <= REPEATS_KEPT;) {
        const struct movement *old = movement_at(repeats, n);
        if (!is_within(repeats, old->time_ns, time_ns)) {
            break;
        }
        if (old->value == value) { /* the chain may hold others */
            const uint32_t count = count_on(repeats, number, number - n);
            greatest = count > greatest ? count : greatest;
        }
        n = old->before;
    }
    return greatest;
}

double repeats_add(struct repeats *repeats, int64_t time_ns, double value)
{
    value += 0.0; /* minus zero becomes zero, which it equals */
    if (repeats->movements > 0 &&
        !(fabs(value - movement_at(repeats, repeats->movements)->value) > repeats->resolution)) {
        return repeats->answer;
    }
    const uint32_t number = repeats->movements + 1;
    uint32_t *chain = chain_of(repeats, value);
    repeats->answer = meet(repeats, number, time_ns, value);
    *movement_at(repeats, number) = (struct movement){.time_ns = time_ns, .value = value, .before = *chain};
    *chain = number;
    repeats->movements = number;
    return repeats->answer;
}
