/*
 * mbus_check: what is wrong with a site that only the field bus can tell.
 */
#include "ingest/mbus_state.h"

static void check_place(const struct site *site, uint32_t index, const char *key, const struct site_from *from,
                        struct mistakes *mistakes)
{
    const struct site_point *point = &site->points[index];
    char path[SITE_PATH_MAX];
    const char *file = site_point_path(site, index, key, path);
    const unsigned size = mbus_value_size(from);
    if (size > mbus_read_limit(&site->sources[from->source], from->unit, from->table)) {
        mistakes_add(mistakes, file, path, "raise max_registers of the source",
                     "point \"%s\" takes %u registers, its source reads at most %u at once", point->id, size,
                     mbus_read_limit(&site->sources[from->source], from->unit, from->table));
    }
    if (from->address + size > 65536) {
        mistakes_add(mistakes, file, path, "addresses count from 0 to 65535 as on the wire",
                     "point \"%s\" ends behind the last address", point->id);
    }
}

static bool has_point(const struct site *site, uint32_t source, uint8_t unit)
{
    for (size_t i = 0; i < site->point_count; i++) {
        if (site->points[i].from.source == source && site->points[i].from.unit == unit) {
            return true;
        }
    }
    return false;
}

/* Manners of a unit that nobody asks are a unit id mistyped. */
static void check_units(const struct site *site, struct mistakes *mistakes)
{
    char path[SITE_PATH_MAX];
    char key[16];
    for (uint32_t s = 0; s < site->source_count; s++) {
        const struct site_source *source = &site->sources[s];
        for (size_t i = 0; i < source->unit_count; i++) {
            if (!has_point(site, s, source->units[i].unit)) {
                (void)snprintf(key, sizeof key, "units.%u", source->units[i].unit);
                const char *file = site_source_path(site, source, key, path);
                mistakes_add(mistakes, file, path, "compare it with `unit` of the points", "no point has this unit");
            }
        }
    }
}

static void check_lines(const struct site *site, struct mistakes *mistakes)
{
    char path[SITE_PATH_MAX];
    for (size_t i = 0; i < site->source_count; i++) {
        const struct site_source *source = &site->sources[i];
        if (source->type == SOURCE_MODBUS_RTU && !port_has_baud(source->baud)) {
            const char *file = site_source_path(site, source, "baud", path);
            mistakes_add(mistakes, file, path, "9600 and 19200 are usual", "no serial line runs at %u baud",
                         source->baud);
        }
    }
}

/* Values and companions of all Modbus points: no read has more. */
static size_t count_values(const struct site *site)
{
    size_t count = 0;
    for (size_t i = 0; i < site->point_count; i++) {
        const struct site_from *from = &site->points[i].from;
        if (from->source != SITE_NONE && mbus_is_source(&site->sources[from->source])) {
            count += 1 + site_companions(from);
        }
    }
    return count;
}

/* A poll has room for all its samples before it asks, see check_room in mbus_bus.c. */
static void check_reads(const struct site *site, struct mistakes *mistakes)
{
    struct arena arena;
    struct mbus_plan plan;
    char path[SITE_PATH_MAX];
    if (count_values(site) <= QUEUE_SAMPLES) {
        return;
    }
    arena_init(&arena);
    mbus_plan_reads(site, &arena, &plan);
    for (uint32_t i = 0; i < plan.read_count; i++) {
        const struct mbus_read *read = &plan.reads[i];
        if (read->item_count > QUEUE_SAMPLES) {
            const uint32_t point = plan.items[read->first_item].point;
            const char *file = site_point_path(site, point, "from", path);
            mistakes_add(mistakes, file, path, "give them different companions, or another `every`",
                         "from \"%s\" on, %u values and companions hang together; at most %d can be read in one poll",
                         site->points[point].id, read->item_count, QUEUE_SAMPLES);
        }
    }
    arena_done(&arena);
}

void mbus_check(const struct site *site, struct mistakes *mistakes)
{
    static const char *const uses[] = {[COMPANION_STATUS] = "from.status",
                                       [COMPANION_ORDER] = "from.order_from",
                                       [COMPANION_SCALE] = "from.scale_from"};
    check_lines(site, mistakes);
    check_units(site, mistakes);
    count_check(site, mistakes);
    for (uint32_t i = 0; i < site->point_count; i++) {
        const struct site_from *from = &site->points[i].from;
        if (from->source == SITE_NONE || !mbus_is_source(&site->sources[from->source])) {
            continue;
        }
        check_place(site, i, "from", from, mistakes);
        for (size_t k = 0; k < site_companions(from); k++) {
            const struct site_companion *companion = &from->extra->companions[k];
            check_place(site, i, uses[companion->use], &companion->from, mistakes);
        }
    }
    check_reads(site, mistakes);
}
