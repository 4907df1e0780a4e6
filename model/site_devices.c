/*
 * site_devices: devices expanded to points.
 *
 * A device names a template and says what is its own; with `numbers` it stands
 * for many alike.  What comes out are ordinary points, checked like all others;
 * nothing behind the loader knows of devices.
 */
#include "base/buf.h"
#include "model/site_build.h"
#include <stdlib.h>
#include <string.h>

/* Finds the device's source and says what of the device does not go with it; SITE_NONE after a mistake. */
static uint32_t check_source(struct site_build *build, const struct conf_at *at, const struct raw_device *raw)
{
    const struct site *site = build->site;
    struct conf *conf = &build->conf;
    const uint32_t source = table_find(&site->source_by_id, raw->source, strlen(raw->source));
    if (source == TABLE_NONE) {
        char hint[CONF_HINT_MAX];
        const struct conf_at here = CONF_KEY_AT(at, "source");
        conf_mistake(conf, &here,
                     site_hint_id(hint, raw->source, &site->sources[0].id, sizeof site->sources[0], site->source_count),
                     "\"%s\" is not a source of this site", raw->source);
        return SITE_NONE;
    }
    const bool mqtt = site->sources[source].type == SOURCE_MQTT;
    const bool unit = conf_is_written(&device_table, conf_find_key(&device_table, "unit", 4), raw);
    if (mqtt == unit) {
        const struct conf_at here = CONF_KEY_AT(at, "unit");
        conf_mistake(conf, &here, mqtt ? "leave it out" : NULL,
                     mqtt ? "devices behind an MQTT source have none" : "is missing, the source is Modbus");
        return SITE_NONE;
    }
    return unit && raw->unit == CONF_ABSENT ? SITE_NONE : source; /* written ill: a mistake already */
}

static bool check_hazard(struct site_build *build, const struct conf_at *at, const struct raw_device *raw)
{
    const struct site *site = build->site;
    if (raw->hazard == NULL || table_find(&site->hazard_by_id, raw->hazard, strlen(raw->hazard)) != TABLE_NONE) {
        return true;
    }
    char hint[CONF_HINT_MAX];
    const struct conf_at here = CONF_KEY_AT(at, "hazard");
    conf_mistake(&build->conf, &here,
                 site_hint_id(hint, raw->hazard, &site->hazards[0].id, sizeof site->hazards[0], site->hazard_count),
                 "\"%s\" is not a hazard of this site", raw->hazard);
    return false;
}

static bool check_numbers(struct site_build *build, const struct conf_at *at, const struct raw_device *raw)
{
    struct conf *conf = &build->conf;
    const struct conf_at here = CONF_KEY_AT(at, "numbers");
    if (!raw->numbers.given) {
        return true;
    }
    if (raw->numbers.lo != (double)(uint32_t)raw->numbers.lo || raw->numbers.hi != (double)(uint32_t)raw->numbers.hi) {
        conf_mistake(conf, &here, NULL, "must be two whole numbers");
        return false;
    }
    if (strstr(raw->id, "{n}") == NULL) {
        const struct conf_at id = CONF_KEY_AT(at, "id");
        conf_mistake(conf, &id, "such as \"gd-{n}\"", "needs {n}, since numbers makes many of it");
        return false;
    }
    return true;
}

/* Gives the text with {n} replaced, in the arena. */
static const char *numbered(struct site_build *build, const char *text, uint32_t n)
{
    if (strstr(text, "{n}") == NULL) {
        return text;
    }
    struct buf out = {0};
    for (const char *word; (word = strstr(text, "{n}")) != NULL; text = word + 3) {
        buf_add(&out, text, (size_t)(word - text));
        buf_printf(&out, "%u", n);
    }
    buf_text(&out, text);
    const char *kept = arena_strdup(&build->site->arena, out.data);
    buf_done(&out);
    return kept;
}

/* Adds the points of one device. */
static void expand(struct site_build *build, const struct conf_at *at, const struct site_template *template,
                   const struct template_words *words, struct site_place place)
{
    const struct conf_at list = CONF_KEY_AT(at, "points");
    const size_t count = json_array_size(template->raw.points);
    site_reserve_points(build, count);
    for (size_t i = 0; i < count; i++) {
        const struct conf_at here = CONF_INDEX_AT(&list, i);
        struct raw_point raw;
        json_t *filled = site_fill_point(build, &here, template, i, words, &raw);
        place.part = (uint32_t)i + 1;
        site_add_point(build, &here, &raw, place);
        json_decref(filled);
    }
}

void site_add_device(struct site_build *build, const struct conf_at *at, const struct raw_device *raw,
                     struct site_place place)
{
    if (raw->id == NULL || raw->template == NULL || raw->source == NULL) {
        return; /* a mistake already */
    }
    const uint32_t source = check_source(build, at, raw);
    const bool hazard = check_hazard(build, at, raw);
    const bool numbers = check_numbers(build, at, raw);
    if (source == SITE_NONE || !hazard || !numbers) {
        return;
    }
    const struct site_template *template = site_find_template(build, at, build->docs[place.file].folder, raw);
    if (template == NULL) {
        return;
    }
    const uint32_t first = raw->numbers.given ? (uint32_t)raw->numbers.lo : raw->number;
    const uint32_t last = raw->numbers.given ? (uint32_t)raw->numbers.hi : raw->number;
    for (uint32_t n = first; n <= last; n++) {
        const char *id = numbered(build, raw->id, n);
        const struct template_words words = {
            .id = id,
            .name = raw->name != NULL ? numbered(build, raw->name, n) : id,
            .device = raw,
            .unit = raw->unit != CONF_ABSENT ? (int64_t)raw->unit + (int64_t)raw->unit_step * (n - first) : -1,
            .base = (int64_t)raw->base + (int64_t)raw->base_step * (n - first),
            .n = n,
        };
        expand(build, at, template, &words, place);
    }
}

void site_read_devices(struct site_build *build, uint32_t doc_index)
{
    const struct site_doc *doc = &build->docs[doc_index];
    const struct conf_at root = CONF_ROOT(doc->name, 0);
    const struct conf_at list = CONF_KEY_AT(&root, "devices");
    for (size_t i = 0; i < json_array_size(doc->raw.devices); i++) {
        const struct conf_at at = CONF_INDEX_AT(&list, i);
        struct raw_device raw;
        conf_read(&build->conf, &at, &device_table, json_array_get(doc->raw.devices, i), &raw);
        conf_defaults(&build->conf, &device_table, &raw);
        site_add_device(build, &at, &raw, (struct site_place){.file = doc_index, .number = (uint32_t)i});
    }
}
