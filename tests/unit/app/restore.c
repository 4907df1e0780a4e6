/* A point as it was before the messages that come again: its newest reading and last good value of then. */
#include "app/restore.h"

#include "base/clock.h"
#include "tests/unit/store/rig.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HOUR_NS (3600 * NS_PER_S)

struct rest {
    char *path;
    struct site *site;
    struct rig rig;
};

/* One good value, then two hours later only marks of loss, a second apart; the last one good if `back`. */
static void fill(struct rest *rest, bool back)
{
    *rest = (struct rest){.path = folder_new(), .site = site_make(1)};
    rig_open(&rest->rig, rest->path, rest->site, NS_PER_S);
    rig_put(&rest->rig, 0, NS_PER_S, NS_PER_S, 5, 0);
    for (int64_t i = 0; i < 10; i++) {
        const int64_t time_ns = 2 * HOUR_NS + i * NS_PER_S;
        const bool good = back && i == 9;
        rig_put(&rest->rig, 0, time_ns, time_ns, good ? 8 : NAN, good ? 0 : ST_COMM);
    }
    rig_run(&rest->rig);
}

static void empty(struct rest *rest)
{
    rig_close(&rest->rig);
    site_unmake(rest->site);
    folder_remove(rest->path);
}

static struct board_entry as_of(struct rest *rest, double last_good)
{
    const struct board_entry last = {
        .time_ns = 2 * HOUR_NS + 9 * NS_PER_S, .seen_ns = 2 * HOUR_NS + 9 * NS_PER_S, .value = NAN, .good = last_good};
    struct board_entry entry;
    struct err err;
    assert_int_equal(
        restore_as_of(rest->rig.store, &rest->site->points[0], &last, 2 * HOUR_NS + 5 * NS_PER_S, &entry, &err),
        ERR_NONE);
    assert_int_equal(entry.time_ns, 2 * HOUR_NS + 4 * NS_PER_S);
    assert_int_equal(entry.status, ST_COMM);
    return entry;
}

static void a_good_value_that_came_later_is_not_the_one_of_then(void **state)
{
    struct rest rest;
    (void)state;
    fill(&rest, true);
    assert_true(as_of(&rest, 8).good == 5);
    empty(&rest);
}

/* Else a year of a dead sensor would be read, for a value the store tells anyway: that it is 7 shows who was asked. */
static void a_good_value_that_is_older_is_not_looked_for(void **state)
{
    struct rest rest;
    (void)state;
    fill(&rest, false);
    assert_true(as_of(&rest, 7).good == 7);
    assert_true(isnan(as_of(&rest, NAN).good));
    empty(&rest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_value_that_came_later_is_not_the_one_of_then),
        cmocka_unit_test(a_good_value_that_is_older_is_not_looked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
