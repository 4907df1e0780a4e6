/*
 * api_alarms: what is wrong now, from the retained states the manager keeps
 * beside the journal ("shown/<alarm>"), as `davy alarms` does.
 *
 * The list is put in order by a line of numbers for each alarm; its text is
 * fetched when its turn comes.  An alarm's own answer has the events of its
 * latest occurrence, as far as they are among the last of the journal.
 */
#include "console/api.h"

#include "alerting/alarm_record.h"
#include "alerting/manager.h"
#include "base/memory.h"
#include "base/text.h"
#include "console/rows.h"
#include <stdlib.h>
#include <string.h>

enum {
    ALARMS_FIRST = 64,
    RECENT_EVENTS = 64,     /* of an alarm, told at most */
    RECENT_LOOKED_AT = 4096 /* events of the journal, the latest of the alarm last */
};

/* ---- the list ---------------------------------------------------------------------------------------------------- */

struct collecting {
    struct reply *reply;
    const struct site *site;
    size_t room;
};

static bool hazard_is(const struct site *site, uint32_t alarm, const char *asked)
{
    const uint32_t hazard = site->alarms[alarm].hazard;
    return asked == NULL || (hazard != SITE_NONE && strcmp(site->hazards[hazard].id, asked) == 0);
}

/* The alarm a record is about, by its key; where that is only a hash of a long name, by what the state says. */
static uint32_t alarm_of(const struct site *site, const char *key, size_t key_len, const char *json, size_t len)
{
    const size_t prefix = strlen(MANAGER_SHOWN);
    if (key_len > prefix && key[prefix] != '#') {
        return site_alarm(site, key + prefix, key_len - prefix);
    }
    size_t name_len = 0;
    const char *name = rows_find(json, len, "alarm", &name_len);
    return name == NULL ? SITE_NONE : site_alarm(site, name, name_len);
}

/* Reads what the list is put in order by, of ret_line->alarm; false: not asked for. */
static bool read_line(const struct site *site, const struct ask *ask, const char *json, size_t len,
                      struct reply_alarm *ret_line)
{
    struct reply_alarm line = {.acked = memmem(json, len, ",\"acked\":true", 13) != NULL};
    enum level level = LEVEL_NONE;
    size_t text_len = 0;
    const char *text = rows_find(json, len, "level", &text_len);
    if (text != NULL && level_parse(text, text_len, &level)) {
        line.level = (uint8_t)level;
    }
    text = rows_find(json, len, "state", &text_len);
    const enum ask_state state = text == NULL ? STATE_COUNT : ask_state_of(text, text_len);
    if (state == STATE_COUNT || (ask->states >> state & 1) == 0 || (ask->level != LEVEL_NONE && ask->level != level)) {
        return false;
    }
    text = rows_find(json, len, "time", &text_len);
    (void)(text != NULL && text_parse_time(text, text_len, &line.time_ns)); /* else it stands last */
    line.alarm = ret_line->alarm;
    *ret_line = line;
    return hazard_is(site, line.alarm, ask->hazard);
}

static bool collect(void *self, const char *key, size_t key_len, const void *bytes, size_t len)
{
    struct collecting *collecting = self;
    struct reply *reply = collecting->reply;
    struct reply_alarm line = {.alarm = alarm_of(collecting->site, key, key_len, bytes, len)};
    if (line.alarm == SITE_NONE || !read_line(collecting->site, &reply->ask, bytes, len, &line)) {
        return true;
    }
    if (reply->at.alarms.count == collecting->room) {
        collecting->room = collecting->room == 0 ? ALARMS_FIRST : collecting->room * 2;
        reply->at.alarms.items =
            memory_resize(reply->at.alarms.items, collecting->room, sizeof *reply->at.alarms.items);
    }
    reply->at.alarms.items[reply->at.alarms.count++] = line;
    return true;
}

/* The worst first; of one level unacknowledged ones, then the newest; then in the order of the site. */
static int worst_first(const void *a, const void *b)
{
    const struct reply_alarm *x = a;
    const struct reply_alarm *y = b;
    if (x->level != y->level) {
        return y->level - x->level;
    }
    if (x->acked != y->acked) {
        return x->acked - y->acked;
    }
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? 1 : -1;
    }
    return x->alarm < y->alarm ? -1 : x->alarm > y->alarm;
}

void api_alarms_begin(struct reply *reply, const struct console_source *source)
{
    struct collecting collecting = {.reply = reply, .site = source->site};
    struct err err = {0};
    reply_begin(reply, api_alarms_more);
    if (store_scan(source->store, MANAGER_SHOWN, collect, &collecting, &err) != ERR_NONE) {
        (void)reply_break(reply, &err); /* nothing was sent yet */
        return;
    }
    if (reply->at.alarms.count > 0) {
        qsort(reply->at.alarms.items, reply->at.alarms.count, sizeof *reply->at.alarms.items, worst_first);
    }
}

/* Gives an alarm's retained state; ERR_NO: all is well. */
static enum err_code read_state(const struct console_source *source, const char *alarm, struct buf *ret_json,
                                struct err *err)
{
    char key[RECORD_KEY_MAX + 1];
    record_key(key, MANAGER_SHOWN, alarm);
    return store_get(source->store, key, ret_json, err);
}

enum reply_next api_alarms_more(struct reply *reply, const struct console_source *source, int64_t now_ns)
{
    (void)now_ns;
    struct buf json = {0};
    struct err err = {0};
    enum err_code code = ERR_NONE;
    while (code == ERR_NONE && reply->at.alarms.next < reply->at.alarms.count && reply->out.len < REPLY_PIECE) {
        const struct reply_alarm *line = &reply->at.alarms.items[reply->at.alarms.next++];
        code = read_state(source, source->site->alarms[line->alarm].name, &json, &err);
        if (code == ERR_NONE) {
            reply_element(reply);
            buf_add(&reply->out, json.data, json.len);
        }
        code = code == ERR_NO ? ERR_NONE : code; /* all well since */
    }
    buf_done(&json);
    if (code != ERR_NONE) {
        return reply_break(reply, &err);
    }
    if (reply->at.alarms.next < reply->at.alarms.count) {
        return reply_go_on(reply);
    }
    free(reply->at.alarms.items);
    reply->at.alarms.items = NULL;
    return reply_end_list(reply);
}

/* ---- one alarm --------------------------------------------------------------------------------------------------- */

struct recent {
    const char *alarm;
    struct buf events[RECENT_EVENTS]; /* a ring of them */
    size_t count;                     /* of the occurrence, in all */
    uint64_t occurrence;
    uint64_t last; /* look no further */
};

static uint64_t occurrence_of(const struct store_event *event)
{
    static const char key[] = ",\"occurrence\":";
    const char *at = memmem(event->json, event->json_len, key, sizeof key - 1);
    uint64_t number = 0;
    for (at = at == NULL ? "" : at + sizeof key - 1; *at >= '0' && *at <= '9'; at++) { /* ended by a comma */
        number = number * 10 + (uint64_t)(*at - '0');
    }
    return number;
}

static bool take_recent(void *self, const struct store_event *event)
{
    struct recent *recent = self;
    if (event->seq > recent->last) {
        return false;
    }
    if (strlen(recent->alarm) != event->alarm_len || memcmp(recent->alarm, event->alarm, event->alarm_len) != 0) {
        return true;
    }
    const uint64_t occurrence = occurrence_of(event);
    if (occurrence != recent->occurrence) {
        recent->occurrence = occurrence;
        recent->count = 0;
    }
    struct buf *room = &recent->events[recent->count++ % RECENT_EVENTS];
    buf_clear(room);
    buf_add(room, event->json, event->json_len);
    return true;
}

static enum err_code put_events(struct buf *out, const struct console_source *source, const char *alarm, uint64_t last,
                                struct err *err)
{
    struct recent *recent = memory_new(1, sizeof *recent);
    recent->alarm = alarm;
    recent->last = last;
    const enum err_code code =
        store_events(source->store, last > RECENT_LOOKED_AT ? last - RECENT_LOOKED_AT : 0, take_recent, recent, err);
    const size_t first = recent->count > RECENT_EVENTS ? recent->count - RECENT_EVENTS : 0;
    buf_text(out, ",\"events\":[");
    for (size_t i = first; i < recent->count; i++) {
        const struct buf *event = &recent->events[i % RECENT_EVENTS];
        buf_text(out, i == first ? "" : ",\n");
        buf_add(out, event->data, event->len);
    }
    buf_text(out, "]");
    for (size_t i = 0; i < RECENT_EVENTS; i++) {
        buf_done(&recent->events[i]);
    }
    free(recent);
    return code;
}

static void put_levels(struct buf *out, const struct site_rule *rule)
{
    buf_text(out, ",\"levels\":[");
    for (size_t i = 0; i < rule->level_count; i++) {
        const struct site_level *level = &rule->levels[i];
        buf_printf(out, "%s{\"level\":\"%s\"", i == 0 ? "" : ",", level_name(level->level));
        rows_text(out, "when", level->when);
        rows_text(out, "clear", level->clear);
        rows_duration(out, "on_delay", level->on_delay_ns);
        rows_duration(out, "off_delay", level->off_delay_ns);
        buf_text(out, "}");
    }
    buf_text(out, "]");
}

static void put_alarm(struct buf *out, const struct site *site, uint32_t index)
{
    const struct site_alarm *alarm = &site->alarms[index];
    const struct site_rule *rule = &site->rules[alarm->rule];
    buf_text(out, "{\"alarm\":");
    buf_json_string(out, alarm->name);
    rows_text(out, "rule", rule->id);
    rows_text(out, "group", alarm->group);
    buf_text(out, ",\"points\":[");
    for (size_t i = 0; i < alarm->member_count; i++) {
        buf_text(out, i == 0 ? "" : ",");
        buf_json_string(out, site->points[alarm->members[i]].id);
    }
    buf_text(out, "]");
    rows_text(out, "hazard", alarm->hazard == SITE_NONE ? NULL : site->hazards[alarm->hazard].id);
    rows_text(out, "kind", alarm->kind);
    rows_text(out, "unless", rule->unless);
    rows_text(out, "advice", rule->advice);
    buf_printf(out, ",\"latch\":%s", rule->latch ? "true" : "false");
    put_levels(out, rule);
}

/* The seq of the last event a state tells of. */
static uint64_t seq_of(const struct buf *state)
{
    static const char key[] = ",\"seq\":";
    const char *at = memmem(state->data, state->len, key, sizeof key - 1);
    return at == NULL ? 0 : strtoull(at + sizeof key - 1, NULL, 10);
}

void api_alarm(struct reply *reply, const struct console_source *source)
{
    const uint32_t alarm = site_alarm(source->site, reply->id, strlen(reply->id));
    struct err err = {0};
    struct buf state = {0};
    if (alarm == SITE_NONE) {
        reply_error(reply, 404, "there is no alarm \"%s\" in the site; an alarm is named <rule>:<point>", reply->id);
        return;
    }
    const char *id = reply->id;
    enum err_code code = read_state(source, id, &state, &err);
    const bool well = code == ERR_NO;
    reply_begin(reply, NULL);
    put_alarm(&reply->out, source->site, alarm);
    buf_text(&reply->out, ",\"state\":");
    buf_add(&reply->out, well ? "null" : state.data, well ? 4 : state.len);
    const uint64_t last = well || seq_of(&state) == 0 ? store_last_seq(source->store) : seq_of(&state);
    if (well || code == ERR_NONE) {
        code = put_events(&reply->out, source, id, last, &err);
    }
    buf_text(&reply->out, "}\n");
    if (code != ERR_NONE) {
        reply_fail(reply, &err);
    }
    buf_done(&state);
}
