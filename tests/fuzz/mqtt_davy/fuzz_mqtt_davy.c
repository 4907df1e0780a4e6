/*
 * The davy format on any bytes: no step outside them, and where jansson can
 * read them, the same samples.
 */
#include "field.h"
#include "oracle_davy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mqtt_keys *keys_once(void)
{
    static struct site_source source = {.id = "s0", .type = SOURCE_MQTT};
    static struct site_point points[3] = {
        {.id = "p0", .from = {.key = "a", .scale = 1}},
        {.id = "p1", .from = {.key = "T7.LVL", .scale = 2, .offset = 1}},
        {.id = "p2", .from = {.key = "a", .scale = 1}},
    };
    static const struct site site = {.sources = &source, .source_count = 1, .points = points, .point_count = 3};
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
    static struct outcome ours;
    static struct outcome theirs;
    const struct mqtt_message message = {.payload = (const char *)data, .len = size, .seen_ns = 1};
    scanner_davy(keys_once(), &message, 7, &ours);
    if (oracle_davy(keys_once(), &message, &theirs) && !outcome_equal(&ours, &theirs)) {
        abort();
    }
    return 0;
}
