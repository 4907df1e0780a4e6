/* table: every key finds its own value, also when the key is a piece of a longer text. */
#include "base/table.h"
#include "tests/unit/base/unit.h"
#include <stdio.h>
#include <string.h>

static void test_finds_what_was_added_and_nothing_else(void **state)
{
    (void)state;
    struct table table;
    table_init(&table);
    assert_int_equal(table_find(&table, "a", 1), TABLE_NONE);
    assert_int_equal(table_add(&table, "face-501/t1/ch4", 7), TABLE_NONE);
    assert_int_equal(table_add(&table, "", 8), TABLE_NONE);
    assert_int_equal(table_find(&table, "face-501/t1/ch4,1.02", 15), 7);
    assert_int_equal(table_find(&table, "face-501/t1/ch4,1.02", 14), TABLE_NONE);
    assert_int_equal(table_find(&table, "face-501/t1/ch4,1.02", 16), TABLE_NONE);
    assert_int_equal(table_find(&table, "", 0), 8);
    assert_int_equal(table_find(&table, "\0", 1), TABLE_NONE);
    assert_int_equal(table_find(&table, "face-501/t1/ch4\0x", 17), TABLE_NONE);
    table_done(&table);
    table_done(&table);
    table_done(NULL);
}

static void test_a_second_value_for_a_key_is_not_taken(void **state)
{
    (void)state;
    struct table table;
    table_init(&table);
    char again[] = "k";
    assert_int_equal(table_add(&table, "k", 1), TABLE_NONE);
    assert_int_equal(table_add(&table, again, 2), 1);
    assert_int_equal(table_find(&table, "k", 1), 1);
    assert_int_equal(table.count, 1);
    table_done(&table);
}

static void test_holds_many_keys_that_differ_little(void **state)
{
    (void)state;
    enum { KEYS = 50000, KEY_BYTES = 24 };
    static char keys[KEYS][KEY_BYTES];
    struct table table;
    table_init(&table);
    for (uint32_t i = 0; i < KEYS; i++) {
        (void)snprintf(keys[i], KEY_BYTES, "tank-%u/level", i);
        assert_int_equal(table_add(&table, keys[i], i), TABLE_NONE);
    }
    assert_int_equal(table.count, KEYS);
    for (uint32_t i = 0; i < KEYS; i++) {
        assert_int_equal(table_find(&table, keys[i], strlen(keys[i])), i);
        char wrong[KEY_BYTES + 1];
        (void)snprintf(wrong, sizeof wrong, "tank-%u/levek", i);
        assert_int_equal(table_find(&table, wrong, strlen(wrong)), TABLE_NONE);
    }
    table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_what_was_added_and_nothing_else),
        cmocka_unit_test(test_a_second_value_for_a_key_is_not_taken),
        cmocka_unit_test(test_holds_many_keys_that_differ_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
