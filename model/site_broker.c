/*
 * site_broker: what MQTT sources and sinks share: the keys of a connection to a
 * broker.  And what only one source or sink of the site may have.
 */
#include "base/text.h"
#include "model/site_build.h"
#include "model/site_url.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

void site_read_login(struct site_build *build, const struct conf_at *at, const char *folder, const char *plain_hint,
                     struct site_broker *broker)
{
    struct conf *conf = &build->conf;
    if (broker->password != NULL && broker->user == NULL) {
        conf_mistake(conf, at, "give \"user\" too", "has a password but no user");
    }
    if ((broker->cert == NULL) != (broker->key == NULL)) {
        conf_mistake(conf, at, "give both", "has only one of \"cert\" and \"key\"");
    }
    if (plain_hint != NULL && (broker->ca != NULL || broker->cert != NULL || broker->key != NULL)) {
        conf_mistake(conf, at, plain_hint, "has certificates, but its url is not encrypted");
    }
    broker->ca = named_file(build, at, folder, "ca", broker->ca);
    broker->cert = named_file(build, at, folder, "cert", broker->cert);
    broker->key = named_file(build, at, folder, "key", broker->key);
}

void site_read_broker(struct site_build *build, const struct conf_at *at, const char *folder,
                      struct site_broker *broker)
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
    site_read_login(build, at, folder, tls ? NULL : "write mqtts://", broker);
}

const char *site_default_client(struct site_build *build, const char *middle, const char *id)
{
    const char *site = build->site->id != NULL ? build->site->id : "";
    size_t room = strlen(site) + strlen(middle) + strlen(id) + 8;
    char *name = arena_alloc(&build->site->arena, room, 1);
    (void)snprintf(name, room, "davy-%s-%s%s", site, middle, id);
    return name;
}

bool site_check_map_id(struct site_build *build, const struct conf_at *at, const char *id)
{
    if (!text_is_id(id)) {
        conf_mistake(&build->conf, at, "1 to 128 of A-Z a-z 0-9 . _ - / or letters of other scripts",
                     "\"%s\" is not an id", id);
        return false;
    }
    return true;
}

/* ---- client ids -------------------------------------------------------------------------------------------------- */

/* ---- what only one may have -------------------------------------------------------------------------------------- */

/* Remembers "kind name" and says whether it was there before. */
static bool is_taken(struct site_build *build, struct table *seen, const char *kind, const char *name)
{
    size_t room = strlen(kind) + strlen(name) + 2;
    char *both = arena_alloc(&build->site->arena, room, 1);
    (void)snprintf(both, room, "%s %s", kind, name);
    return table_add(seen, both, 0) != TABLE_NONE;
}

/* A broker lets only one connection have a client id: two would throw each other out for ever. */
static void check_client(struct site_build *build, const struct conf_at *at, const char *url, const char *client,
                         struct table *seen)
{
    if (url != NULL && client != NULL && is_taken(build, seen, url, client)) {
        conf_mistake(&build->conf, at, "give each connection a client_id of its own",
                     "another connection to %s has the client id \"%s\" too", url, client);
    }
}

/* Two host applications of one id would take each other's death for their own. */
static void check_host(struct site_build *build, const struct conf_at *at, const struct site_source *source,
                       struct table *seen)
{
    char kind[SITE_URL_MAX + 8];
    if (source->host_id == NULL || source->url == NULL) {
        return;
    }
    (void)snprintf(kind, sizeof kind, "host %s", source->url);
    if (is_taken(build, seen, kind, source->host_id)) {
        const struct conf_at here = CONF_KEY_AT(at, "host_id");
        conf_mistake(&build->conf, &here, "give each host application of a broker an id of its own",
                     "another source at %s has the host id \"%s\" too", source->url, source->host_id);
    }
}

static void check_source(struct site_build *build, const struct conf_at *at, const struct site_source *source,
                         struct table *seen)
{
    check_client(build, at, source->url, source->client_id, seen);
    check_host(build, at, source, seen);
    if (source->type == SOURCE_MODBUS_RTU && source->device != NULL &&
        is_taken(build, seen, "device", source->device)) {
        const struct conf_at here = CONF_KEY_AT(at, "device");
        conf_mistake(&build->conf, &here, "name the line once; points say which unit they are on",
                     "another source uses %s too", source->device);
    }
}

static void check_sink(struct site_build *build, const struct conf_at *at, const struct site_sink *sink,
                       struct table *seen)
{
    if (sink->type == SINK_MQTT) {
        check_client(build, at, sink->url, sink->client_id, seen);
    } else if (sink->path != NULL && is_taken(build, seen, "file", sink->path)) {
        const struct conf_at here = CONF_KEY_AT(at, "path");
        conf_mistake(&build->conf, &here, NULL, "another sink writes %s too", sink->path);
    }
}

void site_check_shared(struct site_build *build, const struct site_doc *own)
{
    const struct site *site = build->site;
    const struct conf_at root = CONF_ROOT(own->name, 0);
    const struct conf_at sources = CONF_KEY_AT(&root, "sources");
    const struct conf_at sinks = CONF_KEY_AT(&root, "sinks");
    struct table seen;
    table_init(&seen);
    for (size_t i = 0; i < site->source_count; i++) {
        const struct conf_at at = CONF_KEY_AT(&sources, site->sources[i].id);
        check_source(build, &at, &site->sources[i], &seen);
    }
    for (size_t i = 0; i < site->sink_count; i++) {
        const struct conf_at at = CONF_KEY_AT(&sinks, site->sinks[i].id);
        check_sink(build, &at, &site->sinks[i], &seen);
    }
    table_done(&seen);
}
