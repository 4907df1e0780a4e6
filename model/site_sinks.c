/*
 * site_sinks: the ways out.
 */
#include "base/clock.h"
#include "base/zone.h"
#include "model/site_build.h"
#include "model/site_url.h"
#include <string.h>

/* ---- sinks ------------------------------------------------------------------------------------------------------- */

#define TIMEOUT_LEAST_NS (100 * NS_PER_MS)
#define TIMEOUT_MOST_NS  (300 * NS_PER_S)

/* What a sink needs besides its keys. */
static void check_sink(struct site_build *build, const struct conf_at *at, const struct raw_sink *raw)
{
    struct conf *conf = &build->conf;
    bool path = conf_is_written(&sink_table, conf_find_key(&sink_table, "path", 4), raw); /* ill is told already */
    bool url = conf_is_written(&sink_table, conf_find_key(&sink_table, "url", 3), raw);
    const struct conf_at path_at = CONF_KEY_AT(at, "path");
    const struct conf_at url_at = CONF_KEY_AT(at, "url");
    switch ((enum sink_type)raw->type) {
    case SINK_FILE:
        if (!path) {
            conf_mistake(conf, &path_at, "write it", "is missing, file needs it");
        }
        break;
    case SINK_MQTT:
    case SINK_WEBHOOK:
        if (!url) {
            conf_mistake(conf, &url_at, "write it", "is missing, %s needs it",
                         raw->type == SINK_MQTT ? "mqtt" : "webhook");
        }
        break;
    case SINK_CAP:
        if (!path && !url) {
            conf_mistake(conf, at, "give one or both", "has neither \"path\" nor \"url\"");
        }
        break;
    }
}

/* The url of a webhook or CAP sink and what belongs to it. */
static void read_http(struct site_build *build, const struct conf_at *at, const char *folder,
                      const struct raw_sink *raw, struct site_broker *login)
{
    struct conf *conf = &build->conf;
    bool tls = true;
    const char *fault = login->url == NULL ? NULL : site_http_fault(login->url, &tls);
    if (fault != NULL) {
        const struct conf_at here = CONF_KEY_AT(at, "url");
        conf_mistake(conf, &here, "write it like https://host/path", "\"%s\": %s", login->url, fault);
    }
    if (raw->timeout_ns >= 0 && (raw->timeout_ns < TIMEOUT_LEAST_NS || raw->timeout_ns > TIMEOUT_MOST_NS)) {
        const struct conf_at here = CONF_KEY_AT(at, "timeout");
        conf_mistake(conf, &here, "write a time from 100ms to 5m", "is too short or too long");
    }
    const bool posts = raw->timeout_ns >= 0 || raw->user != NULL || raw->ca != NULL || raw->cert != NULL;
    if (raw->type == SINK_CAP && raw->url == NULL && posts) {
        conf_mistake(conf, at, "give \"url\" too", "has keys for posting, but does not say where to");
    }
    site_read_login(build, at, folder, tls ? NULL : "write https://", login);
}

/* A CAP document tells local time: its zone must be known here, if this machine knows any. */
static void check_zone(struct site_build *build, const struct site_doc *doc)
{
    const char *name = build->site->timezone;
    struct zone *zone;
    struct err err;
    if (name == NULL) {
        return;
    }
    const enum err_code code = zone_open(name, &zone, &err);
    if (code == ERR_INPUT) {
        const struct conf_at root = CONF_ROOT(doc->name, 0);
        const struct conf_at site = CONF_KEY_AT(&root, "site");
        const struct conf_at here = CONF_KEY_AT(&site, "timezone");
        conf_mistake(&build->conf, &here, "write it like Asia/Shanghai", "%s, and a CAP sink needs it", err.text);
    } else if (code == ERR_NONE) {
        zone_free(zone);
    }
}

static void read_sink(struct site_build *build, const struct conf_at *at, const struct site_doc *doc, const char *id,
                      json_t *object)
{
    struct site *site = build->site;
    struct raw_sink raw;
    conf_read(&build->conf, at, &sink_table, object, &raw);
    if (!site_check_map_id(build, at, id) || raw.type == CONF_ABSENT) {
        return;
    }
    conf_narrow(&build->conf, at, &sink_table, &raw, raw.type);
    check_sink(build, at, &raw);
    struct site_broker broker = {raw.url, raw.client_id, raw.user, raw.password, raw.ca, raw.cert, raw.key};
    if (raw.type == SINK_MQTT) {
        site_read_broker(build, at, doc->folder, &broker);
    } else if (raw.type != SINK_FILE) {
        read_http(build, at, doc->folder, &raw, &broker);
    }
    if (raw.type == SINK_CAP) {
        check_zone(build, doc);
    }
    conf_defaults(&build->conf, &sink_table, &raw);
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
        .timeout_ns = raw.timeout_ns,
        .english = raw.language == 1,
        .addresses = raw.addresses.items,
        .address_count = raw.addresses.count,
    };
    if (sink->type == SINK_MQTT && sink->client_id == NULL) {
        sink->client_id = site_default_client(build, "sink-", id);
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
    if (build->site->sink_count > SITE_SINKS_MAX) {
        conf_mistake(&build->conf, &list, "let some receivers share a sink", "%zu are too many; at most %d are possible",
                     build->site->sink_count, SITE_SINKS_MAX);
    }
}
