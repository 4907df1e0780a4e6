/*
 * alarmed: which hazards are in alarm, for who looks closer while they are.
 *
 * The manager writes, from what its book says; the bus worker reads, and polls
 * the points of such a hazard faster.  Nothing is called upstream: a number
 * stands in a cell, and the worker's bell is rung when it begins or ends.
 *
 * Memory: made and freed by whoever makes the two; fixed at start.
 */
#ifndef DAVY_MODEL_ALARMED_H
#define DAVY_MODEL_ALARMED_H

#include "base/cell.h"
#include "model/site.h"

struct alarmed {
    struct cell turn;    /* rises with each beginning and end; behind what it tells of */
    struct cell *active; /* [hazard]: its active alarms */
};

/* Any thread: true while an alarm of the hazard is active. */
static inline bool alarmed_is(const struct alarmed *alarmed, uint32_t hazard)
{
    return cell_get(&alarmed->active[hazard]) > 0;
}

/* The writer: one alarm more or less is active.  A group counts at the hazards of all its points.  True when a hazard's
 * alarm began or ended. */
bool alarmed_note(struct alarmed *alarmed, const struct site *site, uint32_t alarm, bool active);

#endif
