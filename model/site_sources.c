/*
 * site_sources: the ways in.  A table says what is wrong with one key; here is
 * what is wrong between keys.
 */
#include "base/text.h"
#include "model/site_build.h"
#include "model/site_url.h"
#include <math.h>
#include <string.h>

/* ---- sources ----------------------------------------------------------------------------------------------------- */

static void read_map(struct site_build *build, const struct conf_at *at, json_t *object, struct site_source *source)
{
    struct arena *arena = &build->site->arena;
    struct site_map *map = ARENA_ARRAY(arena, struct site_map, json_object_size(object));
    const struct conf_at list = CONF_KEY_AT(at, "map");
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        const struct conf_at here = CONF_KEY_AT(&list, key);
        const char *pointer = json_string_value(value);
        if (pointer == NULL) {
            conf_mistake(&build->conf, &here, "such as \"/tags/level\"", "must be a JSON pointer in quotes");
            continue;
        }
        const char *fault = site_pointer_fault(pointer);
        if (fault != NULL) {
            conf_mistake(&build->conf, &here, "such as \"/tags/level\"", "\"%s\": %s", pointer, fault);
            continue;
        }
        map[source->map_count++] =
            (struct site_map){.key = arena_strdup(arena, key), .pointer = arena_strdup(arena, pointer)};
    }
    source->map = map;
}

static void read_mqtt_source(struct site_build *build, const struct conf_at *at, const struct site_doc *doc,
                             const struct raw_source *raw, struct site_source *source)
{
    struct site_broker broker = {raw->url, raw->client_id, raw->user, raw->password, raw->ca, raw->cert, raw->key};
    site_read_broker(build, at, doc->folder, &broker);
    source->url = broker.url;
    source->client_id = raw->client_id != NULL ? raw->client_id : site_default_client(build, "", source->id);
    source->user = broker.user;
    source->password = broker.password;
    source->ca = broker.ca;
    source->cert = broker.cert;
    source->key = broker.key;
    source->topics = raw->topics.items;
    source->topic_count = raw->topics.count;
    const struct conf_at topics = CONF_KEY_AT(at, "topics");
    for (size_t i = 0; i < raw->topics.count; i++) {
        const struct conf_at here = CONF_TEXT_AT(&topics, &raw->topics, i);
        const char *fault = site_topic_fault(raw->topics.items[i]);
        if (fault != NULL) {
            conf_mistake(&build->conf, &here, NULL, "\"%s\": %s", raw->topics.items[i], fault);
        }
    }
    source->format = (enum mqtt_format)raw->format;
    site_read_sparkplug(build, at, raw, source);
    if (raw->format == FORMAT_JSON && raw->map == NULL) {
        const struct conf_at here = CONF_KEY_AT(at, "map");
        conf_mistake(&build->conf, &here, "such as {\"T7\": \"/tags/t7\"}", "is missing, the format json needs it");
    } else if (raw->format != FORMAT_JSON && raw->map != NULL) {
        const struct conf_at here = CONF_KEY_AT(at, "map");
        conf_mistake(&build->conf, &here, "write \"format\": \"json\", or leave it out",
                     "only the format json has a map");
    }
    if (raw->map != NULL) {
        read_map(build, at, raw->map, source);
    }
}

static void take_unit(const struct raw_unit *raw, const struct raw_source *source, struct site_manners *manners)
{
#define OWN(key) (raw->key != CONF_ABSENT ? raw->key : source->key)
    manners->timeout_ns = raw->timeout_ns >= 0 ? raw->timeout_ns : source->timeout_ns;
    manners->pause_ns = raw->pause_ns >= 0 ? raw->pause_ns : source->pause_ns;
    manners->max_registers = (uint16_t)OWN(max_registers);
    manners->max_coils = (uint16_t)OWN(max_coils);
    manners->gap = (uint16_t)OWN(gap);
    manners->retries = (uint8_t)OWN(retries);
#undef OWN
}

static void read_units(struct site_build *build, const struct conf_at *at, const struct raw_source *raw,
                       struct site_source *source)
{
    struct site_unit *units = ARENA_ARRAY(&build->site->arena, struct site_unit, json_object_size(raw->units));
    const struct conf_at list = CONF_KEY_AT(at, "units");
    const char *key;
    json_t *object;
    json_object_foreach(raw->units, key, object)
    {
        const struct conf_at here = CONF_KEY_AT(&list, key);
        struct raw_unit unit;
        double number = -1;
        conf_read(&build->conf, &here, &unit_table, object, &unit);
        if (!text_parse_number(key, strlen(key), &number) || number != floor(number) || number < 0 || number > 255) {
            conf_mistake(&build->conf, &here, "such as \"3\"", "\"%s\" is no unit id from 0 to 255", key);
            continue;
        }
        units[source->unit_count].unit = (uint8_t)number;
        take_unit(&unit, raw, &units[source->unit_count++].manners);
    }
    source->units = units;
}

static void take_modbus_source(const struct raw_source *raw, struct site_source *source)
{
    source->host = raw->host;
    source->port = (uint16_t)raw->port;
    source->device = raw->device;
    source->baud = raw->baud;
    source->parity = "NEO"[raw->parity];
    source->data_bits = (uint8_t)raw->data_bits;
    source->stop_bits = (uint8_t)raw->stop_bits;
    source->timeout_ns = raw->timeout_ns;
    source->pause_ns = raw->pause_ns;
    source->max_registers = (uint16_t)raw->max_registers;
    source->max_coils = (uint16_t)raw->max_coils;
    source->gap = (uint16_t)raw->gap;
    source->retries = (uint8_t)raw->retries;
    source->outstanding = raw->outstanding != CONF_ABSENT ? (uint8_t)raw->outstanding : 1;
}

static void read_source(struct site_build *build, const struct conf_at *at, const struct site_doc *doc, const char *id,
                        json_t *object)
{
    struct site *site = build->site;
    struct raw_source raw;
    conf_read(&build->conf, at, &source_table, object, &raw);
    if (!site_check_map_id(build, at, id)) {
        return;
    }
    struct site_source source = {.id = arena_strdup(&site->arena, id), .file = doc->name};
    if (table_add(&site->source_by_id, source.id, (uint32_t)site->source_count) != TABLE_NONE) {
        conf_mistake(&build->conf, at, "give each source an id of its own", "another file has a source of this id");
        return;
    }
    if (raw.type != CONF_ABSENT) { /* else: a mistake already; keep it, so that points may name it */
        conf_narrow(&build->conf, at, &source_table, &raw, raw.type);
        conf_defaults(&build->conf, &source_table, &raw);
        source.type = (enum source_type)raw.type;
        if (source.type == SOURCE_MQTT) {
            read_mqtt_source(build, at, doc, &raw, &source);
        } else {
            take_modbus_source(&raw, &source);
            if (raw.units != NULL) {
                read_units(build, at, &raw, &source);
            }
        }
    }
    site->sources[site->source_count++] = source;
}

void site_read_sources(struct site_build *build, const struct site_doc *doc)
{
    const struct conf_at root = CONF_ROOT(doc->name, 0);
    const struct conf_at list = CONF_KEY_AT(&root, "sources");
    const char *id;
    json_t *object;
    json_object_foreach(doc->raw.sources, id, object)
    {
        const struct conf_at at = CONF_KEY_AT(&list, id);
        read_source(build, &at, doc, id, object);
    }
}
