/*
 * mbus_plan: which block reads serve which points.
 *
 *   points    [0 f32] [2 u16]     [5 u16]            [40 u32]
 *   reads     |-- 0, 6 registers ------|             |-- 40, 2 --|
 *
 * Points of one connection, unit, table and `every` (and hazard, where its
 * points are polled faster while it is in alarm) are sorted by address and
 * joined into one read while the hole between two of them is at most the
 * source's or the unit's `gap` (registers; 16 coils count as one) and the read stays within
 * max_registers or max_coils.  A value is never split.
 *
 * A value's companions (registers that say something about it) are read in the
 * same poll: blocks that hold one another's companions make one read of several
 * blocks, asked one after the other.
 *
 *   blocks    [input 0: values, 125]   [input 3000: their states, 125]      one read
 *   blocks    [input 125: values, 125] [input 3125: their states, 125]      the next
 *
 * Phases spread the reads over their period by the golden ratio, so any run of
 * consecutive reads is spread evenly, and the same site always gives the same.
 *
 * Pure; the plan lives in the arena given and is const afterwards.
 */
#ifndef DAVY_INGEST_MBUS_PLAN_H
#define DAVY_INGEST_MBUS_PLAN_H

#include "base/arena.h"
#include "base/clock.h"
#include "model/site.h"
#include <stddef.h>
#include <stdint.h>

enum { MBUS_REGISTERS_MAX = 125, MBUS_COILS_MAX = 2000 }; /* what one reply can carry */

/* A point without `every` is polled this often. */
#define MBUS_EVERY_DEFAULT_NS NS_PER_S

struct mbus_item {
    uint32_t point;     /* a companion's: one of those it is for */
    uint16_t at;        /* first register or coil */
    uint8_t size;       /* registers or coils taken */
    uint8_t table : 2;  /* enum mbus_table */
    bool block : 1;     /* a block of the read begins here */
    bool companion : 1; /* no point's value */
    bool guided : 1;    /* the value of a point that has companions */
};
static_assert(sizeof(struct mbus_item) == 8, "a million points have a million of these");

struct mbus_read {
    uint32_t source;
    uint32_t first_item; /* into plan.items; rising by `at` within a block */
    uint32_t item_count;
    uint16_t address; /* of its first block, like count and table */
    uint16_t count;   /* registers or coils */
    uint8_t unit;
    uint8_t table; /* enum mbus_table */
    bool guided;   /* some of its items are */
    int64_t every_ns;
    int64_t every_in_alarm_ns; /* while the hazard is in alarm; 0: as ever */
    uint32_t hazard;
    int64_t phase_ns; /* 0 .. every_ns - 1 */
};

struct mbus_plan {
    struct mbus_item *items;
    size_t item_count;
    struct mbus_read *reads; /* sorted by source, unit, table, every, address of their first blocks */
    size_t read_count;
    uint32_t *links;      /* [item]: a guided item's first entry in companions; NULL when the site has none */
    uint32_t *companions; /* items, counted from the read's first, in the order of the point's companions */
};

/* True when the source is polled by Modbus. */
bool mbus_is_source(const struct site_source *source);

/* Registers or coils that a value takes. */
uint16_t mbus_value_size(const struct site_from *from);

/* What one request to this unit and table may ask for. */
uint16_t mbus_read_limit(const struct site_source *source, uint8_t unit, enum mbus_table table);

/* Plans all Modbus points of the site.  A value that no request can hold is left out (mbus_check tells of it). */
void mbus_plan_reads(const struct site *site, struct arena *arena, struct mbus_plan *ret_plan);

#endif
