/* Which point falls silent next, against looking at every point at every step. */
#include "rules/silence.h"

#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { POINTS = 60, STEPS = 4000, SEEDS = 40 };

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 33) % below;
}

static struct point_state points[POINTS];
static bool entered[POINTS];

static int64_t due_of(uint32_t point)
{
    return points[point].seen_ns + points[point].stale_ns;
}

static int64_t first_due(void)
{
    int64_t first_ns = TIME_NEVER;
    for (uint32_t i = 0; i < POINTS; i++) {
        first_ns = entered[i] && due_of(i) < first_ns ? due_of(i) : first_ns;
    }
    return first_ns;
}

static int64_t draw_stale_ns(uint64_t kind)
{
    static const int64_t spans_ms[] = {1, 20, 3000, 3000, 3000, 60000, 3600000, INT64_C(31536000000)};
    return kind == 0 ? 3000 * NS_PER_MS : spans_ms[draw(8)] * NS_PER_MS;
}

static void take_all(struct silence *silence, int64_t clock_ns, unsigned *stale)
{
    assert_true(silence_first(silence) <= first_due());
    uint32_t point = 0;
    while (silence_take(silence, clock_ns, &point)) {
        assert_true(entered[point]);
        assert_true(due_of(point) <= clock_ns);
        entered[point] = false;
        (*stale)++;
    }
    assert_true(first_due() > clock_ns);
    assert_true(silence_first(silence) > clock_ns && silence_first(silence) <= first_due());
}

static void play(uint64_t seed, int64_t start_ns, unsigned *stale)
{
    struct silence silence;
    struct arena arena;
    arena_init(&arena);
    random_state = seed;
    for (uint32_t i = 0; i < POINTS; i++) {
        points[i] = (struct point_state){.seen_ns = start_ns, .stale_ns = draw_stale_ns(seed % 3)};
        entered[i] = false;
    }
    silence_init(&silence, &arena, points, POINTS, start_ns);
    int64_t clock_ns = start_ns;
    for (int step = 0; step < STEPS; step++) {
        const int64_t jump_ms = draw(50) == 0 ? (int64_t)draw(100000) : (int64_t)draw(60);
        clock_ns += draw(2000) == 0 ? INT64_C(40000000000) * NS_PER_MS : jump_ms * NS_PER_MS;
        take_all(&silence, clock_ns, stale);
        const uint32_t point = (uint32_t)draw(POINTS);
        points[point].seen_ns = clock_ns;
        if (!entered[point]) {
            entered[point] = true;
            silence_enter(&silence, point);
        }
    }
    arena_done(&arena);
}

static void test_silent_points_come_up_at_their_moment(void **state)
{
    (void)state;
    unsigned stale = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        play(seed, seed % 2 == 0 ? INT64_C(1767571200000) * NS_PER_MS : -5000 * NS_PER_MS, &stale);
    }
    assert_true(stale > 1000);
}

static void test_nothing_is_due_when_no_point_is_entered(void **state)
{
    (void)state;
    struct silence silence;
    struct arena arena;
    arena_init(&arena);
    points[0] = (struct point_state){.seen_ns = 0, .stale_ns = 0};
    silence_init(&silence, &arena, points, 1, 0);
    uint32_t none = 0;
    assert_true(silence_first(&silence) == TIME_NEVER);
    assert_false(silence_take(&silence, INT64_C(1) << 60, &none));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silent_points_come_up_at_their_moment),
        cmocka_unit_test(test_nothing_is_due_when_no_point_is_entered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
