/* explain_watch: see explain_watch.h. */
#include "app/explain_watch.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include <math.h>
#include <stdlib.h>

void watch_init(struct watch *watch, const struct site *site, uint32_t alarm, struct timeline *timeline)
{
    *watch = (struct watch){.site = site, .alarm = alarm, .timeline = timeline};
    const size_t count = site->alarms[alarm].member_count * LEVEL_COUNT;
    watch->levels = memory_new(count, sizeof *watch->levels);
    for (size_t i = 0; i < count; i++) {
        watch->levels[i].since_ns = TIME_NEVER;
    }
}

void watch_done(struct watch *watch)
{
    free(watch->levels);
    free(watch->steps);
}

bool watch_has_step(const struct watch *watch, int64_t time_ns)
{
    for (size_t i = 0; i < watch->step_count; i++) {
        if (watch->steps[i] == time_ns) {
            return true;
        }
    }
    return false;
}

int64_t watch_delay(const struct site_level *level, bool entered)
{
    return entered ? level->off_delay_ns : level->on_delay_ns;
}

static void note_step(struct watch *watch, int64_t time_ns)
{
    if (watch->step_count == watch->step_room) {
        watch->step_room = watch->step_room == 0 ? 16 : watch->step_room * 2;
        watch->steps = memory_resize(watch->steps, watch->step_room, sizeof *watch->steps);
    }
    watch->steps[watch->step_count++] = time_ns;
}

/* " (tank-7/level = 9.5 m)", or what else brought it about. */
static void format_cause(struct buf *out, const struct site *site, enum rejudge_cause cause,
                         const struct sample *sample)
{
    static const char *const others[] = {
        [CAUSE_DELAY] = "a delay is over", [CAUSE_STALE] = "a point became stale", [CAUSE_TIME] = "time has passed"};
    buf_clear(out);
    if (cause != CAUSE_SAMPLE) {
        buf_printf(out, " (%s)", others[cause]);
        return;
    }
    const struct site_point *point = &site->points[sample->point];
    char status[STATUS_TEXT_MAX];
    (void)status_format(sample->status, status);
    buf_printf(out, " (%s = ", point->id);
    if (isnan(sample->value)) {
        buf_text(out, "no value");
    } else {
        buf_number(out, sample->value);
        buf_printf(out, "%s%s", point->unit != NULL ? " " : "", point->unit != NULL ? point->unit : "");
    }
    buf_printf(out, "%s%s)", sample->status != 0 ? ", " : "", sample->status != 0 ? status : "");
}

/* What is about to be told, and of which level of which point. */
struct telling {
    struct watch *watch;
    const struct verdict *verdict;
    const struct site_level *level;
    const char *point; /* of a group: the member with ": "; else "" */
    const char *why;
    uint64_t key; /* of this level of this point; told things add 1, 2, … */
};

static void tell_truth(const struct telling *telling, enum keep_bits bit, uint8_t before, const char *condition)
{
    const bool holds = (telling->verdict->keep & bit) != 0;
    if (holds == ((before & bit) != 0) || condition == NULL) {
        return;
    }
    timeline_add(telling->watch->timeline, telling->verdict->time_ns, 0, telling->key + bit, "%s%s: `%s` %s%s",
                 telling->point, level_name(telling->level->level), condition, holds ? "holds" : "holds no longer",
                 telling->why);
}

static void tell_delay(const struct telling *telling, const struct watch_level *before, bool entered, bool stepped)
{
    enum { KEY_DELAY = 32 };
    const struct verdict *verdict = telling->verdict;
    const int64_t delay_ns = watch_delay(telling->level, entered);
    struct timeline *timeline = telling->watch->timeline;
    if (verdict->since_ns != TIME_NEVER && verdict->since_ns != before->since_ns && delay_ns > 0) {
        char length[TEXT_DURATION_MAX];
        char until[TEXT_TIME_MAX];
        (void)text_format_duration(delay_ns, length);
        (void)text_format_time(verdict->since_ns + delay_ns, until);
        timeline_add(timeline, verdict->time_ns, 2, telling->key + KEY_DELAY, "%s%s: the %s of %s begins, until %s",
                     telling->point, level_name(telling->level->level), entered ? "off_delay" : "on_delay", length,
                     until);
    } else if (verdict->since_ns == TIME_NEVER && before->since_ns != TIME_NEVER && delay_ns > 0 && !stepped) {
        timeline_add(timeline, verdict->time_ns, 0, telling->key + KEY_DELAY, "%s%s: the %s is broken off",
                     telling->point, level_name(telling->level->level), entered ? "off_delay" : "on_delay");
    }
}

static void tell_keep(struct watch *watch, const struct verdict *verdict, size_t member, const char *why)
{
    const struct site_alarm *alarm = &watch->site->alarms[watch->alarm];
    const struct watch_level *before = &watch->levels[member * LEVEL_COUNT + verdict->keep_level];
    const bool entered = (verdict->keep & KEEP_ENTERED) != 0;
    const bool stepped = entered != ((before->keep & KEEP_ENTERED) != 0);
    struct buf point = {0};
    buf_printf(&point, "%s%s", alarm->group != NULL ? watch->site->points[verdict->point].id : "",
               alarm->group != NULL ? ": " : "");
    const struct telling telling = {
        .watch = watch,
        .verdict = verdict,
        .level = &watch->site->rules[alarm->rule].levels[verdict->keep_level],
        .point = point.data,
        .why = why,
        .key = (member * LEVEL_COUNT + verdict->keep_level + 1) * 64,
    };
    tell_truth(&telling, KEEP_WHEN, before->keep, telling.level->when);
    tell_truth(&telling, KEEP_CLEAR, before->keep, telling.level->clear);
    if (stepped) {
        timeline_add(watch->timeline, verdict->time_ns, 1, telling.key + KEEP_ENTERED, "%s%s is %s", point.data,
                     level_name(telling.level->level), entered ? "entered" : "left");
    }
    tell_delay(&telling, before, entered, stepped);
    buf_done(&point);
}

static void tell_step(struct watch *watch, const struct verdict *verdict, const char *why)
{
    enum { KEY_UNLESS = 1, KEY_BLIND, KEY_GROUP };
    const struct site_alarm *alarm = &watch->site->alarms[watch->alarm];
    const struct site_rule *rule = &watch->site->rules[alarm->rule];
    const unsigned changed = verdict->flags ^ watch->flags;
    if ((changed & VERDICT_UNLESS) != 0) {
        const bool held = (verdict->flags & VERDICT_UNLESS) != 0;
        timeline_add(watch->timeline, verdict->time_ns, 1, KEY_UNLESS, "unless `%s` %s%s", rule->unless,
                     held ? "holds: nothing is raised" : "holds no longer", why);
    }
    if ((changed & VERDICT_BLIND) != 0) {
        const bool blind = (verdict->flags & VERDICT_BLIND) != 0;
        timeline_add(watch->timeline, verdict->time_ns, 1, KEY_BLIND, "%s%s",
                     blind ? "a reading is lost: conditions keep their last truth" : "all readings are back", why);
    }
    if (alarm->group != NULL && verdict->level != watch->level) {
        timeline_add(watch->timeline, verdict->time_ns, 3, KEY_GROUP, "the group of at least %u is at %s",
                     rule->vote_at_least, level_name((enum level)verdict->level));
    }
}

static size_t member_of(const struct watch *watch, uint32_t point)
{
    const struct site_alarm *alarm = &watch->site->alarms[watch->alarm];
    size_t member = 0;
    while (member + 1 < alarm->member_count && alarm->members[member] != point) {
        member++;
    }
    return member;
}

void watch_verdict(void *self, const struct verdict *verdict, enum rejudge_cause cause, const struct sample *sample)
{
    struct watch *watch = self;
    struct buf why = {0};
    format_cause(&why, watch->site, cause, sample);
    if (verdict->kind == VERDICT_STEP) {
        if (watch->timeline != NULL) {
            tell_step(watch, verdict, why.data);
        }
        note_step(watch, verdict->time_ns);
        watch->flags = verdict->flags;
        watch->level = verdict->level;
    } else if (verdict->kind == VERDICT_KEEP) {
        const size_t member = member_of(watch, verdict->point);
        if (watch->timeline != NULL) {
            tell_keep(watch, verdict, member, why.data);
        }
        watch->levels[member * LEVEL_COUNT + verdict->keep_level] =
            (struct watch_level){.keep = verdict->keep, .since_ns = verdict->since_ns};
    }
    buf_done(&why);
}
