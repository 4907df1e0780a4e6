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
#include "rules/conditions.h"
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

static struct verdict verdict_of(const struct shard *shard, const struct instance *inst, int64_t time_ns)
{
    const struct point_state *point = &shard->points[inst->point];
    return (struct verdict){
        .time_ns = time_ns,
        .seen_ns = shard->clock_ns,
        .since_ns = TIME_NEVER,
        .step_ns = NEVER_YET,
        .value = inst->group == SITE_NONE ? point->value : NAN,
        .alarm = inst->alarm,
        .point = shard->site_points[inst->point],
        .step = shard->step,
        .open = shard->open,
    };
}

static void say_step(struct shard *shard, const struct instance *inst, int64_t time_ns, uint8_t *said, uint8_t now)
{
    if (*said == now) {
        return;
    }
    struct verdict verdict = verdict_of(shard, inst, time_ns);
    verdict.kind = VERDICT_STEP;
    verdict.before = *said & SAID_LEVEL;
    verdict.level = now & SAID_LEVEL;
    verdict.flags =
        (uint8_t)(((now & SAID_UNLESS) != 0 ? VERDICT_UNLESS : 0u) | ((now & SAID_BLIND) != 0 ? VERDICT_BLIND : 0u));
    *said = now;
    say(shard, &verdict);
}

static uint8_t level_keep(uint16_t bits, unsigned k)
{
    return (
        uint8_t)(((bits & bit(BIT_WHEN, k)) != 0 ? KEEP_WHEN : 0) | ((bits & bit(BIT_CLEAR, k)) != 0 ? KEEP_CLEAR : 0) |
                 ((bits & bit(BIT_ENTERED, k)) != 0 ? KEEP_ENTERED : 0) | ((bits & BIT_UNLESS) != 0 ? KEEP_UNLESS : 0));
}

/* Says which levels' conditions are no longer what they were. */
static void say_keeps(struct shard *shard, const struct instance *inst, const struct was *was)
{
    for (uint8_t k = 0; k < shard->rules[inst->rule].level_count; k++) {
        uint8_t keep = level_keep(inst->bits, k);
        if (keep == level_keep(was->bits, k) && inst->since_ns[k] == was->since_ns[k]) {
            continue;
        }
        struct verdict verdict = verdict_of(shard, inst, inst->now_ns);
        verdict.kind = VERDICT_KEEP;
        verdict.since_ns = inst->since_ns[k];
        verdict.keep_level = k;
        verdict.keep = keep;
        say(shard, &verdict);
    }
}

/* ---- groups ---- */

static uint32_t one_if(uint16_t bits, unsigned mask)
{
    return (bits & mask) != 0;
}

static void group_count(struct shard *shard, const struct instance *inst, const struct was *was)
{
    struct group *group = &shard->groups[inst->group];
    for (unsigned level = was->level + 1u; level <= inst->level; level++) {
        group->held[level]++;
    }
    for (unsigned level = inst->level + 1u; level <= was->level; level++) {
        group->held[level]--;
    }
    group->blind += one_if(inst->bits, BIT_BLIND) - one_if(was->bits, BIT_BLIND);
    group->unless += one_if(inst->bits, BIT_UNLESS) - one_if(was->bits, BIT_UNLESS);
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
    const struct instance *inst = &shard->instances[shard->group_open];
    struct group *group = &shard->groups[inst->group];
    shard->group_open = SITE_NONE;
    uint8_t now =
        say_pack(group_level(group, shard->rules[inst->rule].vote), group->unless == group->members, group->blind > 0);
    say_step(shard, inst, group->now_ns, &group->said, now);
}

/* ---- one instance changed ---- */

/* What the verdict of a single alarm would say now.  A member of a group says nothing itself; any other `said` of a
 * member asks for the group's verdict at its next judgement. */
static uint8_t says(const struct instance *inst)
{
    bool single = inst->group == SITE_NONE;
    return single ? say_pack((enum level)inst->level, has(inst, BIT_UNLESS), has(inst, BIT_BLIND)) : 0;
}

struct was judge_was(const struct instance *inst)
{
    struct was was = {.bits = inst->bits, .level = inst->level};
    memcpy(was.since_ns, inst->since_ns, sizeof was.since_ns);
    return was;
}

static bool has_changed(const struct instance *inst, const struct was *was)
{
    return inst->bits != was->bits || memcmp(inst->since_ns, was->since_ns, sizeof inst->since_ns) != 0;
}

/* Tells what came of a judgement or an ended delay: kept conditions, and the step, at once or at the group's end. */
static void settle(struct shard *shard, uint32_t i, const struct was *was)
{
    struct instance *inst = &shard->instances[i];
    if (shard->config.keep && has_changed(inst, was)) {
        say_keeps(shard, inst, was);
    }
    if (shard->group_open != SITE_NONE && shard->instances[shard->group_open].group != inst->group) {
        judge_group_end(shard); /* alarms speak in the order of the site */
    }
    if (inst->group == SITE_NONE) {
        say_step(shard, inst, inst->now_ns, &inst->said, says(inst));
        return;
    }
    inst->said = 0;
    group_count(shard, inst, was);
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
static void set_due(struct shard *shard, uint32_t i)
{
    struct instance *inst = &shard->instances[i];
    inst->due_ns = inst->end_ns == TIME_NEVER ? TIME_NEVER : add_time(inst->end_ns, inst->offset_ns);
    if (inst->due_ns != TIME_NEVER) {
        timers_set(&shard->delays, i, inst->due_ns);
    }
}

static void arm(struct shard *shard, uint32_t i)
{
    struct instance *inst = &shard->instances[i];
    inst->end_ns = first_end(&shard->rules[inst->rule], inst);
    set_due(shard, i);
}

/* What it stands at was changed from outside a judgement: the next one has to look at everything. */
static void stir(struct shard *shard, struct instance *inst)
{
    inst->steady = false;
    shard->points[inst->point].quiet = SPAN_NONE;
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
    if (inst->group != SITE_NONE) {
        struct group *group = &shard->groups[inst->group];
        group->now_ns = inst->now_ns > group->now_ns ? inst->now_ns : group->now_ns;
    }
}

void judge_delays(struct shard *shard, uint32_t i)
{
    struct instance *inst = &shard->instances[i];
    const struct judge_rule *rule = &shard->rules[inst->rule];
    const struct was was = judge_was(inst);
    const int64_t end_ns = inst->end_ns;
    stir(shard, inst);
    move_time(shard, i, end_ns);
    for (unsigned k = 0; k < rule->level_count; k++) {
        if (level_end(rule, inst, k) == end_ns) {
            step(inst, k, end_ns);
        }
    }
    inst->level = highest_entered(rule, inst);
    settle(shard, i, &was);
    arm(shard, i);
}

/* ---- judging ---- */

/* The truth of a condition, or its last known one. */
static bool holds(const struct formula *formula, const struct leaf *leaves, const double *terms, bool last)
{
    enum truth now = formula_truth(formula, leaves, terms);
    return now == TRUTH_UNKNOWN ? last : now == TRUTH_TRUE;
}

static void judge_level(const struct judge_rule *rule, struct instance *inst, unsigned k, const double *terms)
{
    const struct conditions *conditions = &rule->code->conditions;
    const struct formula *clear = &conditions->clear[k];
    bool when = holds(&conditions->when[k], conditions->leaves, terms, has(inst, bit(BIT_WHEN, k)));
    bool cleared = clear->steps == NULL ? !when : holds(clear, conditions->leaves, terms, has(inst, bit(BIT_CLEAR, k)));
    set(inst, bit(BIT_WHEN, k), when);
    set(inst, bit(BIT_CLEAR, k), cleared);
    bool waits = has(inst, bit(BIT_ENTERED, k)) ? cleared : when;
    if (!waits) {
        inst->since_ns[k] = TIME_NEVER;
        return;
    }
    if (inst->since_ns[k] == TIME_NEVER) {
        inst->since_ns[k] = inst->now_ns;
    }
    if (add_time(inst->since_ns[k], level_delay(rule, inst, k)) <= inst->now_ns) {
        step(inst, k, inst->now_ns);
    }
}

static bool lost(const struct point_state *point)
{
    return point->heard && point->unknown;
}

/* A point that `when` or `clear` reads by value, unchanged() or a window is heard of and unknown. */
static bool is_blind(const struct shard *shard, const struct judge_rule *rule, const struct instance *inst)
{
    const struct rule_code *code = rule->code;
    for (unsigned k = 0; k < rule->level_count; k++) {
        if ((code->when[k].reads_own || code->clear[k].reads_own) && lost(&shard->points[inst->point])) {
            return true;
        }
    }
    for (size_t s = 0; s < code->reads.window_count; s++) {
        if (code->reads.windows[s].in_condition && lost(&shard->points[shard->slot_points[inst->slots + s]])) {
            return true;
        }
    }
    return false;
}

/* A delay of zero that waits for the next judgement is no timer, so the next judgement must not be left out. */
static bool waits_for_judgement(const struct judge_rule *rule, const struct instance *inst)
{
    for (unsigned k = 0; k < rule->level_count; k++) {
        if (inst->since_ns[k] != TIME_NEVER && level_delay(rule, inst, k) == 0) {
            return true;
        }
    }
    return false;
}

/* All known truths settle it: nobody is blind then, for what makes blind makes a term unknown. */
static void find_steady(const struct shard *shard, struct instance *inst, const struct judge_rule *rule)
{
    const struct conditions *conditions = &rule->code->conditions;
    inst->steady = inst->said == says(inst) && !waits_for_judgement(rule, inst) &&
                   conditions_spans(conditions, shard->terms, instance_spans(shard, inst, conditions));
}

static void judge_conditions(struct shard *shard, uint32_t i, const struct judge_rule *rule)
{
    struct instance *inst = &shard->instances[i];
    const struct conditions *conditions = &rule->code->conditions;
    const struct was was = judge_was(inst);
    for (unsigned k = 0; k < rule->level_count; k++) {
        judge_level(rule, inst, k, shard->terms);
    }
    if (conditions->unless.steps != NULL) {
        set(inst, BIT_UNLESS, holds(&conditions->unless, conditions->leaves, shard->terms, has(inst, BIT_UNLESS)));
    }
    set(inst, BIT_BLIND, is_blind(shard, rule, inst));
    inst->level = highest_entered(rule, inst);
    if (has_changed(inst, &was) || inst->said != says(inst)) {
        settle(shard, i, &was);
    }
    arm(shard, i);
    find_steady(shard, inst, rule);
}

void judge_instance(struct shard *shard, uint32_t i, int64_t t_ns)
{
    struct instance *inst = &shard->instances[i];
    const struct judge_rule *rule = &shard->rules[inst->rule];
    const struct conditions *conditions = &rule->code->conditions;
    move_time(shard, i, t_ns);
    const struct frame frame = judge_frame(shard, inst, rule, inst->now_ns);
    conditions_read(conditions, &frame, shard->terms);
    if (inst->steady && inst->now_ns < inst->end_ns &&
        conditions_hold(conditions, shard->terms, instance_spans(shard, inst, conditions))) {
        set_due(shard, i);
        return;
    }
    judge_conditions(shard, i, rule);
}

void judge_by_sample(struct shard *shard, uint32_t i, int64_t time_ns)
{
    struct instance *inst = &shard->instances[i];
    int64_t t_ns = time_ns > inst->now_ns ? time_ns : inst->now_ns;
    inst->offset_ns = shard->clock_ns - t_ns;
    judge_instance(shard, i, t_ns);
}

void judge_sight(struct shard *shard, uint32_t i)
{
    struct instance *inst = &shard->instances[i];
    const struct was was = judge_was(inst);
    set(inst, BIT_BLIND, is_blind(shard, &shard->rules[inst->rule], inst));
    judge_restored(shard, i, &was);
}

void judge_restored(struct shard *shard, uint32_t i, const struct was *was)
{
    struct instance *inst = &shard->instances[i];
    stir(shard, inst);
    inst->level = highest_entered(&shard->rules[inst->rule], inst);
    if (inst->group != SITE_NONE) {
        group_count(shard, inst, was);
    }
    arm(shard, i);
}
