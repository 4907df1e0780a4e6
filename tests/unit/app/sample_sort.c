/*
 * Sorting in bounded memory: the same as sorting at once, whatever fits.
 */
#include "app/sample_sort.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* wants the above first */

enum { MOST = 5000 };

static int by_value(const void *a, const void *b)
{
    const struct sample *x = a;
    const struct sample *y = b;
    return x->time_ns != y->time_ns ? (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns)
                                    : (x->point > y->point) - (x->point < y->point);
}

struct came {
    struct sample rows[MOST];
    size_t count, most;
};

static bool take(void *self, const struct sample *sample)
{
    struct came *came = self;
    came->rows[came->count++] = *sample;
    return came->count < came->most;
}

static void rows_come_in_order_whatever_fits(void **state)
{
    static const struct {
        size_t count, room;
    } table[] = {{0, 10}, {1, 10}, {10, 10}, {11, 10}, {5000, 5000}, {5000, 4999}, {5000, 700}, {5000, 64}, {900, 2}};
    static struct sample sorted[MOST];
    static struct came came;
    struct err err;
    uint32_t seed = 1;
    (void)state;
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        struct sample_sort *sort = sample_sort_new(table[t].room, by_value);
        for (size_t i = 0; i < table[t].count; i++) {
            seed = seed * 1664525 + 1013904223;
            sorted[i] = (struct sample){.time_ns = seed >> 22, .point = (uint32_t)i, .value = (double)i};
            assert_int_equal(sample_sort_add(sort, &sorted[i], &err), ERR_NONE);
        }
        qsort(sorted, table[t].count, sizeof *sorted, by_value);
        came.count = 0;
        came.most = MOST + 1;
        assert_int_equal(sample_sort_finish(sort, take, &came, &err), ERR_NONE);
        assert_int_equal(came.count, table[t].count);
        assert_memory_equal(came.rows, sorted, table[t].count * sizeof *sorted);
        sample_sort_free(sort);
    }
}

static void it_stops_when_told(void **state)
{
    static struct came came = {.most = 3};
    struct err err;
    (void)state;
    struct sample_sort *sort = sample_sort_new(4, by_value);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(sample_sort_add(sort, &(struct sample){.time_ns = 20 - i}, &err), ERR_NONE);
    }
    assert_int_equal(sample_sort_finish(sort, take, &came, &err), ERR_NONE);
    assert_int_equal(came.count, 3);
    assert_int_equal(came.rows[2].time_ns, 3);
    sample_sort_free(sort);
    sample_sort_free(NULL);
}

static void a_missing_folder_is_told(void **state)
{
    struct err err = {0};
    (void)state;
    assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
    struct sample_sort *sort = sample_sort_new(2, by_value);
    assert_int_equal(sample_sort_add(sort, &(struct sample){0}, &err), ERR_NONE);
    assert_int_equal(sample_sort_add(sort, &(struct sample){0}, &err), ERR_NONE);
    assert_int_equal(sample_sort_add(sort, &(struct sample){0}, &err), ERR_ENV);
    assert_non_null(strstr(err.text, "TMPDIR"));
    sample_sort_free(sort);
    assert_int_equal(unsetenv("TMPDIR"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_order_whatever_fits),
        cmocka_unit_test(it_stops_when_told),
        cmocka_unit_test(a_missing_folder_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
