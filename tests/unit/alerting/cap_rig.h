/*
 * cap_rig: a site with everything a CAP document may tell, events of it as the
 * manager writes them, and a look at XML by somebody else (expat).
 */
#ifndef DAVY_TESTS_ALERTING_CAP_RIG_H
#define DAVY_TESTS_ALERTING_CAP_RIG_H

#include "alerting/cap_document.h"
#include "base/buf.h"

enum { RIG_LIMIT, RIG_FORECAST, RIG_FREE, RIG_ALARMS };

/*
 * limit:face-501/t1/ch4   yellow, red; advice; at a hazard with location and contact
 * soon:face-501/t1/ch4    blue "eta_up(1.0, 10m) < 30m", orange "… < 10m"
 * free:free               a point without name, hazard, kind or unit
 */
const struct site *rig_site(void);

/* One of its events as JSON in the journal, time 2026-01-05T00:00:30.250Z plus seq seconds, and the retained state
 * after it (empty for none). */
void rig_event(int alarm, uint64_t seq, enum event_kind kind, enum level level, uint32_t occurrence,
               enum run_status status, struct buf *ret_json, struct buf *ret_state);

/* True when the document is well-formed; else says why. */
bool rig_is_well_formed(const char *xml, size_t len);

/* Gives the text of the first element of that name, entities resolved; "" when there is none.  Valid until the next. */
const char *rig_element(const char *xml, const char *name);

#endif
