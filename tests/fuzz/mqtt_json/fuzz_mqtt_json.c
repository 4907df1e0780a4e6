/*
 * The payloads of others on any bytes, the first byte chooses the format: no
 * step outside them, and each part set aside is told with a place within them,
 * where a value begins if it is JSON at all.
 */
#include "ingest/mqtt_decode.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 4 };

static const struct mqtt_message *payload; /* the one being read */

static bool drop(void *self, struct mqtt_batch *batch)
{
    (void)self;
    batch->count = 0;
    return true;
}

static void hear(void *self, const char *reason, size_t offset)
{
    (void)self;
    if (offset > payload->len) {
        abort();
    }
    if (strcmp(reason, "this is not JSON") != 0 &&
        (offset == payload->len || strchr("{[\"-0123456789tfn \t\r\n", payload->payload[offset]) == NULL)) {
        abort();
    }
}

static struct mqtt_keys *keys_once(void)
{
    static const struct site_map map[] = {{"a", "/a/0/b"}, {"c", "/c~1d"}, {"time", "/t"}, {"seq", "/s"}};
    static struct site_source source = {.id = "s0", .type = SOURCE_MQTT, .map = map, .map_count = 4};
    static struct site_point points[2] = {
        {.id = "p0", .from = {.key = "a", .scale = 1}},
        {.id = "p1", .from = {.key = "c", .scale = 2, .offset = 1}},
    };
    static const struct site site = {.sources = &source, .source_count = 1, .points = points, .point_count = 2};
    static struct arena arena;
    static struct mqtt_keys keys;
    if (keys.targets == NULL) {
        arena_init(&arena);
        mqtt_keys_init(&keys, &site, 0, &arena);
    }
    return &keys;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum mqtt_format formats[] = {FORMAT_JSON, FORMAT_NEURON, FORMAT_THINGSBOARD};
    struct sample samples[ROOM];
    if (size == 0) {
        return 0;
    }
    const struct mqtt_message message = {.payload = (const char *)data + 1, .len = size - 1, .seen_ns = 1};
    struct mqtt_batch batch = {.samples = samples, .room = ROOM, .full = drop, .told = hear};
    payload = &message;
    mqtt_decoder(formats[data[0] % 3])(keys_once(), &message, &batch);
    return 0;
}
