/*
 * A store that is opened again and again: each time leaves small tables, upkeep
 * merges them, and what they hold stays as it is.
 */
#include "cmocka_all.h"
#include "keep_rig.h"
#include <dirent.h>
#include <fnmatch.h>

enum { OPENINGS = 40, POINTS = 3, TABLES_MOST = 30 };

static size_t count_tables(const char *path)
{
    DIR *const folder = opendir(path);
    size_t count = 0;
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        count += fnmatch("*.sst", entry->d_name, 0) == 0;
    }
    (void)closedir(folder);
    return count;
}

/* Opens it so often, with a sample of each point; gives the number of tables in the end. */
static size_t open_often(const char *path, struct site *site, bool care)
{
    struct rig rig;
    uint64_t gathered = 0;
    struct err err;
    for (int64_t n = 0; n < OPENINGS; n++) {
        rig_open(&rig, path, site, NS_PER_S);
        for (uint32_t point = 0; point < POINTS; point++) {
            rig_put(&rig, point, epoch_ns + n, epoch_ns + n, (double)n, 0);
        }
        rig_run(&rig);
        if (care) {
            assert_true(rig_care(&rig, epoch_ns + n, 0));
            gathered += rig_counter(&rig, "store.gathered");
        }
        rig_close(&rig);
    }
    rig_open(&rig, path, site, NS_PER_S);
    const struct digest rows = digest_rows(rig.store, 1, INT64_MIN, INT64_MAX);
    assert_int_equal(rows.count, OPENINGS);
    assert_int_equal(store_verify(rig.store, NULL, NULL, &err), ERR_NONE);
    assert_true(care == (gathered > 0));
    rig_close(&rig);
    return count_tables(path);
}

static void small_tables_do_not_pile_up(void **state)
{
    (void)state;
    char *const without = folder_new();
    char *const with = folder_new();
    struct site *const site = keep_site_make((struct site_keep){0});
    const size_t piled_up = open_often(without, site, false);
    const size_t gathered = open_often(with, site, true);
    assert_true(piled_up > TABLES_MOST); /* else the database does it by itself by now */
    assert_true(gathered < TABLES_MOST);
    keep_site_unmake(site);
    folder_remove(without);
    folder_remove(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_tables_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
