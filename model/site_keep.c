/*
 * site_keep: how long what is stored is kept, for all points and for classes
 * of them, and what stays around an alarm.
 */
#include "model/site_build.h"

/* What was not written is kept for ever. */
static int64_t given(int64_t keep_ns)
{
    return keep_ns < 0 ? 0 : keep_ns;
}

void site_read_keep(struct site_build *build, const struct raw_store *store)
{
    struct site *site = build->site;
    site->keep_raw_ns = given(store->keep.raw_ns);
    site->keep_minute_ns = given(store->keep.minute_ns);
    site->keep_hour_ns = given(store->keep.hour_ns);
    site->keep_events_ns = given(store->keep.events_ns);
    site->pin_before_ns = given(store->pin.before_ns);
    site->pin_after_ns = given(store->pin.after_ns);
}

static void read_class(struct site_build *build, const struct conf_at *at, json_t *object)
{
    struct site *site = build->site;
    struct raw_keep_class raw;
    struct site_rule selected = {0}; /* only its points are asked for */
    conf_read(&build->conf, at, &keep_class_table, object, &raw);
    site_select(build, at, &raw.where, &selected);
    site->keep_classes[site->keep_class_count++] = (struct site_keep){
        .raw_ns = raw.raw_ns < 0 ? site->keep_raw_ns : raw.raw_ns,
        .minute_ns = raw.minute_ns < 0 ? site->keep_minute_ns : raw.minute_ns,
        .hour_ns = raw.hour_ns < 0 ? site->keep_hour_ns : raw.hour_ns,
    };
    for (size_t i = 0; i < selected.point_count; i++) {
        struct site_point *point = &site->points[selected.points[i]];
        point->keep = point->keep == 0 ? (uint32_t)site->keep_class_count : point->keep;
    }
}

void site_read_keep_classes(struct site_build *build, const struct site_doc *own)
{
    json_t *classes = own->raw.store.keep.classes;
    const struct conf_at root = CONF_ROOT(own->name, 0);
    const struct conf_at store = CONF_KEY_AT(&root, "store");
    const struct conf_at keep = CONF_KEY_AT(&store, "keep");
    const struct conf_at list = CONF_KEY_AT(&keep, "classes");
    build->site->keep_classes = ARENA_ARRAY(&build->site->arena, struct site_keep, json_array_size(classes));
    for (size_t i = 0; i < json_array_size(classes); i++) {
        const struct conf_at at = CONF_INDEX_AT(&list, i);
        read_class(build, &at, json_array_get(classes, i));
    }
}

struct site_keep site_point_keep(const struct site *site, uint32_t point)
{
    const uint32_t class = point < site->point_count ? site->points[point].keep : 0;
    return class > 0 ? site->keep_classes[class - 1]
                     : (struct site_keep){.raw_ns = site->keep_raw_ns,
                                          .minute_ns = site->keep_minute_ns,
                                          .hour_ns = site->keep_hour_ns};
}
