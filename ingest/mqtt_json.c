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
 * jansson does not say where in the text a part stands, so the offset is 0
 * except for what is no JSON at all.  Memory: a tree per message, given back
 * at its end; jansson limits its depth.
 */
#include "base/text.h"
#include "ingest/mqtt_decode.h"

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

static void put(const struct tree *tree, const char *key, size_t key_len, int64_t time_ns, const json_t *node,
                uint16_t status)
{
    double value = NAN;
    const uint32_t target = table_find(&tree->keys->table, key, key_len);
    if (target == TABLE_NONE) {
        mqtt_aside(tree->batch, "no point has this key", 0);
    } else if (node != NULL && !value_of(node, &value)) {
        mqtt_aside(tree->batch, json_is_string(node) ? "a text is not a value" : "this is not a value", 0);
    } else {
        mqtt_put(tree->keys, tree->message, tree->batch, target, time_ns, value, status);
    }
}

/* The message's time by its name; the time of receipt when there is none.  False: it cannot be read. */
static bool heading_time(const struct tree *tree, const json_t *node, struct mqtt_heading *heading, int64_t *ret_ns)
{
    *ret_ns = tree->message->seen_ns;
    if (node == NULL) {
        return true;
    }
    heading->has_time = time_of(node, &heading->time_ns);
    if (!heading->has_time) {
        mqtt_aside(tree->batch, "the message's time cannot be read", 0);
        return false;
    }
    *ret_ns = heading->time_ns;
    return true;
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

static const json_t *member(const json_t *node, const char *token, size_t len)
{
    if (json_is_object(node)) {
        const char *key;
        json_t *child;
        void *at = json_object_iter((json_t *)(uintptr_t)node);
        for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)node, at)) {
            key = json_object_iter_key(at);
            child = json_object_iter_value(at);
            if (token_equals(token, len, key)) {
                return child;
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
    return len > 0 ? json_array_get(node, index) : NULL;
}

/* Follows a JSON pointer (RFC 6901); NULL when it leads nowhere. */
static const json_t *follow(const json_t *node, const char *pointer)
{
    while (node != NULL && *pointer == '/') {
        const size_t len = strcspn(pointer + 1, "/");
        node = member(node, pointer + 1, len);
        pointer += 1 + len;
    }
    return *pointer == '\0' ? node : NULL;
}

static const json_t *mapped(const struct tree *tree, const json_t *root, const char *key)
{
    for (size_t i = 0; i < tree->keys->source->map_count; i++) {
        if (strcmp(tree->keys->source->map[i].key, key) == 0) {
            return follow(root, tree->keys->source->map[i].pointer);
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

void mqtt_decode_json(const struct mqtt_keys *keys, const struct mqtt_message *message, struct mqtt_batch *batch)
{
    const struct tree tree = {keys, message, batch};
    struct mqtt_heading heading = {0};
    int64_t time_ns;
    json_t *root = load(message, batch);
    if (root == NULL) {
        return;
    }
    const json_t *seq = is_heading(&tree, "seq") ? mapped(&tree, root, "seq") : NULL;
    heading.has_seq = json_is_integer(seq);
    heading.seq = heading.has_seq ? json_integer_value(seq) : 0;
    const json_t *time = is_heading(&tree, "time") ? mapped(&tree, root, "time") : NULL;
    if (heading_time(&tree, time, &heading, &time_ns) && mqtt_begin(batch, &heading)) {
        for (size_t i = 0; i < keys->source->map_count && !batch->stopped; i++) {
            const struct site_map *map = &keys->source->map[i];
            const json_t *node = follow(root, map->pointer);
            if (is_heading(&tree, map->key)) {
                continue;
            }
            if (node != NULL) {
                put(&tree, map->key, strlen(map->key), time_ns, node, 0);
            } else {
                mqtt_aside(batch, "the message has nothing at a pointer of the map", 0);
            }
        }
    }
    json_decref(root);
}

/* ---- neuron ---- */

static void put_members(const struct tree *tree, json_t *object, int64_t time_ns, bool errors)
{
    const char *key;
    json_t *node;
    json_object_foreach(object, key, node)
    {
        /* An error code in place of a value: the device behind the gateway gave none. */
        put(tree, key, strlen(key), time_ns, errors ? NULL : node, errors ? ST_COMM : 0);
    }
}

static void put_tags(const struct tree *tree, const json_t *tags, int64_t time_ns)
{
    size_t i;
    json_t *tag;
    json_array_foreach(tags, i, tag)
    {
        const json_t *name = json_object_get(tag, "name");
        const json_t *value = json_object_get(tag, "value");
        if (!json_is_string(name)) {
            mqtt_aside(tree->batch, "a tag without name", 0);
        } else if (value == NULL && json_object_get(tag, "error") == NULL) {
            mqtt_aside(tree->batch, "a tag without value and error", 0);
        } else {
            put(tree, json_string_value(name), json_string_length(name), time_ns, value, value == NULL ? ST_COMM : 0);
        }
    }
}

void mqtt_decode_neuron(const struct mqtt_keys *keys, const struct mqtt_message *message, struct mqtt_batch *batch)
{
    const struct tree tree = {keys, message, batch};
    struct mqtt_heading heading = {0};
    int64_t time_ns;
    json_t *root = load(message, batch);
    if (root == NULL) {
        return;
    }
    if (!json_is_object(root)) {
        mqtt_aside(batch, "a neuron message is an object", 0);
    } else if (heading_time(&tree, json_object_get(root, "timestamp"), &heading, &time_ns) &&
               mqtt_begin(batch, &heading)) {
        put_members(&tree, json_object_get(root, "values"), time_ns, false);
        put_members(&tree, json_object_get(root, "errors"), time_ns, true);
        put_tags(&tree, json_object_get(root, "tags"), time_ns);
    }
    json_decref(root);
}

/* ---- thingsboard ---- */

/* Takes {"ts", "values"} or plain members; `device` (may be NULL) goes in front of the keys. */
static void put_telemetry(const struct tree *tree, json_t *object, const char *device)
{
    struct mqtt_heading unused;
    int64_t time_ns = tree->message->seen_ns;
    json_t *values = json_object_get(object, "values");
    if (!json_is_object(object)) {
        mqtt_aside(tree->batch, "telemetry is an object", 0);
        return;
    }
    const bool timed = json_is_object(values) && json_object_get(object, "ts") != NULL;
    if (timed && !heading_time(tree, json_object_get(object, "ts"), &unused, &time_ns)) {
        return;
    }
    const char *key;
    json_t *node;
    json_object_foreach(timed ? values : object, key, node)
    {
        char name[MQTT_KEY_MAX];
        const int len =
            device == NULL ? snprintf(name, sizeof name, "%s", key) : snprintf(name, sizeof name, "%s/%s", device, key);
        if (len < 0 || (size_t)len >= sizeof name) {
            mqtt_aside(tree->batch, "a key is too long", 0);
        } else {
            put(tree, name, (size_t)len, time_ns, node, 0);
        }
    }
}

static void put_list(const struct tree *tree, const json_t *list, const char *device)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        put_telemetry(tree, entry, device);
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
    json_t *root = load(message, batch);
    if (root == NULL) {
        return;
    }
    if (!mqtt_begin(batch, &none)) {
        json_decref(root);
        return;
    }
    if (json_is_array(root)) {
        put_list(&tree, root, NULL);
    } else if (is_gateway(root)) {
        const char *device;
        json_t *list;
        json_object_foreach(root, device, list)
        {
            put_list(&tree, list, device);
        }
    } else {
        put_telemetry(&tree, root, NULL);
    }
    json_decref(root);
}
