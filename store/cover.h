/*
 * cover: from which tier each piece of a stretch of time is answered.
 *
 *   asked      |---------------------------------------------|
 *   hours          [  ][  ][  ]    x x    [  ][  ][  ]           x: behind, or removed
 *   minutes      ::            :::: x x:::            ::::
 *   samples    --                  -   -                  ---
 *
 * Whole hours where they are up to date, whole minutes in what is left, samples
 * in the rest.  A tier takes part when the buckets asked for are whole multiples
 * of its length.
 *
 * Pure.
 */
#ifndef DAVY_STORE_COVER_H
#define DAVY_STORE_COVER_H

#include "store/book.h"
#include "store/marks.h"
#include "store/removed.h"
#include "store/tier_block.h"

/* Marks, open samples of both strands, and what was removed. */
enum { COVER_SPANS = MARKS_MAX + 1 + 2 * BOOK_BLOCK_ROWS + 1 };

struct cover {
    int64_t at_ns, to_ns;
    bool usable[TIER_COUNT];
    struct stretch bad[TIER_COUNT][2 * COVER_SPANS]; /* each may be cut in two; whole buckets, by time, apart */
    size_t count[TIER_COUNT], passed[TIER_COUNT];
};

struct cover_piece {
    enum kept from; /* KEPT_RAW: samples; else the tier's buckets, whole ones only */
    int64_t from_ns, to_ns;
};

void cover_begin(struct cover *cover, int64_t from_ns, int64_t to_ns, int64_t every_ns);
/* Samples of [start, end] are not in the tiers.  At most COVER_SPANS - 1 calls. */
void cover_behind(struct cover *cover, int64_t start_ns, int64_t end_ns);
/* What was removed; then cover_next may be called. */
void cover_removed(struct cover *cover, const struct removed *removed);
/* Gives the pieces in order, without gaps; false at the end. */
bool cover_next(struct cover *cover, struct cover_piece *ret_piece);

#endif
