/* The short form of a series in rule tests, word by word. */
#include "app/rule_values.h"

#include "model/sample.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct places {
    struct rule_place items[64];
    size_t count;
};

static bool take(void *self, const struct rule_place *place)
{
    struct places *places = self;
    assert_true(places->count < 64);
    places->items[places->count++] = *place;
    return true;
}

static struct places read_all(const char *text)
{
    struct places places = {0};
    struct err err = {0};
    assert_int_equal(rule_values_read(text, take, &places, &err), ERR_NONE);
    return places;
}

static void a_times_n_repeats(void **state)
{
    (void)state;
    struct places places = read_all("0.2x3  -1.5");
    assert_int_equal(places.count, 4);
    assert_true(places.items[2].value == 0.2);
    assert_true(places.items[3].value == -1.5);
}

static void steps_include_both_ends_and_are_rounded(void **state)
{
    (void)state;
    struct places places = read_all("0.2..1.4/13");
    assert_int_equal(places.count, 13);
    assert_true(places.items[0].value == 0.2);
    assert_true(places.items[1].value == 0.3); /* 0.30000000000000004 before rounding */
    assert_true(places.items[7].value == 0.9);
    assert_true(places.items[12].value == 1.4);
    assert_true(read_all("3..9/1").items[0].value == 3);
    assert_true(read_all("2..-2/5").items[3].value == -1);
}

static void flags_stand_alone_or_before_a_value(void **state)
{
    (void)state;
    struct places places = read_all("stale commx2 calibrating:1.6x2 range+manual:12");
    assert_int_equal(places.count, 6);
    assert_int_equal(places.items[0].status, ST_STALE);
    assert_true(isnan(places.items[0].value));
    assert_int_equal(places.items[2].status, ST_COMM);
    assert_int_equal(places.items[4].status, ST_CALIBRATING);
    assert_true(places.items[4].value == 1.6);
    assert_int_equal(places.items[5].status, ST_RANGE | ST_MANUAL);
}

static void underscores_leave_places_empty(void **state)
{
    (void)state;
    struct places places = read_all("_x5 1");
    assert_int_equal(places.count, 6);
    assert_true(places.items[4].empty);
    assert_false(places.items[5].empty);
}

static void what_is_no_series_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"x3",     "1x",      "1x0",      "1..2",  "1../3",     "..2/3", "wet",
                                      "wet:1",  "1:stale", "_:1",      "stale:", "1x-2",     "--1",   "good",
                                      "1..2/0", "1x9999999999", "stale:_x3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct places places = {0};
        struct err err = {0};
        if (rule_values_read(bad[i], take, &places, &err) != ERR_INPUT) {
            print_error("%s was taken\n", bad[i]);
            fail();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_times_n_repeats),
        cmocka_unit_test(steps_include_both_ends_and_are_rounded),
        cmocka_unit_test(flags_stand_alone_or_before_a_value),
        cmocka_unit_test(underscores_leave_places_empty),
        cmocka_unit_test(what_is_no_series_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
