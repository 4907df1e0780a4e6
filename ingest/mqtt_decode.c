/*
 * mqtt_decode: what all formats share: keys, and how samples are put.
 */
#include "ingest/mqtt_decode.h"

#include "ingest/mqtt_names.h"
#include "ingest/reading.h"

static bool is_plain(const struct site_from *from)
{
    return from->scale == 1.0 && from->offset == 0.0 && from->invalid_count == 0;
}

static const char *key_of(const struct site_point *point)
{
    return point->from.key != NULL ? point->from.key : point->id;
}

void mqtt_keys_init(struct mqtt_keys *keys, const struct site *site, uint32_t source, struct arena *arena)
{
    size_t count = 0;
    for (size_t i = 0; i < site->point_count; i++) {
        count += site->points[i].from.source == source;
    }
    *keys = (struct mqtt_keys){
        .source = &site->sources[source],
        .targets = ARENA_ARRAY(arena, struct mqtt_target, count + 1),
    };
    keys->names = mqtt_names_new(count, arena);
    table_init(&keys->table);
    for (size_t i = 0; i < site->point_count; i++) {
        const struct site_point *point = &site->points[i];
        if (point->from.source != source) {
            continue;
        }
        const uint32_t target = keys->count++;
        keys->targets[target] = (struct mqtt_target){
            .from = is_plain(&point->from) ? NULL : &point->from,
            .point = (uint32_t)i,
            .next = SITE_NONE,
        };
        const uint32_t first = table_add(&keys->table, key_of(point), target);
        if (first == TABLE_NONE) {
            mqtt_names_add(keys->names, target, key_of(point), arena);
        } else { /* behind the first of this key */
            keys->targets[target].next = keys->targets[first].next;
            keys->targets[first].next = target;
        }
    }
}

void mqtt_keys_done(struct mqtt_keys *keys)
{
    table_done(&keys->table);
}

void mqtt_put(const struct mqtt_keys *keys, const struct mqtt_message *message, struct mqtt_batch *batch,
              uint32_t target, int64_t time_ns, double raw, uint16_t status)
{
    for (uint32_t i = target; i != SITE_NONE && !batch->stopped; i = keys->targets[i].next) {
        const struct mqtt_target *to = &keys->targets[i];
        struct sample sample = {
            .time_ns = time_ns, .seen_ns = message->seen_ns, .value = raw, .point = to->point, .status = status};
        if (to->from != NULL && !isnan(raw)) {
            const struct reading reading = reading_from_raw(to->from, raw);
            sample.value = reading.value;
            sample.status |= reading.status;
        }
        sample_settle(&sample);
        batch->samples[batch->count++] = sample;
        if (batch->count == batch->room) {
            batch->stopped = !batch->full(batch->self, batch);
        }
    }
}

void mqtt_aside(struct mqtt_batch *batch, const char *reason, size_t offset)
{
    if (batch->told != NULL) {
        batch->told(batch->self, reason, offset);
    }
    if (batch->aside++ == 0) {
        batch->reason = reason;
        batch->offset = offset;
    }
}

bool mqtt_begin(struct mqtt_batch *batch, const struct mqtt_heading *heading)
{
    if (batch->begin != NULL && !batch->begin(batch->self, heading)) {
        batch->stopped = true;
    }
    return !batch->stopped;
}

mqtt_decode_fn *mqtt_decoder(enum mqtt_format format)
{
    switch (format) {
    case FORMAT_DAVY:
        return mqtt_decode_davy;
    case FORMAT_JSON:
        return mqtt_decode_json;
    case FORMAT_NEURON:
        return mqtt_decode_neuron;
    case FORMAT_THINGSBOARD:
        return mqtt_decode_thingsboard;
    case FORMAT_SPARKPLUG:
        break;
    }
    return NULL;
}
