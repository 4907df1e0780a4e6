/*
 * Refused addresses: against a device that refuses a random set of registers,
 * the search ends, finds exactly the values that touch one, and goes back to as
 * few requests as there can be.
 */
#include "field.h"
#include "ingest/mbus_cuts.h"

#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 60, REGISTERS = 125 };

struct model {
    struct mbus_item items[ITEMS_MAX];
    uint8_t marks[ITEMS_MAX];
    bool refused[REGISTERS + 4];
    struct mbus_cuts cuts;
};

static void fill(struct model *model, unsigned holes)
{
    memset(model, 0, sizeof *model);
    uint16_t at = 0;
    uint32_t n = 0;
    while (n < ITEMS_MAX && at < REGISTERS - 4) {
        const uint16_t size = (uint16_t)(1U << (unsigned)(rand() % 3));
        model->items[n++] = (struct mbus_item){.point = n, .at = at, .size = (uint8_t)size};
        at = (uint16_t)(at + (rand() % 8 == 0 ? 0 : size) + rand() % 3);
    }
    for (unsigned i = 0; i < holes; i++) {
        model->refused[rand() % REGISTERS] = true;
    }
    model->cuts = (struct mbus_cuts){.items = model->items, .marks = model->marks, .count = n};
}

static bool touches(const struct model *model, unsigned at, unsigned size)
{
    for (unsigned i = at; i < at + size; i++) {
        if (model->refused[i]) {
            return true;
        }
    }
    return false;
}

/* One poll as the worker does it; gives the requests it took. */
static unsigned poll_once(struct model *model, bool *answered)
{
    struct mbus_piece piece;
    uint32_t cursor = 0;
    unsigned requests = 0;
    uint32_t joined = mbus_cuts_try_join(&model->cuts);
    memset(answered, 0, ITEMS_MAX);
    while (mbus_cuts_next(&model->cuts, cursor, &piece)) {
        assert_true(++requests < 4 * ITEMS_MAX); /* it ends */
        if (!touches(model, piece.at, piece.size)) {
            memset(answered + piece.first, 1, piece.count);
            cursor = piece.first + piece.count;
        } else if (joined > piece.first && joined < piece.first + piece.count) {
            mbus_cuts_confirm(&model->cuts, joined);
            joined = 0;
        } else {
            (void)mbus_cuts_refused(&model->cuts, &piece);
        }
    }
    return requests;
}

/* Items that share registers are asked together, so one is lost with the other. */
static bool must_be_lost(const struct model *model, uint32_t item)
{
    uint32_t first = item;
    uint32_t end_of[ITEMS_MAX];
    uint32_t end = 0;
    for (uint32_t i = 0; i < model->cuts.count; i++) {
        end_of[i] = end;
        const uint32_t this_end = (uint32_t)model->items[i].at + model->items[i].size;
        end = this_end > end ? this_end : end;
    }
    while (first > 0 && model->items[first].at < end_of[first]) {
        first--;
    }
    for (uint32_t i = first; i < model->cuts.count && (i == first || model->items[i].at < end_of[i]); i++) {
        if (touches(model, model->items[i].at, model->items[i].size)) {
            return true;
        }
    }
    return false;
}

static void the_search_finds_exactly_what_is_refused(void **state)
{
    (void)state;
    srand(3);
    for (int round = 0; round < 500; round++) {
        struct model model;
        bool answered[ITEMS_MAX];
        fill(&model, (unsigned)(rand() % 6));
        (void)poll_once(&model, answered);
        for (uint32_t i = 0; i < model.cuts.count; i++) {
            assert_int_equal(answered[i], !must_be_lost(&model, i));
            assert_int_equal((model.marks[i] & MARK_HOLE) != 0, must_be_lost(&model, i));
        }
    }
}

static void needless_cuts_are_taken_back(void **state)
{
    (void)state;
    srand(4);
    for (int round = 0; round < 200; round++) {
        struct model model;
        bool answered[ITEMS_MAX];
        unsigned requests = 0;
        fill(&model, 1);
        for (int poll = 0; poll < 30; poll++) {
            requests = poll_once(&model, answered);
        }
        assert_true(requests <= 2); /* before and behind the one that is refused */
    }
}

static void what_is_no_longer_refused_comes_back(void **state)
{
    (void)state;
    srand(5);
    for (int round = 0; round < 200; round++) {
        struct model model;
        bool answered[ITEMS_MAX];
        unsigned requests = 0;
        fill(&model, 3);
        (void)poll_once(&model, answered);
        memset(model.refused, 0, sizeof model.refused);
        mbus_cuts_reopen(&model.cuts);
        for (int poll = 0; poll < ITEMS_MAX; poll++) {
            requests = poll_once(&model, answered);
            for (uint32_t i = 0; i < model.cuts.count; i++) {
                assert_true(answered[i]);
            }
        }
        assert_int_equal(requests, 1);
        assert_false(mbus_cuts_any(&model.cuts));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_finds_exactly_what_is_refused),
        cmocka_unit_test(needless_cuts_are_taken_back),
        cmocka_unit_test(what_is_no_longer_refused_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
