/*
 * fixture: see fixture.h.  Everything is static data; the copy is one block per
 * array that a test may change.
 */
#include "fixture.h"
#include "base/clock.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum { R_POWER, R_LIMIT, R_LATCH, R_GROUP, R_TWICE, R_COUNT };

static struct site_hazard hazards[] = {{.id = "face", .name = "501采煤工作面"}, {.id = "tank"}};

static struct site_point points[P_COUNT] = {
    [P_T1] = {.id = "t1", .name = "501面T1甲烷", .kind = "ch4", .unit = "%CH4", .hazard = 0},
    [P_T2] = {.id = "t2", .kind = "ch4", .unit = "%CH4", .hazard = 0},
    [P_TANK] = {.id = "tank", .kind = "level", .unit = "m", .hazard = 1},
    [P_FREE] = {.id = "free", .hazard = SITE_NONE},
};

#define LEVELS                                                                                                         \
    {                                                                                                                  \
        {.level = LEVEL_YELLOW, .when = "value >= 1.0", .clear = "value < 0.9"},                                       \
            {.level = LEVEL_ORANGE, .when = "value >= 1.5", .clear = "value < 1.0"},                                   \
        {                                                                                                              \
            .level = LEVEL_RED, .when = "value >= 3.0"                                                                 \
        }                                                                                                              \
    }

static const uint32_t by_power[] = {R_POWER};
static const uint32_t by_power_and_latch[] = {R_POWER, R_LATCH};

static struct site_rule rules[R_COUNT] = {
    [R_POWER] = {.id = "power", .levels = LEVELS, .level_count = 3, .first_alarm = A_POWER_T1, .alarm_count = 4},
    [R_LIMIT] = {.id = "limit",
                 .levels = LEVELS,
                 .level_count = 3,
                 .message = "{name}: {value} {unit}",
                 .advice = "停电撤人",
                 .suppressed_by = by_power,
                 .suppressed_by_count = 1,
                 .first_alarm = A_LIMIT_T1,
                 .alarm_count = 4,
                 .digest = 11},
    [R_LATCH] =
        {.id = "latch", .levels = LEVELS, .level_count = 3, .latch = true, .first_alarm = A_LATCH, .alarm_count = 1},
    [R_GROUP] = {.id = "group",
                 .levels = LEVELS,
                 .level_count = 3,
                 .message = "{name} {point} {value} {unit} {level} {rule} {hazard}",
                 .vote_by = "area",
                 .vote_at_least = 1,
                 .first_alarm = A_GROUP,
                 .alarm_count = 1},
    [R_TWICE] = {.id = "twice",
                 .levels = LEVELS,
                 .level_count = 3,
                 .suppressed_by = by_power_and_latch,
                 .suppressed_by_count = 2,
                 .first_alarm = A_TWICE,
                 .alarm_count = 1},
};

static const uint32_t member_t1[] = {P_T1}, member_t2[] = {P_T2}, member_tank[] = {P_TANK}, member_free[] = {P_FREE};
static const uint32_t members_a[] = {P_T1, P_T2};

#define SINGLE(text, r, p, list, h, k)                                                                                 \
    {                                                                                                                  \
        .name = text, .rule = r, .point = p, .members = list, .member_count = 1, .hazard = h, .kind = k                \
    }

static struct site_alarm alarms[A_COUNT] = {
    [A_POWER_T1] = SINGLE("power:t1", R_POWER, P_T1, member_t1, 0, "ch4"),
    [A_POWER_T2] = SINGLE("power:t2", R_POWER, P_T2, member_t2, 0, "ch4"),
    [A_POWER_TANK] = SINGLE("power:tank", R_POWER, P_TANK, member_tank, 1, "level"),
    [A_POWER_FREE] = SINGLE("power:free", R_POWER, P_FREE, member_free, SITE_NONE, NULL),
    [A_LIMIT_T1] = SINGLE("limit:t1", R_LIMIT, P_T1, member_t1, 0, "ch4"),
    [A_LIMIT_T2] = SINGLE("limit:t2", R_LIMIT, P_T2, member_t2, 0, "ch4"),
    [A_LIMIT_TANK] = SINGLE("limit:tank", R_LIMIT, P_TANK, member_tank, 1, "level"),
    [A_LIMIT_FREE] = SINGLE("limit:free", R_LIMIT, P_FREE, member_free, SITE_NONE, NULL),
    [A_LATCH] = SINGLE("latch:t1", R_LATCH, P_T1, member_t1, 0, "ch4"),
    [A_GROUP] = {.name = "group:A",
                 .rule = R_GROUP,
                 .point = SITE_NONE,
                 .group = "A",
                 .members = members_a,
                 .member_count = 2,
                 .hazard = 0,
                 .kind = "ch4"},
    [A_TWICE] = SINGLE("twice:t1", R_TWICE, P_T1, member_t1, 0, "ch4"),
};

static const struct site the_site = {
    .id = "jx-mine",
    .hazards = hazards,
    .hazard_count = 2,
    .points = points,
    .point_count = P_COUNT,
    .rules = rules,
    .rule_count = R_COUNT,
    .alarms = alarms,
    .alarm_count = A_COUNT,
};

const struct site *fixture_site(void)
{
    return &the_site;
}

struct site *fixture_copy(void)
{
    struct site *site = memory_new(1, sizeof *site);
    *site = the_site;
    site->rules = memory_new(R_COUNT, sizeof *site->rules);
    memcpy(site->rules, rules, sizeof rules);
    site->alarms = memory_new(A_COUNT, sizeof *site->alarms);
    memcpy(site->alarms, alarms, sizeof alarms);
    fixture_index(site);
    return site;
}

void fixture_index(struct site *site)
{
    table_done(&site->point_by_id);
    table_done(&site->alarm_by_name);
    table_done(&site->rule_by_id);
    table_init(&site->point_by_id);
    table_init(&site->alarm_by_name);
    table_init(&site->rule_by_id);
    for (uint32_t i = 0; i < site->point_count; i++) {
        assert_int_equal(table_add(&site->point_by_id, site->points[i].id, i), TABLE_NONE);
    }
    for (uint32_t i = 0; i < site->alarm_count; i++) {
        assert_int_equal(table_add(&site->alarm_by_name, site->alarms[i].name, i), TABLE_NONE);
    }
    for (uint32_t i = 0; i < site->rule_count; i++) {
        assert_int_equal(table_add(&site->rule_by_id, site->rules[i].id, i), TABLE_NONE);
    }
}

void fixture_free(struct site *site)
{
    table_done(&site->point_by_id);
    table_done(&site->alarm_by_name);
    table_done(&site->rule_by_id);
    free(site->rules);
    free(site->alarms);
    free(site);
}

int64_t at(int64_t s)
{
    return (INT64_C(1767571200) + s) * NS_PER_S;
}

struct verdict step(enum fixture_alarm alarm, int64_t s, enum level level, unsigned flags, double value)
{
    return (struct verdict){.time_ns = at(s),
                            .seen_ns = at(s),
                            .since_ns = TIME_NEVER,
                            .step_ns = INT64_MIN,
                            .value = value,
                            .alarm = alarm,
                            .point = alarms[alarm].point,
                            .kind = VERDICT_STEP,
                            .flags = (uint8_t)flags,
                            .level = (uint8_t)level};
}

void judge(struct alarm_book *book, enum fixture_alarm alarm, int64_t s, enum level level, unsigned flags)
{
    const struct verdict verdict = step(alarm, s, level, flags, 1.0);
    alarm_book_verdict(book, &verdict);
    alarm_book_end_step(book);
}

struct act act_of(enum act_kind kind, enum fixture_alarm alarm, int64_t s)
{
    struct act act = {.time_ns = at(s), .alarm = alarm, .kind = (uint8_t)kind, .by = "li"};
    (void)strcpy(act.comment, kind == ACT_SHELVE ? "new sensor" : "");
    return act;
}

void fixture_expect(struct alarm_book *book, const char *text, const char *file, int line)
{
    size_t count;
    const struct event *events = alarm_book_events(book, &count);
    struct buf told = {0};
    buf_text(&told, "");
    for (size_t i = 0; i < count; i++) {
        buf_printf(&told, "%s%s %s", i == 0 ? "" : "; ", event_name(events[i].kind), alarms[events[i].alarm].name);
        if (events[i].occurrence != 0) {
            buf_printf(&told, "#%u", (unsigned)events[i].occurrence);
        }
        if (events[i].level != LEVEL_NONE) {
            buf_printf(&told, " %s", level_name(events[i].level));
        }
    }
    alarm_book_clear_events(book);
    if (strcmp(told.data, text) != 0) {
        print_error("%s:%d: expected \"%s\"\n             came \"%s\"\n", file, line, text, told.data);
        buf_done(&told);
        fail();
    }
    buf_done(&told);
}
