/* rules: see rules.h. */
#include "rules/rules.h"

#include "base/clock.h"
#include "rules/rules_private.h"
#include <stdlib.h>
#include <string.h>

enum err_code rules_compile(const struct site *site, struct mistakes *mistakes, struct rules **ret_rules,
                            struct err *err)
{
    struct rules *rules = calloc(1, sizeof *rules);
    if (rules == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    arena_init(&rules->arena);
    rules->site = site;
    rules->codes = ARENA_ARRAY(&rules->arena, struct rule_code, site->rule_count + 1);
    bool fine = true;
    for (size_t r = 0; r < site->rule_count; r++) {
        fine = program_compile_rule(site, &site->rules[r], &rules->arena, mistakes, &rules->codes[r]) && fine;
    }
    for (const struct site_stray *stray = site->strays; stray != NULL; stray = stray->next) {
        program_check_stray(site, stray, mistakes);
    }
    if (!fine) {
        rules_free(rules);
        return err_set(err, ERR_INPUT, "%s: the rules have mistakes", site->file);
    }
    arena_seal(&rules->arena);
    *ret_rules = rules;
    return ERR_NONE;
}

void rules_free(struct rules *rules)
{
    if (rules != NULL) {
        arena_done(&rules->arena);
        free(rules);
    }
}

/* Spreads neighbouring indices evenly (the finaliser of MurmurHash3, public domain). */
static uint32_t spread(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    x *= 0xc2b2ae35u;
    return x ^ x >> 16;
}

unsigned rules_point_home(uint32_t point, unsigned shards)
{
    return shards == 1 ? 0 : spread(point) % shards;
}

unsigned rules_alarm_shard(const struct rules *rules, uint32_t alarm, unsigned shards)
{
    return rules_point_home(rules->site->alarms[alarm].members[0], shards);
}

void rules_plan(const struct rules *rules, unsigned shards, uint64_t *ret_masks, uint8_t *ret_homes)
{
    const struct site *site = rules->site;
    for (uint32_t p = 0; p < site->point_count; p++) {
        ret_homes[p] = (uint8_t)rules_point_home(p, shards);
        ret_masks[p] = UINT64_C(1) << ret_homes[p];
    }
    for (size_t r = 0; r < site->rule_count; r++) {
        const struct site_rule *rule = &site->rules[r];
        uint64_t judges = 0; /* the shards that judge this rule anywhere */
        for (uint32_t a = rule->first_alarm; a < rule->first_alarm + rule->alarm_count; a++) {
            uint64_t judge = UINT64_C(1) << rules_alarm_shard(rules, a, shards);
            judges |= judge;
            for (size_t i = 0; i < site->alarms[a].member_count; i++) {
                ret_masks[site->alarms[a].members[i]] |= judge;
            }
        }
        const struct rule_reads *reads = &rules->codes[r].reads;
        for (size_t i = 0; i < reads->point_count; i++) {
            ret_masks[reads->points[i]] |= judges;
        }
        for (size_t i = 0; i < reads->window_count; i++) {
            if (reads->windows[i].point != SITE_NONE) {
                ret_masks[reads->windows[i].point] |= judges;
            }
        }
    }
}

/* After eight time constants an average has forgotten all but a three-thousandth of what was before. */
enum { AVERAGE_REACH = 8 };
#define UNCHANGED_REACH_NS (24 * 3600 * NS_PER_S)

static int64_t reach_of(const struct window_read *read)
{
    int64_t reach_ns = read->width_ns;
    if (read->kind == WINDOW_EWMA && __builtin_mul_overflow(read->width_ns, AVERAGE_REACH, &reach_ns)) {
        return INT64_MAX;
    }
    return reach_ns;
}

static void reach_at_least(int64_t *reach_ns, int64_t at_least_ns)
{
    *reach_ns = *reach_ns < at_least_ns ? at_least_ns : *reach_ns;
}

void rules_reach(const struct rules *rules, int64_t *ret_reach_ns)
{
    const struct site *site = rules->site;
    memset(ret_reach_ns, 0, site->point_count * sizeof *ret_reach_ns);
    for (size_t r = 0; r < site->rule_count; r++) {
        const struct rule_code *code = &rules->codes[r];
        int64_t own_ns = code->reads_time ? UNCHANGED_REACH_NS : 0;
        for (size_t w = 0; w < code->reads.window_count; w++) {
            const struct window_read *read = &code->reads.windows[w];
            if (read->point == SITE_NONE) {
                reach_at_least(&own_ns, reach_of(read));
            } else {
                reach_at_least(&ret_reach_ns[read->point], reach_of(read));
            }
        }
        for (size_t i = 0; i < site->rules[r].point_count; i++) {
            reach_at_least(&ret_reach_ns[site->rules[r].points[i]], own_ns);
        }
    }
}

bool rules_is_forecast(const struct rules *rules, uint32_t rule, enum level level)
{
    const struct site_rule *heading = &rules->site->rules[rule];
    for (size_t k = 0; k < heading->level_count; k++) {
        if (heading->levels[k].level == level) {
            return rules->codes[rule].when[k].uses_eta;
        }
    }
    return false;
}
