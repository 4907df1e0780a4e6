/*
 * Tens of thousands of requests to servers that delay, double, drop, mix, cut,
 * merge and garble what they answer: not one wrong value, no connection that
 * stays stuck, memory as flat as on the first day.  "./bench garble" does the
 * same a million times.
 */
#include "garble.h"

#include "base/clock.h"
#include "base/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1, REQUESTS = 10000 };
#else
enum { SANITIZED = 0, REQUESTS = 20000 };
#endif
enum { LINKS = 160, GROWTH_MAX = 256 * 1024, OPEN_MAX = LINKS };

static struct garble_result result;

static int run(void **state)
{
    (void)state;
    const char *seed = getenv("DAVY_SEED"); /* another campaign than the usual one */
    const struct garble_campaign campaign = {.links = LINKS,
                                             .requests = REQUESTS,
                                             .seed = seed != NULL ? strtoull(seed, NULL, 10) : 1,
                                             .limit_ns = 60 * NS_PER_S};
    if (!garble_run(&campaign, &result)) {
        return -1;
    }
    print_message("%llu requests in %.1f s: %llu values, %llu comm; back after %.1f s\n",
                  (unsigned long long)result.requests, (double)result.took_ns / 1e9, (unsigned long long)result.good,
                  (unsigned long long)result.comm, (double)result.back_ns / 1e9);
    return 0;
}

static void no_value_is_wrong(void **state)
{
    (void)state;
    assert_true(result.requests >= REQUESTS);
    assert_true(result.good > result.requests / 2);
    assert_true(result.comm > result.requests / 50);
    assert_int_equal(result.foreign, 0);
    assert_int_equal(result.old, 0);
    assert_int_equal(result.late, 0);
    assert_int_equal(result.odd, 0);
}

static void no_connection_is_stuck(void **state)
{
    (void)state;
    assert_int_equal(result.stuck, 0);
}

static void memory_is_flat(void **state)
{
    (void)state;
    assert_true(result.descriptors <= OPEN_MAX); /* those that were waiting for a new try when they were counted */
    if (SANITIZED) {
        skip(); /* their own book-keeping grows */
    }
    assert_true(result.memory_bytes <= GROWTH_MAX);
}

static void every_way_to_garble_was_met(void **state)
{
    (void)state;
    for (enum garble_kind kind = GARBLE_HONEST; kind < GARBLE_KINDS; kind++) {
        if (result.kinds[kind] == 0) {
            fail_msg("\"%s\" did not happen", garble_name(kind));
        }
    }
}

/* The judge itself: a value of a neighbour, or changed in one bit, is not taken for a point's own. */
static void a_value_knows_where_it_belongs(void **state)
{
    (void)state;
    uint64_t number = 0;
    assert_true(garble_value_read(77, garble_value(77, 123456), &number));
    assert_int_equal(number, 123456);
    assert_false(garble_value_read(78, garble_value(77, 123456), &number));
    for (unsigned bit = 0; bit < 53; bit++) {
        assert_false(garble_value_read(77, garble_value(77, 123456) ^ 1ULL << bit, &number));
    }
    assert_true(garble_value(GARBLE_POINTS_MAX - 1, 0xffffff) < 1ULL << 53);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_value_is_wrong),
        cmocka_unit_test(no_connection_is_stuck),
        cmocka_unit_test(memory_is_flat),
        cmocka_unit_test(every_way_to_garble_was_met),
        cmocka_unit_test(a_value_knows_where_it_belongs),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, run, NULL);
}
