/*
 * mbus_join: which blocks of a plan are read in one poll because they hold one
 * another's companions.  Private to the planner; pure, at load.
 */
#ifndef DAVY_INGEST_MBUS_JOIN_H
#define DAVY_INGEST_MBUS_JOIN_H

#include "ingest/mbus_plan.h"

/* What points are sorted by; equal down to the address means "may share a read". */
struct mbus_want {
    uint32_t source;
    uint8_t unit;
    uint8_t table;
    int64_t every_ns;
    int64_t every_in_alarm_ns; /* 0: as ever */
    uint32_t hazard;           /* whose alarm that is; 0 without */
    uint16_t address;
    uint16_t size;
    bool companion; /* not the point's value, but a register that says something about it */
    uint32_t point;
};

/* What point's registers at `place`, its own or a companion's, are in this order. */
struct mbus_want mbus_want_of(const struct site *site, uint32_t point, const struct site_from *place);

/* The shortest value first: equal addresses then stay in one rising order. */
int mbus_want_compare(const void *left, const void *right);

/* Makes one read of the blocks that hold one another's companions, and links the values with them.  `companions`: how
 * many companions all points have together. */
void mbus_join_companions(const struct site *site, struct arena *arena, struct mbus_plan *plan, size_t companions);

#endif
