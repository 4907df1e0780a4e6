/*
 * keep_rig: a site with hazards, alarms and a sink for the tests of keeping and
 * removing, events for it, and short digests of what a store gives out.
 */
#ifndef DAVY_TESTS_UNIT_STORE_KEEP_RIG_H
#define DAVY_TESTS_UNIT_STORE_KEEP_RIG_H

#include "base/clock.h"
#include "rig.h"
#include "store/db.h"

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)
static const int64_t epoch_ns = INT64_C(1767571200) * NS_PER_S; /* 2026-01-05 */

/* p0 and p1 are of one hazard, p2 of none, p3 is of a class that is kept for ever.  Alarms r:p0 and r:p2.  One sink,
 * "centre". */
enum { KEEP_POINTS = 3, KEPT_POINT = 3 };
struct site *keep_site_make(struct site_keep keep);
void keep_site_unmake(struct site *site);

/* What most tests stand on: such a site, its store in a folder of its own, opened. */
struct keep_stage {
    char *path;
    struct site *site;
    struct rig rig;
};
void keep_begin(struct keep_stage *stage, struct site_keep keep);
/* Closes and removes all of it. */
void keep_end(struct keep_stage *stage);

/* Adds an event of an alarm to the journal. */
void put_event(struct store *store, enum event_kind kind, const char *alarm, int64_t time_ns);
/* The same with any text, and the alarm's state after it ("": all well). */
void put_text(struct store *store, const char *alarm, int64_t time_ns, const char *json, const char *after);
/* Says that the sink has delivered everything up to seq. */
void put_place(struct store *store, const char *sink, uint64_t seq);
/* The first event that is there; 0: none. */
uint64_t first_event(struct store *store);

struct digest {
    uint64_t count;   /* rows or buckets */
    uint64_t samples; /* in the buckets */
    uint64_t hash;    /* of every bit */
};
void digest_add(struct digest *digest, uint64_t word);
struct digest digest_rows(struct store *store, uint32_t point, int64_t from_ns, int64_t to_ns);
struct digest digest_buckets(struct store *store, uint32_t point, int64_t from_ns, int64_t to_ns, int64_t every_ns);

#endif
