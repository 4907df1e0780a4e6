/*
 * mqtt_decode: from the bytes of an MQTT message to samples.
 *
 * Each format is one function of the same shape; mqtt_decoder gives it.  What
 * cannot be read is set aside with a reason and its byte offset and counted;
 * the rest of the message is taken.  Nothing of a message is believed to be
 * well-formed.
 *
 * Pure but for the batch it writes to and what the keys' names remember, which
 * changes no outcome: no clock, no log, no allocation (davy format).  The
 * decoders of foreign formats allocate a tree per message, as their edge allows.
 */
#ifndef DAVY_INGEST_MQTT_DECODE_H
#define DAVY_INGEST_MQTT_DECODE_H

#include "base/arena.h"
#include "base/table.h"
#include "model/sample.h"
#include "model/site.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MQTT_KEY_MAX = 512 }; /* a key with escapes may not be longer */

/* One point that a key means; several points may share a key. */
struct mqtt_target {
    const struct site_from *from; /* NULL: the value is taken as it is */
    uint32_t point;
    uint32_t next; /* the next target of the same key, SITE_NONE: none */
};

/* The keys of one source; const after mqtt_keys_init, but for what the names remember. */
struct mqtt_keys {
    const struct site_source *source;
    struct table table; /* key -> target, the first of those that share it */
    struct mqtt_target *targets;
    struct mqtt_name *names; /* [count + 1], see mqtt_names.h */
    uint32_t count;
};

/* Collects the source's points; a point without a key is known by its id.  Memory: the arena's, and the table's own. */
void mqtt_keys_init(struct mqtt_keys *keys, const struct site *site, uint32_t source, struct arena *arena);
void mqtt_keys_done(struct mqtt_keys *keys);

struct mqtt_message {
    const char *payload; /* need not end in NUL */
    size_t len;
    int64_t seen_ns; /* also the time of what carries none */
};

/* What a message says of itself. */
struct mqtt_heading {
    bool has_time;
    bool has_seq;
    int64_t time_ns;
    int64_t seq;
};

/* Where samples go: an array that is handed on whenever it is full. */
struct mqtt_batch {
    struct sample *samples;
    size_t count;
    size_t room;
    /* Told once, before the first sample; false: take nothing of this message.  May be NULL. */
    bool (*begin)(void *self, const struct mqtt_heading *heading);
    /* Hands the samples on and empties the array; false: stop. */
    bool (*full)(void *self, struct mqtt_batch *batch);
    /* Told of each part set aside.  May be NULL. */
    void (*told)(void *self, const char *reason, size_t offset);
    void *self;
    bool stopped;       /* begin or full said so */
    uint64_t aside;     /* parts of this message set aside */
    const char *reason; /* of the first of them; const text */
    size_t offset;      /* and where it stands */
};

typedef void mqtt_decode_fn(const struct mqtt_keys *keys, const struct mqtt_message *message, struct mqtt_batch *batch);

mqtt_decode_fn mqtt_decode_davy;
mqtt_decode_fn mqtt_decode_json;
mqtt_decode_fn mqtt_decode_neuron;
mqtt_decode_fn mqtt_decode_thingsboard;

/* Gives the decoder of a format; NULL when this version has none. */
mqtt_decode_fn *mqtt_decoder(enum mqtt_format format);

/* Whether a key means one point, which takes the value as it is. */
static inline bool mqtt_is_plain(const struct mqtt_target *target)
{
    return target->from == NULL && target->next == SITE_NONE;
}
/* For decoders: puts a finite value for the point of such a key. */
static inline void mqtt_put_plain(struct mqtt_batch *batch, uint32_t point, int64_t time_ns, int64_t seen_ns,
                                  double value)
{
    batch->samples[batch->count++] =
        (struct sample){.time_ns = time_ns, .seen_ns = seen_ns, .value = value, .point = point};
    if (batch->count == batch->room) {
        batch->stopped = !batch->full(batch->self, batch);
    }
}

/* For decoders: puts one raw value (NaN: none) for every point of a key's chain. */
void mqtt_put(const struct mqtt_keys *keys, const struct mqtt_message *message, struct mqtt_batch *batch,
              uint32_t target, int64_t time_ns, double raw, uint16_t status);
/* For decoders: sets a part aside. */
void mqtt_aside(struct mqtt_batch *batch, const char *reason, size_t offset);
/* For decoders: opens the message; false: take nothing of it. */
bool mqtt_begin(struct mqtt_batch *batch, const struct mqtt_heading *heading);

#endif
