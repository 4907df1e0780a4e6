/*
 * site_place: where a point was written, for mistakes: those of the loader, and
 * those of others who look at the site later.
 */
#include "model/site_build.h"

#include <stdio.h>
#include <string.h>

static_assert((int)SITE_PATH_MAX == (int)CONF_PATH_MAX, "a path is a path");

const struct conf_at *site_place_at(const struct site *site, const struct site_place *place,
                                    struct place_crumbs *crumbs)
{
    const struct site_file *file = &site->files[place->file];
    struct conf_at *at = crumbs->at;
    at[0] = CONF_ROOT(file->name, file->table ? place->number : 0);
    size_t last = 0;
    if (!file->table) {
        at[1] = CONF_KEY_AT(&at[0], place->part != 0 ? "devices" : "points");
        at[2] = CONF_INDEX_AT(&at[1], place->number);
        last = 2;
    }
    if (place->part != 0) {
        at[last + 1] = CONF_KEY_AT(&at[last], "points");
        at[last + 2] = CONF_INDEX_AT(&at[last + 1], place->part - 1);
        last += 2;
    }
    return &at[last];
}

const char *site_place(const struct site_build *build, uint32_t point, const char *file, char ret_text[SITE_PLACE_MAX])
{
    struct place_crumbs crumbs;
    const struct conf_at *at = site_place_at(build->site, &build->places[point], &crumbs);
    const char *name = conf_file(at);
    bool same = strcmp(name, file) == 0;
    char path[CONF_PATH_MAX];
    conf_path(at, path);
    const int most = SITE_PLACE_MAX / 2 - 2;
    (void)snprintf(ret_text, SITE_PLACE_MAX, "%.*s%s%.*s", most, same ? "" : name, same ? "" : ": ", most, path);
    return ret_text;
}

const char *site_point_path(const struct site *site, uint32_t point, const char *key, char ret_path[SITE_PATH_MAX])
{
    if (site->places == NULL) {
        (void)snprintf(ret_path, SITE_PATH_MAX, "points[%u].%s", point, key);
        return site->file;
    }
    struct place_crumbs crumbs;
    const struct conf_at *at = site_place_at(site, &site->places[point], &crumbs);
    const struct conf_at here = CONF_KEY_AT(at, key);
    conf_path(&here, ret_path);
    return conf_file(at);
}

const char *site_source_path(const struct site *site, const struct site_source *source, const char *key,
                             char ret_path[SITE_PATH_MAX])
{
    (void)snprintf(ret_path, SITE_PATH_MAX, "sources.%s.%s", source->id, key);
    return source->file != NULL ? source->file : site->file;
}
