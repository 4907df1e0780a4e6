/*
 * mbus_cuts: how a block read is divided around addresses the device refuses.
 *
 *   items      a  b  c  d  e  f  g  h
 *   marks         |        H  |           '|' cut in front of, 'H' hole
 *   pieces    [a][b  c  d]    [f  g  h]   requests sent at one poll
 *
 * One illegal address makes the device refuse a whole block.  A refused piece
 * is cut in the middle until the refused value stands alone; it becomes a
 * hole, is left out of the polls and tried again after a growing time.  An
 * illegal register in the gap between two values needs only a cut.  Cuts that
 * turn out to be unnecessary are taken back, one attempt a poll; one that was
 * confirmed is firm.
 *
 * A piece lies within one block of the read.  Values that share registers are
 * never cut apart.  Marks belong to the read; pure functions, no clock: the
 * caller says when.
 */
#ifndef DAVY_INGEST_MBUS_CUTS_H
#define DAVY_INGEST_MBUS_CUTS_H

#include "ingest/mbus_plan.h"
#include <stdbool.h>
#include <stdint.h>

enum mbus_mark {
    MARK_CUT = 1 << 0,  /* a piece begins here */
    MARK_FIRM = 1 << 1, /* the cut was confirmed: joined, the device refuses */
    MARK_HOLE = 1 << 2, /* the device refuses this value alone */
};

struct mbus_cuts {
    const struct mbus_item *items; /* rising by `at` within a block; borrowed */
    uint8_t *marks;                /* [count], enum mbus_mark; borrowed */
    uint32_t count;
};

/* A stretch of items read by one request. */
struct mbus_piece {
    uint32_t first;
    uint32_t count;
    uint16_t at;   /* first register or coil */
    uint16_t size; /* registers */
};

/* Gives the next piece at or behind item `from`; false when there is none. */
bool mbus_cuts_next(const struct mbus_cuts *cuts, uint32_t from, struct mbus_piece *ret_piece);

/* The device refused this piece: cuts it near its middle and gives true, or makes its items holes and gives false. */
bool mbus_cuts_refused(const struct mbus_cuts *cuts, const struct mbus_piece *piece);

/* Takes one cut back that is neither firm nor next to a hole; gives its item, or 0 when there is none. */
uint32_t mbus_cuts_try_join(const struct mbus_cuts *cuts);
/* The joined piece was refused: the cut comes back and stays. */
void mbus_cuts_confirm(const struct mbus_cuts *cuts, uint32_t item);

/* Makes holes pieces again, each alone, and firm cuts loose: what was refused is to be asked again. */
void mbus_cuts_reopen(const struct mbus_cuts *cuts);
/* True when there is any mark. */
bool mbus_cuts_any(const struct mbus_cuts *cuts);
/* Forgets all marks. */
void mbus_cuts_clear(const struct mbus_cuts *cuts);

#endif
