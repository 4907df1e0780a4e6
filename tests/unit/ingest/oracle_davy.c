/*
 * oracle_davy: see oracle_davy.h.
 */
#include "oracle_davy.h"

#include "base/text.h"
#include "ingest/reading.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct oracle {
    const struct mqtt_keys *keys;
    const struct mqtt_message *message;
    struct outcome *out;
    bool no_opinion;
};

static bool time_of(struct oracle *oracle, const json_t *node, int64_t *ret_ns)
{
    char text[32];
    if (json_is_string(node)) {
        return text_parse_time(json_string_value(node), json_string_length(node), ret_ns);
    }
    if (json_is_integer(node)) {
        const int len = snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(node));
        return text_parse_time(text, (size_t)len, ret_ns);
    }
    oracle->no_opinion = oracle->no_opinion || json_is_real(node); /* its text is not known any more */
    return false;
}

static bool value_of(const json_t *node, double *ret_value)
{
    *ret_value = json_is_number(node)  ? json_number_value(node)
                 : json_is_true(node)  ? 1
                 : json_is_false(node) ? 0
                                       : NAN;
    return node == NULL || json_is_number(node) || json_is_boolean(node) || json_is_null(node);
}

static void put(struct oracle *oracle, const char *key, size_t len, int64_t time_ns, double value, uint16_t status)
{
    const uint32_t first = table_find(&oracle->keys->table, key, len);
    for (uint32_t i = first; i != SITE_NONE; i = oracle->keys->targets[i].next) {
        const struct mqtt_target *target = &oracle->keys->targets[i];
        struct sample sample = {.time_ns = time_ns,
                                .seen_ns = oracle->message->seen_ns,
                                .value = value,
                                .point = target->point,
                                .status = status};
        if (target->from != NULL && !isnan(value)) {
            const struct reading reading = reading_from_raw(target->from, value);
            sample.value = reading.value;
            sample.status |= reading.status;
        }
        sample_settle(&sample);
        if (oracle->out->count < sizeof oracle->out->samples / sizeof *oracle->out->samples) {
            oracle->out->samples[oracle->out->count++] = sample;
        }
    }
}

/* One sample; `parts` is an object with value, status, time. */
static void take(struct oracle *oracle, const char *key, size_t len, json_t *parts, bool has_time, int64_t time_ns)
{
    double value;
    uint16_t status = 0;
    const json_t *word = json_object_get(parts, "status");
    const json_t *time = json_object_get(parts, "time");
    if (table_find(&oracle->keys->table, key, len) == TABLE_NONE ||
        !value_of(json_object_get(parts, "value"), &value) ||
        (word != NULL &&
         (!json_is_string(word) || !status_parse(json_string_value(word), json_string_length(word), &status))) ||
        (time != NULL && !time_of(oracle, time, &time_ns)) || (time == NULL && !has_time)) {
        oracle->out->aside++;
        return;
    }
    put(oracle, key, len, time_ns, value, status);
}

static void take_object(struct oracle *oracle, json_t *root)
{
    int64_t time_ns = oracle->message->seen_ns;
    const json_t *time = json_object_get(root, "time");
    const bool has_time = time == NULL || time_of(oracle, time, &time_ns);
    oracle->out->aside += !has_time;
    json_t *values = json_object_get(root, "values");
    oracle->out->aside += values != NULL && !json_is_object(values);
    const char *key;
    size_t len;
    json_t *node;
    json_object_keylen_foreach(values, key, len, node)
    {
        if (json_is_object(node)) {
            take(oracle, key, len, node, has_time, time_ns);
        } else {
            json_t *parts = json_object();
            (void)json_object_set(parts, "value", node);
            take(oracle, key, len, parts, has_time, time_ns);
            json_decref(parts);
        }
    }
}

static void take_array(struct oracle *oracle, json_t *root)
{
    size_t i;
    json_t *node;
    json_array_foreach(root, i, node)
    {
        const json_t *point = json_object_get(node, "point");
        if (!json_is_string(point)) {
            oracle->out->aside++;
        } else {
            take(oracle, json_string_value(point), json_string_length(point), node, true, oracle->message->seen_ns);
        }
    }
}

bool oracle_davy(const struct mqtt_keys *keys, const struct mqtt_message *message, struct outcome *ret_outcome)
{
    struct oracle oracle = {.keys = keys, .message = message, .out = ret_outcome};
    json_error_t error;
    ret_outcome->count = 0;
    ret_outcome->aside = 0;
    if (memchr(message->payload, '\0', message->len) != NULL) {
        return false; /* jansson takes a NUL byte for white space at some places */
    }
    json_t *root = json_loadb(message->payload, message->len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        return false;
    }
    if (json_is_object(root)) {
        take_object(&oracle, root);
    } else {
        take_array(&oracle, root);
    }
    json_decref(root);
    return !oracle.no_opinion;
}

static bool collect(void *self, struct mqtt_batch *batch)
{
    struct outcome *out = self;
    for (size_t i = 0; i < batch->count; i++) {
        if (out->count < sizeof out->samples / sizeof *out->samples) {
            out->samples[out->count++] = batch->samples[i];
        }
    }
    batch->count = 0;
    return true;
}

void scanner_davy(const struct mqtt_keys *keys, const struct mqtt_message *message, size_t room,
                  struct outcome *ret_outcome)
{
    struct sample samples[64];
    struct mqtt_batch batch = {.samples = samples, .room = room, .full = collect, .self = ret_outcome};
    ret_outcome->count = 0;
    mqtt_decode_davy(keys, message, &batch);
    (void)collect(ret_outcome, &batch);
    ret_outcome->aside = batch.aside;
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

bool outcome_equal(const struct outcome *a, const struct outcome *b)
{
    if (a->count != b->count || a->aside != b->aside) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        const struct sample *x = &a->samples[i];
        const struct sample *y = &b->samples[i];
        if (x->time_ns != y->time_ns || x->seen_ns != y->seen_ns || x->point != y->point || x->status != y->status ||
            !same_number(x->value, y->value)) {
            return false;
        }
    }
    return true;
}
