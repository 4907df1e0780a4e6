/*
 * fuzz: whatever bytes stand where an alarm's record should be, the book
 * refuses them or takes an alarm that it can judge, act on and write again as
 * the same bytes.
 */
#include "alerting/alarm_book.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t members[] = {0};
static struct site_point point = {.id = "p", .hazard = SITE_NONE};
static struct site_rule rule = {.id = "r", .level_count = 1, .latch = true, .alarm_count = 1};
static struct site_alarm alarm = {
    .name = "r:p", .members = members, .member_count = 1, .hazard = SITE_NONE, .kind = NULL};

static const struct site site = {
    .id = "s", .points = &point, .point_count = 1, .rules = &rule, .rule_count = 1, .alarms = &alarm, .alarm_count = 1};

/* The saved form may differ from the input in the bits of a NaN only. */
static void check_saved(const struct alarm_book *book, const uint8_t *data, size_t size)
{
    struct buf saved = {0};
    alarm_book_save(book, 0, &saved);
    const size_t before_value = size - sizeof(double);
    if (saved.len != size || memcmp(saved.data, data, before_value) != 0) {
        abort();
    }
    buf_done(&saved);
}

static void check_events(struct alarm_book *book)
{
    size_t count;
    const struct event *events = alarm_book_events(book, &count);
    for (size_t i = 0; i < count; i++) {
        struct buf json = {0};
        event_format(&json, &site, &events[i], alarm_book_event_act(book, i), RUN_ACTUAL);
        buf_done(&json);
        if (i > 0 && events[i].time_ns < events[i - 1].time_ns) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alarm_book *book = alarm_book_new(&site, 0);
    if (alarm_book_load(book, 0, data, size, NULL) == ERR_NONE) {
        check_saved(book, data, size);
        alarm_book_settle(book, 0);
        for (uint8_t level = LEVEL_COUNT; level-- > 0;) {
            const struct verdict verdict = {.value = NAN, .kind = VERDICT_STEP, .flags = level & 3u, .level = level};
            alarm_book_verdict(book, &verdict);
            alarm_book_end_step(book);
            const struct act act = {.kind = level, .for_ns = 1, .by = "li", .comment = "why"};
            if (alarm_book_act(book, &act, 0, 1.0, NULL) == ERR_INPUT) {
                abort(); /* it may well be refused, but never not understood */
            }
        }
        alarm_book_due(book, INT64_MAX, NULL);
        check_events(book);
    }
    alarm_book_free(book);
    return 0;
}
