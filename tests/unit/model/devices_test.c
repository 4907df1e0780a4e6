/* devices_test: what devices expand to.  What is said of wrong ones is in tests/data/check/devices. */
#include "base/clock.h"
#include "model/site.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct site *load(const char *path)
{
    struct mistakes mistakes;
    struct err err = {0};
    struct site *site = NULL;
    mistakes_init(&mistakes);
    enum err_code code = site_load(path, &mistakes, &site, &err);
    mistakes_print(&mistakes, stderr);
    mistakes_done(&mistakes);
    assert_int_equal(code, ERR_NONE);
    return site;
}

static const struct site_point *point(const struct site *site, const char *id)
{
    const uint32_t index = site_point(site, id, strlen(id));
    assert_true(index != SITE_NONE);
    return &site->points[index];
}

static void points_come_file_by_file_and_in_order(void **state)
{
    static const char *const ids[] = {"first",      "second",    "gd-1/gas",    "gd-1/state", "gd-2/gas",
                                      "gd-2/state", "gd-3/gas",  "gd-3/state",  "block/gas",  "block/state",
                                      "T7/level",   "row-1/gas", "row-1/state", "T8/level"};
    struct site *site = load(*state);
    assert_int_equal(site->point_count, sizeof ids / sizeof *ids);
    for (size_t i = 0; i < site->point_count; i++) {
        assert_string_equal(site->points[i].id, ids[i]);
    }
    site_free(site);
}

static void a_device_gives_what_is_its_own(void **state)
{
    struct site *site = load(*state);
    const struct site_point *gas = point(site, "gd-2/gas");
    assert_string_equal(gas->name, "Detector 2 gas");
    assert_string_equal(gas->kind, "ch4");
    assert_true(gas->every_ns == 5 * NS_PER_S && gas->stale_ns == 15 * NS_PER_S);
    assert_int_equal(gas->hazard, 0);
    assert_string_equal(site_point_tag(gas, "place"), "T2"); /* in place of the template's */
    assert_string_equal(site_point_tag(gas, "no"), "2");     /* beside it */
    assert_int_equal(gas->from.unit, 2);
    assert_int_equal(gas->from.address, 0);
    assert_int_equal(gas->from.type, TYPE_F32);
    assert_int_equal(point(site, "gd-2/state")->from.address, 2 + 2 * 10); /* a step for each number */
    const struct site_point *block = point(site, "block/gas");
    assert_string_equal(block->name, "block gas");
    assert_true(block->every_ns == NS_PER_S);
    assert_int_equal(block->hazard, SITE_NONE);
    assert_string_equal(site_point_tag(block, "place"), "T1");
    assert_int_equal(block->from.address, 1000);
    assert_int_equal(point(site, "block/state")->from.address, 1000 + 2 + 2 * 10);
    assert_string_equal(point(site, "T7/level")->from.key, "T7.LVL");
    site_free(site);
}

static void a_device_table_reads_like_json(void **state)
{
    struct site *site = load(*state);
    const struct site_point *gas = point(site, "row-1/gas");
    assert_string_equal(gas->name, "第一 gas");
    assert_int_equal(gas->from.unit, 20);
    assert_int_equal(gas->from.address, 100);
    assert_true(gas->every_ns == 2 * NS_PER_S);
    assert_int_equal(gas->hazard, 0);
    assert_string_equal(site_point_tag(gas, "place"), "T5");
    assert_string_equal(point(site, "T8/level")->from.key, "T8.LVL");
    site_free(site);
}

static void thousands_are_one_entry(void **state)
{
    (void)state;
    char path[] = "/tmp/davy-devices-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char text[] =
        "{\"site\": {\"id\": \"x\"}, \"sources\": {\"plc\": {\"type\": \"modbus-tcp\", \"host\": \"h\"}},"
        "\"templates\": {\"gd\": {\"points\": [{\"id\": \"{id}\", \"from\": {\"table\": \"holding\", \"address\": "
        "1}}]}},"
        "\"devices\": [{\"id\": \"gd-{n}\", \"template\": \"gd\", \"source\": \"plc\", \"unit\": 1, \"base_step\": 2,"
        "\"numbers\": [1, 5000]}]}";
    assert_int_equal(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
    (void)close(fd);
    struct site *site = load(path);
    (void)unlink(path);
    assert_int_equal(site->point_count, 5000);
    for (uint32_t i = 0; i < site->point_count; i++) { /* growing moved nothing out of place */
        char id[16];
        (void)snprintf(id, sizeof id, "gd-%u", i + 1);
        assert_int_equal(site_point(site, id, strlen(id)), i);
        assert_string_equal(site->points[i].id, id);
        assert_int_equal(site->points[i].from.address, 1 + 2 * i);
    }
    site_free(site);
}

int main(int argc, char **argv)
{
    static char path[4096];
    if (argc != 2) {
        return 2;
    }
    (void)snprintf(path, sizeof path, "%s/right_devices/input.json", argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(points_come_file_by_file_and_in_order, path),
        cmocka_unit_test_prestate(a_device_gives_what_is_its_own, path),
        cmocka_unit_test_prestate(a_device_table_reads_like_json, path),
        cmocka_unit_test(thousands_are_one_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
