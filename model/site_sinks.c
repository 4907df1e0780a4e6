/*
 * site_sinks: the ways out.
 */
#include "model/site_build.h"
#include <string.h>

/* ---- sinks ------------------------------------------------------------------------------------------------------- */

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
    if (url && raw->type != SINK_MQTT && !is_http(raw->url)) {
        conf_mistake(conf, &url_at, "write http://host/path", "\"%s\" does not begin with http:// or https://",
                     raw->url);
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
