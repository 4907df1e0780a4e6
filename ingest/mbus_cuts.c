/*
 * mbus_cuts: see mbus_cuts.h.
 */
#include "ingest/mbus_cuts.h"

#include <string.h>

static uint32_t item_end(const struct mbus_item *item)
{
    return (uint32_t)item->at + item->size;
}

bool mbus_cuts_next(const struct mbus_cuts *cuts, uint32_t from, struct mbus_piece *ret_piece)
{
    uint32_t i = from;
    while (i < cuts->count && (cuts->marks[i] & MARK_HOLE) != 0) {
        i++;
    }
    if (i == cuts->count) {
        return false;
    }
    struct mbus_piece piece = {.first = i, .at = cuts->items[i].at};
    uint32_t end = 0;
    do {
        const uint32_t this_end = item_end(&cuts->items[i]);
        end = this_end > end ? this_end : end;
        i++;
    } while (i < cuts->count && !cuts->items[i].block && (cuts->marks[i] & (MARK_HOLE | MARK_CUT)) == 0);
    piece.count = i - piece.first;
    piece.size = (uint16_t)(end - piece.at);
    *ret_piece = piece;
    return true;
}

/* Gives the item nearest to the middle in front of which no value is cut apart, or the piece's first: there is none. */
static uint32_t middle(const struct mbus_cuts *cuts, const struct mbus_piece *piece)
{
    const uint32_t half = piece->first + piece->count / 2;
    uint32_t best = piece->first;
    uint32_t end = item_end(&cuts->items[piece->first]);
    for (uint32_t i = piece->first + 1; i < piece->first + piece->count; i++) {
        if (cuts->items[i].at >= end && (best == piece->first || i <= half)) {
            best = i;
        }
        const uint32_t this_end = item_end(&cuts->items[i]);
        end = this_end > end ? this_end : end;
    }
    return best;
}

bool mbus_cuts_refused(const struct mbus_cuts *cuts, const struct mbus_piece *piece)
{
    const uint32_t at = middle(cuts, piece);
    if (at != piece->first) {
        cuts->marks[at] |= MARK_CUT;
        return true;
    }
    for (uint32_t i = piece->first; i < piece->first + piece->count; i++) {
        cuts->marks[i] |= MARK_HOLE;
    }
    return false;
}

uint32_t mbus_cuts_try_join(const struct mbus_cuts *cuts)
{
    for (uint32_t i = 1; i < cuts->count; i++) {
        const bool loose = (cuts->marks[i] & (MARK_CUT | MARK_FIRM | MARK_HOLE)) == MARK_CUT;
        if (loose && (cuts->marks[i - 1] & MARK_HOLE) == 0) {
            cuts->marks[i] &= (uint8_t)~MARK_CUT;
            return i;
        }
    }
    return 0;
}

void mbus_cuts_confirm(const struct mbus_cuts *cuts, uint32_t item)
{
    cuts->marks[item] |= MARK_CUT | MARK_FIRM;
}

bool mbus_cuts_any(const struct mbus_cuts *cuts)
{
    for (uint32_t i = 0; i < cuts->count; i++) {
        if (cuts->marks[i] != 0) {
            return true;
        }
    }
    return false;
}

/* Items of one hole that share registers stay together, as they were never cut apart. */
void mbus_cuts_reopen(const struct mbus_cuts *cuts)
{
    uint32_t end = 0;
    bool was_hole = false;
    for (uint32_t i = 0; i < cuts->count; i++) {
        const bool hole = (cuts->marks[i] & MARK_HOLE) != 0;
        const bool block = cuts->items[i].block;
        cuts->marks[i] &= (uint8_t) ~(MARK_FIRM | MARK_HOLE);
        if (block) {
            end = 0; /* a piece begins here anyway */
        } else if (i > 0 && (hole || was_hole) && cuts->items[i].at >= end) {
            cuts->marks[i] |= MARK_CUT;
        }
        const uint32_t this_end = item_end(&cuts->items[i]);
        end = this_end > end ? this_end : end;
        was_hole = hole;
    }
}

void mbus_cuts_clear(const struct mbus_cuts *cuts)
{
    memset(cuts->marks, 0, cuts->count);
}
