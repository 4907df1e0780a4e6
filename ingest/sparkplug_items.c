/*
 * sparkplug_items: the keys of a site as metrics of nodes and devices.
 *
 * A key `group/node/a/b` may mean the metric "a/b" of the node or the metric
 * "b" of its device "a": metric names may hold slashes, ids may not.  The births
 * tell which; until then the device is what is thought of.
 */
#include "ingest/sparkplug_session.h"

#include "ingest/back_off.h"
#include <string.h>

enum { KEY_ROOM = 4608 }; /* the longest key of a site, and then some */

/* The length of the first n levels of a key; 0 when it has not more than n, or one of them is empty. */
static size_t levels_len(const char *key, unsigned n)
{
    const char *at = key;
    for (unsigned i = 0; i < n; i++) {
        const size_t level = strcspn(at, "/");
        if (level == 0 || at[level] == '\0') {
            return 0;
        }
        at += level + 1;
    }
    return *at != '\0' ? (size_t)(at - key) - 1 : 0;
}

/* Finds or makes a scope. */
static uint32_t scope_of(struct spb_session *session, const char *key, size_t len, struct arena *arena)
{
    const uint32_t found = table_find(&session->scopes_by_id, key, len);
    if (found != TABLE_NONE) {
        return found;
    }
    const uint32_t scope = session->scope_count++;
    session->scopes[scope] = (struct spb_scope){
        .id = arena_strndup(arena, key, len),
        .node = SITE_NONE,
        .next = SITE_NONE,
        .first_item = SITE_NONE,
        .last_item = SITE_NONE,
        .wait_ns = TIME_NEVER,
    };
    (void)table_add(&session->scopes_by_id, session->scopes[scope].id, scope);
    return scope;
}

static uint32_t node_of(struct spb_session *session, const char *key, struct arena *arena)
{
    const uint32_t scope = scope_of(session, key, levels_len(key, 2), arena);
    if (session->scopes[scope].node == SITE_NONE) {
        const uint32_t node = session->node_count++;
        session->scopes[scope].node = node;
        session->nodes[node] = (struct spb_node){
            .scope = scope,
            .seed = back_off_seed(session->scopes[scope].id),
            .held_until_ns = TIME_NEVER,
        };
    }
    return session->scopes[scope].node;
}

static uint32_t device_of(struct spb_session *session, uint32_t node, const char *key, struct arena *arena)
{
    const size_t len = levels_len(key, 3);
    if (len == 0) {
        return session->nodes[node].scope;
    }
    const uint32_t scope = scope_of(session, key, len, arena);
    if (session->scopes[scope].node == SITE_NONE) {
        struct spb_scope *own = &session->scopes[session->nodes[node].scope];
        session->scopes[scope].node = node;
        session->scopes[scope].is_device = true;
        session->scopes[scope].next = own->next;
        own->next = scope;
    }
    return scope;
}

/* Puts an item at the end of its scope's list. */
static void list(struct spb_session *session, uint32_t index)
{
    struct spb_item *item = &session->items[index];
    struct spb_scope *scope = &session->scopes[item->scope];
    item->before = scope->last_item;
    item->next = SITE_NONE;
    if (scope->last_item != SITE_NONE) {
        session->items[scope->last_item].next = index;
    } else {
        scope->first_item = index;
    }
    scope->last_item = index;
}

void spb_item_move(struct spb_session *session, uint32_t index, uint32_t to)
{
    struct spb_item *item = &session->items[index];
    struct spb_scope *from = &session->scopes[item->scope];
    if (item->before != SITE_NONE) {
        session->items[item->before].next = item->next;
    } else {
        from->first_item = item->next;
    }
    if (item->next != SITE_NONE) {
        session->items[item->next].before = item->before;
    } else {
        from->last_item = item->before;
    }
    item->scope = to;
    list(session, index);
}

static const char *key_of(const struct site_point *point)
{
    return point->from.key != NULL ? point->from.key : point->id;
}

static void add_item(struct spb_session *session, const char *key, struct arena *arena)
{
    const uint32_t item = table_find(&session->keys.table, key, strlen(key));
    if (session->items[item].key != NULL || levels_len(key, 2) == 0) {
        return; /* another point has it too; or no key of Sparkplug, which the site's check has told */
    }
    const uint32_t node = node_of(session, key, arena);
    session->items[item] = (struct spb_item){
        .key = key,
        .node = node,
        .scope = device_of(session, node, key, arena),
        .newest_ns = INT64_MIN,
    };
    list(session, item);
}

void spb_items_init(struct spb_session *session, const struct site *site, uint32_t source, struct arena *arena)
{
    mqtt_keys_init(&session->keys, site, source, arena);
    table_init(&session->scopes_by_id);
    const size_t most = session->keys.count;
    session->items = ARENA_ARRAY(arena, struct spb_item, most + 1);
    session->nodes = ARENA_ARRAY(arena, struct spb_node, most + 1);
    session->scopes = ARENA_ARRAY(arena, struct spb_scope, 2 * most + 1);
    for (size_t i = 0; i < most; i++) {
        session->items[i].node = SITE_NONE;
    }
    for (size_t i = 0; i < site->point_count; i++) {
        if (site->points[i].from.source == source) {
            add_item(session, key_of(&site->points[i]), arena);
        }
    }
}

void spb_items_done(struct spb_session *session)
{
    table_done(&session->scopes_by_id);
    mqtt_keys_done(&session->keys);
}

/* Joins texts by slashes; 0 when there is no room. */
static size_t join(char *room, size_t n, const struct spb_span parts[])
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (len + parts[i].len + 1 > KEY_ROOM) {
            return 0;
        }
        if (i > 0) {
            room[len++] = '/';
        }
        memcpy(room + len, parts[i].data, parts[i].len);
        len += parts[i].len;
    }
    return len;
}

uint32_t spb_scope_find(const struct spb_session *session, const struct spb_topic *topic, bool device)
{
    char key[KEY_ROOM];
    const struct spb_span parts[] = {topic->group, topic->node, topic->device};
    const size_t len = join(key, device ? 3 : 2, parts);
    const uint32_t scope = len > 0 ? table_find(&session->scopes_by_id, key, len) : TABLE_NONE;
    return scope == TABLE_NONE ? SITE_NONE : scope;
}

uint32_t spb_item_find(const struct spb_session *session, uint32_t scope, struct spb_span name)
{
    char key[KEY_ROOM];
    const char *id = session->scopes[scope].id;
    const struct spb_span parts[] = {{.data = id, .len = strlen(id)}, name};
    const size_t len = join(key, 2, parts);
    const uint32_t item = len > 0 ? table_find(&session->keys.table, key, len) : TABLE_NONE;
    return item == TABLE_NONE || session->items[item].node == SITE_NONE ? SITE_NONE : item;
}
