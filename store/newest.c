/*
 * newest: see newest.h.
 */
#include "store/newest.h"
#include "base/memory.h"
#include <stdlib.h>

void lasts_grow(struct lasts *lasts, size_t count)
{
    if (count <= lasts->count) {
        return;
    }
    struct last *const apart = memory_map(count * sizeof *apart);
    if (lasts->count > 0) {
        memcpy(apart, lasts->apart, lasts->count * sizeof *apart);
    }
    memory_unmap(lasts->apart, lasts->count * sizeof *lasts->apart);
    *lasts = (struct lasts){.apart = apart, .count = count};
}

void lasts_done(struct lasts *lasts)
{
    memory_unmap(lasts->apart, lasts->count * sizeof *lasts->apart);
    *lasts = (struct lasts){0};
}

/* One that is newest and good by being in order. */
static bool is_ordinary(const struct store_row *row)
{
    return last_is_good(row) && (row->status & (ST_SKEW | PLACE_HISTORY)) == 0;
}

/* What the last sample in order says. */
static struct last of_state(const struct op_state *state)
{
    const double value = bits_double(state->bits);
    return (struct last){
        .row = {.time_ns = state->time_ns,
                .seen_ns = (int64_t)((uint64_t)state->time_ns + (uint64_t)state->lag_ns),
                .value = value,
                .status = state->status},
        .good_ns = state->time_ns,
        .good = value,
        .top_ns = state->time_ns,
        .heard = true,
        .good_known = true,
        .top_known = true,
    };
}

static bool is_same_row(const struct store_row *a, const struct store_row *b)
{
    return a->time_ns == b->time_ns && a->seen_ns == b->seen_ns && a->status == b->status &&
           double_bits(a->value) == double_bits(b->value);
}

/* True when all that is known comes from this one sample in order. */
static bool is_all_of(const struct last *last, const struct store_row *row)
{
    return last->heard && last->good_known && last->top_known && is_ordinary(row) && is_same_row(&last->row, row) &&
           last->good_ns == row->time_ns && last->top_ns == row->time_ns &&
           double_bits(last->good) == double_bits(row->value);
}

static void add_apart(struct strand *order, struct last *last, const struct store_row *row, bool late)
{
    if (order->newest == NEWEST_FOLLOWS) {
        *last = of_state(&order->state);
    }
    last_add(last, row, late);
    order->newest = !late && is_all_of(last, row) ? NEWEST_FOLLOWS : NEWEST_APART;
}

void newest_add(const struct book *book, struct lasts *lasts, uint32_t series, const struct store_row *row, bool late)
{
    struct strand *const order = book_order(book, series);
    if (!late && order->newest != NEWEST_APART && is_ordinary(row)) {
        order->newest = NEWEST_FOLLOWS;
    } else if ((row->status & PLACE_HISTORY) == 0) {
        add_apart(order, &lasts->apart[series], row, late);
    }
}

struct last newest_of(const struct book *book, const struct lasts *lasts, uint32_t series)
{
    const struct strand *const order = book_order(book, series);
    switch ((enum newest)order->newest) {
    case NEWEST_FOLLOWS:
        return of_state(&order->state);
    case NEWEST_APART:
        return lasts->apart[series];
    default:
        return (struct last){0};
    }
}

bool newest_entry(const struct book *book, const struct lasts *lasts, uint32_t series, struct board_entry *ret_entry)
{
    if (series >= lasts->count) {
        return false;
    }
    const struct last last = newest_of(book, lasts, series);
    if (!last.heard) {
        return false;
    }
    *ret_entry = (struct board_entry){
        .time_ns = last.row.time_ns,
        .seen_ns = last.row.seen_ns,
        .value = last.row.value,
        .good = last.good_known ? last.good : NAN,
        .status = (uint16_t)(last.row.status & ~(unsigned)PLACE_BITS),
    };
    return true;
}

/* ---- loading ------------------------------------------------------------------------------------------------------
 */

void newest_load(const struct book *book, struct lasts *lasts, uint32_t series, const struct last *last)
{
    lasts->apart[series] = *last;
    book_order(book, series)->newest = NEWEST_APART;
}

void newest_restore(const struct book *book, struct lasts *lasts, uint32_t series, const struct store_row *row,
                    bool late)
{
    last_add(&lasts->apart[series], row, late);
    book_order(book, series)->newest = NEWEST_APART;
}

/* An empty strand takes the reading over; one with samples either ends with it or does not. */
static bool give_to_strand(struct strand *order, const struct last *last)
{
    const struct store_row *const row = &last->row;
    if (order->top_ns != row->time_ns || !is_all_of(last, row)) {
        return false;
    }
    if (order->count == 0) {
        order->state = (struct op_state){
            .time_ns = row->time_ns,
            .lag_ns = (int64_t)((uint64_t)row->seen_ns - (uint64_t)row->time_ns),
            .bits = double_bits(row->value),
            .status = row->status,
            .scale = OP_NO_SCALE,
        };
    }
    const struct last known = of_state(&order->state);
    return is_same_row(&known.row, row);
}

void newest_settle(const struct book *book, struct lasts *lasts)
{
    struct last *const apart = memory_map(lasts->count * sizeof *apart);
    for (uint32_t series = 0; series < lasts->count; series++) {
        struct strand *const order = book_order(book, series);
        if (order->newest != NEWEST_APART) {
            continue;
        }
        if (give_to_strand(order, &lasts->apart[series])) {
            order->newest = NEWEST_FOLLOWS;
        } else {
            apart[series] = lasts->apart[series];
        }
    }
    memory_unmap(lasts->apart, lasts->count * sizeof *lasts->apart);
    lasts->apart = apart;
}
