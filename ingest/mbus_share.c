/* mbus_share: see mbus_share.h. */
#include "ingest/mbus_share.h"

#include <stddef.h>

enum {
    LOSS_PARTS = 30, /* the modest lose one part of so many, and by chance somewhat more */
    WAIT_PARTS = 39, /* … which is surely so after a wait of so many times the cost: (t + t) / (t + 39 t) = 1/20 */
};
static const double full = 0.95;  /* a line that is busy for longer has no room for delays */
static const double least = 0.05; /* what greedy units always get: they must be heard to get better */

int64_t share_wait_ns(int64_t cost_ns, double modest, int64_t period_ns)
{
    const double part = full - modest > least ? full - modest : least;
    const int64_t for_time_ns = (int64_t)((double)cost_ns * (1 - part) / part);
    const double blocked = (double)cost_ns * (1 + modest); /* with what has come to wait meanwhile */
    const double lost = blocked - (double)period_ns;
    int64_t for_polls_ns = lost > 0 ? (int64_t)(LOSS_PARTS * lost) - cost_ns : 0;
    for_polls_ns = for_polls_ns > WAIT_PARTS * cost_ns ? WAIT_PARTS * cost_ns : for_polls_ns;
    return for_time_ns > for_polls_ns ? for_time_ns : for_polls_ns;
}

/* A line that is full of equals has no greedy units, whatever each of them takes. */
static bool is_greedy(const struct share *share, uint32_t unit)
{
    const double demand = share->units[unit].demand;
    const double others = (share->all - demand) / (share->count - 1);
    return demand * share->count > 1 && demand > 2 * others;
}

/* Up to a half longer, each time otherwise: else the same neighbour would miss its poll again and again. */
static int64_t spread(int64_t wait_ns, uint32_t turn)
{
    const uint32_t part = turn * UINT32_C(2654435769); /* 2^32 / golden ratio */
    return wait_ns + (int64_t)((double)wait_ns / 2 * ((double)part / 4294967296.0));
}

void share_charge(struct share *share, uint32_t unit, double change, int64_t cost_ns, int64_t end_ns)
{
    struct share_unit *which = &share->units[unit];
    which->demand += change;
    share->all += change;
    const bool was_greedy = which->greedy;
    which->greedy = share->count > 1 && is_greedy(share, unit);
    which->held = false;
    if (!which->greedy || !was_greedy) {
        return;
    }
    double modest = 0;
    double all = 0; /* added up anew: no rounding piles up */
    int64_t period_ns = INT64_MAX;
    for (uint32_t i = 0; i < share->count; i++) {
        const struct share_unit *other = &share->units[i];
        all += other->demand;
        if (!is_greedy(share, i)) {
            modest += other->demand;
            period_ns = other->period_ns < period_ns ? other->period_ns : period_ns;
        }
    }
    share->all = all;
    which->held = all > full || (double)cost_ns * (1 + modest) > (double)period_ns;
    if (which->held) {
        share->greedy_ns = end_ns + spread(share_wait_ns(cost_ns, modest, period_ns), ++share->turn);
    }
}

void share_forget(struct share *share, uint32_t unit)
{
    struct share_unit *which = &share->units[unit];
    if (which->held) {
        share->greedy_ns = 0; /* it was the reason */
    }
    share->all -= which->demand;
    which->demand = 0;
    which->greedy = false;
    which->held = false;
}

bool share_holds_back(const struct share *share, uint32_t unit, int64_t now_ns)
{
    return share->count > 1 && share->units[unit].held && share->greedy_ns > now_ns;
}
