/*
 * mbus_plan: see mbus_plan.h.
 */
#include "ingest/mbus_plan.h"

#include "ingest/ingest.h"
#include "ingest/mbus_join.h"
#include <stdlib.h>

enum { COILS_PER_REGISTER = 16 };

bool mbus_is_source(const struct site_source *source)
{
    return source->type == SOURCE_MODBUS_TCP || source->type == SOURCE_MODBUS_RTU ||
           source->type == SOURCE_MODBUS_RTU_TCP;
}

static bool is_bits(uint8_t table)
{
    return table == TABLE_COIL || table == TABLE_DISCRETE;
}

uint16_t mbus_value_size(const struct site_from *from)
{
    return is_bits((uint8_t)from->table) || from->registers == 0 ? 1 : from->registers;
}

uint16_t mbus_read_limit(const struct site_source *source, uint8_t unit, enum mbus_table table)
{
    const struct site_manners manners = site_manners(source, unit);
    const uint16_t most = is_bits((uint8_t)table) ? MBUS_COILS_MAX : MBUS_REGISTERS_MAX;
    const uint16_t set = is_bits((uint8_t)table) ? manners.max_coils : manners.max_registers;
    return set == 0 || set > most ? most : set;
}

static bool is_modbus_point(const struct site *site, const struct site_point *point)
{
    return point->from.source != SITE_NONE && mbus_is_source(&site->sources[point->from.source]);
}

static bool fits(const struct site *site, const struct site_from *from)
{
    const uint16_t size = mbus_value_size(from);
    return size <= mbus_read_limit(&site->sources[from->source], from->unit, from->table) &&
           from->address + size <= 65536;
}

/* The value and all its companions. */
static bool fits_whole(const struct site *site, const struct site_from *from)
{
    bool all = fits(site, from);
    for (size_t i = 0; i < site_companions(from); i++) {
        all = all && fits(site, &from->extra->companions[i].from);
    }
    return all;
}

/* Counts, and with `wants` fills in, what is to be read: values and their companions. */
static size_t collect(const struct site *site, struct mbus_want *wants)
{
    size_t count = 0;
    for (uint32_t i = 0; i < site->point_count; i++) {
        const struct site_point *point = &site->points[i];
        if (!is_modbus_point(site, point) || !fits_whole(site, &point->from)) {
            continue;
        }
        const size_t companions = site_companions(&point->from);
        for (size_t k = 0; wants != NULL && k <= companions; k++) {
            wants[count + k] =
                mbus_want_of(site, i, k == 0 ? &point->from : &point->from.extra->companions[k - 1].from);
        }
        count += 1 + companions;
    }
    return count;
}

/* ---- blocks ---- */

/* True when `want` may be read along with `read`. */
static bool joins(const struct site *site, const struct mbus_read *read, const struct mbus_want *want)
{
    if (read->source != want->source || read->unit != want->unit || read->table != want->table ||
        read->every_ns != want->every_ns || read->every_in_alarm_ns != want->every_in_alarm_ns ||
        read->hazard != want->hazard) {
        return false;
    }
    const struct site_source *source = &site->sources[read->source];
    const unsigned registers = site_manners(source, read->unit).gap;
    const unsigned gap = is_bits(read->table) ? registers * COILS_PER_REGISTER : registers;
    const unsigned end = (unsigned)read->address + read->count;
    const unsigned want_end = (unsigned)want->address + want->size;
    const unsigned new_end = want_end > end ? want_end : end;
    return want->address <= end + gap &&
           new_end - read->address <= mbus_read_limit(source, read->unit, (enum mbus_table)read->table);
}

/* every x the fractional part of index / golden ratio, in whole steps of every / 2^20. */
static int64_t phase_of(size_t index, int64_t every_ns)
{
    const uint32_t turn = (uint32_t)index * UINT32_C(2654435769); /* 2^32 / golden ratio */
    return every_ns / (1 << 20) * (int64_t)(turn >> 12);
}

static void add_block(struct mbus_plan *plan, const struct mbus_want *want)
{
    plan->reads[plan->read_count++] = (struct mbus_read){
        .source = want->source,
        .first_item = (uint32_t)plan->item_count,
        .address = want->address,
        .unit = want->unit,
        .table = want->table,
        .every_ns = want->every_ns,
        .every_in_alarm_ns = want->every_in_alarm_ns,
        .hazard = want->hazard,
    };
}

/* Many values may have the same companion. */
static bool is_there(const struct mbus_plan *plan, const struct mbus_want *want)
{
    const struct mbus_item *last = &plan->items[plan->item_count - 1];
    return want->companion && last->companion && last->at == want->address && last->size == want->size;
}

/* One read for each block; wants are sorted. */
static void plan_blocks(const struct site *site, const struct mbus_want *wants, size_t count, struct mbus_plan *plan)
{
    for (size_t i = 0; i < count; i++) {
        const struct mbus_want *want = &wants[i];
        if (plan->read_count == 0 || !joins(site, &plan->reads[plan->read_count - 1], want)) {
            add_block(plan, want);
        } else if (is_there(plan, want)) {
            continue;
        }
        struct mbus_read *read = &plan->reads[plan->read_count - 1];
        const bool guided = !want->companion && site_companions(&site->points[want->point].from) > 0;
        plan->items[plan->item_count++] = (struct mbus_item){
            .point = want->point,
            .at = want->address,
            .size = (uint8_t)want->size,
            .table = want->table & 3U,
            .block = read->item_count == 0,
            .companion = want->companion,
            .guided = guided,
        };
        read->item_count++;
        read->guided = read->guided || guided;
        const unsigned size = (unsigned)want->address - read->address + want->size;
        read->count = size > read->count ? (uint16_t)size : read->count;
    }
}

void mbus_plan_reads(const struct site *site, struct arena *arena, struct mbus_plan *ret_plan)
{
    const size_t count = collect(site, NULL);
    struct mbus_want *wants = ARENA_ARRAY(arena, struct mbus_want, count + 1);
    (void)collect(site, wants);
    qsort(wants, count, sizeof *wants, mbus_want_compare);
    struct mbus_plan plan = {
        .items = ARENA_ARRAY(arena, struct mbus_item, count + 1),
        .reads = ARENA_ARRAY(arena, struct mbus_read, count + 1),
    };
    plan_blocks(site, wants, count, &plan);
    size_t companions = 0;
    for (size_t i = 0; i < count; i++) {
        companions += wants[i].companion;
    }
    if (companions > 0) {
        mbus_join_companions(site, arena, &plan, companions);
    }
    for (size_t i = 0; i < plan.read_count; i++) {
        plan.reads[i].phase_ns = phase_of(i, plan.reads[i].every_ns);
    }
    *ret_plan = plan;
}
