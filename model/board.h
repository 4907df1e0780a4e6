/*
 * board: the newest reading of every point, for whoever wants to look.
 *
 * Written by each point's home shard, read by any thread (events of operator
 * acts, HTTP, stat).  Never used for judging.
 */
#ifndef DAVY_MODEL_BOARD_H
#define DAVY_MODEL_BOARD_H

#include "base/cell.h"
#include <stddef.h>
#include <stdint.h>

struct board_entry {
    int64_t time_ns;   /* of the newest sample; 0 with status 0xffff: not heard of yet */
    int64_t seen_ns;
    double value;      /* of the newest sample, NaN = none */
    double good;       /* last good value, NaN = none */
    uint16_t status;   /* of the newest sample, ST_STALE and ST_RANGE included; BOARD_UNHEARD before the first */
};
enum { BOARD_UNHEARD = 0xffff };

struct board; /* one latch per point */

struct board *board_new(size_t points);
void board_free(struct board *board);
void board_write(struct board *board, uint32_t point, const struct board_entry *entry); /* home shard */
/* Where the point's entry is, for fetching it ahead of board_write. */
const void *board_place(const struct board *board, uint32_t point);
void board_read(const struct board *board, uint32_t point, struct board_entry *ret_entry); /* any thread */

#endif
