/*
 * site_own: the site itself, its store and http, its hazards.
 */
#include "base/text.h"
#include "model/site_build.h"
#include "model/site_url.h"
#include <string.h>

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
    return best == NULL ? "add it, or correct the name" : conf_hint_nearest(hint, word, &best, 1);
}

/* ---- itself ------------------------------------------------------------------------------------------------------ */

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

static void read_bounds(struct site_build *build, const struct conf_at *at, const struct raw_http *written)
{
    struct raw_http http = *written;
    conf_defaults(&build->conf, conf_find_key(&site_table, "http", 4)->table, &http);
    if (http.streams > http.clients) {
        const struct conf_at here = CONF_KEY_AT(at, "streams");
        conf_mistake(&build->conf, &here, "a stream is a connection too; let in more clients",
                     "%u streams are more than %u clients", (unsigned)http.streams, (unsigned)http.clients);
    }
    build->site->http_clients = http.clients;
    build->site->http_streams = http.streams;
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
    site_read_keep(build, &store);
    site->store_sync_ns = store.sync_ns;
    if (doc->raw.http.listen != NULL) {
        const struct conf_at at = CONF_KEY_AT(&root, "http");
        read_listen(build, &at, doc->raw.http.listen);
        read_bounds(build, &at, &doc->raw.http);
    }
}

/* ---- hazards ----------------------------------------------------------------------------------------------------- */

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
        .every_in_alarm_ns = raw.every_in_alarm_ns > 0 ? raw.every_in_alarm_ns : 0,
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
