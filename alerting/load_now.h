/*
 * load_now: what alarms ask of the operator at this moment, as three gauges
 * that rules can watch (points davy.alerting.raised_10min and so on), so that a
 * flood is one alarm at the top of the list.
 *
 *   raised_10min   alarms raised in the last 10 minutes, to the second
 *   chattering     alarms whose last 3 raises lie within the last 60 s
 *   standing       alarms that are active
 *
 * The limits are those of ISA-18.2 and EEMUA 191 (see load_figures.h).  Times
 * are the manager's clock: when the operator was told, not when it happened.
 *
 * Pure book-keeping.  Memory: all at load_now_new, 29 bytes an alarm.
 * Threads: one at a time.
 */
#ifndef DAVY_ALERTING_LOAD_NOW_H
#define DAVY_ALERTING_LOAD_NOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_now;

struct load_now *load_now_new(size_t alarms);
void load_now_free(struct load_now *load); /* accepts NULL */

/* Takes what an alarm is after an event, or after loading. */
bool load_now_active(struct load_now *load, uint32_t alarm, bool active);
/* Takes an event `raised`; now_ns never falls. */
void load_now_raised(struct load_now *load, uint32_t alarm, int64_t now_ns);
/* Lets time pass. */
void load_now_pass(struct load_now *load, int64_t now_ns);
/* When time alone will next change a gauge, at the earliest; TIME_NEVER: not. */
int64_t load_now_due(const struct load_now *load);

uint64_t load_now_raised_10min(const struct load_now *load);
uint64_t load_now_chattering(const struct load_now *load);
uint64_t load_now_standing(const struct load_now *load);

#endif
