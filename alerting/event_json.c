/*
 * event_json: events and retained alarm states as the world reads them
 * (contract 6 and 9): fixed order of keys, absent keys left out, numbers and
 * times in one form only, so that the same event is the same bytes everywhere.
 *
 * Pure; memory is the caller's bufs.
 */
#include "alerting/alarm_book.h"
#include "alerting/event_words.h"
#include "base/text.h"
#include <math.h>
#include <string.h>

static const char *const STATUS_WORDS[] = {[RUN_ACTUAL] = "actual", [RUN_EXERCISE] = "exercise", [RUN_TEST] = "test"};

static const char MISSING[] = "\u2013"; /* en dash */

struct event_words event_words_of(const struct site *site, uint32_t alarm)
{
    const struct site_alarm *of = &site->alarms[alarm];
    const struct site_rule *rule = &site->rules[of->rule];
    struct event_words words = {
        .alarm = of->name,
        .rule = rule->id,
        .name = of->group,
        .hazard = of->hazard == SITE_NONE ? NULL : site->hazards[of->hazard].id,
        .kind = of->kind,
        .message = rule->message,
        .advice = rule->advice != NULL || of->hazard == SITE_NONE ? rule->advice : site->hazards[of->hazard].advice,
    };
    if (of->point != SITE_NONE) {
        const struct site_point *point = &site->points[of->point];
        words.point = point->id;
        words.name = point->name != NULL ? point->name : point->id;
        words.unit = point->unit;
    }
    return words;
}

const char *event_when(const struct site *site, const struct event *event)
{
    const struct site_rule *rule = &site->rules[site->alarms[event->alarm].rule];
    const bool entering = event->kind == EV_RAISED || event->kind == EV_WORSENED;
    for (size_t i = 0; i < rule->level_count && event->when_level != LEVEL_NONE; i++) {
        if (rule->levels[i].level == (enum level)event->when_level) {
            return entering ? rule->levels[i].when : rule->levels[i].clear;
        }
    }
    return NULL;
}

/* ---- message ----------------------------------------------------------------------------------------------------- */

static void add_word(struct buf *out, const char *word)
{
    buf_text(out, word != NULL ? word : MISSING);
}

static void add_value(struct buf *out, double value)
{
    if (isnan(value)) {
        buf_text(out, MISSING);
    } else {
        buf_number(out, value);
    }
}

/* Adds what the placeholder key[0..len) stands for; false when it is none of ours. */
static bool add_placeholder(struct buf *out, const char *key, size_t len, const struct event_words *words,
                            const struct event *event)
{
    const struct {
        const char *key, *word;
    } texts[] = {
        {"name", words->name},
        {"unit", words->unit},
        {"level", event->level == LEVEL_NONE ? NULL : level_name(event->level)},
        {"point", words->point},
        {"rule", words->rule},
        {"hazard", words->hazard},
    };
    if (len == strlen("value") && memcmp(key, "value", len) == 0) {
        add_value(out, event->value);
        return true;
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (len == strlen(texts[i].key) && memcmp(key, texts[i].key, len) == 0) {
            add_word(out, texts[i].word);
            return true;
        }
    }
    return false;
}

/* Fills the template in; braces that name nothing of ours stay as they are. */
static void fill_message(struct buf *out, const struct event_words *words, const struct event *event)
{
    const char *at = words->message;
    while (*at != '\0') {
        const size_t plain = strcspn(at, "{");
        buf_add(out, at, plain);
        at += plain;
        if (*at == '\0') {
            break;
        }
        const size_t len = strcspn(at + 1, "{}");
        if (at[1 + len] == '}' && add_placeholder(out, at + 1, len, words, event)) {
            at += len + 2;
        } else {
            buf_add(out, at, 1);
            at++;
        }
    }
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* Events come in floods: all below is put together by hand, without printf. */
static void key_text(struct buf *out, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        buf_add(out, ",\"", 2);
        buf_text(out, key);
        buf_add(out, "\":", 2);
        buf_json_string(out, text);
    }
}

static void key_whole(struct buf *out, const char *key_and_colon, uint64_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buf_text(out, key_and_colon);
    buf_add(out, digits + at, sizeof digits - at);
}

static void key_value(struct buf *out, double value)
{
    if (!isnan(value)) {
        buf_text(out, ",\"value\":");
        buf_number(out, value);
    }
}

static void key_occurrence(struct buf *out, uint32_t occurrence)
{
    if (occurrence != 0) {
        key_whole(out, ",\"occurrence\":", occurrence);
    }
}

static void key_level(struct buf *out, uint8_t level)
{
    key_text(out, "level", level == LEVEL_NONE ? NULL : level_name(level));
}

static void key_time(struct buf *out, int64_t time_ns)
{
    char text[TEXT_TIME_MAX];
    const size_t len = text_format_time(time_ns, text);
    buf_text(out, ",\"time\":\"");
    buf_add(out, text, len);
    buf_add(out, "\"", 1);
}

static void key_message(struct buf *out, struct buf *scratch, const struct event_words *words,
                        const struct event *event)
{
    if (words->message == NULL) {
        return;
    }
    buf_clear(scratch);
    buf_text(scratch, "");
    fill_message(scratch, words, event);
    buf_text(out, ",\"message\":");
    buf_json_string(out, scratch->data);
}

static void begin(struct buf *out, const char *site_id)
{
    buf_text(out, "{\"v\":1,\"site\":");
    buf_json_string(out, site_id);
}

/* ---- whole objects ----------------------------------------------------------------------------------------------- */

void event_print(struct buf *out, struct buf *scratch, const char *site_id, const struct event_words *words,
                 const char *when, const struct event *event, const struct act *act, enum run_status status)
{
    begin(out, site_id);
    key_whole(out, ",\"seq\":", event->seq);
    key_text(out, "event", event_name(event->kind));
    key_text(out, "alarm", words->alarm);
    key_occurrence(out, event->occurrence);
    key_level(out, event->level);
    key_text(out, "rule", words->rule);
    key_text(out, "point", words->point);
    key_text(out, "hazard", words->hazard);
    key_text(out, "kind", words->kind);
    key_value(out, event->value);
    key_text(out, "unit", words->unit);
    key_text(out, "when", when);
    key_time(out, event->time_ns);
    if (act != NULL) {
        key_text(out, "by", act->by);
        key_text(out, "comment", act->comment);
        key_text(out, "cause", act->cause);
        key_text(out, "measure", act->measure);
    }
    key_message(out, scratch, words, event);
    key_text(out, "advice", words->advice);
    key_text(out, "status", STATUS_WORDS[status]);
    buf_text(out, "}");
}

bool event_all_well(const struct event *event)
{
    return event->state_level == LEVEL_NONE && event->acked && !event->shelved && !event->out_of_service;
}

/* What the alarm is in one word; the first that applies. */
static const char *state_word(const struct event *event)
{
    if (event->shelved) {
        return "shelved";
    }
    if (event->out_of_service) {
        return "out_of_service";
    }
    if (event->suppressed) {
        return "suppressed";
    }
    return event->state_level != LEVEL_NONE ? "active" : "returned";
}

void event_print_state(struct buf *out, struct buf *scratch, const char *site_id, const struct event_words *words,
                       const struct event *event)
{
    if (event_all_well(event)) {
        return;
    }
    begin(out, site_id);
    key_text(out, "alarm", words->alarm);
    key_occurrence(out, event->occurrence);
    key_level(out, event->state_level);
    key_text(out, "state", state_word(event));
    buf_text(out, event->acked ? ",\"acked\":true" : ",\"acked\":false");
    key_whole(out, ",\"seq\":", event->seq);
    key_time(out, event->time_ns);
    key_value(out, event->value);
    key_message(out, scratch, words, event);
    buf_text(out, "}");
}

void event_format(struct buf *out, const struct site *site, const struct event *event, const struct act *act,
                  enum run_status status)
{
    const struct event_words words = event_words_of(site, event->alarm);
    struct buf scratch = {0};
    event_print(out, &scratch, site->id, &words, event_when(site, event), event, act, status);
    buf_done(&scratch);
}

void event_format_state(struct buf *out, const struct site *site, const struct event *event, enum run_status status)
{
    (void)status; /* the state has no such key; the status topic and the events say what kind of run it is */
    const struct event_words words = event_words_of(site, event->alarm);
    struct buf scratch = {0};
    event_print_state(out, &scratch, site->id, &words, event);
    buf_done(&scratch);
}
