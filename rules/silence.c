/* silence: see silence.h. */
#include "rules/silence.h"

#include "base/clock.h"

#define SILENCE_END UINT32_MAX

enum { WIDTHS_IN_THE_SHORTEST = 8 };

static int64_t due_of(const struct silence *silence, uint32_t point)
{
    int64_t due_ns = 0;
    const struct point_state *state = &silence->points[point];
    return __builtin_add_overflow(state->seen_ns, state->stale_ns, &due_ns) ? TIME_NEVER : due_ns;
}

static int64_t bucket_of(const struct silence *silence, int64_t time_ns)
{
    int64_t rest_ns = time_ns % silence->width_ns;
    return time_ns / silence->width_ns - (rest_ns < 0 ? 1 : 0);
}

/* The shortest time after which any point becomes stale decides. */
static int64_t width_for(const struct point_state *points, uint32_t n)
{
    int64_t shortest_ns = INT64_MAX;
    for (uint32_t i = 0; i < n; i++) {
        if (points[i].stale_ns > 0 && points[i].stale_ns < shortest_ns) {
            shortest_ns = points[i].stale_ns;
        }
    }
    const int64_t width_ns = shortest_ns / WIDTHS_IN_THE_SHORTEST;
    return width_ns > NS_PER_MS ? width_ns : NS_PER_MS;
}

void silence_init(struct silence *silence, struct arena *arena, const struct point_state *points, uint32_t n,
                  int64_t start_ns)
{
    silence->points = points;
    timers_init(&silence->near, arena, n);
    silence->next = ARENA_ARRAY(arena, uint32_t, n + 1);
    for (unsigned b = 0; b < SILENCE_BUCKETS; b++) {
        silence->heads[b] = SILENCE_END;
    }
    silence->width_ns = width_for(points, n);
    silence->opened = bucket_of(silence, start_ns);
    silence->first = INT64_MAX;
}

static uint32_t *head_of(struct silence *silence, int64_t bucket)
{
    return &silence->heads[(uint64_t)bucket % SILENCE_BUCKETS];
}

void silence_enter(struct silence *silence, uint32_t point)
{
    const int64_t due_ns = due_of(silence, point);
    const int64_t bucket = bucket_of(silence, due_ns);
    if (bucket < silence->opened || bucket - silence->opened >= SILENCE_BUCKETS) {
        timers_set(&silence->near, point, due_ns);
        return;
    }
    uint32_t *head = head_of(silence, bucket);
    silence->next[point] = *head;
    *head = point;
    silence->first = bucket < silence->first ? bucket : silence->first;
}

int64_t silence_first(const struct silence *silence)
{
    const int64_t near_ns = timers_first(&silence->near);
    if (silence->first == INT64_MAX) {
        return near_ns;
    }
    const int64_t open_ns = silence->first * silence->width_ns;
    return open_ns < near_ns ? open_ns : near_ns;
}

/* The first bucket from `opened` on that holds something. */
static int64_t find_first(struct silence *silence)
{
    for (int64_t b = silence->opened; b < silence->opened + SILENCE_BUCKETS; b++) {
        if (*head_of(silence, b) != SILENCE_END) {
            return b;
        }
    }
    return INT64_MAX;
}

/* Enters the points of the first bucket anew; while one is, the next is fetched. */
static void open_first(struct silence *silence)
{
    uint32_t *head = head_of(silence, silence->first);
    uint32_t point = *head;
    *head = SILENCE_END;
    silence->opened = silence->first + 1;
    silence->first = find_first(silence);
    while (point != SILENCE_END) {
        const uint32_t next = silence->next[point];
        if (next != SILENCE_END) {
            __builtin_prefetch(&silence->points[next]);
            __builtin_prefetch((const char *)&silence->points[next] + 64);
            __builtin_prefetch(&silence->next[next], 1);
        }
        silence_enter(silence, point);
        point = next;
    }
}

bool silence_take(struct silence *silence, int64_t clock_ns, uint32_t *ret_point)
{
    while (silence_first(silence) <= clock_ns) {
        if (timers_first(&silence->near) > clock_ns) {
            open_first(silence);
            continue;
        }
        const uint32_t point = timers_take(&silence->near);
        if (due_of(silence, point) <= clock_ns) {
            *ret_point = point;
            return true;
        }
        silence_enter(silence, point); /* a sample came since it was entered */
    }
    return false;
}
