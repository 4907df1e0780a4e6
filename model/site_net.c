/*
 * site_net: the site's surroundings: itself, hazards, ways in, ways out, store
 * and http.
 *
 * Each reader turns a raw struct of site_keys.h into its struct of site.h and
 * says what is wrong between keys (a table says what is wrong with one).
 */
#include "base/text.h"
#include "model/site_build.h"
#include "model/site_url.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *site_hint_id(char hint[CONF_HINT_MAX], const char *word, const void *first, size_t stride, size_t n)
{
    enum { CANDIDATES_MAX = 20000 }; /* a hint is not worth a long search */
    const char *best = NULL;
    for (size_t i = 0; i < n && i < CANDIDATES_MAX; i++) {
        const char *pair[2] = {*(const char *const *)((const char *)first + i * stride), best};
        if (text_nearest(word, pair, best == NULL ? 1 : 2) == 0) {
            best = pair[0];
        }
    }
    return best == NULL ? NULL : conf_hint_nearest(hint, word, &best, 1);
}

/* ---- itself -------------------------------------------------------------------------------------------------------
 */

static void read_listen(struct site_build *build, const struct conf_at *at, const char *listen)
{
    const char *host;
    size_t len;
    uint16_t port;
    const char *fault = site_split_host(listen, -1, &host, &len, &port);
    if (fault != NULL) {
        const struct conf_at here = CONF_KEY_AT(at, "listen");
        conf_mistake(&build->conf, &here, "write it like 127.0.0.1:8600 or [::1]:8600", "\"%s\": %s", listen, fault);
        return;
    }
    build->site->http_host = arena_strndup(&build->site->arena, host, len);
    build->site->http_port = port;
}

/* A zone's name is letters, digits and _ + - /, without going up folders; whether this machine knows it is not asked,
 * so that `check` says the same everywhere. */
static void check_timezone(struct site_build *build, const struct conf_at *at, const char *zone)
{
    size_t n = strspn(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");
    if (zone[n] != '\0' || zone[0] == '/') {
        const struct conf_at here = CONF_KEY_AT(at, "timezone");
        conf_mistake(&build->conf, &here, "write it like Asia/Shanghai", "\"%s\" is not the name of a time zone", zone);
    }
}

void site_read_own(struct site_build *build, const struct site_doc *doc)
{
    struct site *site = build->site;
    const struct raw_site *own = &doc->raw.site;
    const struct conf_at root = CONF_ROOT(doc->name, 0);
    site->id = own->id;
    site->name = own->name;
    site->org = own->org;
    site->region = own->region;
    site->timezone = own->timezone;
    if (own->timezone != NULL) {
        const struct conf_at at = CONF_KEY_AT(&root, "site");
        check_timezone(build, &at, own->timezone);
    }
    struct raw_store store = doc->raw.store;
    conf_defaults(&build->conf, conf_find_key(&site_table, "store", 5)->table, &store);
    site->store_path = store.path == NULL ? NULL : site_resolve(build, doc->folder, store.path);
    site->keep_raw_ns = store.keep.raw_ns;
    site->keep_minute_ns = store.keep.minute_ns;
    site->keep_hour_ns = store.keep.hour_ns;
    site->keep_events_ns = store.keep.events_ns;
    site->store_sync_ns = store.sync_ns;
    if (doc->raw.http.listen != NULL) {
        const struct conf_at at = CONF_KEY_AT(&root, "http");
        read_listen(build, &at, doc->raw.http.listen);
    }
}

/* ---- hazards ------------------------------------------------------------------------------------------------------
 */

static void read_hazard(struct site_build *build, const struct conf_at *at, json_t *object)
{
    struct site *site = build->site;
    struct raw_hazard raw;
    conf_read(&build->conf, at, &hazard_table, object, &raw);
    if (raw.id == NULL) {
        return;
    }
    if (table_add(&site->hazard_by_id, raw.id, (uint32_t)site->hazard_count) != TABLE_NONE) {
        const struct conf_at here = CONF_KEY_AT(at, "id");
        conf_mistake(&build->conf, &here, "give each hazard an id of its own", "\"%s\" is the id of another hazard",
                     raw.id);
        return;
    }
    site->hazards[site->hazard_count++] = (struct site_hazard){
        .id = raw.id,
        .name = raw.name,
        .has_location = raw.location.head.given,
        .lat = raw.location.lat,
        .lon = raw.location.lon,
        .contact = raw.contact,
        .advice = raw.advice,
    };
}

void site_read_hazards(struct site_build *build, const struct site_doc *doc)
{
    const struct conf_at root = CONF_ROOT(doc->name, 0);
    const struct conf_at list = CONF_KEY_AT(&root, "hazards");
    for (size_t i = 0; i < json_array_size(doc->raw.hazards); i++) {
        const struct conf_at at = CONF_INDEX_AT(&list, i);
        read_hazard(build, &at, json_array_get(doc->raw.hazards, i));
    }
}

/* ---- what sources and sinks share ---------------------------------------------------------------------------------
 */

struct broker {
    const char *url, *client_id, *user, *password, *ca, *cert, *key;
};

/* A path of a file that must be there. */
static const char *named_file(struct site_build *build, const struct conf_at *at, const char *folder, const char *name,
                              const char *path)
{
    if (path == NULL) {
        return NULL;
    }
    const char *full = site_resolve(build, folder, path);
    if (access(full, R_OK) != 0) {
        const struct conf_at here = CONF_KEY_AT(at, name);
        conf_mistake(&build->conf, &here, "check the name; paths are relative to the site file",
                     "%s is not there or cannot be read", full);
    }
    return full;
}

/* Checks the keys of a connection to a broker and resolves its paths. */
static void read_broker(struct site_build *build, const struct conf_at *at, const char *folder, struct broker *broker)
{
    struct conf *conf = &build->conf;
    char url[SITE_URL_MAX];
    bool tls = true; /* unknown while the url is wrong: then nothing is said about certificates */
    if (broker->url != NULL) {
        const char *fault = site_mqtt_url(broker->url, url, &tls);
        const struct conf_at here = CONF_KEY_AT(at, "url");
        if (fault != NULL) {
            conf_mistake(conf, &here, "write it like mqtt://host:1883", "\"%s\": %s", broker->url, fault);
        } else {
            broker->url = arena_strdup(conf->arena, url);
        }
    }
    if (broker->password != NULL && broker->user == NULL) {
        conf_mistake(conf, at, "give \"user\" too", "has a password but no user");
    }
    if ((broker->cert == NULL) != (broker->key == NULL)) {
        conf_mistake(conf, at, "give both", "has only one of \"cert\" and \"key\"");
    }
    if (!tls && (broker->ca != NULL || broker->cert != NULL || broker->key != NULL)) {
        conf_mistake(conf, at, "write mqtts://", "has certificates, but its url is not encrypted");
    }
    broker->ca = named_file(build, at, folder, "ca", broker->ca);
    broker->cert = named_file(build, at, folder, "cert", broker->cert);
    broker->key = named_file(build, at, folder, "key", broker->key);
}

/* davy-<site>-<id>, with `middle` between. */
static const char *default_client(struct site_build *build, const char *middle, const char *id)
{
    const char *site = build->site->id != NULL ? build->site->id : "";
    size_t room = strlen(site) + strlen(middle) + strlen(id) + 8;
    char *name = arena_alloc(&build->site->arena, room, 1);
    (void)snprintf(name, room, "davy-%s-%s%s", site, middle, id);
    return name;
}

/* The keys of a map are ids. */
static bool check_map_id(struct site_build *build, const struct conf_at *at, const char *id)
{
    if (!text_is_id(id)) {
        conf_mistake(&build->conf, at, "1 to 128 of A-Z a-z 0-9 . _ - / or letters of other scripts",
                     "\"%s\" is not an id", id);
        return false;
    }
    return true;
}

/* ---- sources ------------------------------------------------------------------------------------------------------
 */

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
    struct broker broker = {raw->url, raw->client_id, raw->user, raw->password, raw->ca, raw->cert, raw->key};
    read_broker(build, at, doc->folder, &broker);
    source->url = broker.url;
    source->client_id = raw->client_id != NULL ? raw->client_id : default_client(build, "", source->id);
    source->user = broker.user;
    source->password = broker.password;
    source->ca = broker.ca;
    source->cert = broker.cert;
    source->key = broker.key;
    source->topics = raw->topics.items;
    source->topic_count = raw->topics.count;
    const struct conf_at topics = CONF_KEY_AT(at, "topics");
    for (size_t i = 0; i < raw->topics.count; i++) {
        const struct conf_at here = CONF_INDEX_AT(&topics, i);
        const char *fault = site_topic_fault(raw->topics.items[i]);
        if (fault != NULL) {
            conf_mistake(&build->conf, &here, NULL, "\"%s\": %s", raw->topics.items[i], fault);
        }
    }
    source->format = (enum mqtt_format)raw->format;
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
}

static void read_source(struct site_build *build, const struct conf_at *at, const struct site_doc *doc, const char *id,
                        json_t *object)
{
    struct site *site = build->site;
    struct raw_source raw;
    conf_read(&build->conf, at, &source_table, object, &raw);
    if (!check_map_id(build, at, id)) {
        return;
    }
    struct site_source source = {.id = arena_strdup(&site->arena, id)};
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

/* ---- sinks --------------------------------------------------------------------------------------------------------
 */

static bool is_http(const char *url)
{
    return (strncmp(url, "http://", 7) == 0 && url[7] != '\0') || (strncmp(url, "https://", 8) == 0 && url[8] != '\0');
}

/* What a sink needs besides its keys. */
static void check_sink(struct site_build *build, const struct conf_at *at, const struct raw_sink *raw)
{
    struct conf *conf = &build->conf;
    bool path = raw->path != NULL;
    bool url = raw->url != NULL;
    const struct conf_at path_at = CONF_KEY_AT(at, "path");
    const struct conf_at url_at = CONF_KEY_AT(at, "url");
    switch ((enum sink_type)raw->type) {
    case SINK_FILE:
        if (!path) {
            conf_mistake(conf, &path_at, NULL, "is missing, file needs it");
        }
        break;
    case SINK_MQTT:
    case SINK_WEBHOOK:
        if (!url) {
            conf_mistake(conf, &url_at, NULL, "is missing, %s needs it", raw->type == SINK_MQTT ? "mqtt" : "webhook");
        }
        break;
    case SINK_CAP:
        if (!path && !url) {
            conf_mistake(conf, at, "give one or both", "has neither \"path\" nor \"url\"");
        }
        break;
    }
    if (url && raw->type != SINK_MQTT && !is_http(raw->url)) {
        conf_mistake(conf, &url_at, NULL, "\"%s\" does not begin with http:// or https://", raw->url);
    }
}

static void read_sink(struct site_build *build, const struct conf_at *at, const struct site_doc *doc, const char *id,
                      json_t *object)
{
    struct site *site = build->site;
    struct raw_sink raw;
    conf_read(&build->conf, at, &sink_table, object, &raw);
    if (!check_map_id(build, at, id) || raw.type == CONF_ABSENT) {
        return;
    }
    conf_narrow(&build->conf, at, &sink_table, &raw, raw.type);
    check_sink(build, at, &raw);
    struct broker broker = {raw.url, raw.client_id, raw.user, raw.password, raw.ca, raw.cert, raw.key};
    if (raw.type == SINK_MQTT) {
        read_broker(build, at, doc->folder, &broker);
    }
    struct site_sink *sink = &site->sinks[site->sink_count++];
    *sink = (struct site_sink){
        .id = arena_strdup(&site->arena, id),
        .type = (enum sink_type)raw.type,
        .url = broker.url,
        .path = raw.path != NULL ? site_resolve(build, doc->folder, raw.path) : NULL,
        .secret = raw.secret,
        .client_id = raw.client_id,
        .user = broker.user,
        .password = broker.password,
        .ca = broker.ca,
        .cert = broker.cert,
        .key = broker.key,
    };
    if (sink->type == SINK_MQTT && sink->client_id == NULL) {
        sink->client_id = default_client(build, "sink-", id);
    }
}

void site_read_sinks(struct site_build *build, const struct site_doc *doc)
{
    const struct conf_at root = CONF_ROOT(doc->name, 0);
    const struct conf_at list = CONF_KEY_AT(&root, "sinks");
    build->site->sinks = ARENA_ARRAY(&build->site->arena, struct site_sink, json_object_size(doc->raw.sinks));
    const char *id;
    json_t *object;
    json_object_foreach(doc->raw.sinks, id, object)
    {
        const struct conf_at at = CONF_KEY_AT(&list, id);
        read_sink(build, &at, doc, id, object);
    }
}

/* ---- client ids ---------------------------------------------------------------------------------------------------
 */

/* A broker lets only one connection have a client id: two would throw each other out for ever. */
static void check_client(struct site_build *build, const struct conf_at *at, const char *url, const char *client,
                         struct table *seen)
{
    if (url == NULL || client == NULL) {
        return;
    }
    size_t room = strlen(url) + strlen(client) + 2;
    char *both = arena_alloc(&build->site->arena, room, 1);
    (void)snprintf(both, room, "%s %s", url, client);
    if (table_add(seen, both, 0) != TABLE_NONE) {
        conf_mistake(&build->conf, at, "give each connection a client_id of its own",
                     "another connection to %s has the client id \"%s\" too", url, client);
    }
}

void site_check_clients(struct site_build *build, const struct site_doc *own)
{
    const struct site *site = build->site;
    const struct conf_at root = CONF_ROOT(own->name, 0);
    const struct conf_at sources = CONF_KEY_AT(&root, "sources");
    const struct conf_at sinks = CONF_KEY_AT(&root, "sinks");
    struct table seen;
    table_init(&seen);
    for (size_t i = 0; i < site->source_count; i++) {
        const struct conf_at at = CONF_KEY_AT(&sources, site->sources[i].id);
        check_client(build, &at, site->sources[i].url, site->sources[i].client_id, &seen);
    }
    for (size_t i = 0; i < site->sink_count; i++) {
        const struct conf_at at = CONF_KEY_AT(&sinks, site->sinks[i].id);
        check_client(build, &at, site->sinks[i].url, site->sinks[i].client_id, &seen);
    }
    table_done(&seen);
}
