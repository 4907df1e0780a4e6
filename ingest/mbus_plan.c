/*
 * mbus_plan: see mbus_plan.h.
 */
#include "ingest/mbus_plan.h"

#include "ingest/ingest.h"
#include <stdlib.h>

enum { COILS_PER_REGISTER = 16 };

/* What points are sorted by; equal down to the address means "may share a read". */
struct want {
    uint32_t source;
    uint8_t unit;
    uint8_t table;
    int64_t every_ns;
    uint16_t address;
    uint16_t size;
    uint32_t point;
};

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

uint16_t mbus_read_limit(const struct site_source *source, enum mbus_table table)
{
    const uint16_t most = is_bits((uint8_t)table) ? MBUS_COILS_MAX : MBUS_REGISTERS_MAX;
    const uint16_t set = is_bits((uint8_t)table) ? source->max_coils : source->max_registers;
    return set == 0 || set > most ? most : set;
}

static bool is_modbus_point(const struct site *site, const struct site_point *point)
{
    return point->from.source != SITE_NONE && mbus_is_source(&site->sources[point->from.source]);
}

static bool fits(const struct site *site, const struct site_from *from)
{
    const uint16_t size = mbus_value_size(from);
    return size <= mbus_read_limit(&site->sources[from->source], from->table) && from->address + size <= 65536;
}

void mbus_check(const struct site *site, struct mistakes *mistakes)
{
    char path[64];
    for (size_t i = 0; i < site->point_count; i++) {
        const struct site_point *point = &site->points[i];
        const struct site_from *from = &point->from;
        if (!is_modbus_point(site, point)) {
            continue;
        }
        (void)snprintf(path, sizeof path, "points[%zu].from", i);
        const unsigned size = mbus_value_size(from);
        if (size > mbus_read_limit(&site->sources[from->source], from->table)) {
            mistakes_add(mistakes, site->file, path, "raise max_registers of the source",
                         "point \"%s\" takes %u registers, its source reads at most %u at once", point->id, size,
                         mbus_read_limit(&site->sources[from->source], from->table));
        }
        if (from->address + size > 65536) {
            mistakes_add(mistakes, site->file, path, "addresses count from 0 to 65535 as on the wire",
                         "point \"%s\" ends behind the last address", point->id);
        }
    }
}

/* The shortest value first: equal addresses then stay in one rising order. */
static int want_compare(const void *left, const void *right)
{
    const struct want *a = left;
    const struct want *b = right;
#define BY(field)                                                                                                      \
    if (a->field != b->field) {                                                                                        \
        return a->field < b->field ? -1 : 1;                                                                           \
    }
    BY(source)
    BY(unit)
    BY(table)
    BY(every_ns)
    BY(address)
    BY(size)
    BY(point)
#undef BY
    return 0;
}

static size_t collect(const struct site *site, struct want *wants)
{
    size_t count = 0;
    for (size_t i = 0; i < site->point_count; i++) {
        const struct site_point *point = &site->points[i];
        if (!is_modbus_point(site, point) || !fits(site, &point->from)) {
            continue;
        }
        if (wants != NULL) {
            wants[count] = (struct want){
                .source = point->from.source,
                .unit = point->from.unit,
                .table = (uint8_t)point->from.table,
                .every_ns = point->every_ns > 0 ? point->every_ns : MBUS_EVERY_DEFAULT_NS,
                .address = point->from.address,
                .size = mbus_value_size(&point->from),
                .point = (uint32_t)i,
            };
        }
        count++;
    }
    return count;
}

/* True when `want` may be read along with `read`. */
static bool joins(const struct site *site, const struct mbus_read *read, const struct want *want)
{
    if (read->source != want->source || read->unit != want->unit || read->table != want->table ||
        read->every_ns != want->every_ns) {
        return false;
    }
    const struct site_source *source = &site->sources[read->source];
    const unsigned gap = is_bits(read->table) ? (unsigned)source->gap * COILS_PER_REGISTER : source->gap;
    const unsigned end = (unsigned)read->address + read->count;
    const unsigned want_end = (unsigned)want->address + want->size;
    const unsigned new_end = want_end > end ? want_end : end;
    return want->address <= end + gap &&
           new_end - read->address <= mbus_read_limit(source, (enum mbus_table)read->table);
}

/* every x the fractional part of index / golden ratio, in whole steps of every / 2^20. */
static int64_t phase_of(size_t index, int64_t every_ns)
{
    const uint32_t turn = (uint32_t)index * UINT32_C(2654435769); /* 2^32 / golden ratio */
    return every_ns / (1 << 20) * (int64_t)(turn >> 12);
}

static void add_read(struct mbus_plan *plan, const struct want *want)
{
    plan->reads[plan->read_count] = (struct mbus_read){
        .source = want->source,
        .first_item = (uint32_t)plan->item_count,
        .address = want->address,
        .unit = want->unit,
        .table = want->table,
        .every_ns = want->every_ns,
        .phase_ns = phase_of(plan->read_count, want->every_ns),
    };
    plan->read_count++;
}

void mbus_plan_reads(const struct site *site, struct arena *arena, struct mbus_plan *ret_plan)
{
    const size_t count = collect(site, NULL);
    struct want *wants = ARENA_ARRAY(arena, struct want, count + 1);
    (void)collect(site, wants);
    qsort(wants, count, sizeof *wants, want_compare);
    struct mbus_plan plan = {
        .items = ARENA_ARRAY(arena, struct mbus_item, count + 1),
        .reads = ARENA_ARRAY(arena, struct mbus_read, count + 1),
    };
    for (size_t i = 0; i < count; i++) {
        const struct want *want = &wants[i];
        if (plan.read_count == 0 || !joins(site, &plan.reads[plan.read_count - 1], want)) {
            add_read(&plan, want);
        }
        struct mbus_read *read = &plan.reads[plan.read_count - 1];
        const uint16_t at = (uint16_t)(want->address - read->address);
        plan.items[plan.item_count++] = (struct mbus_item){.point = want->point, .at = at, .size = want->size};
        read->item_count++;
        if (at + want->size > read->count) {
            read->count = (uint16_t)(at + want->size);
        }
    }
    *ret_plan = plan;
}
