/* explain: see explain.h. */
#include "app/explain.h"

#include "alerting/alarm_record.h"
#include "alerting/manager.h"
#include "app/explain_watch.h"
#include "app/story.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "rules/explain.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAD_NS (60 * NS_PER_S) /* beside what the rule itself remembers: a point's reading before that */

static const struct site_alarm *alarm_of(const struct explain_config *config)
{
    return &config->site->alarms[config->alarm];
}

static const struct site_rule *rule_of(const struct explain_config *config)
{
    return &config->site->rules[alarm_of(config)->rule];
}

/* From when on samples must be judged for the state at `time_ns` to be right. */
static int64_t begin_before(const struct explain_config *config, int64_t time_ns)
{
    int64_t lead_ns = rules_memory_ns(config->rules, alarm_of(config)->rule) + LEAD_NS;
    for (size_t i = 0; i < alarm_of(config)->member_count; i++) {
        const int64_t every_ns = config->site->points[alarm_of(config)->members[i]].every_ns;
        lead_ns = lead_ns < 3 * every_ns ? 3 * every_ns : lead_ns;
    }
    int64_t begin_ns = 0;
    return __builtin_sub_overflow(time_ns, lead_ns, &begin_ns) ? INT64_MIN : begin_ns;
}

/* ---- an occurrence ----------------------------------------------------------------------------------------------- */

/* A level event that judging again does not lead to: the rule was another one, or samples are gone. */
static const char *doubt(const struct explain_config *config, const struct story_event *event,
                         const struct watch *watch)
{
    const bool judged =
        event->kind == EV_RAISED || event->kind == EV_WORSENED || event->kind == EV_EASED || event->kind == EV_CLEARED;
    if (!judged || watch_has_step(watch, event->time_ns) || (rule_of(config)->latch && event->kind == EV_CLEARED)) {
        return "";
    }
    return " [the stored samples, judged by the rule as it is now, do not lead to this]";
}

static void add_events(const struct explain_config *config, const struct story *story, uint32_t occurrence,
                       const struct watch *watch, struct timeline *timeline)
{
    for (size_t i = 0; i < story->count; i++) {
        const struct story_event *event = &story->events[i];
        if (event->occurrence == occurrence) {
            timeline_add(timeline, event->time_ns, 4, 0, "=> %s%s", event->text, doubt(config, event, watch));
        }
    }
}

/* Names a condition that the rule no longer has. */
static void print_changed_rule(const struct explain_config *config, const struct story_event *raised)
{
    const struct site_rule *rule = rule_of(config);
    for (size_t k = 0; k < rule->level_count; k++) {
        if (rule->levels[k].level == raised->level && raised->when != NULL &&
            strcmp(rule->levels[k].when, raised->when) != 0) {
            (void)fprintf(config->out, "the rule was changed since: then `%s`, now `%s`\n", raised->when,
                          rule->levels[k].when);
        }
    }
}

/* Up to what happened at to_ns; TIME_NEVER: up to now. */
static enum err_code judge_again(const struct explain_config *config, struct watch *watch, int64_t from_ns,
                                 int64_t to_ns, struct rejudge_result *ret_result, struct err *err)
{
    const struct rejudge_config again = {
        .site = config->site,
        .rules = config->rules,
        .alarm = config->alarm,
        .store = config->store,
        .from_ns = begin_before(config, from_ns),
        .to_ns = to_ns,
        .clock_ns = to_ns == TIME_NEVER ? config->now_ns : TIME_NEVER,
        .fn = watch_verdict,
        .self = watch,
    };
    return rejudge(&again, ret_result, err);
}

static void print_cut(const struct explain_config *config, const struct rejudge_result *result)
{
    if (result->cut_ns != TIME_NEVER) {
        char time[TEXT_TIME_MAX];
        (void)text_format_time(result->cut_ns, time);
        (void)fprintf(config->out, "there are more samples than are judged again; conditions are shown up to %s\n",
                      time);
    }
}

static enum err_code explain_occurrence(const struct explain_config *config, const struct story *story,
                                        uint32_t occurrence, struct err *err)
{
    const struct story_event *raised = story_find(story, occurrence, EV_RAISED);
    if (raised == NULL) {
        return err_set(err, ERR_NO, "the journal has no occurrence %u of %s; it has %u", occurrence,
                       alarm_of(config)->name, story->occurrences);
    }
    const struct story_event *cleared = story_find(story, occurrence, EV_CLEARED);
    const int64_t end_ns = cleared != NULL ? cleared->time_ns : TIME_NEVER;
    struct timeline timeline = {.begin_ns = raised->time_ns};
    struct watch watch;
    struct rejudge_result result;
    watch_init(&watch, config->site, config->alarm, &timeline);
    enum err_code code = judge_again(config, &watch, raised->time_ns, end_ns, &result, err);
    if (code == ERR_NONE) {
        add_events(config, story, occurrence, &watch, &timeline);
        (void)fprintf(config->out, "\noccurrence %u of %u\n", occurrence, story->occurrences);
        print_changed_rule(config, raised);
        timeline_print(&timeline, config->out);
        print_cut(config, &result);
    }
    watch_done(&watch);
    timeline_done(&timeline);
    return code;
}

/* ---- now --------------------------------------------------------------------------------------------------------- */

/* "value is 0.85, 0.15 below the limit" */
static void print_distance(FILE *out, const struct rules_limit *limit, double value)
{
    const double distance = value - limit->limit;
    if (distance == 0.0) {
        (void)fprintf(out, ": the value is at the limit");
    } else if (isfinite(distance)) {
        (void)fprintf(out, ": the value %.9g is %.6g %s the limit", value, fabs(distance),
                      distance < 0.0 ? "below" : "above");
    }
}

static void print_pending(FILE *out, int64_t since_ns, int64_t delay_ns, bool entered)
{
    char since[TEXT_TIME_MAX];
    char until[TEXT_TIME_MAX];
    (void)text_format_time(since_ns, since);
    (void)fprintf(out, " holds since %s", since);
    if (delay_ns > 0) {
        (void)text_format_time(since_ns + delay_ns, until);
        (void)fprintf(out, "; is %s at %s if that goes on", entered ? "left" : "entered", until);
    }
}

/* One level of one point: what it waits for. */
static void print_level(const struct explain_config *config, const struct watch_level *state, size_t k, double value)
{
    const struct site_level *level = &rule_of(config)->levels[k];
    const bool entered = (state->keep & KEEP_ENTERED) != 0;
    const enum rules_part part = entered ? RULES_CLEAR : RULES_WHEN;
    struct rules_limit limit;
    bool is_plain = rules_plain_limit(config->rules, alarm_of(config)->rule, k, part, &limit);
    if (entered && level->clear == NULL) {
        (void)fprintf(config->out, "    %s: entered; to be left `%s` must not hold, which", level_name(level->level),
                      level->when);
        is_plain = rules_plain_limit(config->rules, alarm_of(config)->rule, k, RULES_WHEN, &limit);
    } else {
        (void)fprintf(config->out, "    %s: %s `%s`", level_name(level->level),
                      entered ? "entered; to be left" : "not entered:", entered ? level->clear : level->when);
    }
    if (state->since_ns != TIME_NEVER) {
        print_pending(config->out, state->since_ns, watch_delay(level, entered), entered);
    } else {
        (void)fprintf(config->out, entered && level->clear == NULL ? " is not so" : " does not hold");
        if (is_plain) {
            print_distance(config->out, &limit, value);
        }
    }
    (void)fprintf(config->out, "\n");
}

static enum err_code print_reading(const struct explain_config *config, uint32_t point, double *ret_good,
                                   struct err *err)
{
    const struct site_point *place = &config->site->points[point];
    struct board_entry entry;
    struct err why = {0};
    enum err_code code = store_last(config->store, place->id, &entry, &why);
    if (code == ERR_NO) {
        (void)fprintf(config->out, "  %s: not heard of yet\n", place->id);
        *ret_good = NAN;
        return ERR_NONE;
    }
    if (code != ERR_NONE) {
        *err = why;
        return code;
    }
    char time[TEXT_TIME_MAX];
    char status[STATUS_TEXT_MAX];
    char number[TEXT_NUMBER_MAX] = "no value";
    if (!isnan(entry.value)) {
        (void)text_format_number(entry.value, number);
    }
    (void)text_format_time(entry.time_ns, time);
    (void)status_format(entry.status, status);
    (void)fprintf(config->out, "  %s = %s%s%s, %s, at %s\n", place->id, number, place->unit != NULL ? " " : "",
                  place->unit != NULL ? place->unit : "", status, time);
    *ret_good = entry.good;
    return ERR_NONE;
}

/* The state the monitor shows of the alarm; nothing is kept of one that is all well. */
static enum err_code print_shown(const struct explain_config *config, struct err *err)
{
    char key[RECORD_KEY_MAX + 1];
    char time[TEXT_TIME_MAX];
    struct buf bytes = {0};
    record_key(key, MANAGER_SHOWN, alarm_of(config)->name);
    enum err_code code = store_get(config->store, key, &bytes, err);
    (void)text_format_time(config->now_ns, time);
    if (code == ERR_NO || (code == ERR_NONE && bytes.len == 0)) {
        (void)fprintf(config->out, "\nat %s: all well\n", time);
        code = ERR_NONE;
    } else if (code == ERR_NONE) {
        json_t *state = json_loadb(bytes.data, bytes.len, 0, NULL);
        const char *word = json_string_value(json_object_get(state, "state"));
        const char *level = json_string_value(json_object_get(state, "level"));
        (void)fprintf(config->out, "\nat %s: %s%s%s, %s\n", time, word != NULL ? word : "", level != NULL ? " " : "",
                      level != NULL ? level : "",
                      json_is_true(json_object_get(state, "acked")) ? "acknowledged" : "not acknowledged");
        json_decref(state);
    }
    buf_done(&bytes);
    return code;
}

static void print_flags(const struct explain_config *config, const struct watch *watch)
{
    if ((watch->flags & VERDICT_UNLESS) != 0) {
        (void)fprintf(config->out, "  unless `%s` holds: nothing is raised\n", rule_of(config)->unless);
    }
    if ((watch->flags & VERDICT_BLIND) != 0) {
        (void)fprintf(config->out, "  a reading is lost: conditions keep their last truth\n");
    }
    if (alarm_of(config)->group != NULL) {
        (void)fprintf(config->out, "  a level of the group holds when at least %u of %zu points hold it; now: %s\n",
                      rule_of(config)->vote_at_least, alarm_of(config)->member_count,
                      level_name((enum level)watch->level));
    }
}

/* The points that conditions read beside the alarm's own. */
static enum err_code print_others(const struct explain_config *config, struct err *err)
{
    uint32_t *points = memory_new(config->site->point_count, sizeof *points);
    const size_t count = rules_alarm_points(config->rules, config->alarm, points);
    enum err_code code = ERR_NONE;
    double good = NAN;
    for (size_t i = alarm_of(config)->member_count; i < count && code == ERR_NONE; i++) {
        code = print_reading(config, points[i], &good, err);
    }
    free(points);
    return code;
}

static enum err_code print_members(const struct explain_config *config, const struct watch *watch, struct err *err)
{
    const struct site_alarm *alarm = alarm_of(config);
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < alarm->member_count && code == ERR_NONE; i++) {
        double good = NAN;
        code = print_reading(config, alarm->members[i], &good, err);
        for (size_t k = 0; k < rule_of(config)->level_count && code == ERR_NONE; k++) {
            print_level(config, &watch->levels[i * LEVEL_COUNT + k], k, good);
        }
    }
    return code;
}

/* What the alarm waits for; judged from where its last occurrence began, so that what was entered then is known. */
static enum err_code explain_now(const struct explain_config *config, const struct story *story, struct err *err)
{
    const struct story_event *raised = story_find(story, story->occurrences, EV_RAISED);
    const struct story_event *cleared = story_find(story, story->occurrences, EV_CLEARED);
    const int64_t from_ns = raised != NULL && cleared == NULL ? raised->time_ns : config->now_ns;
    struct watch watch;
    struct rejudge_result result;
    watch_init(&watch, config->site, config->alarm, NULL);
    enum err_code code = print_shown(config, err);
    if (code == ERR_NONE) {
        code = judge_again(config, &watch, from_ns, TIME_NEVER, &result, err);
    }
    if (code == ERR_NONE) {
        print_cut(config, &result);
        print_flags(config, &watch);
        code = print_members(config, &watch, err);
    }
    if (code == ERR_NONE) {
        code = print_others(config, err);
    }
    watch_done(&watch);
    return code;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void print_heading(const struct explain_config *config)
{
    const struct site_rule *rule = rule_of(config);
    (void)fprintf(config->out, "%s\n", alarm_of(config)->name);
    for (size_t k = 0; k < rule->level_count; k++) {
        const struct site_level *level = &rule->levels[k];
        char on[TEXT_DURATION_MAX];
        char off[TEXT_DURATION_MAX];
        (void)text_format_duration(level->on_delay_ns, on);
        (void)text_format_duration(level->off_delay_ns, off);
        (void)fprintf(config->out, "  %-6s when `%s` for %s, until %s%s%s for %s\n", level_name(level->level),
                      level->when, on, level->clear != NULL ? "`" : "that is ",
                      level->clear != NULL ? level->clear : "not so", level->clear != NULL ? "`" : "", off);
    }
    if (rule->unless != NULL) {
        (void)fprintf(config->out, "  unless `%s`\n", rule->unless);
    }
    for (size_t i = 0; i < rule->suppressed_by_count; i++) {
        (void)fprintf(config->out, "  suppressed by %s\n", config->site->rules[rule->suppressed_by[i]].id);
    }
}

enum err_code explain(const struct explain_config *config, struct err *err)
{
    struct story story;
    enum err_code code = story_read(config->site, config->alarm, config->store, &story, err);
    if (code != ERR_NONE) {
        return code;
    }
    const uint32_t occurrence = config->occurrence != 0 ? config->occurrence : story.occurrences;
    if (occurrence > story.occurrences) {
        code = err_set(err, ERR_NO, "the journal has no occurrence %u of %s; it has %u", occurrence,
                       alarm_of(config)->name, story.occurrences);
    } else {
        print_heading(config);
    }
    if (code == ERR_NONE && occurrence > 0) {
        code = explain_occurrence(config, &story, occurrence, err);
    } else if (code == ERR_NONE) {
        (void)fprintf(config->out, "\nnever raised\n");
    }
    if (code == ERR_NONE && occurrence == story.occurrences) {
        code = explain_now(config, &story, err);
    }
    story_done(&story);
    return code;
}
