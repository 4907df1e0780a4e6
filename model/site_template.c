/*
 * site_template: the points that every device of a kind has, and how they are
 * filled in for one device.
 *
 * A template's points are JSON as in a site, but for the texts {id}, {name} and
 * {n}, addresses that count from the device's base, and `from.step`.  Filling
 * in makes a copy with all of this replaced and reads it by the table of
 * points, so a template can say whatever a point can say, and the same checks
 * find the same mistakes.
 *
 * Before the first use each point is filled in once as a trial whose mistakes
 * stand in the template; a template with mistakes is not used, so a thousand
 * devices do not tell a thousand times of one wrong key.
 *
 * Memory: copies live as long as one point is read; what stays is in the arena.
 */
#include "base/buf.h"
#include "base/memory.h"
#include "model/site_build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- filling in -------------------------------------------------------------------------------------------------- */

/* Replaces the words in a text; anything else in braces stays and is for the reader of the point to judge. */
static json_t *fill_text(const char *text, const struct template_words *words)
{
    char n[16];
    (void)snprintf(n, sizeof n, "%u", words->n);
    char unit[16];
    (void)snprintf(unit, sizeof unit, "%lld", (long long)words->unit);
    const struct {
        const char *word, *by;
    } known[] = {{"{id}", words->id},
                 {"{name}", words->name},
                 {"{n}", n},
                 {"{source}", words->device->source},
                 {"{unit}", words->unit >= 0 ? unit : "{unit}"}};
    struct buf out = {0};
    buf_text(&out, "");
    while (*text != '\0') {
        size_t taken = 0;
        for (size_t i = 0; i < sizeof known / sizeof *known && taken == 0; i++) {
            if (strncmp(text, known[i].word, strlen(known[i].word)) == 0) {
                buf_text(&out, known[i].by);
                taken = strlen(known[i].word);
            }
        }
        if (taken == 0) {
            buf_add(&out, text, 1);
            taken = 1;
        }
        text += taken;
    }
    json_t *filled = json_string_nocheck(out.data);
    buf_done(&out);
    return filled;
}

/* Copies a value with the words of all its texts replaced. */
static json_t *fill(json_t *value, const struct template_words *words)
{
    if (json_is_string(value) && strchr(json_string_value(value), '{') != NULL) {
        return fill_text(json_string_value(value), words);
    }
    if (json_is_object(value)) {
        json_t *copy = json_object();
        const char *key;
        json_t *item;
        json_object_foreach(value, key, item)
        {
            (void)json_object_set_new_nocheck(copy, key, fill(item, words));
        }
        return copy;
    }
    if (json_is_array(value)) {
        json_t *copy = json_array();
        for (size_t i = 0; i < json_array_size(value); i++) {
            (void)json_array_append_new(copy, fill(json_array_get(value, i), words));
        }
        return copy;
    }
    return json_incref(value);
}

static void set_number(json_t *object, const char *key, json_int_t value)
{
    (void)json_object_set_new_nocheck(object, key, json_integer(value));
}

/* The address on the wire: the template's, the device's base, and a step for each number. */
static void place_address(struct site_build *build, const struct conf_at *at, json_t *from,
                          const struct template_words *words)
{
    json_t *step = json_object_get(from, "step");
    json_int_t by = 0;
    if (step != NULL) {
        by = json_integer_value(step);
        if (!json_is_integer(step) || by < 0 || by > 65535) {
            const struct conf_at here = CONF_KEY_AT(at, "step");
            conf_mistake(&build->conf, &here, NULL, "must be a whole number within 0 to 65535");
            by = 0;
        }
        (void)json_object_del(from, "step");
    }
    json_t *address = json_object_get(from, "address");
    if (json_is_integer(address) && json_integer_value(address) >= 0 && json_integer_value(address) <= 65535) {
        set_number(from, "address", json_integer_value(address) + words->base + by * words->n);
    }
}

/* Registers that say something about the value move with the device too, each by its own step. */
static void place_companions(struct site_build *build, const struct conf_at *from_at, json_t *from,
                             const struct template_words *words)
{
    static const char *const uses[] = {"status", "order_from", "scale_from"};
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        const struct conf_at at = CONF_KEY_AT(from_at, uses[i]);
        json_t *value = json_object_get(from, uses[i]);
        if (json_is_object(value)) {
            place_address(build, &at, value, words);
        }
        for (size_t k = 0; k < json_array_size(value); k++) {
            const struct conf_at here = CONF_INDEX_AT(&at, k);
            if (json_is_object(json_array_get(value, k))) {
                place_address(build, &here, json_array_get(value, k), words);
            }
        }
    }
}

/* What only the device knows of where its readings come from. */
static void fill_from(struct site_build *build, const struct conf_at *at, json_t *from,
                      const struct template_words *words)
{
    static const char *const device_keys[] = {"source", "unit"};
    const struct conf_at from_at = CONF_KEY_AT(at, "from");
    for (size_t i = 0; i < sizeof device_keys / sizeof *device_keys; i++) {
        if (json_object_get(from, device_keys[i]) != NULL) {
            const struct conf_at here = CONF_KEY_AT(&from_at, device_keys[i]);
            conf_mistake(&build->conf, &here, "leave it out here", "belongs to the device, not to its template");
        }
    }
    (void)json_object_set_new_nocheck(from, "source", json_string_nocheck(words->device->source));
    if (words->unit >= 0) {
        set_number(from, "unit", words->unit);
    }
    place_address(build, &from_at, from, words);
    place_companions(build, &from_at, from, words);
}

/* The device's tags beside or in place of the template's. */
static void fill_tags(json_t *point, const struct conf_tags *tags)
{
    if (tags->count == 0) {
        return;
    }
    json_t *all = json_object_get(point, "tags");
    if (!json_is_object(all)) {
        all = json_object();
        (void)json_object_set_new_nocheck(point, "tags", all);
    }
    for (size_t i = 0; i < tags->count; i++) {
        (void)json_object_set_new_nocheck(all, tags->items[i].key, json_string_nocheck(tags->items[i].value));
    }
}

json_t *site_fill_point(struct site_build *build, const struct conf_at *at, const struct site_template *template,
                        size_t index, const struct template_words *words, struct raw_point *ret_raw)
{
    json_t *point = fill(json_array_get(template->raw.points, index), words);
    if (json_is_object(point)) {
        (void)json_object_del(point, "origin"); /* for people */
        (void)json_object_del(point, "description");
        fill_tags(point, &words->device->tags);
        json_t *from = json_object_get(point, "from");
        if (json_is_object(from)) {
            fill_from(build, at, from, words);
        }
    }
    conf_read(&build->conf, at, &point_table, point, ret_raw);
    conf_defaults(&build->conf, &point_table, ret_raw);
    if (words->device->every_ns > 0) {
        ret_raw->every_ns = words->device->every_ns;
    }
    if (words->device->hazard != NULL) {
        ret_raw->hazard = words->device->hazard;
    }
    return point;
}

/* ---- finding ----------------------------------------------------------------------------------------------------- */

static struct site_template *known_template(struct site_build *build, const char *file, const char *name)
{
    for (size_t i = 0; i < build->template_count; i++) {
        struct site_template *known = &build->templates[i];
        const bool same_name =
            name == NULL ? known->name == NULL : known->name != NULL && strcmp(known->name, name) == 0;
        if (same_name && strcmp(known->file, file) == 0) {
            return known;
        }
    }
    return NULL;
}

/* Takes `value` (NULL: it could not be read). */
static struct site_template *add_template(struct site_build *build, const char *file, const char *name, json_t *value)
{
    build->templates = memory_resize(build->templates, build->template_count + 1, sizeof *build->templates);
    struct site_template *template = &build->templates[build->template_count++];
    *template = (struct site_template){.file = file, .name = name, .value = value, .bad = value == NULL};
    if (value != NULL) {
        const struct conf_at root = CONF_ROOT(file, 0);
        const struct conf_at map = CONF_KEY_AT(&root, "templates");
        const struct conf_at named = CONF_KEY_AT(&map, name);
        const size_t before = build->conf.mistakes->total;
        conf_read(&build->conf, name != NULL ? &named : &root, &template_table, value, &template->raw);
        template->bad = build->conf.mistakes->total > before;
    }
    return template;
}

/* Looks through `templates` of all files; the first has it. */
static struct site_template *find_inline(struct site_build *build, const char *name)
{
    for (size_t i = 0; i < build->doc_count; i++) {
        json_t *value = json_object_get(build->docs[i].raw.templates, name);
        if (value != NULL) {
            struct site_template *known = known_template(build, build->docs[i].name, name);
            return known != NULL ? known
                                 : add_template(build, build->docs[i].name, arena_strdup(&build->site->arena, name),
                                                json_incref(value));
        }
    }
    return NULL;
}

static struct site_template *read_template(struct site_build *build, const struct conf_at *at, const char *file)
{
    size_t len;
    char *text = site_read_file(build, at, file, &len);
    json_t *value = text != NULL ? conf_parse_json(&build->conf, file, text) : NULL;
    free(text);
    return add_template(build, file, NULL, value);
}

/* Fills in every point once with words that suit any device; the mistakes then stand in the template. */
static void try_template(struct site_build *build, struct site_template *template, const struct raw_device *device)
{
    const struct raw_device plain = {.source = device->source, .every_ns = -1};
    const uint32_t source = table_find(&build->site->source_by_id, device->source, strlen(device->source));
    const bool mqtt = build->site->sources[source].type == SOURCE_MQTT;
    const struct template_words words = {.id = "id", .name = "name", .device = &plain, .unit = mqtt ? -1 : 1};
    const struct conf_at root = CONF_ROOT(template->file, 0);
    const struct conf_at map = CONF_KEY_AT(&root, "templates");
    const struct conf_at named = CONF_KEY_AT(&map, template->name);
    const struct conf_at list = CONF_KEY_AT(template->name != NULL ? &named : &root, "points");
    const size_t before = build->conf.mistakes->total;
    for (size_t i = 0; i < json_array_size(template->raw.points); i++) {
        const struct conf_at at = CONF_INDEX_AT(&list, i);
        struct raw_point raw;
        struct site_from from = {.source = SITE_NONE, .scale = 1};
        json_t *filled = site_fill_point(build, &at, template, i, &words, &raw);
        if (raw.from.head.given) {
            const struct conf_at from_at = CONF_KEY_AT(&at, "from");
            site_read_from(build, &from_at, &raw.from, &from);
        }
        json_decref(filled);
    }
    template->tried = true;
    template->bad = template->bad || build->conf.mistakes->total > before;
}

struct site_template *site_find_template(struct site_build *build, const struct conf_at *at, const char *folder,
                                         const struct raw_device *device)
{
    const struct conf_at here = CONF_KEY_AT(at, "template");
    struct site_template *template = find_inline(build, device->template);
    if (template == NULL) {
        const char *file = site_resolve(build, folder, device->template);
        template = known_template(build, file, NULL);
        if (template == NULL) {
            template = read_template(build, &here, file);
        }
    }
    if (!template->tried) {
        try_template(build, template, device);
    }
    return template->bad ? NULL : template;
}
