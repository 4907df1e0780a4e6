/*
 * shard_judge: one alarm at one moment.
 *
 * Conditions are evaluated to truths (unknown keeps the last known one), truths
 * start and stop delays, ended delays move levels, and a change of the highest
 * level, of `unless` or of sight is said in a verdict.  What that means for
 * events is the alarm book's affair.
 *
 * A level waits for one thing at a time: not entered for `when`, entered for
 * `clear`.  since_ns says since when that holds, but never from before the
 * level's last step, so "its next delay starts no earlier than its last step".
 */
#include "rules/evaluate.h"
#include "rules/shard_private.h"

#include <string.h>

/* What a verdict says, in a byte. */
enum said { SAID_LEVEL = 7, SAID_UNLESS = 8, SAID_BLIND = 16 };

uint8_t say_pack(enum level level, bool unless, bool blind)
{
    return (uint8_t)(level | (unless ? SAID_UNLESS : 0u) | (blind ? SAID_BLIND : 0u));
}

/* The bit of level k. */
static unsigned bit(enum instance_bits first, unsigned k)
{
    return (unsigned)first << k;
}

static bool has(const struct instance *inst, unsigned mask)
{
    return (inst->bits & mask) != 0;
}

static void set(struct instance *inst, unsigned mask, bool on)
{
    inst->bits = (uint16_t)(on ? inst->bits | mask : inst->bits & ~mask);
}

/* ---- saying ---- */

void judge_say_mark(struct shard *shard)
{
    const struct sample *mark = &shard->mark;
    const struct verdict verdict = {
        .kind = VERDICT_MARK, .time_ns = mark->time_ns, .seen_ns = mark->seen_ns, .alarm = mark->status};
    bool room = ring_push(shard->config.verdicts, &verdict);
    assert(room && "whoever says it sees to room");
    (void)room;
    shard->mark_said = true;
}

static void say(struct shard *shard, const struct verdict *verdict)
{
    if (verdict->open != 0) { /* what is open belongs to the next mark, not to the one in hand */
        if (shard->marks_held > 0 && !shard->mark_said) {
            judge_say_mark(shard);
        }
        shard->mark_urgent = true;
    }
    bool room = ring_push(shard->config.verdicts, verdict);
    assert(room && "whoever drives the shard sees to room");
    (void)room;
    shard->verdicts_new = true;
    if (shard->verdicts != NULL) {
        counter_add(shard->verdicts, 1);
    }
}

static struct verdict verdict_of(const struct shard *shard, const struct instance_place *place, int64_t time_ns)
{
    const struct point_state *point = &shard->points[place->point];
    return (struct verdict){
        .time_ns = time_ns,
        .seen_ns = shard->clock_ns,
        .since_ns = TIME_NEVER,
        .step_ns = NEVER_YET,
        .value = place->group == SITE_NONE ? point->value : NAN,
        .alarm = place->alarm,
        .point = shard->site_points[place->point],
        .step = shard->step,
        .open = shard->open,
    };
}

static void say_step(struct shard *shard, const struct instance_place *place, int64_t time_ns, uint8_t *said,
                     uint8_t now)
{
    if (*said == now) {
        return;
    }
    struct verdict verdict = verdict_of(shard, place, time_ns);
    verdict.kind = VERDICT_STEP;
    verdict.before = *said & SAID_LEVEL;
    verdict.level = now & SAID_LEVEL;
    verdict.flags = (uint8_t)(((now & SAID_UNLESS) != 0 ? VERDICT_UNLESS : 0u) |
                              ((now & SAID_BLIND) != 0 ? VERDICT_BLIND : 0u));
    *said = now;
    say(shard, &verdict);
}

static uint8_t level_keep(const struct instance *inst, unsigned k)
{
    return (uint8_t)((has(inst, bit(BIT_WHEN, k)) ? KEEP_WHEN : 0) | (has(inst, bit(BIT_CLEAR, k)) ? KEEP_CLEAR : 0) |
                     (has(inst, bit(BIT_ENTERED, k)) ? KEEP_ENTERED : 0) | (has(inst, BIT_UNLESS) ? KEEP_UNLESS : 0));
}

/* Says which levels' conditions are no longer what they were. */
static void say_keeps(struct shard *shard, uint32_t i, const struct instance *before)
{
    const struct instance *inst = &shard->instances[i];
    const struct instance_place *place = &shard->places[i];
    for (uint8_t k = 0; k < shard->rules[place->rule].level_count; k++) {
        uint8_t keep = level_keep(inst, k);
        if (keep == level_keep(before, k) && inst->since_ns[k] == before->since_ns[k]) {
            continue;
        }
        struct verdict verdict = verdict_of(shard, place, inst->now_ns);
        verdict.kind = VERDICT_KEEP;
        verdict.since_ns = inst->since_ns[k];
        verdict.keep_level = k;
        verdict.keep = keep;
        say(shard, &verdict);
    }
}

/* ---- groups ---- */

static void group_count(struct shard *shard, uint32_t i, const struct instance *before)
{
    const struct instance *inst = &shard->instances[i];
    struct group *group = &shard->groups[shard->places[i].group];
    for (unsigned level = before->level + 1u; level <= inst->level; level++) {
        group->held[level]++;
    }
    for (unsigned level = inst->level + 1u; level <= before->level; level++) {
        group->held[level]--;
    }
    group->blind += (uint32_t)has(inst, BIT_BLIND) - (uint32_t)has(before, BIT_BLIND);
    group->unless += (uint32_t)has(inst, BIT_UNLESS) - (uint32_t)has(before, BIT_UNLESS);
}

static enum level group_level(const struct group *group, uint32_t at_least)
{
    int level = LEVEL_RED;
    while (level > LEVEL_NONE && group->held[level] < at_least) {
        level--;
    }
    return (enum level)level;
}

void judge_group_end(struct shard *shard)
{
    if (shard->group_open == SITE_NONE) {
        return;
    }
    const struct instance_place *place = &shard->places[shard->group_open];
    struct group *group = &shard->groups[place->group];
    shard->group_open = SITE_NONE;
    uint8_t now = say_pack(group_level(group, shard->rules[place->rule].vote), group->unless == group->members,
                           group->blind > 0);
    say_step(shard, place, group->now_ns, &group->said, now);
}

/* ---- one instance changed ---- */

/* What the verdict of a single alarm would say now.  A member of a group says nothing itself; any other `said` of a
 * member asks for the group's verdict at its next judgement. */
static uint8_t says(const struct instance *inst, const struct instance_place *place)
{
    bool single = place->group == SITE_NONE;
    return single ? say_pack((enum level)inst->level, has(inst, BIT_UNLESS), has(inst, BIT_BLIND)) : 0;
}

/* Tells what came of a judgement or an ended delay: kept conditions, and the step, at once or at the group's end. */
static void settle(struct shard *shard, uint32_t i, const struct instance *before)
{
    struct instance *inst = &shard->instances[i];
    const struct instance_place *place = &shard->places[i];
    if (shard->config.keep && (inst->bits != before->bits ||
                               memcmp(inst->since_ns, before->since_ns, sizeof inst->since_ns) != 0)) {
        say_keeps(shard, i, before);
    }
    if (shard->group_open != SITE_NONE && shard->places[shard->group_open].group != place->group) {
        judge_group_end(shard); /* alarms speak in the order of the site */
    }
    if (place->group == SITE_NONE) {
        say_step(shard, place, inst->now_ns, &inst->said, says(inst, place));
        return;
    }
    inst->said = 0;
    group_count(shard, i, before);
    shard->group_open = i;
}

static uint8_t highest_entered(const struct judge_rule *rule, const struct instance *inst)
{
    for (unsigned k = rule->level_count; k-- > 0;) {
        if (has(inst, bit(BIT_ENTERED, k))) {
            return rule->levels[k];
        }
    }
    return LEVEL_NONE;
}

/* The delay before the level's next step. */
static int64_t level_delay(const struct judge_rule *rule, const struct instance *inst, unsigned k)
{
    return has(inst, bit(BIT_ENTERED, k)) ? rule->off_delay_ns[k] : rule->on_delay_ns[k];
}

static int64_t add_time(int64_t a_ns, int64_t b_ns)
{
    int64_t sum_ns = 0;
    if (__builtin_add_overflow(a_ns, b_ns, &sum_ns)) {
        return b_ns > 0 ? TIME_NEVER : INT64_MIN;
    }
    return sum_ns;
}

/* Alarm time at which the level's pending delay ends; TIME_NEVER if none.  A delay of zero is no timer: it ends within
 * the judgement that starts it, or, right after a step, at the next judgement. */
static int64_t level_end(const struct judge_rule *rule, const struct instance *inst, unsigned k)
{
    int64_t delay_ns = level_delay(rule, inst, k);
    return inst->since_ns[k] == TIME_NEVER || delay_ns == 0 ? TIME_NEVER : add_time(inst->since_ns[k], delay_ns);
}

static int64_t first_end(const struct judge_rule *rule, const struct instance *inst)
{
    int64_t end_ns = TIME_NEVER;
    for (unsigned k = 0; k < rule->level_count; k++) {
        int64_t level_ns = level_end(rule, inst, k);
        end_ns = level_ns < end_ns ? level_ns : end_ns;
    }
    return end_ns;
}

/* Sets the clock at which the earliest pending delay ends. */
static void arm(struct shard *shard, uint32_t i)
{
    struct instance *inst = &shard->instances[i];
    int64_t end_ns = first_end(&shard->rules[shard->places[i].rule], inst);
    inst->due_ns = end_ns == TIME_NEVER ? TIME_NEVER : add_time(end_ns, inst->offset_ns);
    if (inst->due_ns != TIME_NEVER) {
        timers_set(&shard->delays, i, inst->due_ns);
    }
}

/* Enters or leaves the level at t; what it waits for next counts from t at the earliest. */
static void step(struct instance *inst, unsigned k, int64_t t_ns)
{
    bool entered = !has(inst, bit(BIT_ENTERED, k));
    set(inst, bit(BIT_ENTERED, k), entered);
    inst->since_ns[k] = has(inst, bit(entered ? BIT_CLEAR : BIT_WHEN, k)) ? t_ns : TIME_NEVER;
}

/* Time does not run backwards, neither here nor, as its events tell it, in the group. */
static void move_time(struct shard *shard, uint32_t i, int64_t t_ns)
{
    struct instance *inst = &shard->instances[i];
    inst->now_ns = t_ns > inst->now_ns ? t_ns : inst->now_ns;
    if (shard->places[i].group != SITE_NONE) {
        struct group *group = &shard->groups[shard->places[i].group];
        group->now_ns = inst->now_ns > group->now_ns ? inst->now_ns : group->now_ns;
    }
}

void judge_delays(struct shard *shard, uint32_t i)
{
    struct instance *inst = &shard->instances[i];
    const struct judge_rule *rule = &shard->rules[shard->places[i].rule];
    const struct instance before = *inst;
    const int64_t end_ns = first_end(rule, inst);
    move_time(shard, i, end_ns);
    for (unsigned k = 0; k < rule->level_count; k++) {
        if (level_end(rule, inst, k) == end_ns) {
            step(inst, k, end_ns);
        }
    }
    inst->level = highest_entered(rule, inst);
    settle(shard, i, &before);
    arm(shard, i);
}

/* ---- judging ---- */

/* The truth of a condition, or its last known one. */
static bool truth(const struct program *program, const struct frame *frame, bool last)
{
    double value = evaluate(program, frame);
    return isnan(value) ? last : value != 0.0;
}

static void judge_level(const struct judge_rule *rule, struct instance *inst, unsigned k, const struct frame *frame)
{
    const struct program *clear = &rule->code->clear[k];
    bool when = truth(&rule->code->when[k], frame, has(inst, bit(BIT_WHEN, k)));
    bool cleared = clear->code == NULL ? !when : truth(clear, frame, has(inst, bit(BIT_CLEAR, k)));
    set(inst, bit(BIT_WHEN, k), when);
    set(inst, bit(BIT_CLEAR, k), cleared);
    bool waits = has(inst, bit(BIT_ENTERED, k)) ? cleared : when;
    if (!waits) {
        inst->since_ns[k] = TIME_NEVER;
        return;
    }
    if (inst->since_ns[k] == TIME_NEVER) {
        inst->since_ns[k] = frame->now_ns;
    }
    if (add_time(inst->since_ns[k], level_delay(rule, inst, k)) <= frame->now_ns) {
        step(inst, k, frame->now_ns);
    }
}

static bool lost(const struct point_state *point)
{
    return point->heard && point->unknown;
}

/* A point that `when` or `clear` reads by value, unchanged() or a window is heard of and unknown. */
static bool is_blind(const struct shard *shard, const struct judge_rule *rule, const struct instance_place *place)
{
    const struct rule_code *code = rule->code;
    for (unsigned k = 0; k < rule->level_count; k++) {
        if ((code->when[k].reads_own || code->clear[k].reads_own) && lost(&shard->points[place->point])) {
            return true;
        }
    }
    for (size_t s = 0; s < code->reads.window_count; s++) {
        if (code->reads.windows[s].in_condition && lost(&shard->points[shard->slot_points[place->slots + s]])) {
            return true;
        }
    }
    return false;
}

void judge_instance(struct shard *shard, uint32_t i, int64_t t_ns)
{
    struct instance *inst = &shard->instances[i];
    const struct instance_place *place = &shard->places[i];
    const struct judge_rule *rule = &shard->rules[place->rule];
    struct instance before = *inst;
    move_time(shard, i, t_ns);
    struct frame frame = {
        .now_ns = inst->now_ns,
        .own = &shard->points[place->point],
        .points = shard->points,
        .point_slots = rule->point_slots,
        .windows = shard->slot_windows + place->slots,
        .window_points = shard->slot_points + place->slots,
    };
    for (unsigned k = 0; k < rule->level_count; k++) {
        judge_level(rule, inst, k, &frame);
    }
    if (rule->code->unless.code != NULL) {
        set(inst, BIT_UNLESS, truth(&rule->code->unless, &frame, has(inst, BIT_UNLESS)));
    }
    set(inst, BIT_BLIND, is_blind(shard, rule, place));
    inst->level = highest_entered(rule, inst);
    if (inst->bits != before.bits || inst->said != says(inst, place) ||
        memcmp(inst->since_ns, before.since_ns, sizeof inst->since_ns) != 0) {
        settle(shard, i, &before);
    }
    arm(shard, i);
}

void judge_sight(struct shard *shard, uint32_t i)
{
    struct instance *inst = &shard->instances[i];
    const struct instance_place *place = &shard->places[i];
    const struct instance before = *inst;
    set(inst, BIT_BLIND, is_blind(shard, &shard->rules[place->rule], place));
    judge_restored(shard, i, &before);
}

void judge_restored(struct shard *shard, uint32_t i, const struct instance *before)
{
    struct instance *inst = &shard->instances[i];
    inst->level = highest_entered(&shard->rules[shard->places[i].rule], inst);
    if (shard->places[i].group != SITE_NONE) {
        group_count(shard, i, before);
    }
    arm(shard, i);
}
