/*
 * care_inside: what the slices of the agent care share.
 */
#ifndef DAVY_STORE_CARE_INSIDE_H
#define DAVY_STORE_CARE_INSIDE_H

#include "base/clock.h"
#include "store/blocks.h"
#include "store/db.h"
#include "store/hours.h"
#include "store/marks.h"
#include "store/open_rows.h"
#include "store/removed.h"
#include "store/tier_block.h"
#include "store/tier_make.h"

struct care_counters {
    struct counter *rounds, *failures, *tier_rows, *tier_blocks, *tier_bytes, *pins, *removed_blocks, *removed_bytes,
        *removed_tiers, *removed_events, *gathered;
};

enum { CARE_FLOORS = 32 };

/* Up to where things that are kept so long may be removed. */
struct care_floor {
    int64_t keep_ns, floor_ns;
};

/* What a round has removed. */
struct care_total {
    uint64_t blocks, bytes, tier_blocks;
};

struct store_care {
    struct store_care_config config;
    struct tier_maker *maker;
    struct hours hours;
    rocksdb_writebatch_t *batch; /* of the slice */
    int64_t now_ns;              /* of the slice */
    unsigned phase;              /* of the round */
    uint32_t series;             /* of the phase: the next one; gather: column family */
    bool in_round;
    bool failed, failed_now; /* something did, in the round before, in this one */
    int64_t began_ns;        /* of the round */
    int64_t due_ns;          /* of the next slice */
    /* points and their numbers, as they were when the round began */
    size_t series_count;
    uint32_t *point_of;  /* [series]; SITE_NONE: no longer in the site */
    uint32_t *series_of; /* [point]; UINT32_MAX: none */
    /* limits of the round */
    struct hours_word *words;
    size_t word_count;
    struct care_floor floors[CARE_FLOORS];
    size_t floor_count;
    int64_t *held_ns; /* [series]: from when on active alarms hold it */
    /* removing */
    size_t removals;   /* in the slice */
    bool unfinished;   /* the point has more to remove than fits a slice … */
    int64_t resume_ns; /* … from its block that starts then */
    struct care_total total;
    uint64_t freed; /* bytes removed since tables were merged */
    struct blocks blocks;
    struct open_rows open;
    struct mark marks[MARKS_MAX];
    struct care_counters counters;
};

void care_count(struct counter *counter, uint64_t n); /* the counter may be NULL */

/* The slices of a round.  Within db_enter; each adds to care->batch, which is written behind it, and says when it has
 * nothing more to do. */
typedef enum err_code care_slice(struct store_care *care, bool *ret_done, struct err *err);
care_slice care_slice_map;    /* care_pin.c: which points have which numbers */
care_slice care_slice_pins;   /* care_pin.c: follows the journal */
care_slice care_slice_limits; /* care_retain.c: how far back things go */
care_slice care_slice_retain; /* care_retain.c: removes samples, minutes, hours */
care_slice care_slice_events; /* care_events.c: removes events */
care_slice care_slice_merge;  /* care_compact.c: gives the disk its room back */
care_slice care_slice_gather; /* care_compact.c: merges many small tables */

/* The event up to which alarms are known. */
enum err_code care_pin_cursor(struct store_care *care, uint64_t *ret_seq, struct err *err) MUST_CHECK;
/* Sets held_ns. */
enum err_code care_load_holds(struct store_care *care, struct err *err) MUST_CHECK;
/* Adds to the batch the removal of blocks in the stretch, from care->resume_ns on, until the slice is full: then
 * care->unfinished. */
enum err_code care_remove_blocks(struct store_care *care, uint32_t series, const struct stretch *removed,
                                 struct err *err) MUST_CHECK;
/* When the point's first block starts; INT64_MAX: it has none. */
enum err_code care_first_block(struct store_care *care, uint32_t series, int64_t *ret_first_ns,
                               struct err *err) MUST_CHECK;
/* What is older than this may be removed when it is kept for keep_ns (0: for ever); INT64_MIN: nothing. */
int64_t care_floor(struct store_care *care, int64_t keep_ns);

#endif
