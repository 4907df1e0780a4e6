/*
 * both_sites: two sites as one, as far as reading a trace needs it.
 *
 * A trace may come from a pipe, so it can be read only once, though two rule
 * sets are to judge it.  It is read with the names of both; each row then goes
 * to the site or sites that know its point or alarm.
 *
 * Memory: its own; the names are borrowed from the two sites.
 */
#ifndef DAVY_APP_BOTH_SITES_H
#define DAVY_APP_BOTH_SITES_H

#include "model/site.h"
#include "model/trace.h"
#include <stdbool.h>

enum { BOTH = 2 };

struct both_sites {
    struct site site;            /* names only: points and alarms of both */
    uint32_t *own_points[BOTH];  /* [point of both] -> point of the one site, SITE_NONE: it has no such */
    uint32_t *own_alarms[BOTH];  /* likewise */
    uint32_t *both_alarms[BOTH]; /* [alarm of the one site] -> alarm of both */
};

void both_sites_init(struct both_sites *both, const struct site *const sites[BOTH]);
void both_sites_done(struct both_sites *both);

/* Gives the row as site `which` reads it; false when that does not know its point or alarm. */
bool both_sites_row(const struct both_sites *both, int which, const struct trace_row *row, struct trace_row *ret_row);

#endif
