/*
 * event_words: the texts an event is printed with, apart from where they come
 * from: the site for its alarms, a kept record for an alarm whose rule is gone.
 *
 * Borrowed strings; NULL = absent.
 */
#ifndef DAVY_ALERTING_EVENT_WORDS_H
#define DAVY_ALERTING_EVENT_WORDS_H

#include "base/buf.h"
#include "model/alarm.h"
#include "model/site.h"

struct event_words {
    const char *alarm; /* "<rule>:<point>" */
    const char *rule;
    const char *point; /* NULL for a group */
    const char *name;  /* what {name} says: the point's name, its id, or the group's name */
    const char *hazard;
    const char *kind;
    const char *unit;
    const char *message; /* template */
    const char *advice;
};

/* Gives the words of one of the site's alarms. */
struct event_words event_words_of(const struct site *site, uint32_t alarm);

/* True when nothing about the alarm is open after the event: cleared, acknowledged, not shelved, in service. */
bool event_all_well(const struct event *event);

/* Gives the condition that caused the event, NULL when there is none to name. */
const char *event_when(const struct site *site, const struct event *event);

/* As event_format and event_format_state (alarm_book.h), with given words; `scratch` is used for the message. */
void event_print(struct buf *out, struct buf *scratch, const char *site_id, const struct event_words *words,
                 const char *when, const struct event *event, const struct act *act, enum run_status status);
void event_print_state(struct buf *out, struct buf *scratch, const char *site_id, const struct event_words *words,
                       const struct event *event);

#endif
