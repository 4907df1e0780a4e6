/*
 * The davy format on any bytes: no step outside them, and where jansson can
 * read them, the same samples; also the second time, when its keys are expected
 * in the order of the first.
 */
#include "field.h"
#include "oracle_davy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void init_keys(struct mqtt_keys *keys, struct arena *arena)
{
    static struct site_source source = {.id = "s0", .type = SOURCE_MQTT};
    static struct site_point points[] = {
        {.id = "p0", .from = {.key = "a", .scale = 1}},
        {.id = "p1", .from = {.key = "T7.LVL", .scale = 2, .offset = 1}},
        {.id = "p2", .from = {.key = "a", .scale = 1}},
        {.id = "p3", .from = {.key = "b", .scale = 1}},
        {.id = "area-1/T3.LVL", .from = {.key = "area-1/T3.LVL", .scale = 1}},
    };
    static const struct site site = {
        .sources = &source, .source_count = 1, .points = points, .point_count = sizeof points / sizeof *points};
    arena_init(arena);
    mqtt_keys_init(keys, &site, 0, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome ours;
    static struct outcome theirs;
    const struct mqtt_message message = {.payload = (const char *)data, .len = size, .seen_ns = 1};
    struct mqtt_keys keys;
    struct arena arena;
    init_keys(&keys, &arena);
    const bool known = oracle_davy(&keys, &message, &theirs);
    for (int turn = 0; turn < 2; turn++) {
        scanner_davy(&keys, &message, 7, &ours);
        if (known && !outcome_equal(&ours, &theirs)) {
            abort();
        }
    }
    mqtt_keys_done(&keys);
    arena_done(&arena);
    return 0;
}
