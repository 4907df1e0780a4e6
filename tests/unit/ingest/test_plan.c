/*
 * Plans: what is joined and what is not, and for random point lists: every
 * point once, every limit held.  Beside them the due heap, against the obvious,
 * and the waits between tries.
 */
#include "field.h"
#include "ingest/back_off.h"
#include "ingest/due_heap.h"
#include "ingest/mbus_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void plan(struct field *field, struct arena *arena, struct mbus_plan *ret_plan)
{
    arena_init(arena);
    mbus_plan_reads(&field->site, arena, ret_plan);
}

struct block {
    uint16_t address, count;
    uint32_t items;
};

static void expect(struct field *field, const struct block *blocks, size_t n)
{
    struct arena arena;
    struct mbus_plan got;
    plan(field, &arena, &got);
    assert_int_equal(got.read_count, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(got.reads[i].address, blocks[i].address);
        assert_int_equal(got.reads[i].count, blocks[i].count);
        assert_int_equal(got.reads[i].item_count, blocks[i].items);
    }
    arena_done(&arena);
    field_free(field);
}

static struct field *one_source(void)
{
    struct field *field = field_new(16);
    (void)field_add_modbus(field, SOURCE_MODBUS_TCP, 1502);
    return field;
}

static void neighbours_and_small_holes_are_joined(void **state)
{
    (void)state;
    struct field *field = one_source();
    (void)field_add_register(field, 1, 20, TYPE_U16, NS_PER_S);
    (void)field_add_register(field, 1, 0, TYPE_F32, NS_PER_S);
    (void)field_add_register(field, 1, 10, TYPE_U16, NS_PER_S);    /* 8 between: joined */
    static const struct block blocks[] = {{0, 11, 2}, {20, 1, 1}}; /* 9 between: not */
    expect(field, blocks, 2);
}

static void values_that_share_registers_are_read_once(void **state)
{
    (void)state;
    struct field *field = one_source();
    for (int i = 0; i < 8; i++) {
        (void)field_add_register(field, 1, 7, TYPE_BIT, NS_PER_S);
    }
    (void)field_add_register(field, 1, 6, TYPE_U32, NS_PER_S);
    static const struct block blocks[] = {{6, 2, 9}};
    expect(field, blocks, 1);
}

static void a_value_is_never_split_by_the_limit(void **state)
{
    (void)state;
    struct field *field = one_source();
    field->sources[0].max_registers = 5;
    for (uint16_t i = 0; i < 4; i++) {
        (void)field_add_register(field, 1, (uint16_t)(2 * i), TYPE_U32, NS_PER_S);
    }
    static const struct block blocks[] = {{0, 4, 2}, {4, 4, 2}};
    expect(field, blocks, 2);
}

static void unit_table_period_and_source_keep_apart(void **state)
{
    (void)state;
    struct field *field = one_source();
    (void)field_add_register(field, 1, 0, TYPE_U16, NS_PER_S);
    (void)field_add_register(field, 2, 1, TYPE_U16, NS_PER_S);
    field_add_register(field, 1, 2, TYPE_U16, NS_PER_S)->from.table = TABLE_INPUT;
    (void)field_add_register(field, 1, 3, TYPE_U16, 2 * NS_PER_S);
    (void)field_add_modbus(field, SOURCE_MODBUS_TCP, 1503);
    (void)field_add_register(field, 1, 4, TYPE_U16, NS_PER_S);
    struct arena arena;
    struct mbus_plan got;
    plan(field, &arena, &got);
    assert_int_equal(got.read_count, 5);
    arena_done(&arena);
    field_free(field);
}

static void coils_have_their_own_limit_and_gap(void **state)
{
    (void)state;
    struct field *field = one_source();
    static const uint16_t addresses[] = {0, 129, 259, 2000};
    for (size_t i = 0; i < 4; i++) {
        struct site_point *point = field_add_register(field, 1, addresses[i], TYPE_BOOL, NS_PER_S);
        point->from.table = TABLE_COIL;
        point->from.registers = 0;
    }
    static const struct block blocks[] = {{0, 130, 2}, {259, 1, 1}, {2000, 1, 1}};
    expect(field, blocks, 3);
}

static void a_point_without_period_is_polled_each_second(void **state)
{
    (void)state;
    struct field *field = one_source();
    (void)field_add_register(field, 1, 0, TYPE_U16, 0);
    struct arena arena;
    struct mbus_plan got;
    plan(field, &arena, &got);
    assert_int_equal(got.reads[0].every_ns, NS_PER_S);
    arena_done(&arena);
    field_free(field);
}

static void what_no_request_can_hold_is_told_and_left_out(void **state)
{
    (void)state;
    struct field *field = one_source();
    struct mistakes mistakes;
    field->sources[0].max_registers = 3;
    (void)field_add_register(field, 1, 0, TYPE_F64, NS_PER_S);     /* 4 registers */
    (void)field_add_register(field, 1, 65535, TYPE_U32, NS_PER_S); /* ends behind the last */
    (void)field_add_register(field, 1, 65535, TYPE_U16, NS_PER_S); /* is the last */
    mistakes_init(&mistakes);
    mbus_check(&field->site, &mistakes);
    assert_int_equal(mistakes.count, 2);
    assert_non_null(strstr(mistakes.lines[0], "points[0].from"));
    assert_non_null(strstr(mistakes.lines[1], "points[1].from"));
    mistakes_done(&mistakes);
    static const struct block blocks[] = {{65535, 1, 1}};
    expect(field, blocks, 1);
}

static void fill_randomly(struct field *field)
{
    for (int s = 0; s < 3; s++) {
        struct site_source *source = field_add_modbus(field, SOURCE_MODBUS_TCP, 1502);
        source->max_registers = (uint16_t)(4 + rand() % 122);
        source->max_coils = (uint16_t)(1 + rand() % 2000);
        source->gap = (uint16_t)(rand() % 20);
        for (int i = 0; i < 150; i++) {
            const enum mbus_type type = (enum mbus_type)(rand() % (TYPE_BCD32 + 1));
            struct site_point *point = field_add_register(field, (uint8_t)(1 + rand() % 2), (uint16_t)(rand() % 700),
                                                          type, (1 + rand() % 2) * NS_PER_S);
            point->from.table = (enum mbus_table)(rand() % 4);
        }
    }
}

static void check_read(const struct field *field, const struct mbus_plan *got, const struct mbus_read *read,
                       unsigned *seen)
{
    uint16_t last = 0;
    unsigned end = 0;
    assert_true(read->count <= mbus_read_limit(&field->sources[read->source], read->unit, (enum mbus_table)read->table));
    assert_in_range(read->phase_ns, 0, read->every_ns - 1);
    for (uint32_t k = 0; k < read->item_count; k++) {
        const struct mbus_item *item = &got->items[read->first_item + k];
        const struct site_point *point = &field->points[item->point];
        seen[item->point]++;
        assert_int_equal(point->from.source, read->source);
        assert_int_equal(point->from.unit, read->unit);
        assert_int_equal(point->from.table, read->table);
        assert_int_equal(point->every_ns, read->every_ns);
        assert_int_equal(item->at, point->from.address);
        assert_int_equal(item->size, mbus_value_size(&point->from));
        assert_true(item->at >= last);
        last = item->at;
        end = (unsigned)item->at + item->size > end ? (unsigned)item->at + item->size : end;
    }
    assert_int_equal(end - read->address, read->count); /* nothing is read for nobody at the end, nor … */
    assert_int_equal(got->items[read->first_item].at, read->address); /* … at the beginning */
}

static void random_lists_are_covered_once_within_the_limits(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 50; round++) {
        struct field *field = field_new(16);
        struct arena arena;
        struct mbus_plan got;
        unsigned seen[FIELD_POINTS] = {0};
        fill_randomly(field);
        plan(field, &arena, &got);
        assert_int_equal(got.item_count, field->site.point_count);
        for (size_t i = 0; i < got.read_count; i++) {
            check_read(field, &got, &got.reads[i], seen);
        }
        for (size_t i = 0; i < field->site.point_count; i++) {
            assert_int_equal(seen[i], 1);
        }
        arena_done(&arena);
        field_free(field);
    }
}

/* ---- companions ---- */

/* Every companion of every point is in the point's read, where the plan says. */
static void check_companions(const struct field *field, const struct mbus_plan *got)
{
    for (size_t r = 0; r < got->read_count; r++) {
        const struct mbus_read *read = &got->reads[r];
        const struct mbus_item *items = &got->items[read->first_item];
        for (uint32_t k = 0; k < read->item_count; k++) {
            const struct site_from *from = &field->points[items[k].point].from;
            assert_int_equal(items[k].guided, !items[k].companion && site_companions(from) > 0);
            assert_true(k > 0 || items[k].block);
            assert_true(items[k].block || (items[k].table == items[k - 1].table && items[k].at >= items[k - 1].at));
            for (size_t c = 0; items[k].guided && c < from->extra->companion_count; c++) {
                const uint32_t at = got->companions[got->links[read->first_item + k] + c];
                assert_true(at < read->item_count && items[at].companion);
                assert_int_equal(items[at].at, from->extra->companions[c].from.address);
                assert_int_equal(items[at].table, from->extra->companions[c].from.table);
            }
        }
    }
}

static void a_companion_nearby_comes_in_the_same_request(void **state)
{
    (void)state;
    struct field *field = one_source();
    for (uint16_t i = 0; i < 3; i++) {
        struct site_point *point = field_add_register(field, 1, (uint16_t)(2 * i), TYPE_F32, NS_PER_S);
        (void)field_add_companion(field, point, 9); /* one for all */
    }
    static const struct block blocks[] = {{0, 10, 4}};
    expect(field, blocks, 1);
}

static void blocks_of_companions_are_one_read(void **state)
{
    (void)state;
    struct field *field = one_source();
    for (uint16_t i = 0; i < 200; i++) {
        (void)field_add_companion(field, field_add_register(field, 1, i, TYPE_U16, NS_PER_S), (uint16_t)(3000 + i));
    }
    (void)field_add_register(field, 1, 500, TYPE_U16, NS_PER_S); /* needs none */
    struct arena arena;
    struct mbus_plan got;
    plan(field, &arena, &got);
    assert_int_equal(got.read_count, 3);
    assert_int_equal(got.reads[0].item_count, 250); /* 125 values, then what their companions say */
    assert_true(got.items[125].block && got.items[125].companion && got.items[125].at == 3000);
    assert_int_equal(got.reads[1].item_count, 150);
    assert_int_equal(got.reads[2].address, 500);
    check_companions(field, &got);
    arena_done(&arena);
    field_free(field);
}

static void random_companions_are_in_the_reads_of_their_values(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 50; round++) {
        struct field *field = field_new(16);
        struct arena arena;
        struct mbus_plan got;
        fill_randomly(field);
        for (size_t i = 0; i < field->site.point_count; i++) {
            for (int c = rand() % 8; c < 2; c++) {
                struct site_companion *companion =
                    field_add_companion(field, &field->points[i], (uint16_t)(rand() % 700));
                companion->from.table = (enum mbus_table)(rand() % 4);
            }
        }
        plan(field, &arena, &got);
        check_companions(field, &got);
        unsigned values = 0;
        for (size_t i = 0; i < got.item_count; i++) {
            values += !got.items[i].companion;
        }
        assert_int_equal(values, field->site.point_count);
        arena_done(&arena);
        field_free(field);
    }
}

static void phases_spread_evenly(void **state)
{
    (void)state;
    struct field *field = one_source();
    unsigned tenth[10] = {0};
    for (uint16_t i = 0; i < 1000; i++) {
        (void)field_add_register(field, 1, (uint16_t)(60 * i), TYPE_U16, NS_PER_S);
    }
    struct arena arena;
    struct mbus_plan got;
    plan(field, &arena, &got);
    assert_int_equal(got.read_count, 1000);
    for (size_t i = 0; i < got.read_count; i++) {
        tenth[got.reads[i].phase_ns / (NS_PER_S / 10)]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(tenth[i], 98, 102);
    }
    arena_done(&arena);
    field_free(field);
}

static void the_heap_gives_what_is_due_in_order(void **state)
{
    enum { IDS = 40 };
    (void)state;
    struct arena arena;
    struct due_heap heap;
    int64_t keys[IDS];
    arena_init(&arena);
    due_heap_init(&heap, &arena, IDS);
    for (int i = 0; i < IDS; i++) {
        keys[i] = TIME_NEVER;
    }
    srand(2);
    for (int step = 0; step < 20000; step++) {
        const uint32_t id = (uint32_t)(rand() % IDS);
        uint32_t first = 0;
        for (uint32_t i = 1; i < IDS; i++) {
            first = keys[i] < keys[first] ? i : first;
        }
        assert_true(due_heap_next(&heap) == keys[first]);
        uint32_t taken;
        if (rand() % 3 == 0 && due_heap_take(&heap, 50, &taken)) {
            assert_true(keys[first] <= 50);
            assert_int_equal(taken, first);
            keys[taken] = TIME_NEVER;
        } else if (rand() % 4 == 0) {
            due_heap_remove(&heap, id);
            keys[id] = TIME_NEVER;
        } else {
            keys[id] = rand() % 100;
            due_heap_set(&heap, id, keys[id]);
        }
        assert_true(due_heap_key(&heap, id) == keys[id]);
    }
    arena_done(&arena);
}

static void waits_double_within_their_bounds_and_are_spread(void **state)
{
    const int64_t least_ns = NS_PER_S / 2;
    const int64_t most_ns = 30 * NS_PER_S;
    const uint64_t one = back_off_seed("plc-1");
    const uint64_t other = back_off_seed("plc-2");
    unsigned unlike = 0;
    (void)state;
    for (unsigned tries = 0; tries < 100; tries++) {
        const int64_t middle_ns = tries < 6 ? least_ns << tries : most_ns;
        const int64_t wait_ns = back_off_wait(one, tries, least_ns, most_ns);
        assert_true(wait_ns >= least_ns && wait_ns <= most_ns);
        assert_true(wait_ns >= middle_ns / 4 * 3 && wait_ns <= middle_ns / 4 * 5);
        assert_true(wait_ns == back_off_wait(one, tries, least_ns, most_ns));
        unlike += wait_ns != back_off_wait(other, tries, least_ns, most_ns);
    }
    assert_true(unlike > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_and_small_holes_are_joined),
        cmocka_unit_test(values_that_share_registers_are_read_once),
        cmocka_unit_test(a_value_is_never_split_by_the_limit),
        cmocka_unit_test(unit_table_period_and_source_keep_apart),
        cmocka_unit_test(coils_have_their_own_limit_and_gap),
        cmocka_unit_test(a_point_without_period_is_polled_each_second),
        cmocka_unit_test(what_no_request_can_hold_is_told_and_left_out),
        cmocka_unit_test(random_lists_are_covered_once_within_the_limits),
        cmocka_unit_test(a_companion_nearby_comes_in_the_same_request),
        cmocka_unit_test(blocks_of_companions_are_one_read),
        cmocka_unit_test(random_companions_are_in_the_reads_of_their_values),
        cmocka_unit_test(phases_spread_evenly),
        cmocka_unit_test(the_heap_gives_what_is_due_in_order),
        cmocka_unit_test(waits_double_within_their_bounds_and_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
