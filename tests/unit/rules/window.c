/* Windows against a recomputation from all samples, in long double, at every query. */
#include "rules/window.h"

#include "base/clock.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ALL_NEEDS = NEED_SUM | NEED_SQUARES | NEED_EXTREMES | NEED_CHANGES | NEED_LINE, SAMPLES_MAX = 30000 };

struct history {
    int64_t times[SAMPLES_MAX];
    double values[SAMPLES_MAX];
    int count;
};

static uint64_t random_state;

static uint64_t random_next(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return random_state >> 33;
}

static double naive(const struct history *history, enum op op, int64_t from_ns, int64_t to_ns, double resolution)
{
    long double n = 0, sum = 0, st = 0, stt = 0, stx = 0;
    double min = INFINITY, max = -INFINITY, first = NAN, last = NAN;
    int changes = 0;
    for (int i = 0; i < history->count; i++) {
        if (history->times[i] <= from_ns || history->times[i] > to_ns) {
            continue;
        }
        double x = history->values[i];
        changes += n > 0 && fabs(x - last) > resolution;
        first = n == 0 ? x : first;
        last = x;
        n++;
        sum += x;
        min = x < min ? x : min;
        max = x > max ? x : max;
    }
    if (n == 0) {
        return NAN;
    }
    long double mean = sum / n;
    long double var = 0;
    long double mean_t = 0;
    for (int i = 0; i < history->count; i++) {
        if (history->times[i] > from_ns && history->times[i] <= to_ns) {
            mean_t += (long double)(history->times[i] - to_ns) / 1e9L / n;
        }
    }
    for (int i = 0; i < history->count; i++) {
        if (history->times[i] <= from_ns || history->times[i] > to_ns) {
            continue;
        }
        long double dx = history->values[i] - mean;
        long double dt = (long double)(history->times[i] - to_ns) / 1e9L - mean_t;
        var += dx * dx / n;
        stt += dt * dt;
        stx += dt * dx;
        st += dt;
    }
    switch (op) {
    case OP_MEAN:
        return (double)mean;
    case OP_MIN:
        return min;
    case OP_MAX:
        return max;
    case OP_RANGE:
        return max - min;
    case OP_STDDEV:
        return (double)sqrtl(var);
    case OP_COUNT:
        return (double)n;
    case OP_FIRST:
        return first;
    case OP_LAST:
        return last;
    case OP_DELTA:
        return last - first;
    case OP_SLOPE:
        return n < 2 ? NAN : (double)(stx / stt * 60);
    default:
        return changes;
    }
}

static void assert_near(double came, double expected, double scale)
{
    if (isnan(expected)) {
        assert_true(isnan(came));
        return;
    }
    if (!(fabs(came - expected) <= 1e-11 * scale)) {
        print_error("came %.17g, expected %.17g\n", came, expected);
        fail();
    }
}

static const enum op functions[] = {OP_MEAN,  OP_MIN,  OP_MAX,   OP_RANGE, OP_STDDEV, OP_COUNT,
                                    OP_FIRST, OP_LAST, OP_DELTA, OP_SLOPE, OP_CHANGES};

static struct history history;

/* Feeds random samples on a grid and asks everything at random later times, now and then earlier than before. */
static void run(uint64_t seed, int64_t width_ns, int64_t step_ns, int samples, double base)
{
    struct arena arena;
    arena_init(&arena);
    random_state = seed;
    history.count = 0;
    struct window *window = window_new(&arena, WINDOW_PLAIN, width_ns, ALL_NEEDS, step_ns, 0.15);
    int64_t time_ns = -5 * step_ns;
    for (int i = 0; i < samples; i++) {
        time_ns += 1 + (int64_t)(random_next() % (uint64_t)(2 * step_ns)) +
                   (random_next() % 50 == 0 ? (int64_t)(random_next() % (uint64_t)(3 * width_ns)) : 0);
        double value = base + (double)(random_next() % 8) / 10.0;
        history.times[history.count] = time_ns;
        history.values[history.count++] = value;
        window_add(window, time_ns, value);
        int queries = (int)(random_next() % 3);
        for (int q = 0; q < queries && (samples < 5000 || i % 97 == 0); q++) {
            int64_t t_ns = time_ns + (int64_t)(random_next() % (uint64_t)(width_ns + width_ns / 2));
            for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
                double expected = naive(&history, functions[f], t_ns - width_ns, t_ns, 0.15);
                double scale = functions[f] == OP_SLOPE ? 60e9 / (double)step_ns : fabs(base) + 1;
                assert_near(window_query(window, functions[f], t_ns), expected, scale);
            }
        }
    }
    window_done(window);
    arena_done(&arena);
}

static void a_window_is_what_a_recomputation_gives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        run(seed, 10 * NS_PER_S, NS_PER_S, 300, 0.0);
        run(seed, 60 * NS_PER_S, NS_PER_S / 2, 500, 1e6);
        run(seed, NS_PER_S, 3 * NS_PER_S, 100, -3.0);
    }
}

static void a_window_grows_when_samples_come_faster(void **state)
{
    (void)state;
    run(7, 300 * NS_PER_S, NS_PER_S, 3000, 5.0);
}

static void beyond_1024_samples_the_edge_is_off_by_a_256th_at_most(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    int64_t width_ns = 10000 * NS_PER_S;
    struct window *window = window_new(&arena, WINDOW_PLAIN, width_ns, ALL_NEEDS, NS_PER_S, 0.0);
    history.count = 0;
    random_state = 3;
    for (int i = 0; i < SAMPLES_MAX; i++) {
        history.times[i] = i * NS_PER_S;
        history.values[i] = (double)(random_next() % 1000) / 7.0;
        history.count++;
        window_add(window, history.times[i], history.values[i]);
        if (i % 499 != 0) {
            continue;
        }
        double count = window_query(window, OP_COUNT, history.times[i]);
        int64_t true_from_ns = history.times[i] - width_ns;
        double least = naive(&history, OP_COUNT, true_from_ns, history.times[i], 0.0);
        assert_true(count >= least);
        assert_true(count <= least + 10000.0 / WINDOW_EDGE_PARTS + 1);
        /* what it holds it holds exactly: the same functions over as many newest samples */
        int64_t held_from_ns = history.times[i] - (int64_t)count * NS_PER_S;
        for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
            assert_near(window_query(window, functions[f], history.times[i]),
                        naive(&history, functions[f], held_from_ns, history.times[i], 0.0), 200.0);
        }
    }
    window_done(window);
    arena_done(&arena);
}

static void equal_samples_deviate_by_nothing_at_all(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct window *window = window_new(&arena, WINDOW_PLAIN, 5 * NS_PER_S, ALL_NEEDS, NS_PER_S, 0.0);
    int64_t t_ns = 0;
    for (int i = 0; i < 50; i++, t_ns += NS_PER_S) {
        window_add(window, t_ns, i * 0.37);
    }
    for (int i = 0; i < 7; i++, t_ns += NS_PER_S) {
        window_add(window, t_ns, 0.1);
    }
    t_ns -= NS_PER_S;
    assert_true(window_query(window, OP_STDDEV, t_ns) == 0.0);
    assert_true(window_query(window, OP_SLOPE, t_ns) == 0.0);
    assert_true(window_query(window, OP_MEAN, t_ns) == 0.1);
    window_done(window);
    arena_done(&arena);
}

static void ewma_follows_its_formula(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct window *window = window_new(&arena, WINDOW_EWMA, 10 * NS_PER_S, 0, NS_PER_S, 0.0);
    assert_true(isnan(window_query(window, OP_EWMA, 0)));
    window_add(window, 0, 2.0);
    assert_true(window_query(window, OP_EWMA, 0) == 2.0);
    window_add(window, 5 * NS_PER_S, 4.0);
    assert_near(window_query(window, OP_EWMA, 5 * NS_PER_S), 2.0 + (1.0 - exp(-0.5)) * 2.0, 1);
    arena_done(&arena);
}

static void zscore_looks_at_the_samples_before(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct window *window = window_new(&arena, WINDOW_ZSCORE, 10 * NS_PER_S, 0, NS_PER_S, 0.0);
    window_add(window, 0, 100.0);
    window_add(window, 8 * NS_PER_S, 1.0);
    window_add(window, 9 * NS_PER_S, 3.0);
    assert_near(window_query(window, OP_ZSCORE, 9 * NS_PER_S), (3.0 - 50.5) / 49.5, 1);
    window_add(window, 10 * NS_PER_S, 4.0); /* the one at 0 is out: (0, 10) */
    assert_near(window_query(window, OP_ZSCORE, 10 * NS_PER_S), 2.0, 1);
    window_add(window, 30 * NS_PER_S, 5.0);
    assert_true(isnan(window_query(window, OP_ZSCORE, 30 * NS_PER_S)));
    window_done(window);
    arena_done(&arena);
}

static void eta_in_the_order_of_its_definition(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct window *window = window_new(&arena, WINDOW_PLAIN, 60 * NS_PER_S, NEED_LINE, NS_PER_S, 0.0);
    assert_true(isinf(window_eta(window, 5.0, true, 0)));
    window_add(window, 0, 1.0);
    window_add(window, NS_PER_S, 2.0);
    assert_true(isinf(window_eta(window, 1.0, true, NS_PER_S))); /* fewer than 3 */
    window_add(window, 2 * NS_PER_S, 3.0);
    assert_near(window_eta(window, 5.0, true, 2 * NS_PER_S), 2.0, 1);
    assert_true(window_eta(window, 3.0, true, 2 * NS_PER_S) == 0.0);
    assert_true(isinf(window_eta(window, 0.0, false, 2 * NS_PER_S))); /* it moves the other way */
    assert_true(isnan(window_eta(window, NAN, true, 2 * NS_PER_S)));
    window_done(window);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_is_what_a_recomputation_gives),
        cmocka_unit_test(a_window_grows_when_samples_come_faster),
        cmocka_unit_test(beyond_1024_samples_the_edge_is_off_by_a_256th_at_most),
        cmocka_unit_test(equal_samples_deviate_by_nothing_at_all),
        cmocka_unit_test(ewma_follows_its_formula),
        cmocka_unit_test(zscore_looks_at_the_samples_before),
        cmocka_unit_test(eta_in_the_order_of_its_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
