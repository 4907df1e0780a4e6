/*
 * A store that is opened again and again: each time leaves small tables, upkeep
 * merges them, and what they hold stays as it is.
 */
#include "cmocka_all.h"
#include "keep_rig.h"
#include <dirent.h>
#include <fnmatch.h>

enum { OPENINGS_MOST = 40, POINTS = 3 };

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

/* Opens it once more, with a sample of each point and a round of upkeep; gives how many tables that merged. */
static uint64_t open_again(const char *path, struct site *site, int64_t n, size_t *ret_fewer)
{
    struct rig rig;
    rig_open(&rig, path, site, NS_PER_S);
    for (uint32_t point = 0; point < POINTS; point++) {
        rig_put(&rig, point, epoch_ns + n, epoch_ns + n, (double)n, 0);
    }
    rig_run(&rig);
    const size_t before = count_tables(path);
    assert_true(rig_care(&rig, epoch_ns + n, 0));
    const uint64_t gathered = rig_counter(&rig, "store.gathered");
    rig_close(&rig); /* what was merged is deleted by then */
    const size_t after = count_tables(path);
    *ret_fewer = before > after ? before - after : 0;
    return gathered;
}

static void small_tables_do_not_pile_up(void **state)
{
    (void)state;
    char *const path = folder_new();
    struct site *const site = keep_site_make((struct site_keep){0});
    struct rig rig;
    struct err err;
    uint64_t gathered = 0;
    size_t fewer = 0;
    int64_t n = 0;
    for (; n < OPENINGS_MOST && gathered == 0; n++) {
        gathered = open_again(path, site, n, &fewer);
    }
    assert_true(gathered > 16);
    assert_true(fewer >= 12); /* one takes their place, and those of other families come */
    rig_open(&rig, path, site, NS_PER_S);
    assert_int_equal(digest_rows(rig.store, 1, INT64_MIN, INT64_MAX).count, n);
    assert_int_equal(store_verify(rig.store, NULL, NULL, &err), ERR_NONE);
    rig_close(&rig);
    keep_site_unmake(site);
    folder_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_tables_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
