/* rejudge: see rejudge.h. */
#include "app/rejudge.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/ring.h"
#include "rules/explain.h"
#include "rules/shard.h"
#include <stdlib.h>

struct kept {
    struct sample sample;
    size_t order; /* as read: samples of one receipt stay in the order of points and times */
};

struct kept_list {
    struct kept *items;
    size_t count, room;
    uint32_t point; /* the one being read, */
    size_t begun;   /* where its samples begin, */
    size_t most;    /* and how many it may have */
    int64_t cut_ns; /* the earliest time at which a point had more; TIME_NEVER: none had */
};

struct course {
    const struct rejudge_config *config;
    struct site site; /* the real one with one alarm */
    struct site_rule rule;
    struct site_alarm alarm;
    struct rules *rules;
    struct shard *shard;
    struct ring *verdicts;
};

/* ---- what the store holds ---------------------------------------------------------------------------------------- */

static bool take_row(void *self, const struct store_row *row)
{
    struct kept_list *list = self;
    if ((row->status & ST_LATE) != 0) {
        return true; /* was not judged */
    }
    if (list->count - list->begun == list->most) {
        list->cut_ns = row->time_ns < list->cut_ns ? row->time_ns : list->cut_ns;
        return false;
    }
    if (list->count == list->room) {
        list->room = list->room == 0 ? 1024 : list->room * 2;
        list->items = memory_resize(list->items, list->room, sizeof *list->items);
    }
    list->items[list->count] = (struct kept){
        .sample = {.time_ns = row->time_ns,
                   .seen_ns = row->seen_ns != 0 ? row->seen_ns : row->time_ns,
                   .value = row->value,
                   .point = list->point,
                   .status = row->status},
        .order = list->count,
    };
    list->count++;
    return true;
}

static int by_receipt(const void *a, const void *b)
{
    const struct kept *x = a;
    const struct kept *y = b;
    if (x->sample.seen_ns != y->sample.seen_ns) {
        return x->sample.seen_ns < y->sample.seen_ns ? -1 : 1;
    }
    return (x->order > y->order) - (x->order < y->order);
}

static enum err_code read_point(const struct rejudge_config *config, uint32_t point, struct kept_list *list,
                                struct err *err)
{
    const int64_t end_ns = config->to_ns < INT64_MAX ? config->to_ns + 1 : INT64_MAX;
    struct err why = {0};
    list->point = point;
    list->begun = list->count;
    enum err_code code =
        store_read(config->store, config->site->points[point].id, config->from_ns, end_ns, take_row, list, &why);
    if (code == ERR_NO || code == ERR_NONE) {
        return ERR_NONE; /* a point that was never heard of has no samples */
    }
    *err = why;
    return code;
}

static enum err_code read_all(const struct rejudge_config *config, struct kept_list *list, struct err *err)
{
    uint32_t *points = memory_new(config->site->point_count, sizeof *points);
    size_t count = rules_alarm_points(config->rules, config->alarm, points);
    list->most = REJUDGE_SAMPLES / (count > 0 ? count : 1);
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < count && code == ERR_NONE; i++) {
        code = read_point(config, points[i], list, err);
    }
    free(points);
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof *list->items, by_receipt);
    }
    return code;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

static void hand_out(struct course *course, enum rejudge_cause cause, const struct sample *sample)
{
    size_t n = 0;
    const struct verdict *verdicts = NULL;
    while ((verdicts = ring_peek(course->verdicts, &n)) != NULL) {
        for (size_t i = 0; i < n; i++) {
            if (verdicts[i].time_ns <= course->config->to_ns) {
                course->config->fn(course->config->self, &verdicts[i], cause, sample);
            }
        }
        ring_release(course->verdicts, n);
    }
}

static void run_phase(struct course *course, int64_t due_ns, enum due_phase phase, enum rejudge_cause cause)
{
    shard_due(course->shard, due_ns, phase);
    hand_out(course, cause, NULL);
}

static void advance(struct course *course, int64_t until_ns)
{
    int64_t due_ns = shard_next_due(course->shard);
    for (; due_ns <= until_ns && due_ns != TIME_NEVER; due_ns = shard_next_due(course->shard)) {
        run_phase(course, due_ns, DUE_DELAYS, CAUSE_DELAY);
        run_phase(course, due_ns, DUE_STALENESS, CAUSE_STALE);
        run_phase(course, due_ns, DUE_SECONDS, CAUSE_TIME);
    }
}

static void judge(struct course *course, const struct sample *sample)
{
    advance(course, sample->seen_ns);
    int64_t end_ns = shard_first_before(course->shard, sample);
    for (; end_ns != TIME_NEVER; end_ns = shard_first_before(course->shard, sample)) {
        shard_before(course->shard, sample, end_ns);
        hand_out(course, CAUSE_DELAY, NULL);
    }
    shard_sample(course->shard, sample);
    hand_out(course, CAUSE_SAMPLE, sample);
}

/* ---- the site of one alarm --------------------------------------------------------------------------------------- */

static enum err_code begin(struct course *course, int64_t start_ns, struct err *err)
{
    const struct rejudge_config *config = course->config;
    course->alarm = config->site->alarms[config->alarm];
    course->rule = config->site->rules[course->alarm.rule];
    course->alarm.rule = 0;
    course->rule.points = course->alarm.members;
    course->rule.point_count = course->alarm.member_count;
    course->rule.first_alarm = 0;
    course->rule.alarm_count = 1;
    course->rule.suppressed_by_count = 0;
    course->site = *config->site;
    course->site.rules = &course->rule;
    course->site.alarms = &course->alarm;
    course->site.rule_count = course->site.alarm_count = 1;
    struct mistakes mistakes;
    mistakes_init(&mistakes);
    enum err_code code = rules_compile(&course->site, &mistakes, &course->rules, err);
    mistakes_done(&mistakes);
    if (code == ERR_NONE) {
        size_t room = 16;
        while (room <= shard_fan_out(course->rules, 0, 1)) {
            room *= 2;
        }
        code = ring_open(sizeof(struct verdict), room, 0, &course->verdicts, err);
    }
    if (code == ERR_NONE) {
        struct shard_config shard = {.site = &course->site,
                                     .rules = course->rules,
                                     .count = 1,
                                     .verdicts = course->verdicts,
                                     .keep = true,
                                     .start_ns = start_ns};
        code = shard_new(&shard, &course->shard, err);
    }
    return code;
}

static void end(struct course *course)
{
    shard_free(course->shard);
    ring_free(course->verdicts);
    rules_free(course->rules);
}

/* The clock at the end.  By how much an alarm's time is behind the clock, its latest sample says. */
static int64_t last_clock(const struct rejudge_config *config, const struct kept_list *list)
{
    if (config->clock_ns != TIME_NEVER || list->count == 0) {
        return config->clock_ns != TIME_NEVER ? config->clock_ns : config->to_ns;
    }
    const struct sample *last = &list->items[list->count - 1].sample;
    int64_t clock_ns = 0;
    return __builtin_add_overflow(config->to_ns, last->seen_ns - last->time_ns, &clock_ns) ? config->to_ns : clock_ns;
}

enum err_code rejudge(const struct rejudge_config *config, struct rejudge_result *ret_result, struct err *err)
{
    struct kept_list list = {.cut_ns = TIME_NEVER};
    struct course course = {.config = config};
    enum err_code code = read_all(config, &list, err);
    if (code == ERR_NONE) {
        code = begin(&course, list.count > 0 ? list.items[0].sample.seen_ns : config->from_ns, err);
    }
    for (size_t i = 0; code == ERR_NONE && i < list.count && list.items[i].sample.seen_ns < list.cut_ns; i++) {
        judge(&course, &list.items[i].sample);
    }
    if (code == ERR_NONE) {
        const int64_t clock_ns = last_clock(config, &list);
        advance(&course, clock_ns < list.cut_ns ? clock_ns : list.cut_ns);
        *ret_result = (struct rejudge_result){.samples = list.count, .cut_ns = list.cut_ns};
    }
    end(&course);
    free(list.items);
    return code;
}
