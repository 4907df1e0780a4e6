/*
 * site: looking things up in a loaded site, and giving it back.
 */
#include "model/site.h"

#include <stdlib.h>
#include <string.h>

void site_free(struct site *site)
{
    if (site == NULL) {
        return;
    }
    table_done(&site->point_by_id);
    table_done(&site->alarm_by_name);
    table_done(&site->rule_by_id);
    table_done(&site->source_by_id);
    table_done(&site->hazard_by_id);
    arena_done(&site->arena);
    free(site);
}

uint32_t site_point(const struct site *site, const char *id, size_t len)
{
    return table_find(&site->point_by_id, id, len); /* TABLE_NONE is SITE_NONE */
}

uint32_t site_alarm(const struct site *site, const char *name, size_t len)
{
    return table_find(&site->alarm_by_name, name, len);
}

const char *site_point_tag(const struct site_point *point, const char *key)
{
    for (size_t i = 0; i < point->tag_count; i++) {
        if (strcmp(point->tags[i].key, key) == 0) {
            return point->tags[i].value;
        }
    }
    return NULL;
}

struct site_manners site_manners(const struct site_source *source, uint8_t unit)
{
    for (size_t i = 0; i < source->unit_count; i++) {
        if (source->units[i].unit == unit) {
            return source->units[i].manners;
        }
    }
    return (struct site_manners){
        .timeout_ns = source->timeout_ns,
        .pause_ns = source->pause_ns,
        .max_registers = source->max_registers,
        .max_coils = source->max_coils,
        .gap = source->gap,
        .retries = source->retries,
    };
}
