/*
 * mqtt_davy: the parts of the decoder of format `davy`.
 *
 *   mqtt_davy.c         the message: its heading, its values, its elements
 *   mqtt_davy_parts.c   one reading: value, status, time, point
 *
 * Private to these two; pure.
 */
#ifndef DAVY_INGEST_MQTT_DAVY_H
#define DAVY_INGEST_MQTT_DAVY_H

#include "ingest/mqtt_decode.h"
#include "ingest/mqtt_names.h"
#include "ingest/mqtt_scan.h"
#include <string.h>

#define READING_TIME_NONE INT64_MIN /* a reading without time */

/* A decoding under way. */
struct davy {
    const struct mqtt_keys *keys;
    const struct mqtt_message *message;
    struct mqtt_batch *batch;
    struct scan scan;
    struct mqtt_heading heading;
    int64_t time_ns;  /* of values that carry none */
    bool time_broken; /* there is one, but it cannot be read: such values cannot be taken */
    bool begun;
    uint32_t before;       /* target of the key taken last, keys->count before the first */
    struct span last_time; /* the text of the own time read last, in the message */
    int64_t last_time_ns;
    char scratch[MQTT_KEY_MAX];
};

/* One reading, either way of writing it. */
struct parts {
    double value;
    int64_t time_ns;
    uint16_t status;
    const char *trouble; /* why it cannot be taken; NULL: it can */
    size_t offset;       /* of the trouble */
};

static inline bool davy_span_is(struct span span, const char *word)
{
    return span.len == strlen(word) && memcmp(span.text, word, span.len) == 0;
}

static inline bool davy_is_empty(struct davy *davy, char close)
{
    return scan_take(&davy->scan, close);
}

/* What is known to follow the key taken last is what the next message is expected to say. */
static inline void davy_learn(struct davy *davy, uint32_t target)
{
    if (target != TABLE_NONE) {
        davy->keys->names[davy->before].after = target;
    }
}

/* Sets a part aside where the scan stands. */
void davy_aside(struct davy *davy, const char *reason);
/* Takes `"name":`.  False when there is none. */
bool davy_take_name(struct davy *davy, struct span *ret_name);
/* Between two members: true when another follows.  What is neither comma nor end is set aside up to the next. */
bool davy_another(struct davy *davy, char close);

bool davy_take_time(struct davy *davy, int64_t *ret_ns);
/* Takes the value of a "value" member or of a key. */
void davy_take_reading(struct davy *davy, struct parts *parts);
/* Takes the members of a sample's object; the opening bracket is taken.  `ret_target` (NULL: the key is known already)
 * is set by "point". */
void davy_take_members(struct davy *davy, struct parts *parts, uint32_t *ret_target);

#endif
