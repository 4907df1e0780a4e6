/* Repeated movements against a recomputation from all readings, and what the definition says of its edges. */
#include "rules/repeats.h"

#include "base/clock.h"
#include "rules/window.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { READINGS_MAX = 4000 };

static struct {
    int64_t times[READINGS_MAX];
    double values[READINGS_MAX];
    int count;
} moves;

static uint64_t random_state;

static uint32_t draw(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33);
}

/* By the definition, over all movements so far. */
static int naive(int64_t width_ns)
{
    const int newest = moves.count - 1;
    int greatest = 0;
    for (int lag = 1; lag <= newest && lag <= REPEATS_KEPT; lag++) {
        int n = 0;
        while (newest - lag - n >= 0 && moves.values[newest - n] == moves.values[newest - lag - n] &&
               moves.times[newest - n] - moves.times[newest - lag - n] < width_ns) {
            n++;
        }
        greatest = n > greatest ? n : greatest;
    }
    return greatest;
}

static struct repeats *fresh(struct arena *arena, int64_t width_ns, double resolution)
{
    arena_init(arena);
    moves.count = 0;
    return repeats_new(arena, width_ns, resolution);
}

/* Adds a reading a second after the one before. */
static double add(struct repeats *repeats, int *second, double value)
{
    return repeats_add(repeats, (*second)++ * NS_PER_S, value);
}

static void run(uint64_t seed, int64_t width_s, double resolution, uint32_t alphabet, int readings)
{
    struct arena arena;
    struct repeats *const repeats = fresh(&arena, width_s * NS_PER_S, resolution);
    random_state = seed;
    int64_t time_ns = -500 * NS_PER_S;
    int copying = 0; /* from how many movements back */
    int seen = 0;
    for (int i = 0; i < readings; i++) {
        time_ns += (1 + draw() % 3) * NS_PER_S;
        if (draw() % 40 == 0) {
            copying = moves.count > 50 && draw() % 2 == 0 ? 1 + (int)(draw() % (uint32_t)(moves.count - 1)) : 0;
        }
        const double value = copying > 0 ? moves.values[moves.count - copying] : draw() % alphabet / 4.0;
        if (moves.count == 0 || fabs(value - moves.values[moves.count - 1]) > resolution) {
            moves.times[moves.count] = time_ns;
            moves.values[moves.count++] = value;
        }
        const double came = repeats_add(repeats, time_ns, value);
        assert_true(came == naive(width_s * NS_PER_S));
        seen = came > seen ? (int)came : seen;
    }
    assert_true(seen > 5); /* something did repeat */
    arena_done(&arena);
}

static void is_what_its_definition_says(void **state)
{
    (void)state;
    run(1, 100000, 0, 1000, 3000); /* all that is kept is within the window */
    run(2, 100, 0, 1000, 3000);    /* hardly anything is */
    run(3, 3000, 0, 3, 2000);      /* much repeats by chance */
    run(4, 3000, 0.3, 40, 2000);   /* small steps are rest */
}

static void rest_repeats_nothing(void **state)
{
    (void)state;
    struct arena arena;
    struct repeats *const repeats = fresh(&arena, 1000 * NS_PER_S, 0.1);
    int second = 0;
    for (int i = 0; i < 500; i++) {
        assert_true(add(repeats, &second, 3.0 + i % 2 * 0.05) == 0);
    }
    assert_true(add(repeats, &second, 4.0) == 0);
    assert_true(add(repeats, &second, 3.0) == 1);
    assert_true(add(repeats, &second, 3.0) == 1); /* says the same until the value moves */
    arena_done(&arena);
}

static void a_copied_stretch_counts_up_and_ends_with_the_first_difference(void **state)
{
    (void)state;
    struct arena arena;
    struct repeats *const repeats = fresh(&arena, 1000 * NS_PER_S, 0);
    int second = 0;
    for (int i = 0; i < 100; i++) {
        (void)add(repeats, &second, i * i % 101 + i / 1000.0);
    }
    for (int i = 20; i < 80; i++) {
        assert_true(add(repeats, &second, i * i % 101 + i / 1000.0) == i - 19);
    }
    assert_true(add(repeats, &second, -1.0) == 0);
    arena_done(&arena);
}

static void a_count_goes_on_past_what_is_kept(void **state)
{
    (void)state;
    struct arena arena;
    struct repeats *const repeats = fresh(&arena, 100000 * NS_PER_S, 0);
    int second = 0;
    double last = 0;
    for (int i = 0; i < 3 * REPEATS_KEPT; i++) {
        last = add(repeats, &second, i % 7);
    }
    assert_true(last == 3 * REPEATS_KEPT - 7);
    arena_done(&arena);
}

static void bears_the_ends_of_time_and_of_numbers(void **state)
{
    (void)state;
    struct arena arena;
    struct repeats *const repeats = fresh(&arena, INT64_MAX, 0);
    assert_true(repeats_add(repeats, INT64_MIN, 1e308) == 0);
    assert_true(repeats_add(repeats, 0, -1e308) == 0);
    assert_true(repeats_add(repeats, 1, 1e308) == 0); /* the first lies more than W back */
    assert_true(repeats_add(repeats, INT64_MAX - 1, -1e308) == 1);
    assert_true(repeats_add(repeats, INT64_MAX, 5) == 0);
    arena_done(&arena);
}

static void a_window_of_the_kind_gives_the_newest_count(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct window *const window = window_new(&arena, WINDOW_REPEATS, 100 * NS_PER_S, 0, NS_PER_S, 0.0);
    assert_true(isnan(window_query(window, OP_REPEATS, 0)));
    for (int i = 0; i < 6; i++) {
        window_add(window, i * NS_PER_S, i % 3);
    }
    assert_true(window_query(window, OP_REPEATS, 6 * NS_PER_S) == 3);
    window_done(window);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_its_definition_says),
        cmocka_unit_test(rest_repeats_nothing),
        cmocka_unit_test(a_copied_stretch_counts_up_and_ends_with_the_first_difference),
        cmocka_unit_test(a_count_goes_on_past_what_is_kept),
        cmocka_unit_test(bears_the_ends_of_time_and_of_numbers),
        cmocka_unit_test(a_window_of_the_kind_gives_the_newest_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
