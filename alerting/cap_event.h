/*
 * cap_event: an event of the journal, read back for a CAP document.
 *
 * The journal is all a sink knows of what happened, so that a document can be
 * made again after a kill as the same bytes.
 *
 * Memory: texts are borrowed from the JSON it owns.  Pure.
 */
#ifndef DAVY_ALERTING_CAP_EVENT_H
#define DAVY_ALERTING_CAP_EVENT_H

#include "model/alarm.h"
#include "store/store.h"
#include <jansson.h>

struct cap_event {
    json_t *json; /* owned */
    uint64_t seq;
    int64_t time_ns;
    double value; /* NaN: none */
    enum event_kind kind;
    enum level level;
    uint32_t occurrence;
    bool silent; /* shelved, suppressed or out of service after it: not announced */
    bool well;   /* nothing about the alarm is open after it */
    const char *alarm, *rule, *point, *hazard, *gas, *unit, *when, *message, *advice, *status; /* NULL: absent */
};

/* Reads the event; `behind` of the array stand after it.  An alarm that is suppressed by what follows directly
 * (contract 9: `suppressed` is the last an alarm says of one moment) is silent already.  ERR_INPUT: it cannot be read.
 */
enum err_code cap_event_read(struct cap_event *event, const struct store_event *events, size_t behind,
                             struct err *err) MUST_CHECK;
void cap_event_done(struct cap_event *event);

enum cap_decision { CAP_NOTHING, CAP_ALERT, CAP_UPDATE };

/* Which document an event is worth, when the occurrence has some already or not (contract 9): raised, worsened, eased
 * and cleared of alarms that are announced; the first of an occurrence is an Alert.  A clear that nobody was told the
 * beginning of is none. */
enum cap_decision cap_decide(const struct cap_event *event, bool has_earlier);

/* True when the condition uses eta_up or eta_down; *ret_within_s is then the smallest time it is compared with from
 * below, as in "eta_up(1.0, 10m) < 30m", INFINITY when there is none. */
bool cap_is_forecast(const char *when, double *ret_within_s);

#endif
