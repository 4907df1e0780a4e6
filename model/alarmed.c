/* alarmed: see alarmed.h. */
#include "model/alarmed.h"

/* True when this is the hazard's first active alarm, or was its last. */
static bool note(struct alarmed *alarmed, uint32_t hazard, bool active)
{
    struct cell *cell = &alarmed->active[hazard];
    const uint64_t before = cell_get(cell); /* ours alone */
    cell_set(cell, active ? before + 1 : before - 1);
    return active ? before == 0 : before == 1;
}

bool alarmed_note(struct alarmed *alarmed, const struct site *site, uint32_t alarm, bool active)
{
    bool turned = false;
    const struct site_alarm *which = &site->alarms[alarm];
    for (size_t i = 0; i < which->member_count; i++) {
        const uint32_t hazard = site->points[which->members[i]].hazard;
        if (hazard != SITE_NONE) {
            turned = note(alarmed, hazard, active) || turned;
        }
    }
    if (turned) {
        cell_set(&alarmed->turn, cell_get(&alarmed->turn) + 1);
    }
    return turned;
}
