/*
 * field: see field.h.
 */
#include "field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct field *field_new(size_t ring_capacity)
{
    struct field *field = calloc(1, sizeof *field);
    assert_non_null(field);
    struct err err;
    assert_int_equal(ring_open(sizeof(struct sample), ring_capacity, 0, &field->rings[0], &err), ERR_NONE);
    field->counters = counters_new(4096);
    field->site.id = "test";
    field->site.file = "test.json";
    field->site.sources = field->sources;
    field->site.points = field->points;
    field->router = (struct router){
        .rings = field->rings,
        .bells = field->bells,
        .shard_count = 1,
        .masks = field->masks,
        .seqs = field->seqs,
    };
    return field;
}

void field_free(struct field *field)
{
    ring_free(field->rings[0]);
    counters_free(field->counters);
    free(field);
}

static struct site_source *add_source(struct field *field, enum source_type type)
{
    assert_true(field->site.source_count < FIELD_SOURCES);
    const size_t i = field->site.source_count++;
    (void)snprintf(field->source_ids[i], FIELD_IDS, "s%zu", i);
    field->sources[i] = (struct site_source){.id = field->source_ids[i], .type = type};
    return &field->sources[i];
}

struct site_source *field_add_modbus(struct field *field, enum source_type type, uint16_t port)
{
    struct site_source *source = add_source(field, type);
    source->host = "127.0.0.1";
    source->port = port;
    source->baud = 9600;
    source->parity = 'N';
    source->data_bits = 8;
    source->stop_bits = 1;
    source->timeout_ns = 100 * NS_PER_MS;
    source->max_registers = 125;
    source->max_coils = 2000;
    source->gap = 8;
    return source;
}

struct site_source *field_add_mqtt(struct field *field, const char *url, const char *const *topics, size_t topic_count)
{
    struct site_source *source = add_source(field, SOURCE_MQTT);
    source->url = url;
    source->topics = topics;
    source->topic_count = topic_count;
    return source;
}

static struct site_point *add_point(struct field *field)
{
    assert_true(field->site.point_count < FIELD_POINTS);
    const size_t i = field->site.point_count++;
    (void)snprintf(field->ids[i], FIELD_IDS, "p%zu", i);
    field->masks[i] = 1;
    field->points[i] = (struct site_point){
        .id = field->ids[i],
        .hazard = SITE_NONE,
        .from = {.source = (uint32_t)field->site.source_count - 1, .scale = 1},
    };
    return &field->points[i];
}

struct site_point *field_add_register(struct field *field, uint8_t unit, uint16_t address, enum mbus_type type,
                                      int64_t every_ns)
{
    static const uint8_t registers[] = {
        [TYPE_U16] = 1,  [TYPE_I16] = 1,   [TYPE_U32] = 2,   [TYPE_I32] = 2,  [TYPE_U64] = 4,
        [TYPE_I64] = 4,  [TYPE_F32] = 2,   [TYPE_F64] = 4,   [TYPE_BOOL] = 1, [TYPE_BIT] = 1,
        [TYPE_BITS] = 1, [TYPE_BCD16] = 1, [TYPE_BCD32] = 2,
    };
    struct site_point *point = add_point(field);
    point->every_ns = every_ns;
    point->from.unit = unit;
    point->from.table = TABLE_HOLDING;
    point->from.address = address;
    point->from.type = type;
    point->from.registers = registers[type];
    for (uint8_t i = 0; i < 8; i++) {
        point->from.order[i] = i;
    }
    return point;
}

struct site_companion *field_add_companion(struct field *field, struct site_point *point, uint16_t address)
{
    const size_t i = (size_t)(point - field->points);
    struct site_extra *extra = &field->extras[i];
    assert_true(extra->companion_count < 2);
    extra->companions = field->companions[i];
    struct site_companion *companion = &field->companions[i][extra->companion_count++];
    *companion = (struct site_companion){.from = point->from};
    companion->from.type = TYPE_U16;
    companion->from.registers = 1;
    companion->from.address = address;
    companion->from.extra = NULL;
    point->from.extra = extra;
    return companion;
}

struct site_point *field_add_key(struct field *field, const char *key)
{
    struct site_point *point = add_point(field);
    point->from.key = key;
    return point;
}

bool field_take(struct field *field, struct sample *ret_sample)
{
    size_t n;
    const struct sample *sample = ring_peek(field->rings[0], &n);
    if (sample == NULL) {
        return false;
    }
    *ret_sample = *sample;
    ring_release(field->rings[0], 1);
    return true;
}

uint64_t field_count(const struct field *field, const char *what)
{
    char name[64];
    (void)snprintf(name, sizeof name, "ingest.s0.%s", what);
    for (size_t i = 0; i < counters_count(field->counters); i++) {
        if (strcmp(counter_name(counters_at(field->counters, i)), name) == 0) {
            return counter_get(counters_at(field->counters, i));
        }
    }
    fail_msg("no counter %s", name);
    return 0;
}
