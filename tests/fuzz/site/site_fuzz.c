/*
 * site_fuzz: any bytes as a site file.
 *
 * Whatever comes, loading ends; it gives a site exactly when it found no
 * mistake; every mistake is one line; and the site's parts fit together.
 */
#include "model/site.h"
#include "rules/rules.h"
#include "tests/fuzz/site/memory_files.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
    if (!right) {
        abort();
    }
}

static void check_site(const struct site *site)
{
    check(site->id != NULL);
    for (size_t i = 0; i < site->point_count; i++) {
        const struct site_point *point = &site->points[i];
        check(site_point(site, point->id, strlen(point->id)) == i);
        check(point->hazard == SITE_NONE || point->hazard < site->hazard_count);
        check(point->from.source == SITE_NONE || point->from.source < site->source_count);
        check(!point->has_range || point->range_lo < point->range_hi);
    }
    size_t alarms = 0;
    for (size_t i = 0; i < site->rule_count; i++) {
        const struct site_rule *rule = &site->rules[i];
        check(rule->level_count > 0 && rule->first_alarm == alarms);
        alarms += rule->alarm_count;
    }
    check(alarms == site->alarm_count);
    for (size_t i = 0; i < site->alarm_count; i++) {
        const struct site_alarm *alarm = &site->alarms[i];
        check(site_alarm(site, alarm->name, strlen(alarm->name)) == i);
        check(alarm->member_count > 0);
    }
}

/* As `davy check` does: also of a site with mistakes the conditions are read. */
static void check_compile(const char *path)
{
    struct mistakes mistakes;
    struct site *site = NULL;
    struct rules *rules = NULL;
    mistakes_init(&mistakes);
    if (site_read(path, &mistakes, &site, NULL) == ERR_NONE) {
        const size_t before = mistakes.total;
        const enum err_code code = rules_compile(site, &mistakes, &rules, NULL);
        check(before > 0 || (code == ERR_NONE) == (mistakes.total == 0));
        check((code == ERR_NONE) == (rules != NULL));
    }
    rules_free(rules);
    site_free(site);
    mistakes_done(&mistakes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[MEMORY_PATH_MAX];
    struct mistakes mistakes;
    struct site *site = NULL;
    int fd = memory_file(data, size, path);
    mistakes_init(&mistakes);
    enum err_code code = site_load(path, &mistakes, &site, NULL);
    check((code == ERR_NONE) == (site != NULL));
    check(code != ERR_NONE || mistakes.total == 0);
    check(code != ERR_INPUT || mistakes.total > 0);
    for (size_t i = 0; i < mistakes.count; i++) {
        check(strchr(mistakes.lines[i], '\n') == NULL && strstr(mistakes.lines[i], ": ") != NULL);
    }
    if (site != NULL) {
        check_site(site);
    }
    site_free(site);
    mistakes_done(&mistakes);
    check_compile(path);
    (void)close(fd);
    return 0;
}
