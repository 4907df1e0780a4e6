/*
 * route: which of the console's answers a path stands for.
 *
 * One table has the pattern, the methods and the parameters of each; pure.
 * A path that stands in no row may be a file of the operators' page (page.h).
 */
#ifndef DAVY_CONSOLE_ROUTE_H
#define DAVY_CONSOLE_ROUTE_H

#include "console/page.h"
#include "console/target.h"
#include "model/alarm.h"

enum route_kind {
    ROUTE_NONE,
    ROUTE_POINTS,
    ROUTE_POINT,
    ROUTE_SAMPLES,
    ROUTE_ALARMS,
    ROUTE_ALARM,
    ROUTE_ACT,
    ROUTE_EVENTS,
    ROUTE_STREAM,
    ROUTE_METRICS,
    ROUTE_HEALTH,
    ROUTE_SITE,
    ROUTE_PAGE,
    ROUTE_KINDS
};

struct route {
    enum route_kind kind;
    const char *id;    /* POINT, SAMPLES, ALARM, ACT: of what; borrowed from the target */
    const struct page_file *page; /* PAGE */
    enum act_kind act; /* ACT */
};

struct route route_find(const struct target *target);

/* Which methods there are, as the header Allow says it. */
const char *route_allow(enum route_kind kind);
bool route_allows(enum route_kind kind, const char *method);

/* The parameters it knows, ended by NULL. */
const char *const *route_params(enum route_kind kind);

#endif
