/*
 * Backup and restore: a copy in the middle of writing is whole and stands for
 * itself.
 */
#include "base/clock.h"
#include "cmocka_all.h"
#include "rig.h"
#include <stdio.h>
#include <string.h>

enum { ROWS = 3000, MORE = 500 };

static bool count_row(void *self, const struct store_row *row)
{
    int64_t *const next = self;
    assert_int_equal(row->time_ns, *next);
    ++*next;
    return true;
}

static int64_t rows_in(struct store *store)
{
    struct err err;
    int64_t next = 0;
    assert_int_equal(store_read(store, "p0", 0, INT64_MAX, count_row, &next, &err), ERR_NONE);
    return next;
}

static void put(struct rig *rig, int64_t from, int64_t to)
{
    for (int64_t n = from; n < to; n++) {
        rig_put(rig, 0, n, n, (double)n, 0);
    }
    rig_run(rig);
}

static void a_copy_is_whole_while_writing_goes_on(void **state)
{
    char *const folder = folder_new();
    struct site *const site = site_make(1);
    char path[600], dir[600], other[600];
    struct rig rig;
    struct store *store;
    struct err err;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/data", folder);
    (void)snprintf(dir, sizeof dir, "%s/copy", folder);
    (void)snprintf(other, sizeof other, "%s/other/", folder);
    rig_open(&rig, path, site, NS_PER_S);
    put(&rig, 0, ROWS);
    assert_int_equal(store_backup(rig.store, dir, &err), ERR_NONE);
    put(&rig, ROWS, ROWS + MORE);
    assert_int_equal(store_backup(rig.store, dir, &err), ERR_INPUT);
    assert_int_equal(store_restore(dir, path, site->id, NULL, NULL, &err), ERR_INPUT);
    assert_int_equal(store_restore(dir, other, "someone-else", NULL, NULL, &err), ERR_INPUT);
    assert_int_equal(store_restore(dir, other, site->id, NULL, NULL, &err), ERR_NONE);
    assert_int_equal(store_open_reader(other, &store, &err), ERR_NONE);
    assert_int_equal(rows_in(store), ROWS);
    assert_int_equal(store_backup(store, "/nonexistent/a/b", &err), ERR_INPUT); /* a reader cannot */
    store_close(store);
    assert_int_equal(rows_in(rig.store), ROWS + MORE);
    rig_close(&rig);
    rig_open(&rig, other, site, NS_PER_S); /* and is written on */
    put(&rig, ROWS, ROWS + 1);
    assert_int_equal(rows_in(rig.store), ROWS + 1);
    rig_close(&rig);
    site_unmake(site);
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_whole_while_writing_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
