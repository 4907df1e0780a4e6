/*
 * mbus_join: see mbus_join.h.
 *
 * Blocks are united by union-find, then items are moved so that the blocks of
 * one read stand together, in the order of the plan.
 */
#include "ingest/mbus_join.h"

/* ---- wants ---- */

int mbus_want_compare(const void *left, const void *right)
{
    const struct mbus_want *a = left;
    const struct mbus_want *b = right;
#define BY(field)                                                                                                      \
    if (a->field != b->field) {                                                                                        \
        return a->field < b->field ? -1 : 1;                                                                           \
    }
    BY(source)
    BY(unit)
    BY(table)
    BY(every_ns)
    BY(every_in_alarm_ns)
    BY(hazard)
    BY(address)
    BY(size)
    BY(companion)
    BY(point)
#undef BY
    return 0;
}

struct mbus_want mbus_want_of(const struct site *site, uint32_t point, const struct site_from *place)
{
    const struct site_point *owner = &site->points[point];
    return (struct mbus_want){
        .source = owner->from.source,
        .unit = owner->from.unit,
        .table = (uint8_t)place->table,
        .every_ns = owner->every_ns > 0 ? owner->every_ns : MBUS_EVERY_DEFAULT_NS,
        .every_in_alarm_ns = owner->every_in_alarm_ns,
        .hazard = owner->every_in_alarm_ns > 0 ? owner->hazard : 0,
        .address = place->address,
        .size = mbus_value_size(place),
        .companion = place != &owner->from,
        .point = point,
    };
}

/* ---- uniting ---- */

struct joiner {
    const struct site *site;
    struct arena *arena;
    struct mbus_plan *plan; /* one read for each block so far */
    uint32_t *block_of;     /* [item] */
    uint32_t *heads;        /* [block]: towards the first block of its read; union-find */
    uint32_t *moved;        /* [item]: its place in the new order */
};

static uint32_t head_of(const struct joiner *joiner, uint32_t block)
{
    while (joiner->heads[block] != block) {
        joiner->heads[block] = joiner->heads[joiner->heads[block]];
        block = joiner->heads[block];
    }
    return block;
}

/* Compares an item with a want in the order in which items stand. */
static int item_compare(const struct joiner *joiner, uint32_t item, const struct mbus_want *want)
{
    const struct mbus_read *block = &joiner->plan->reads[joiner->block_of[item]];
    const struct mbus_item *at = &joiner->plan->items[item];
    struct mbus_want found = {
        .source = block->source,
        .unit = block->unit,
        .table = block->table,
        .every_ns = block->every_ns,
        .every_in_alarm_ns = block->every_in_alarm_ns,
        .hazard = block->hazard,
        .address = at->at,
        .size = at->size,
        .companion = at->companion,
        .point = want->point, /* one item stands for all who have this companion */
    };
    return mbus_want_compare(&found, want);
}

/* The item of a companion, which is there. */
static uint32_t find_companion(const struct joiner *joiner, const struct mbus_want *want)
{
    uint32_t low = 0;
    uint32_t high = (uint32_t)joiner->plan->item_count;
    while (low + 1 < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (item_compare(joiner, middle, want) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Finds each guided item's companions and joins their blocks with its own. */
static void link_items(struct joiner *joiner)
{
    struct mbus_plan *plan = joiner->plan;
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->item_count; i++) {
        if (!plan->items[i].guided) {
            continue;
        }
        const struct site_extra *extra = joiner->site->points[plan->items[i].point].from.extra;
        plan->links[i] = count;
        for (size_t k = 0; k < extra->companion_count; k++) {
            const struct mbus_want want = mbus_want_of(joiner->site, plan->items[i].point, &extra->companions[k].from);
            const uint32_t item = find_companion(joiner, &want);
            const uint32_t a = head_of(joiner, joiner->block_of[i]);
            const uint32_t b = head_of(joiner, joiner->block_of[item]);
            joiner->heads[a > b ? a : b] = a > b ? b : a;
            plan->companions[count++] = item;
        }
    }
}

/* Moves the items of each read's blocks together, the reads in the order of their first blocks. */
static void move_items(struct joiner *joiner)
{
    struct mbus_plan *plan = joiner->plan;
    struct mbus_plan old = *plan;
    plan->items = ARENA_ARRAY(joiner->arena, struct mbus_item, old.item_count + 1);
    plan->reads = ARENA_ARRAY(joiner->arena, struct mbus_read, old.read_count + 1);
    plan->links = ARENA_ARRAY(joiner->arena, uint32_t, old.item_count + 1);
    uint32_t *next = ARENA_ARRAY(joiner->arena, uint32_t, old.read_count + 1); /* [block]: the read's next block */
    uint32_t *last = ARENA_ARRAY(joiner->arena, uint32_t, old.read_count + 1); /* [head]: its last block so far */
    plan->read_count = plan->item_count = 0;
    for (uint32_t b = 0; b < old.read_count; b++) {
        const uint32_t head = head_of(joiner, b);
        next[b] = UINT32_MAX;
        if (head != b) {
            next[last[head]] = b;
        }
        last[head] = b;
    }
    for (uint32_t head = 0; head < old.read_count; head++) {
        if (joiner->heads[head] != head) {
            continue;
        }
        struct mbus_read *read = &plan->reads[plan->read_count++];
        *read = old.reads[head];
        read->first_item = (uint32_t)plan->item_count;
        read->item_count = 0;
        for (uint32_t b = head; b != UINT32_MAX; b = next[b]) {
            for (uint32_t k = 0; k < old.reads[b].item_count; k++) {
                const uint32_t from = old.reads[b].first_item + k;
                joiner->moved[from] = read->item_count++;
                plan->links[plan->item_count] = old.links[from];
                plan->items[plan->item_count++] = old.items[from];
            }
            read->guided = read->guided || old.reads[b].guided;
        }
    }
}

void mbus_join_companions(const struct site *site, struct arena *arena, struct mbus_plan *plan, size_t companions)
{
    struct joiner joiner = {
        .site = site,
        .arena = arena,
        .plan = plan,
        .block_of = ARENA_ARRAY(arena, uint32_t, plan->item_count + 1),
        .heads = ARENA_ARRAY(arena, uint32_t, plan->read_count + 1),
        .moved = ARENA_ARRAY(arena, uint32_t, plan->item_count + 1),
    };
    plan->links = ARENA_ARRAY(arena, uint32_t, plan->item_count + 1);
    plan->companions = ARENA_ARRAY(arena, uint32_t, companions);
    for (uint32_t b = 0; b < plan->read_count; b++) {
        joiner.heads[b] = b;
        for (uint32_t k = 0; k < plan->reads[b].item_count; k++) {
            joiner.block_of[plan->reads[b].first_item + k] = b;
        }
    }
    link_items(&joiner);
    move_items(&joiner);
    for (size_t i = 0; i < companions; i++) {
        plan->companions[i] = joiner.moved[plan->companions[i]];
    }
}
