/*
 * rules: the compiled form of a site's rules, const after rules_compile.
 *
 * rules_compile parses every expression, checks its types and names, adds each
 * mistake (with the place and the character) to the caller's list, and makes
 * flat programs.  It also plans which shard judges what.
 *
 * Threads: compile on one; afterwards shared by all shards as const.
 */
#ifndef DAVY_RULES_RULES_H
#define DAVY_RULES_RULES_H

#include "base/clock.h"
#include "base/err.h"
#include "base/mistakes.h"
#include "model/site.h"

struct rules;

/* Compiles all rules of a sealed site (borrowed, must outlive it).  ERR_INPUT when mistakes were added. */
enum err_code rules_compile(const struct site *site, struct mistakes *mistakes, struct rules **ret_rules,
                            struct err *err) MUST_CHECK;
void rules_free(struct rules *rules);

/* Plans `shards` (1..QUEUE_SHARDS_MAX) shards: writes, for each point of the site, the set of shards that need its
 * samples into ret_masks and the one home shard (which alone stores it and writes the board) into ret_homes.  The same
 * site and number always give the same plan.  Every alarm is judged whole in one shard. */
void rules_plan(const struct rules *rules, unsigned shards, uint64_t *ret_masks, uint8_t *ret_homes);

/* Writes for each point of the site how far back its readings matter to some rule (windows; several time constants of
 * averages; a day for unchanged()), 0 for not at all: what a restart has to give back. */
void rules_reach(const struct rules *rules, int64_t *ret_reach_ns);

/* How much of a window a restart gives back at most; the rest of a longer one fills as time goes on. */
#define RULES_RESTORED_NS (24 * 3600 * NS_PER_S)

/* Notes for each rule the first window that a restart gives back in part only, because its samples are not kept for so
 * long or by the limit above. */
void rules_restart_notes(const struct rules *rules, struct mistakes *notes);

/* True when a level's `when` uses eta_up or eta_down (its alarms are forecasts). */
bool rules_is_forecast(const struct rules *rules, uint32_t rule, enum level level);

#endif
