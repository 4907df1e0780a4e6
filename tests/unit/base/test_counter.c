/* counter: names are found again, room is bounded, readers may look at any time. */
#include "base/counter.h"
#include "tests/unit/base/unit.h"
#include <pthread.h>
#include <stdio.h>

static void test_the_same_name_gives_the_same_counter(void **state)
{
    (void)state;
    struct counters *counters = counters_new(10);
    char name[32] = "ingest.plc-1.polls";
    struct counter *polls = counter_new(counters, name, "1", "polls sent");
    name[0] = 'X'; /* the name was copied */
    assert_ptr_equal(counter_new(counters, "ingest.plc-1.polls", "", ""), polls);
    struct counter *other = counter_new(counters, "ingest.plc-1.late", "1", "");
    assert_ptr_not_equal(other, polls);
    assert_int_equal(counters_count(counters), 2);
    assert_string_equal(counter_name(counters_at(counters, 0)), "ingest.plc-1.polls");
    assert_string_equal(counter_unit(polls), "1");
    assert_string_equal(counter_help(polls), "polls sent");
    counter_add(polls, 3);
    counter_add(polls, 4);
    assert_int_equal(counter_get(polls), 7);
    counter_set(polls, UINT64_MAX);
    assert_int_equal(counter_get(counters_at(counters, 0)), UINT64_MAX);
    assert_int_equal(counter_get(other), 0);
    counters_free(counters);
    counters_free(NULL);
}

static void test_without_room_all_share_one_that_says_so(void **state)
{
    (void)state;
    struct counters *counters = counters_new(3);
    for (int i = 0; i < 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "a.%d", i);
        (void)counter_new(counters, name, "", "");
    }
    assert_int_equal(counters_count(counters), 3);
    struct counter *lost = counter_new(counters, "a.3", "", "");
    assert_ptr_equal(counter_new(counters, "a.4", "", ""), lost);
    assert_string_equal(counter_name(lost), "counters.lost");
    assert_int_equal(counters_count(counters), 4);
    assert_ptr_equal(counters_at(counters, 3), lost);
    assert_ptr_not_equal(counter_new(counters, "a.2", "", ""), lost); /* those there were are still found */
    counters_free(counters);
}

enum { ROUNDS = 200000 };

static void *count_up(void *counter)
{
    for (int i = 0; i < ROUNDS; i++) {
        counter_add(counter, 2);
    }
    return NULL;
}

static void test_a_reader_sees_it_rise(void **state)
{
    (void)state;
    struct counters *counters = counters_new(1);
    struct counter *counter = counter_new(counters, "a", "", "");
    pthread_t owner;
    assert_int_equal(pthread_create(&owner, NULL, count_up, counter), 0);
    uint64_t last = 0;
    while (last < 2 * ROUNDS) {
        const uint64_t now = counter_get(counter);
        assert_true(now >= last && now % 2 == 0);
        last = now;
    }
    assert_int_equal(pthread_join(owner, NULL), 0);
    counters_free(counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_name_gives_the_same_counter),
        cmocka_unit_test(test_without_room_all_share_one_that_says_so),
        cmocka_unit_test(test_a_reader_sees_it_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
