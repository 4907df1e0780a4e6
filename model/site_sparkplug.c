/*
 * site_sparkplug: what sources of format sparkplug have of their own, and how
 * their points name a metric.
 */
#include "model/site_build.h"
#include <stdio.h>
#include <string.h>

static const char all_topics[] = "spBv1.0/#";

/* An id may hold slashes, a level of a topic may not. */
static const char *default_host(struct site_build *build, const char *id)
{
    char *name = arena_strdup(&build->site->arena, site_default_client(build, "", id));
    for (char *c = name; *c != '\0'; c++) {
        *c = *c == '/' ? '-' : *c;
    }
    return name;
}

static void refuse_elsewhere(struct site_build *build, const struct conf_at *at, const struct raw_source *raw)
{
    static const char *const names[] = {"host_id", "reorder"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct conf_key *key = conf_find_key(&source_table, names[i], strlen(names[i]));
        if (conf_is_written(&source_table, key, raw)) {
            const struct conf_at here = CONF_KEY_AT(at, names[i]);
            conf_mistake(&build->conf, &here, "write \"format\": \"sparkplug\", or leave it out",
                         "only the format sparkplug has it");
        }
    }
}

void site_read_sparkplug(struct site_build *build, const struct conf_at *at, const struct raw_source *raw,
                         struct site_source *source)
{
    struct arena *arena = &build->site->arena;
    if (source->format != FORMAT_SPARKPLUG) {
        const struct conf_at topics = CONF_KEY_AT(at, "topics");
        if (!conf_is_written(&source_table, conf_find_key(&source_table, "topics", 6), raw)) {
            conf_mistake(&build->conf, &topics, "write it", "is missing, mqtt needs it");
        }
        refuse_elsewhere(build, at, raw);
        return;
    }
    if (source->topic_count == 0) {
        const char **topics = ARENA_ARRAY(arena, const char *, 1);
        topics[0] = all_topics;
        source->topics = topics;
        source->topic_count = 1;
    }
    if (raw->host_id != NULL && strpbrk(raw->host_id, "/+#") != NULL) {
        const struct conf_at here = CONF_KEY_AT(at, "host_id");
        conf_mistake(&build->conf, &here, NULL, "\"%s\" holds one of / + #, which a level of a topic cannot",
                     raw->host_id);
    }
    source->host_id = raw->host_id != NULL ? raw->host_id : default_host(build, source->id);
    source->reorder_ns = raw->reorder_ns;
}

/* group/node/metric or group/node/device/metric; a metric's name may hold slashes, so more levels are well. */
void site_check_sparkplug_key(struct site_build *build, const struct conf_at *at, const char *key)
{
    const char *level = key;
    unsigned full = 0;
    while (full < 3 && level != NULL && *level != '/' && *level != '\0') {
        const char *slash = strchr(level, '/');
        level = slash != NULL ? slash + 1 : NULL;
        full++;
    }
    const size_t ids = strcspn(key, "/");
    const bool wild = strcspn(key, "+#") < ids + 1 + strcspn(key + ids + (key[ids] != '\0'), "/");
    if (full < 3 || wild) {
        const struct conf_at here = CONF_KEY_AT(at, "key");
        conf_mistake(&build->conf, &here, "write group/node/metric, or group/node/device/metric",
                     "\"%s\" names no metric of Sparkplug", key);
    }
}
