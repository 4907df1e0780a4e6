/*
 * fuzz: whatever bytes stand where a record of the manager should be, it is
 * refused or names only what this site has, and is written again as the same
 * bytes (but for the bits of a NaN).
 */
#include "alerting/alarm_record.h"
#include "base/table.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t members[] = {0};
static struct site_point point = {.id = "p", .hazard = SITE_NONE};
static struct site_rule rule = {.id = "r",
                                .levels = {{.level = LEVEL_YELLOW}, {.level = LEVEL_RED}},
                                .level_count = 2,
                                .alarm_count = 1,
                                .digest = 7};
static struct site_alarm alarm = {.name = "r:p", .members = members, .member_count = 1, .hazard = SITE_NONE};
static struct site site = {
    .id = "s", .points = &point, .point_count = 1, .rules = &rule, .rule_count = 1, .alarms = &alarm, .alarm_count = 1};

static void try_keep(const uint8_t *data, size_t size)
{
    struct verdict keep;
    if (keep_record_read(&site, data, size, &keep, NULL) != ERR_NONE) {
        return;
    }
    struct buf out = {0};
    keep_record_write(&out, &site, &keep);
    if (out.len != size || memcmp(out.data, data, size - sizeof(double)) != 0) {
        abort();
    }
    buf_done(&out);
}

static void try_alarm(const uint8_t *data, size_t size)
{
    struct alarm_record record;
    if (alarm_record_read(&record, data, size, NULL) != ERR_NONE) {
        return;
    }
    struct buf out = {0};
    alarm_record_begin(&out, record.digest, &record.words);
    buf_add(&out, record.book, record.book_len);
    if (out.len != size || memcmp(out.data, data, size) != 0) {
        abort();
    }
    buf_done(&out);
    alarm_record_done(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (site.point_by_id.slots == NULL) {
        table_init(&site.point_by_id);
        table_init(&site.alarm_by_name);
        (void)table_add(&site.point_by_id, point.id, 0); /* the first key of its table */
        (void)table_add(&site.alarm_by_name, alarm.name, 0);
    }
    try_keep(data, size);
    try_alarm(data, size);
    return 0;
}
