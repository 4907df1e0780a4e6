/*
 * oracle_sparkplug: see oracle_sparkplug.h.
 */
#include "oracle_sparkplug.h"

#include "ingest/sparkplug_wire.h"
#include "sparkplug.pb-c.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef Davy__Sparkplug__Payload Payload;
typedef Davy__Sparkplug__Metric Metric;
typedef Davy__Sparkplug__PropertySet PropertySet;
typedef Davy__Sparkplug__PropertyValue PropertyValue;

/* ---- reading ---- */

static bool same_name(const struct spb_metric *ours, const Metric *theirs)
{
    const size_t len = theirs->name != NULL ? strlen(theirs->name) : 0;
    /* theirs ends at the first NUL */
    return ours->name.len == len || (ours->name.len > len && ours->name.data[len] == '\0');
}

static bool their_quality(const Metric *theirs, int32_t *ret_quality)
{
    const PropertySet *set = theirs->properties;
    for (size_t i = 0; set != NULL && i < set->n_keys; i++) {
        if (strcmp(set->keys[i], "Quality") != 0) {
            continue;
        }
        const PropertyValue *value = i < set->n_values ? set->values[i] : NULL;
        if (value == NULL || value->is_null) {
            return false;
        }
        if (value->value_case == DAVY__SPARKPLUG__PROPERTY_VALUE__VALUE_INT_VALUE) {
            *ret_quality = (int32_t)value->int_value;
            return true;
        }
        if (value->value_case == DAVY__SPARKPLUG__PROPERTY_VALUE__VALUE_LONG_VALUE) {
            *ret_quality = (int32_t)(uint32_t)value->long_value;
            return true;
        }
        return false;
    }
    return false;
}

static bool same_value(const struct spb_metric *ours, const Metric *theirs)
{
    switch (theirs->value_case) {
    case DAVY__SPARKPLUG__METRIC__VALUE__NOT_SET:
        return ours->kind == SPB_NONE;
    case DAVY__SPARKPLUG__METRIC__VALUE_INT_VALUE:
        return ours->kind == SPB_AS_INT && ours->whole == theirs->int_value;
    case DAVY__SPARKPLUG__METRIC__VALUE_LONG_VALUE:
        return ours->kind == SPB_AS_LONG && ours->whole == theirs->long_value;
    case DAVY__SPARKPLUG__METRIC__VALUE_FLOAT_VALUE:
        return ours->kind == SPB_AS_FLOAT && memcmp(&ours->f32, &theirs->float_value, sizeof ours->f32) == 0;
    case DAVY__SPARKPLUG__METRIC__VALUE_DOUBLE_VALUE:
        return ours->kind == SPB_AS_DOUBLE && memcmp(&ours->f64, &theirs->double_value, sizeof ours->f64) == 0;
    case DAVY__SPARKPLUG__METRIC__VALUE_BOOLEAN_VALUE:
        return ours->kind == SPB_AS_BOOLEAN && ours->whole == (uint64_t)theirs->boolean_value;
    default:
        return ours->kind == SPB_AS_OTHER;
    }
}

static bool same_metric(const struct spb_metric *ours, const Metric *theirs)
{
    int32_t quality = 0;
    const bool has_quality = their_quality(theirs, &quality);
    return same_name(ours, theirs) && ours->has_alias == (bool)theirs->has_alias && ours->alias == theirs->alias &&
           ours->has_time == (bool)theirs->has_timestamp && ours->time_ms == theirs->timestamp &&
           ours->datatype == theirs->datatype && ours->historical == (bool)theirs->is_historical &&
           ours->transient == (bool)theirs->is_transient && ours->is_null == (bool)theirs->is_null &&
           ours->has_quality == has_quality && (!has_quality || ours->quality == quality) && same_value(ours, theirs);
}

/* Ours is sound when the frame and every metric is. */
static bool ours_is_sound(const char *data, size_t len, struct spb_payload *payload)
{
    struct spb_cursor cursor;
    struct spb_metric metric;
    const char *reason;
    size_t offset;
    bool sound = spb_payload_read(data, len, payload, &offset) == NULL;
    spb_metrics_begin(&cursor, data, len);
    while (sound && spb_metric_next(&cursor, &metric, &reason)) {
        sound = reason == NULL;
    }
    return sound;
}

static bool all_same(const char *data, size_t len, const struct spb_payload *ours, const Payload *theirs)
{
    struct spb_cursor cursor;
    struct spb_metric metric;
    const char *reason;
    size_t n = 0;
    bool same = ours->has_time == (bool)theirs->has_timestamp && ours->time_ms == theirs->timestamp &&
                ours->has_seq == (bool)theirs->has_seq && ours->seq == theirs->seq &&
                ours->metrics == theirs->n_metrics;
    spb_metrics_begin(&cursor, data, len);
    while (same && spb_metric_next(&cursor, &metric, &reason)) {
        same = n < theirs->n_metrics && same_metric(&metric, theirs->metrics[n]);
        n++;
    }
    return same && n == theirs->n_metrics;
}

enum outcome_of_two oracle_sparkplug(const uint8_t *data, size_t len)
{
    const char *text = len > 0 ? (const char *)data : "";
    struct spb_payload payload;
    const bool ours = ours_is_sound(text, len, &payload);
    Payload *theirs = davy__sparkplug__payload__unpack(NULL, len, data);
    enum outcome_of_two verdict = ours ? ONLY_OURS : NEITHER;
    if (theirs != NULL) {
        verdict = !ours ? ONLY_THEIRS : all_same(text, len, &payload, theirs) ? BOTH_AGREE : THEY_DIFFER;
        davy__sparkplug__payload__free_unpacked(theirs, NULL);
    }
    return verdict;
}

/* ---- packing ---- */

static uint64_t next(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static bool coin(uint64_t *seed)
{
    return (next(seed) & 1) != 0;
}

/* Of any width: short varints as often as long ones. */
static uint64_t number(uint64_t *seed)
{
    return next(seed) >> (next(seed) % 64);
}

static char text_a[] = "a/b", text_b[] = "Quality", text_c[] = "Engineering Unit", text_d[] = "";
static char *const texts[] = {text_a, text_b, text_c, text_d};

static void random_value(uint64_t *seed, Metric *metric)
{
    const uint64_t bits = next(seed);
    metric->value_case = (Davy__Sparkplug__Metric__ValueCase)(10 + next(seed) % 6);
    switch (metric->value_case) {
    case DAVY__SPARKPLUG__METRIC__VALUE_INT_VALUE:
        metric->int_value = (uint32_t)number(seed);
        break;
    case DAVY__SPARKPLUG__METRIC__VALUE_LONG_VALUE:
        metric->long_value = number(seed);
        break;
    case DAVY__SPARKPLUG__METRIC__VALUE_FLOAT_VALUE:
        memcpy(&metric->float_value, &bits, sizeof metric->float_value);
        break;
    case DAVY__SPARKPLUG__METRIC__VALUE_DOUBLE_VALUE:
        memcpy(&metric->double_value, &bits, sizeof metric->double_value);
        break;
    case DAVY__SPARKPLUG__METRIC__VALUE_BOOLEAN_VALUE:
        metric->boolean_value = coin(seed);
        break;
    default:
        metric->string_value = texts[next(seed) % 4];
        break;
    }
}

enum { METRICS = 8, PROPERTIES = 3 };

struct made {
    Metric metrics[METRICS];
    Metric *metric_list[METRICS];
    PropertySet sets[METRICS];
    PropertyValue values[METRICS][PROPERTIES];
    PropertyValue *value_lists[METRICS][PROPERTIES];
    char *key_lists[METRICS][PROPERTIES];
};

static void random_properties(uint64_t *seed, struct made *made, size_t i)
{
    PropertySet *set = &made->sets[i];
    davy__sparkplug__property_set__init(set);
    for (size_t k = 0; k < PROPERTIES; k++) {
        PropertyValue *value = &made->values[i][k];
        davy__sparkplug__property_value__init(value);
        value->has_type = true;
        value->type = 3;
        value->has_is_null = coin(seed);
        value->is_null = value->has_is_null && coin(seed);
        value->value_case = DAVY__SPARKPLUG__PROPERTY_VALUE__VALUE_INT_VALUE;
        value->int_value = (uint32_t)number(seed);
        made->value_lists[i][k] = value;
        made->key_lists[i][k] = texts[next(seed) % 4];
    }
    set->n_keys = next(seed) % (PROPERTIES + 1);
    set->n_values = next(seed) % (PROPERTIES + 1);
    set->keys = made->key_lists[i];
    set->values = made->value_lists[i];
}

static void random_metric(uint64_t *seed, struct made *made, size_t i)
{
    Metric *metric = &made->metrics[i];
    davy__sparkplug__metric__init(metric);
    metric->name = coin(seed) ? texts[next(seed) % 4] : NULL;
    metric->has_alias = coin(seed);
    metric->alias = metric->has_alias ? number(seed) : 0;
    metric->has_timestamp = coin(seed);
    metric->timestamp = metric->has_timestamp ? number(seed) : 0;
    metric->has_datatype = coin(seed);
    metric->datatype = metric->has_datatype ? (uint32_t)number(seed) : 0;
    metric->has_is_historical = coin(seed);
    metric->is_historical = metric->has_is_historical && coin(seed);
    metric->has_is_null = coin(seed);
    metric->is_null = metric->has_is_null && coin(seed);
    if (coin(seed)) {
        random_properties(seed, made, i);
        metric->properties = &made->sets[i];
    }
    if (coin(seed)) {
        random_value(seed, metric);
    }
    made->metric_list[i] = metric;
}

size_t oracle_pack_random(uint64_t *seed, uint8_t *ret_data, size_t room)
{
    struct made made;
    Payload payload = DAVY__SPARKPLUG__PAYLOAD__INIT;
    payload.n_metrics = next(seed) % (METRICS + 1);
    payload.metrics = made.metric_list;
    for (size_t i = 0; i < payload.n_metrics; i++) {
        random_metric(seed, &made, i);
    }
    payload.has_timestamp = coin(seed);
    payload.timestamp = payload.has_timestamp ? number(seed) : 0;
    payload.has_seq = coin(seed);
    payload.seq = payload.has_seq ? next(seed) % 256 : 0;
    const size_t len = davy__sparkplug__payload__get_packed_size(&payload);
    return len <= room ? davy__sparkplug__payload__pack(&payload, ret_data) : 0;
}
