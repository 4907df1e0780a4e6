/*
 * site_load: from a file name to a sealed site.
 *
 * Reads the site's file and, depth first, the files it includes and their
 * point tables; a file that is named twice is read once, at its first place.
 * Then the steps of site_build.h run over all files in reading order, so that
 * included content comes before the own.  Every step goes on after a mistake.
 */
#include "base/memory.h"
#include "model/site_build.h"

#include <stdlib.h>
#include <string.h>

/* The folder of a path: "" for a bare name, "/" stays. */
static const char *folder_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return "";
    }
    return slash == path ? "/." : arena_strndup(arena, path, (size_t)(slash - path));
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* True when a file was read before, or (a mistake) is being read just now. */
static bool is_known(struct site_build *build, const struct conf_at *at, const char *real, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        if (strcmp(build->open_files[i], real) == 0) {
            conf_mistake(&build->conf, at, "take it out here", "includes a file that includes this one");
            return true;
        }
    }
    for (size_t i = 0; i < build->doc_count; i++) {
        if (strcmp(build->docs[i].real, real) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes `real`, `text` and `root` of doc.  When there are too many files it is a mistake and doc is dropped. */
static void add_doc(struct site_build *build, const struct conf_at *at, const struct site_doc *doc)
{
    if (build->doc_count < SITE_FILES_MAX) {
        build->docs[build->doc_count++] = *doc;
        return;
    }
    conf_mistake(&build->conf, at, NULL, "more than %d files are named", SITE_FILES_MAX);
    json_decref(doc->root);
    free(doc->real);
    free(doc->text);
}

static void read_table_file(struct site_build *build, const struct conf_at *at, const char *name, bool devices)
{
    char *real = realpath(name, NULL);
    if (real != NULL && is_known(build, at, real, 0)) {
        conf_mistake(&build->conf, at, "name it once", "%s was read before", name);
        free(real);
        return;
    }
    struct site_doc doc = {.name = name,
                           .folder = folder_of(&build->site->arena, name),
                           .real = real != NULL ? real : memory_strdup(name),
                           .devices = devices};
    doc.text = site_read_file(build, at, name, &doc.text_len);
    if (doc.text == NULL) {
        free(doc.real);
        return;
    }
    add_doc(build, at, &doc);
}

static void read_file(struct site_build *build, const struct conf_at *at, const char *name, size_t depth);

static void read_includes(struct site_build *build, const struct conf_at *at, const struct site_doc *doc, size_t depth)
{
    const struct conf_at list = CONF_KEY_AT(at, "include");
    for (size_t i = 0; i < doc->raw.include.count; i++) {
        const struct conf_at here = CONF_TEXT_AT(&list, &doc->raw.include, i);
        const char *name = site_resolve(build, doc->folder, doc->raw.include.items[i]);
        if (depth == SITE_DEPTH_MAX) {
            conf_mistake(&build->conf, &here, NULL, "files include one another more than %d deep", SITE_DEPTH_MAX);
            return;
        }
        read_file(build, &here, name, depth);
    }
}

static void read_tables(struct site_build *build, const struct conf_at *at, const struct site_doc *doc, bool devices)
{
    const struct conf_at list = CONF_KEY_AT(at, devices ? "devices_csv" : "points_csv");
    const struct conf_texts *names = devices ? &doc->raw.devices_csv : &doc->raw.points_csv;
    for (size_t i = 0; i < names->count; i++) {
        const struct conf_at here = CONF_TEXT_AT(&list, names, i);
        read_table_file(build, &here, site_resolve(build, doc->folder, names->items[i]), devices);
    }
}

/* Reads a JSON file, what it includes before it, its point tables and device tables behind it.  `at` is where it was
 * named. */
static void read_file(struct site_build *build, const struct conf_at *at, const char *name, size_t depth)
{
    char *real = realpath(name, NULL);
    if (real != NULL && is_known(build, at, real, depth)) {
        free(real);
        return;
    }
    struct site_doc doc = {.name = name, .folder = folder_of(&build->site->arena, name), .own = depth == 0};
    doc.real = real != NULL ? real : memory_strdup(name);
    size_t len;
    char *text = site_read_file(build, at, name, &len);
    doc.root = text != NULL ? conf_parse_json(&build->conf, name, text) : NULL;
    free(text);
    if (doc.root == NULL) {
        free(doc.real);
        return;
    }
    const struct conf_at root = CONF_ROOT(name, 0);
    conf_read(&build->conf, &root, doc.own ? &site_table : &include_table, doc.root, &doc.raw);
    build->open_files[depth] = doc.real;
    read_includes(build, &root, &doc, depth + 1);
    add_doc(build, at, &doc);
    read_tables(build, &root, &doc, false);
    read_tables(build, &root, &doc, true);
}

/* ---- the steps --------------------------------------------------------------------------------------------------- */

static size_t count_lines(const char *text, size_t len)
{
    size_t lines = 1;
    const char *end = text + len;
    for (const char *p = text; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) {
        lines++;
    }
    return lines;
}

/* Makes room for all there can be: every list's length, every line of a table. */
static void reserve(struct site_build *build)
{
    struct site *site = build->site;
    struct site_file *files = ARENA_ARRAY(&site->arena, struct site_file, build->doc_count);
    size_t hazards = 0;
    size_t sources = 0;
    size_t rules = 0;
    for (size_t i = 0; i < build->doc_count; i++) {
        const struct site_doc *doc = &build->docs[i];
        files[i] = (struct site_file){.name = doc->name, .table = doc->root == NULL};
        if (doc->root == NULL) {
            build->point_room += doc->devices ? 0 : count_lines(doc->text, doc->text_len);
            continue;
        }
        hazards += json_array_size(doc->raw.hazards);
        sources += json_object_size(doc->raw.sources);
        rules += json_array_size(doc->raw.rules);
        build->point_room += json_array_size(doc->raw.points);
    }
    site->files = files;
    site->hazards = ARENA_ARRAY(&site->arena, struct site_hazard, hazards);
    site->sources = ARENA_ARRAY(&site->arena, struct site_source, sources);
    site->rules = ARENA_ARRAY(&site->arena, struct site_rule, rules);
    site->points = ARENA_ARRAY(&site->arena, struct site_point, build->point_room);
    build->places = memory_new(build->point_room, sizeof *build->places);
    build->suppressors = memory_new(rules, sizeof *build->suppressors);
}

/* Points file by file: the list, the point tables, the devices, the device tables. */
static void read_all_points(struct site_build *build)
{
    for (uint32_t i = 0; i < build->doc_count;) {
        const uint32_t file = i++;
        site_read_points(build, file);
        for (; i < build->doc_count && build->docs[i].root == NULL && !build->docs[i].devices; i++) {
            site_read_table(build, i);
        }
        site_read_devices(build, file);
        for (; i < build->doc_count && build->docs[i].root == NULL; i++) {
            site_read_table(build, i);
        }
    }
}

/* What is said of points once the site is read knows its places too. */
static void keep_places(struct site_build *build)
{
    struct site *site = build->site;
    struct site_place *places = ARENA_ARRAY(&site->arena, struct site_place, site->point_count);
    if (site->point_count > 0) {
        memcpy(places, build->places, site->point_count * sizeof *places);
    }
    site->places = places;
}

/* Hazards, sources, points, rules, alarms: each over all files. */
static void build_site(struct site_build *build)
{
    const struct site_doc *own = NULL;
    for (size_t i = 0; i < build->doc_count; i++) {
        own = build->docs[i].own ? &build->docs[i] : own;
    }
    if (own != NULL) {
        site_read_own(build, own);
    }
    reserve(build);
    for (size_t i = 0; i < build->doc_count; i++) {
        site_read_hazards(build, &build->docs[i]);
        site_read_sources(build, &build->docs[i]);
    }
    if (own != NULL) {
        site_read_sinks(build, own);
        site_check_shared(build, own);
    }
    read_all_points(build);
    keep_places(build);
    site_check_overlaps(build);
    if (own != NULL) {
        site_read_keep_classes(build, own);
    }
    site_read_rules(build);
    if (build->conf.mistakes->total == build->mistakes_before) {
        site_make_alarms(build); /* needs rules that are right */
    }
}

static struct site *site_new(const char *file)
{
    struct site *site = memory_new(1, sizeof *site);
    arena_init(&site->arena);
    table_init(&site->point_by_id);
    table_init(&site->alarm_by_name);
    table_init(&site->rule_by_id);
    table_init(&site->source_by_id);
    table_init(&site->hazard_by_id);
    site->digest = SITE_DIGEST_START;
    site->file = arena_strdup(&site->arena, file);
    site->folder = folder_of(&site->arena, file);
    return site;
}

static void build_done(struct site_build *build)
{
    for (size_t i = 0; i < build->doc_count; i++) {
        json_decref(build->docs[i].root);
        free(build->docs[i].real);
        free(build->docs[i].text);
    }
    free(build->docs);
    for (size_t i = 0; i < build->template_count; i++) {
        json_decref(build->templates[i].value);
    }
    free(build->templates);
    free(build->places);
    free(build->suppressors);
    conf_pool_done(&build->conf.pool);
}

enum err_code site_read(const char *file, struct mistakes *mistakes, struct site **ret_site, struct err *err)
{
    struct site_build build = {.site = site_new(file),
                               .docs = memory_new(SITE_FILES_MAX, sizeof *build.docs),
                               .mistakes_before = mistakes->total};
    build.conf = (struct conf){.arena = &build.site->arena, .mistakes = mistakes};
    conf_pool_init(&build.conf.pool);

    const struct conf_at root = CONF_ROOT(build.site->file, 0);
    read_file(&build, &root, build.site->file, 0);
    build_site(&build);

    const enum err_code code =
        build.err.code != ERR_NONE ? err_set(err, build.err.code, "%s", build.err.text) : ERR_NONE;
    build_done(&build);
    if (code != ERR_NONE) {
        site_free(build.site);
        return code;
    }
    arena_seal(&build.site->arena);
    *ret_site = build.site;
    return ERR_NONE;
}

enum err_code site_load(const char *file, struct mistakes *mistakes, struct site **ret_site, struct err *err)
{
    struct site *site = NULL;
    const size_t before = mistakes->total;
    enum err_code code = site_read(file, mistakes, &site, err);
    if (code == ERR_NONE && mistakes->total > before) {
        site_free(site);
        code = err_set(err, ERR_INPUT, "%s: %zu mistakes", file, mistakes->total - before);
    }
    if (code == ERR_NONE) {
        *ret_site = site;
    }
    return code;
}
