/*
 * mqtt_json: the telemetry payloads of others, by way of a jansson tree.
 *
 *   json         any object; the source's map names the place of each key (RFC 6901); entries named "time" and "seq"
 *                name the message's own
 *   neuron       {"node", "group", "timestamp", "values": {tag: v}, "errors": {tag: code}}, or
 *                {"timestamp", "tags": [{"name", "value"} or {"name", "error"}]}
 *   thingsboard  {key: v} or {"ts", "values": {key: v}}, or an array of these, or for a gateway
 *                {"device": [{"ts", "values": {key: v}}]} with keys "device/key"
 *
 * jansson does not say where in the text a part stands: where one is set aside
 * it is looked for (mqtt_place.h), for the first of a message, which is told,
 * or for all when somebody listens.  Memory: a tree per message, given back at
 * its end; jansson limits its depth.
 */
#include "base/text.h"
#include "ingest/mqtt_decode.h"
#include "ingest/mqtt_place.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct tree {
    const struct mqtt_keys *keys;
    const struct mqtt_message *message;
    struct mqtt_batch *batch;
};

/* Reads a time member: Unix milliseconds or RFC 3339. */
static bool time_of(const json_t *node, int64_t *ret_ns)
{
    char text[TEXT_NUMBER_MAX];
    if (json_is_string(node)) {
        return text_parse_time(json_string_value(node), json_string_length(node), ret_ns);
    }
    if (json_is_integer(node)) {
        const int len = snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(node));
        return text_parse_time(text, (size_t)len, ret_ns);
    }
    if (json_is_real(node)) {
        const size_t len = text_format_number(json_real_value(node), text);
        return text_parse_time(text, len, ret_ns);
    }
    return false;
}

/* Reads a value; null is "no reading". */
static bool value_of(const json_t *node, double *ret_value)
{
    if (json_is_number(node)) {
        *ret_value = json_number_value(node);
    } else if (json_is_boolean(node)) {
        *ret_value = json_is_true(node) ? 1 : 0;
    } else if (json_is_null(node)) {
        *ret_value = NAN;
    } else {
        return false;
    }
    return true;
}

static void aside(const struct tree *tree, struct place *place, const char *reason)
{
    const bool looked_for = tree->batch->aside == 0 || tree->batch->told != NULL;
    mqtt_aside(tree->batch, reason, looked_for ? place_offset(tree->message->payload, tree->message->len, place) : 0);
}

/* Puts a value (NULL: none came) for a key; gives why it is set aside, NULL when it is not. */
static const char *put(const struct tree *tree, const char *key, size_t key_len, int64_t time_ns, const json_t *node,
                       uint16_t status)
{
    double value = NAN;
    const uint32_t target = table_find(&tree->keys->table, key, key_len);
    if (target == TABLE_NONE) {
        return "no point has this key";
    }
    if (node != NULL && !value_of(node, &value)) {
        return json_is_string(node) ? "a text is not a value" : "this is not a value";
    }
    mqtt_put(tree->keys, tree->message, tree->batch, target, time_ns, value, status);
    return NULL;
}

/* The message's time by its name; the time of receipt when there is none.  Gives why it cannot be read, or NULL. */
static const char *heading_time(const struct tree *tree, const json_t *node, struct mqtt_heading *heading,
                                int64_t *ret_ns)
{
    *ret_ns = tree->message->seen_ns;
    if (node == NULL) {
        return NULL;
    }
    heading->has_time = time_of(node, &heading->time_ns);
    if (!heading->has_time) {
        return "the message's time cannot be read";
    }
    *ret_ns = heading->time_ns;
    return NULL;
}

static json_t *load(const struct mqtt_message *message, struct mqtt_batch *batch)
{
    json_error_t error;
    json_t *root = json_loadb(message->payload, message->len, 0, &error);
    if (root == NULL) {
        mqtt_aside(batch, "this is not JSON", error.position > 0 ? (size_t)error.position : 0);
    }
    return root;
}

/* ---- json ---- */

/* Undoes "~1" and "~0" of one reference token. */
static bool token_equals(const char *token, size_t len, const char *key)
{
    for (size_t i = 0; i < len; i++, key++) {
        char c = token[i];
        if (c == '~' && i + 1 < len) {
            i++;
            c = token[i] == '1' ? '/' : '~';
        }
        if (*key != c) {
            return false;
        }
    }
    return *key == '\0';
}

/* Gives the child that a token names, and its breadcrumb below `place`. */
static const json_t *member(const json_t *node, const char *token, size_t len, struct place *place,
                            struct place *ret_place)
{
    if (json_is_object(node)) {
        void *at = json_object_iter((json_t *)(uintptr_t)node);
        for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)node, at)) {
            const char *key = json_object_iter_key(at);
            if (token_equals(token, len, key)) {
                *ret_place = PLACE_KEY(place, key, strlen(key));
                return json_object_iter_value(at);
            }
        }
        return NULL;
    }
    size_t index = 0;
    for (size_t i = 0; i < len; i++) {
        if (token[i] < '0' || token[i] > '9' || index > SIZE_MAX / 16) {
            return NULL;
        }
        index = index * 10 + (size_t)(token[i] - '0');
    }
    *ret_place = PLACE_INDEX(place, index);
    return len > 0 ? json_array_get(node, index) : NULL;
}

/* Follows a JSON pointer (RFC 6901); NULL when it leads nowhere. */
static const json_t *follow(const json_t *node, const char *pointer)
{
    struct place unused;
    while (node != NULL && *pointer == '/') {
        const size_t len = strcspn(pointer + 1, "/");
        node = member(node, pointer + 1, len, NULL, &unused);
        pointer += 1 + len;
    }
    return *pointer == '\0' ? node : NULL;
}

/* Sets aside what a pointer leads to, or the last there is on the way; no deeper than the tree. */
static void aside_at(const struct tree *tree, const json_t *node, const char *pointer, struct place *place,
                     const char *reason)
{
    struct place here;
    const size_t len = *pointer == '/' ? strcspn(pointer + 1, "/") : 0;
    const json_t *child = *pointer == '/' ? member(node, pointer + 1, len, place, &here) : NULL;
    if (child == NULL) {
        aside(tree, place, reason);
    } else {
        aside_at(tree, child, pointer + 1 + len, &here, reason);
    }
}

/* The pointer of a key of the map; NULL when it has no such key. */
static const char *pointer_of(const struct tree *tree, const char *key)
{
    for (size_t i = 0; i < tree->keys->source->map_count; i++) {
        if (strcmp(tree->keys->source->map[i].key, key) == 0) {
            return tree->keys->source->map[i].pointer;
        }
    }
    return NULL;
}

/* A key of the map is for the heading unless a point has it. */
static bool is_heading(const struct tree *tree, const char *key)
{
    return (strcmp(key, "time") == 0 || strcmp(key, "seq") == 0) &&
           table_find(&tree->keys->table, key, strlen(key)) == TABLE_NONE;
}

static void put_mapped(const struct tree *tree, const json_t *root, int64_t time_ns)
{
    for (size_t i = 0; i < tree->keys->source->map_count && !tree->batch->stopped; i++) {
        const struct site_map *map = &tree->keys->source->map[i];
        if (is_heading(tree, map->key)) {
            continue;
        }
        const json_t *node = follow(root, map->pointer);
        const char *reason = node == NULL ? "the message has nothing at a pointer of the map"
                                          : put(tree, map->key, strlen(map->key), time_ns, node, 0);
        if (reason != NULL) {
            struct place whole = {0};
            aside_at(tree, root, map->pointer, &whole, reason);
        }
    }
}

void mqtt_decode_json(const struct mqtt_keys *keys, const struct mqtt_message *message, struct mqtt_batch *batch)
{
    const struct tree tree = {keys, message, batch};
    struct mqtt_heading heading = {0};
    struct place whole = {0};
    int64_t time_ns;
    json_t *root = load(message, batch);
    if (root == NULL) {
        return;
    }
    const char *seq_at = is_heading(&tree, "seq") ? pointer_of(&tree, "seq") : NULL;
    const json_t *seq = seq_at != NULL ? follow(root, seq_at) : NULL;
    heading.has_seq = json_is_integer(seq);
    heading.seq = heading.has_seq ? json_integer_value(seq) : 0;
    const char *time_at = is_heading(&tree, "time") ? pointer_of(&tree, "time") : NULL;
    const char *reason = heading_time(&tree, time_at != NULL ? follow(root, time_at) : NULL, &heading, &time_ns);
    if (reason != NULL) {
        aside_at(&tree, root, time_at, &whole, reason);
    } else if (mqtt_begin(batch, &heading)) {
        put_mapped(&tree, root, time_ns);
    }
    json_decref(root);
}

/* ---- neuron ---- */

static void put_members(const struct tree *tree, json_t *root, const char *name, int64_t time_ns, bool errors)
{
    struct place whole = {0};
    struct place list = PLACE_KEY(&whole, name, strlen(name));
    const char *key;
    json_t *node;
    json_object_foreach(json_object_get(root, name), key, node)
    {
        /* An error code in place of a value: the device behind the gateway gave none. */
        const char *reason = put(tree, key, strlen(key), time_ns, errors ? NULL : node, errors ? ST_COMM : 0);
        if (reason != NULL) {
            struct place here = PLACE_KEY(&list, key, strlen(key));
            aside(tree, &here, reason);
        }
    }
}

static const char *put_tag(const struct tree *tree, const json_t *tag, int64_t time_ns)
{
    const json_t *name = json_object_get(tag, "name");
    const json_t *value = json_object_get(tag, "value");
    if (!json_is_string(name)) {
        return "a tag without name";
    }
    if (value == NULL && json_object_get(tag, "error") == NULL) {
        return "a tag without value and error";
    }
    return put(tree, json_string_value(name), json_string_length(name), time_ns, value, value == NULL ? ST_COMM : 0);
}

static void put_tags(const struct tree *tree, json_t *root, int64_t time_ns)
{
    struct place whole = {0};
    struct place list = PLACE_KEY(&whole, "tags", 4);
    size_t i;
    json_t *tag;
    json_array_foreach(json_object_get(root, "tags"), i, tag)
    {
        const char *reason = put_tag(tree, tag, time_ns);
        if (reason != NULL) {
            struct place here = PLACE_INDEX(&list, i);
            aside(tree, &here, reason);
        }
    }
}

static void put_neuron(const struct tree *tree, json_t *root)
{
    struct place whole = {0};
    struct place time = PLACE_KEY(&whole, "timestamp", 9);
    struct mqtt_heading heading = {0};
    int64_t time_ns;
    const char *reason = heading_time(tree, json_object_get(root, "timestamp"), &heading, &time_ns);
    if (reason != NULL) {
        aside(tree, &time, reason);
    } else if (mqtt_begin(tree->batch, &heading)) {
        put_members(tree, root, "values", time_ns, false);
        put_members(tree, root, "errors", time_ns, true);
        put_tags(tree, root, time_ns);
    }
}

void mqtt_decode_neuron(const struct mqtt_keys *keys, const struct mqtt_message *message, struct mqtt_batch *batch)
{
    const struct tree tree = {keys, message, batch};
    struct place whole = {0};
    json_t *root = load(message, batch);
    if (root == NULL) {
        return;
    }
    if (json_is_object(root)) {
        put_neuron(&tree, root);
    } else {
        aside(&tree, &whole, "a neuron message is an object");
    }
    json_decref(root);
}

/* ---- thingsboard ---- */

static const char *put_keyed(const struct tree *tree, const char *device, const char *key, int64_t time_ns,
                             const json_t *node)
{
    char name[MQTT_KEY_MAX];
    const int len =
        device == NULL ? snprintf(name, sizeof name, "%s", key) : snprintf(name, sizeof name, "%s/%s", device, key);
    return len < 0 || (size_t)len >= sizeof name ? "a key is too long" : put(tree, name, (size_t)len, time_ns, node, 0);
}

/* Takes {"ts", "values"} or plain members; `device` (may be NULL) goes in front of the keys. */
static void put_telemetry(const struct tree *tree, json_t *object, const char *device, struct place *place)
{
    struct mqtt_heading unused;
    int64_t time_ns = tree->message->seen_ns;
    json_t *values = json_object_get(object, "values");
    if (!json_is_object(object)) {
        aside(tree, place, "telemetry is an object");
        return;
    }
    const bool timed = json_is_object(values) && json_object_get(object, "ts") != NULL;
    const char *reason = timed ? heading_time(tree, json_object_get(object, "ts"), &unused, &time_ns) : NULL;
    if (reason != NULL) {
        struct place time = PLACE_KEY(place, "ts", 2);
        aside(tree, &time, reason);
        return;
    }
    struct place inner = PLACE_KEY(place, "values", 6);
    const char *key;
    json_t *node;
    json_object_foreach(timed ? values : object, key, node)
    {
        reason = put_keyed(tree, device, key, time_ns, node);
        if (reason != NULL) {
            struct place here = PLACE_KEY(timed ? &inner : place, key, strlen(key));
            aside(tree, &here, reason);
        }
    }
}

static void put_list(const struct tree *tree, const json_t *list, const char *device, struct place *place)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        struct place here = PLACE_INDEX(place, i);
        put_telemetry(tree, entry, device, &here);
    }
}

/* Only a gateway's object has arrays as members. */
static bool is_gateway(json_t *root)
{
    const char *device;
    json_t *list;
    json_object_foreach(root, device, list)
    {
        if (!json_is_array(list)) {
            return false;
        }
    }
    return json_object_size(root) > 0;
}

void mqtt_decode_thingsboard(const struct mqtt_keys *keys, const struct mqtt_message *message, struct mqtt_batch *batch)
{
    const struct tree tree = {keys, message, batch};
    const struct mqtt_heading none = {0};
    struct place whole = {0};
    json_t *root = load(message, batch);
    if (root == NULL) {
        return;
    }
    if (!mqtt_begin(batch, &none)) {
        json_decref(root);
        return;
    }
    if (json_is_array(root)) {
        put_list(&tree, root, NULL, &whole);
    } else if (is_gateway(root)) {
        const char *device;
        json_t *list;
        json_object_foreach(root, device, list)
        {
            struct place here = PLACE_KEY(&whole, device, strlen(device));
            put_list(&tree, list, device, &here);
        }
    } else {
        put_telemetry(&tree, root, NULL, &whole);
    }
    json_decref(root);
}
