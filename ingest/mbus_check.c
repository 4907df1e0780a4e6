/*
 * mbus_check: what is wrong with a site that only the field bus can tell.
 */
#include "ingest/mbus_state.h"

static void check_place(const struct site *site, size_t index, const struct site_from *from, struct mistakes *mistakes)
{
    const struct site_point *point = &site->points[index];
    char path[64];
    (void)snprintf(path, sizeof path, "points[%zu].from", index);
    const unsigned size = mbus_value_size(from);
    if (size > mbus_read_limit(&site->sources[from->source], from->unit, from->table)) {
        mistakes_add(mistakes, site->file, path, "raise max_registers of the source",
                     "point \"%s\" takes %u registers, its source reads at most %u at once", point->id, size,
                     mbus_read_limit(&site->sources[from->source], from->unit, from->table));
    }
    if (from->address + size > 65536) {
        mistakes_add(mistakes, site->file, path, "addresses count from 0 to 65535 as on the wire",
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
    char path[256];
    for (uint32_t s = 0; s < site->source_count; s++) {
        const struct site_source *source = &site->sources[s];
        for (size_t i = 0; i < source->unit_count; i++) {
            if (!has_point(site, s, source->units[i].unit)) {
                (void)snprintf(path, sizeof path, "sources.%s.units.%u", source->id, source->units[i].unit);
                mistakes_add(mistakes, site->file, path, "compare it with `unit` of the points",
                             "no point has this unit");
            }
        }
    }
}

void mbus_check(const struct site *site, struct mistakes *mistakes)
{
    check_units(site, mistakes);
    count_check(site, mistakes);
    for (size_t i = 0; i < site->point_count; i++) {
        const struct site_from *from = &site->points[i].from;
        if (from->source == SITE_NONE || !mbus_is_source(&site->sources[from->source])) {
            continue;
        }
        check_place(site, i, from, mistakes);
        for (size_t k = 0; k < site_companions(from); k++) {
            check_place(site, i, &from->extra->companions[k].from, mistakes);
        }
    }
}
