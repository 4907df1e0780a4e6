/*
 * Sharing a line, in virtual time: whatever one or several units cost, the
 * others keep 95 % of their rate, and what fits is not held back at all.
 */
#include "field.h"
#include "ingest/mbus_share.h"

#include <stdlib.h>
#include <string.h>

enum { UNITS_MAX = 32 };

struct line_unit {
    int64_t every_ns, cost_ns; /* a poll each, and what it takes */
    int64_t due_ns;            /* its next slot */
    bool queued;
    uint64_t slots, polls;
    double demand;
};

struct line {
    struct line_unit units[UNITS_MAX];
    struct share_unit shares[UNITS_MAX];
    struct share share;
    uint32_t queue[UNITS_MAX]; /* oldest first, as the worker's */
    uint32_t queued;
    int64_t now_ns;
};

static void begin(struct line *line, uint32_t units, int64_t every_ns, int64_t cost_ns)
{
    memset(line, 0, sizeof *line);
    line->share = (struct share){.units = line->shares, .count = units};
    for (uint32_t i = 0; i < units; i++) {
        line->units[i] = (struct line_unit){.every_ns = every_ns, .cost_ns = cost_ns, .due_ns = every_ns * i / units};
        line->shares[i].period_ns = every_ns;
    }
}

static void fill_queue(struct line *line)
{
    for (uint32_t i = 0; i < line->share.count; i++) {
        struct line_unit *unit = &line->units[i];
        for (; unit->due_ns <= line->now_ns; unit->due_ns += unit->every_ns) {
            unit->slots++;
            if (!unit->queued) {
                unit->queued = true;
                line->queue[line->queued++] = i;
            }
        }
    }
}

/* The oldest that is not held back. */
static bool take(struct line *line, uint32_t *ret_unit)
{
    for (uint32_t k = 0; k < line->queued; k++) {
        const uint32_t unit = line->queue[k];
        if (!share_holds_back(&line->share, unit, line->now_ns)) {
            memmove(&line->queue[k], &line->queue[k + 1], (--line->queued - k) * sizeof *line->queue);
            *ret_unit = unit;
            return true;
        }
    }
    return false;
}

static void run(struct line *line, int64_t length_ns)
{
    while (line->now_ns < length_ns) {
        uint32_t unit;
        fill_queue(line);
        if (!take(line, &unit)) {
            line->now_ns += NS_PER_MS / 10;
            continue;
        }
        struct line_unit *which = &line->units[unit];
        const double demand = (double)which->cost_ns / (double)which->every_ns;
        line->now_ns += which->cost_ns;
        which->queued = false;
        which->polls++;
        share_charge(&line->share, unit, demand - which->demand, which->cost_ns, line->now_ns);
        which->demand = demand;
    }
}

/* The part of its rate that the worst of the units from `first` on got, over the last nine tenths of the time. */
static double worst_from(struct line *line, uint32_t first, int64_t length_ns)
{
    run(line, length_ns / 10);
    for (uint32_t i = 0; i < line->share.count; i++) {
        line->units[i].slots = line->units[i].polls = 0;
    }
    run(line, length_ns);
    double worst = 1;
    for (uint32_t i = first; i < line->share.count; i++) {
        const double part = (double)line->units[i].polls / (double)line->units[i].slots;
        worst = part < worst ? part : worst;
    }
    return worst;
}

struct story {
    uint32_t units, slow;
    int64_t every_ms, cost_us, slow_ms;
};

static void neighbours_of_slow_units_keep_their_rate(void **state)
{
    (void)state;
    static const struct story stories[] = {
        {32, 1, 1000, 5000, 900},  /* an RTU line with a unit just within the time-out */
        {32, 2, 1000, 5000, 900},  /* two of them */
        {32, 8, 1000, 5000, 1000}, /* a quarter of the units does not answer at all, before they are found out */
        {9, 1, 20, 500, 120},      /* neighbours that poll faster than the slow one answers */
        {32, 1, 100, 2000, 80},    {2, 1, 50, 1000, 2000},
        {8, 1, 40, 4500, 90}, /* and one that is nearly full anyway */
    };
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        const struct story *story = &stories[i];
        struct line line;
        begin(&line, story->units, story->every_ms * NS_PER_MS, story->cost_us * NS_PER_US);
        for (uint32_t k = 0; k < story->slow; k++) {
            line.units[k].cost_ns = story->slow_ms * NS_PER_MS;
        }
        const double part = worst_from(&line, story->slow, 600 * NS_PER_S);
        if (part < 0.95) {
            fail_msg("story %zu: a neighbour keeps %.3f of its rate", i, part);
        }
        assert_true(line.units[0].polls > 0); /* and the slow are heard all the same */
    }
}

static void what_fits_is_never_held_back(void **state)
{
    (void)state;
    struct line line;
    begin(&line, 4, NS_PER_S, 10 * NS_PER_MS);
    line.units[0].cost_ns = 700 * NS_PER_MS; /* more than an equal share, but there is room */
    assert_true(worst_from(&line, 0, 100 * NS_PER_S) > 0.98);
}

/* A line that cannot do it all is shared by turns: nobody is held back for being like the others. */
static void a_line_full_of_equals_is_shared_by_turns(void **state)
{
    (void)state;
    struct line line;
    begin(&line, 8, 40 * NS_PER_MS, 10 * NS_PER_MS);
    (void)worst_from(&line, 0, 60 * NS_PER_S);
    for (uint32_t i = 0; i < 8; i++) {
        assert_in_range(line.units[i].polls * 1000 / line.units[i].slots, 480, 520);
    }
}

static void one_slow_answer_is_forgiven(void **state)
{
    (void)state;
    struct share_unit units[2] = {{.period_ns = 100}, {.period_ns = 100}};
    struct share share = {.units = units, .count = 2};
    share_charge(&share, 0, 10.0, 1000, 5000);
    assert_false(share_holds_back(&share, 0, 5000));
    share_charge(&share, 0, -9.9, 10, 5010); /* as quick as ever */
    assert_false(share_holds_back(&share, 0, 5010));
    share_charge(&share, 0, 9.9, 1000, 7000);
    share_charge(&share, 0, 0, 1000, 8000); /* again */
    assert_true(share_holds_back(&share, 0, 8000));
    assert_false(share_holds_back(&share, 1, 8000));
    assert_true(share_holds_back(&share, 0, 8000 + share_wait_ns(1000, 0, 100) - 1));
    assert_false(share_holds_back(&share, 0, 8000 + share_wait_ns(1000, 0, 100) * 3 / 2));
}

/* What a dead unit cost before it was found out holds back nobody else. */
static void who_is_forgotten_holds_back_nobody(void **state)
{
    (void)state;
    struct share_unit units[8];
    struct share share = {.units = units, .count = 8};
    for (int i = 0; i < 8; i++) {
        units[i] = (struct share_unit){.demand = 0.01, .period_ns = 100};
    }
    share.all = 0.08;
    share_charge(&share, 0, 5.0, 500, 1000);
    share_charge(&share, 0, 0, 500, 1500);
    assert_true(share_holds_back(&share, 0, 1500));
    share_charge(&share, 1, 0.3, 30, 1530); /* a hiccup of another */
    assert_false(share_holds_back(&share, 1, 1530));
    share_charge(&share, 1, 0, 30, 1560);
    share_forget(&share, 0);
    assert_false(share_holds_back(&share, 0, 1560));
    assert_false(share_holds_back(&share, 1, 1560));
    share_charge(&share, 1, 0, 30, 1590); /* there is room for it */
    assert_false(share_holds_back(&share, 1, 1590));
}

/* However full the line is, whoever is held back is heard again: within 39 times what it cost. */
static void no_wait_is_without_bound(void **state)
{
    (void)state;
    assert_true(share_wait_ns(1000, 50.0, 1) == 39000);
    assert_in_range(share_wait_ns(1000, 0.9, 5000), 18900, 19100);
    assert_true(share_wait_ns(1000, 0.0, 5000) < 100);
}

static void a_unit_alone_has_the_line(void **state)
{
    (void)state;
    struct share_unit unit = {.period_ns = 100};
    struct share share = {.units = &unit, .count = 1};
    for (int i = 0; i < 5; i++) {
        share_charge(&share, 0, i == 0 ? 10.0 : 0, 1000, 1000 * i);
        assert_false(share_holds_back(&share, 0, 1000 * i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_of_slow_units_keep_their_rate),
        cmocka_unit_test(what_fits_is_never_held_back),
        cmocka_unit_test(a_line_full_of_equals_is_shared_by_turns),
        cmocka_unit_test(one_slow_answer_is_forgiven),
        cmocka_unit_test(who_is_forgotten_holds_back_nobody),
        cmocka_unit_test(no_wait_is_without_bound),
        cmocka_unit_test(a_unit_alone_has_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
