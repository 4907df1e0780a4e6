/*
 * cap_rig: see cap_rig.h.
 */
#include "cap_rig.h"
#include "alerting/alarm_book.h"
#include "base/clock.h"
#include <expat.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct site_hazard hazards[] = {{.id = "face-501",
                                        .name = "501采煤工作面",
                                        .has_location = true,
                                        .lat = 37.86,
                                        .lon = -112.5,
                                        .contact = "调度室 0351-0000000",
                                        .advice = "停电撤人"}};
static struct site_point points[] = {
    {.id = "face-501/t1/ch4", .name = "501面T1甲烷", .kind = "ch4", .unit = "%CH4", .hazard = 0},
    {.id = "free", .hazard = SITE_NONE}};
static struct site_rule rules[] = {
    {.id = "limit",
     .levels = {{.level = LEVEL_YELLOW, .when = "value >= 1.0", .clear = "value < 1.0"},
                {.level = LEVEL_RED, .when = "value >= 3.0", .clear = "value < 1.0"}},
     .level_count = 2,
     .message = "{name}: {value} {unit}",
     .advice = "停电撤人"},
    {.id = "soon",
     .levels = {{.level = LEVEL_BLUE, .when = "eta_up(1.0, 10m) < 30m"},
                {.level = LEVEL_ORANGE, .when = "eta_up(1.0, 10m) < 10m"}},
     .level_count = 2},
    {.id = "free", .levels = {{.level = LEVEL_YELLOW, .when = "value > 1"}}, .level_count = 1},
};
static const uint32_t members[] = {0, 1};
static struct site_alarm alarms[RIG_ALARMS] = {
    {.name = "limit:face-501/t1/ch4",
     .rule = 0,
     .point = 0,
     .members = members,
     .member_count = 1,
     .hazard = 0,
     .kind = "ch4"},
    {.name = "soon:face-501/t1/ch4",
     .rule = 1,
     .point = 0,
     .members = members,
     .member_count = 1,
     .hazard = 0,
     .kind = "ch4"},
    {.name = "free:free", .rule = 2, .point = 1, .members = members + 1, .member_count = 1, .hazard = SITE_NONE},
};
static struct site site = {.id = "jx-mine",
                           .name = "金鑫煤矿",
                           .org = "91140100MA0K0X0X0X",
                           .region = "140100",
                           .hazards = hazards,
                           .hazard_count = 1,
                           .points = points,
                           .point_count = 2,
                           .rules = rules,
                           .rule_count = 3,
                           .alarms = alarms,
                           .alarm_count = RIG_ALARMS};

const struct site *rig_site(void)
{
    if (site.alarm_by_name.count == 0) {
        table_init(&site.alarm_by_name);
        table_init(&site.point_by_id);
        table_init(&site.hazard_by_id);
        (void)table_add(&site.hazard_by_id, hazards[0].id, 0);
        for (uint32_t i = 0; i < RIG_ALARMS; i++) {
            (void)table_add(&site.alarm_by_name, alarms[i].name, i);
        }
        for (uint32_t i = 0; i < site.point_count; i++) {
            (void)table_add(&site.point_by_id, points[i].id, i);
        }
    }
    return &site;
}

void rig_event(int alarm, uint64_t seq, enum event_kind kind, enum level level, uint32_t occurrence,
               enum run_status status, struct buf *ret_json, struct buf *ret_state)
{
    const bool cleared = kind == EV_CLEARED || kind == EV_CLOSED; /* closed: because its rule is gone */
    const struct event event = {.time_ns = INT64_C(1767571230250) * NS_PER_MS + (int64_t)seq * NS_PER_S,
                                .seq = seq,
                                .value = alarm == RIG_FREE ? NAN : 1.02,
                                .alarm = (uint32_t)alarm,
                                .occurrence = occurrence,
                                .kind = (uint8_t)kind,
                                .level = (uint8_t)level,
                                .when_level = (uint8_t)level,
                                .state_level = cleared ? LEVEL_NONE : (uint8_t)level,
                                .shelved = kind == EV_SHELVED,
                                .suppressed = kind == EV_SUPPRESSED,
                                .acked = kind == EV_CLOSED};
    buf_clear(ret_json);
    buf_clear(ret_state);
    event_format(ret_json, rig_site(), &event, NULL, status);
    event_format_state(ret_state, rig_site(), &event, status);
}

bool rig_is_well_formed(const char *xml, size_t len)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    const bool good = XML_Parse(parser, xml, (int)len, 1) == XML_STATUS_OK;
    if (!good) {
        (void)fprintf(stderr, "line %lu: %s\n%.*s\n", (unsigned long)XML_GetCurrentLineNumber(parser),
                      XML_ErrorString(XML_GetErrorCode(parser)), (int)len, xml);
    }
    XML_ParserFree(parser);
    return good;
}

static struct search {
    const char *name;
    bool inside, done;
    char text[8192];
    size_t len;
} search;

static void XMLCALL on_start(void *self, const XML_Char *name, const XML_Char **attributes)
{
    (void)self;
    (void)attributes;
    search.inside = !search.done && strcmp(name, search.name) == 0;
}

static void XMLCALL on_end(void *self, const XML_Char *name)
{
    (void)self;
    (void)name;
    search.done = search.done || search.inside;
    search.inside = false;
}

static void XMLCALL on_text(void *self, const XML_Char *text, int len)
{
    (void)self;
    if (search.inside && search.len + (size_t)len < sizeof search.text) {
        memcpy(search.text + search.len, text, (size_t)len);
        search.len += (size_t)len;
    }
}

const char *rig_element(const char *xml, const char *name)
{
    memset(&search, 0, sizeof search);
    search.name = name;
    XML_Parser parser = XML_ParserCreate(NULL);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    (void)XML_Parse(parser, xml, (int)strlen(xml), 1); /* whether it is well-formed is asked elsewhere */
    XML_ParserFree(parser);
    return search.text;
}
