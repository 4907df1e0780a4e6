/*
 * mbus_share: how the units behind one connection share its time, so that a
 * slow one costs its neighbours at most a twentieth of their rate.
 *
 * Each unit's demand is the part of the line's time its polls take, measured.
 * While all fit, nobody waits.  When they do not, units that take more than an
 * equal share, and twice what the others take on average, are greedy: together
 * they get what the modest ones leave, and
 * never so much in one piece that the modest miss more than a twentieth of
 * their polls:
 *
 *   |== greedy, t ==|--------- the modest alone, w ---------|== greedy ==|
 *     they miss what is due beyond their period p, while t and what came to wait
 *     in it, t x modest, take the line:  (t + t x modest - p) / (t + w) <= 1/30
 *
 * One slow answer is forgiven: only a unit that was greedy before is held back.
 *
 * Pure bookkeeping, no clock; owned by the link, on the agent's thread.
 */
#ifndef DAVY_INGEST_MBUS_SHARE_H
#define DAVY_INGEST_MBUS_SHARE_H

#include <stdbool.h>
#include <stdint.h>

struct share_unit {
    double demand;     /* part of the line's time */
    int64_t period_ns; /* of its most frequent poll */
    bool greedy;       /* at its last request */
    bool held;         /* twice in a row, on a line that has no room for it */
};

struct share {
    struct share_unit *units; /* [count] */
    uint32_t count;
    double all;        /* the units' demands together */
    int64_t greedy_ns; /* units that are held may be asked from then on */
    uint32_t turn;     /* of the spread of the waits */
};

/* Takes in that a request of the unit took cost_ns of the line until end_ns, by which its demand has changed. */
void share_charge(struct share *share, uint32_t unit, double change, int64_t cost_ns, int64_t end_ns);

/* Nothing is asked of the unit any more, or it begins anew: what it took is forgotten. */
void share_forget(struct share *share, uint32_t unit);

/* True when the unit has to leave the line to the others. */
bool share_holds_back(const struct share *share, uint32_t unit, int64_t now_ns);

/* How long greedy units are held back after one of them took cost_ns, when the modest need that part of the line and
 * poll that often. */
int64_t share_wait_ns(int64_t cost_ns, double modest, int64_t period_ns);

#endif
