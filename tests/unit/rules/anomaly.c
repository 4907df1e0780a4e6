/* Anomaly scores against a recomputation from all readings, and what the definition says of its edges. */
#include "rules/anomaly.h"

#include "base/clock.h"
#include "rules/window.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { READINGS_MAX = 6000 };

static struct {
    int64_t times[READINGS_MAX];
    double values[READINGS_MAX];
    int count;
} history;

static uint64_t random_state;

static uint64_t random_next(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return random_state >> 33;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The distance of the newest reading to those of its stretch and the 511 before.  A stretch of more than two readings
 * keeps the lowest and the highest, so only those of a stretch count. */
static double naive_distance(int64_t part_ns, int newest)
{
    const int64_t now = floor_div(history.times[newest], part_ns);
    double nearest = INFINITY;
    for (int i = 0; i < newest; i++) {
        const int64_t part = floor_div(history.times[i], part_ns);
        if (part <= now - ANOMALY_PARTS) {
            continue;
        }
        double low = INFINITY;
        double high = -INFINITY;
        for (int j = i; j >= 0 && floor_div(history.times[j], part_ns) == part; j--) {
            low = fmin(low, history.values[j]);
            high = fmax(high, history.values[j]);
        }
        for (int j = i + 1; j < newest && floor_div(history.times[j], part_ns) == part; j++) {
            low = fmin(low, history.values[j]);
            high = fmax(high, history.values[j]);
        }
        nearest = fmin(nearest, fmin(fabs(history.values[newest] - low), fabs(history.values[newest] - high)));
    }
    return nearest;
}

static void assert_same(double came, double expected)
{
    if (isnan(expected) ? !isnan(came) : came != expected && !(fabs(came - expected) <= 1e-12 * fabs(expected))) {
        print_error("came %.17g, expected %.17g\n", came, expected);
        fail();
    }
}

static void run(uint64_t seed, int64_t width_ns, int64_t step_ns, int readings)
{
    struct arena arena;
    arena_init(&arena);
    random_state = seed;
    history.count = 0;
    struct anomaly *const anomaly = anomaly_new(&arena, width_ns);
    int64_t time_ns = -100 * step_ns;
    double square = 0.0;
    int distances = 0;
    for (int i = 0; i < readings; i++) {
        const int64_t before_ns = time_ns;
        time_ns += 1 + (int64_t)(random_next() % (uint64_t)(2 * step_ns)) +
                   (random_next() % 300 == 0 ? (int64_t)(random_next() % (uint64_t)(2 * width_ns)) : 0);
        history.times[i] = time_ns;
        history.values[i] = (double)(random_next() % 100000) / 7.0;
        const double d = naive_distance(width_ns / ANOMALY_PARTS, i);
        const bool knows = (double)(time_ns - history.times[0]) >= (double)width_ns / ANOMALY_BEGIN_PARTS;
        const double expected = isinf(d) || !knows ? NAN : d > 0.0 ? d / sqrt(square) : 0.0;
        assert_same(anomaly_add(anomaly, time_ns, history.values[i]), expected);
        if (!isinf(d)) {
            distances++;
            const double weight =
                fmax(1.0 - exp(-(double)(time_ns - before_ns) / (double)width_ns), 1.0 / (double)distances);
            square += weight * (d * d - square);
        }
    }
    arena_done(&arena);
}

static void is_what_its_definition_says(void **state)
{
    (void)state;
    run(1, 512 * NS_PER_S, NS_PER_S, 3000);     /* a reading a stretch */
    run(2, 512 * NS_PER_S, NS_PER_S / 5, 5000); /* five a stretch */
    run(3, 100 * NS_PER_S, NS_PER_S, 1500);     /* many stretches empty */
}

static struct anomaly *fresh(struct arena *arena, int64_t width_ns)
{
    arena_init(arena);
    return anomaly_new(arena, width_ns);
}

static void a_value_seen_before_is_nothing_new(void **state)
{
    (void)state;
    struct arena arena;
    struct anomaly *const anomaly = fresh(&arena, 16 * NS_PER_S);
    for (int i = 0; i < 10; i++) {
        (void)anomaly_add(anomaly, i * NS_PER_S, i % 3);
    }
    assert_true(anomaly_add(anomaly, 10 * NS_PER_S, 1.0) == 0.0);
    assert_true(anomaly_add(anomaly, 11 * NS_PER_S, 5.0) > 1.0);
    assert_true(anomaly_add(anomaly, 12 * NS_PER_S, 5.0) == 0.0);
    arena_done(&arena);
}

static void a_value_between_two_usual_ones_is_new_too(void **state)
{
    (void)state;
    struct arena arena;
    struct anomaly *const anomaly = fresh(&arena, 1000 * NS_PER_S);
    for (int i = 0; i < 500; i++) {
        (void)anomaly_add(anomaly, i * NS_PER_S, (i % 2 == 0 ? 10.0 : 90.0) + (i * 7 % 13) / 13.0);
    }
    assert_true(anomaly_add(anomaly, 500 * NS_PER_S, 50.0) > 5.0);
    arena_done(&arena);
}

static void a_first_step_after_nothing_but_rest_is_infinite(void **state)
{
    (void)state;
    struct arena arena;
    struct anomaly *const anomaly = fresh(&arena, 16 * NS_PER_S);
    for (int i = 0; i < 5; i++) {
        const double answer = anomaly_add(anomaly, i * NS_PER_S, 3.0);
        assert_true(i == 0 ? isnan(answer) : answer == 0.0);
    }
    assert_true(isinf(anomaly_add(anomaly, 5 * NS_PER_S, 4.0)));
    assert_true(isfinite(anomaly_add(anomaly, 6 * NS_PER_S, 5.0)));
    arena_done(&arena);
}

static void says_nothing_before_a_sixteenth_of_the_window(void **state)
{
    (void)state;
    struct arena arena;
    struct anomaly *const anomaly = fresh(&arena, 160 * NS_PER_S);
    for (int i = 0; i < 10; i++) {
        assert_true(isnan(anomaly_add(anomaly, i * NS_PER_S, i)));
    }
    assert_true(anomaly_add(anomaly, 10 * NS_PER_S, 10.0) >= 0.0);
    arena_done(&arena);
}

static void forgets_what_is_older_than_the_window(void **state)
{
    (void)state;
    struct arena arena;
    struct anomaly *const anomaly = fresh(&arena, 512 * NS_PER_S);
    for (int i = 0; i < 600; i++) {
        (void)anomaly_add(anomaly, i * NS_PER_S, i);
    }
    assert_true(anomaly_add(anomaly, 600 * NS_PER_S, 89.0) == 0.0); /* 511 stretches back */
    assert_true(anomaly_add(anomaly, 601 * NS_PER_S, 89.5) > 0.0);
    assert_true(isnan(anomaly_add(anomaly, 1601 * NS_PER_S, 600.0))); /* a gap longer than the window */
    arena_done(&arena);
}

static void bears_the_ends_of_time_and_of_numbers(void **state)
{
    (void)state;
    struct arena arena;
    struct anomaly *const anomaly = fresh(&arena, 1);
    (void)anomaly_add(anomaly, INT64_MIN, 1e308);
    assert_true(isnan(anomaly_add(anomaly, INT64_MAX, -1e308)));
    struct anomaly *const wide = anomaly_new(&arena, INT64_MAX);
    (void)anomaly_add(wide, INT64_MIN, 0.0);
    (void)anomaly_add(wide, 0, 1e300);
    assert_true(anomaly_add(wide, 1, 3e300) >= 0.0);
    assert_true(anomaly_add(wide, INT64_MAX / 2, 1.0) >= 0.0);
    arena_done(&arena);
}

static void a_window_of_the_kind_gives_the_newest_score(void **state)
{
    (void)state;
    struct arena arena;
    struct anomaly *const anomaly = fresh(&arena, 16 * NS_PER_S);
    struct window *const window = window_new(&arena, WINDOW_ANOMALY, 16 * NS_PER_S, 0, NS_PER_S, 0.0);
    assert_true(isnan(window_query(window, OP_ANOMALY, 0)));
    for (int i = 0; i < 40; i++) {
        const double value = i * i % 17;
        const double expected = anomaly_add(anomaly, i * NS_PER_S, value);
        window_add(window, i * NS_PER_S, value);
        assert_same(window_query(window, OP_ANOMALY, i * NS_PER_S + 5), expected);
    }
    assert_int_equal(window_grown_bytes(window), 0);
    window_done(window);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_its_definition_says),
        cmocka_unit_test(a_value_seen_before_is_nothing_new),
        cmocka_unit_test(a_value_between_two_usual_ones_is_new_too),
        cmocka_unit_test(a_first_step_after_nothing_but_rest_is_infinite),
        cmocka_unit_test(says_nothing_before_a_sixteenth_of_the_window),
        cmocka_unit_test(forgets_what_is_older_than_the_window),
        cmocka_unit_test(bears_the_ends_of_time_and_of_numbers),
        cmocka_unit_test(a_window_of_the_kind_gives_the_newest_score),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
