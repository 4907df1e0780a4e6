/*
 * mqtt_take: one message from its bytes to "safe", or refused.
 *
 *   decode → wait for room → rings → mark → wait until the mark is safe
 *
 * Called on paho's one callback thread, which waits here and nowhere else, and
 * never longer than TAKE_PATIENCE_NS for room or for safety: while it waits,
 * no other message of this process is acknowledged, which is how a full house
 * makes the broker wait.  A refused message may have put samples already; it
 * will come again, and its samples then have the same times.
 *
 * Knows nothing of paho.
 */
#ifndef DAVY_INGEST_MQTT_TAKE_H
#define DAVY_INGEST_MQTT_TAKE_H

#include "base/clock.h"
#include "ingest/ingest.h"
#include "ingest/mqtt_decode.h"
#include "ingest/mqtt_repeats.h"

#define TAKE_PATIENCE_NS (2 * NS_PER_S)
enum { TAKE_BATCH = 1024 }; /* samples put at once, fewer where the rings are smaller */

struct take_counters {
    struct counter *messages, *samples, *set_aside, *repeats, *refused, *connected, *reconnects;
};

/* What all sources of one inbox share. */
struct take_shared {
    struct router *router;
    struct safe_source *safe; /* [source] */
    unsigned shard_count;
    const struct cell *stop; /* not 0: wait for nothing any more */
    struct sample *samples;  /* [room] */
    size_t room;
    struct clock clock;
};

struct mqtt_take {
    struct take_shared *shared;
    uint32_t source; /* index into site.sources */
    struct mqtt_keys keys;
    mqtt_decode_fn *decode;
    struct mqtt_repeats repeats;
    struct take_counters count;
    uint64_t ticket; /* of the last mark */
};

enum take_result {
    TAKE_SAFE,    /* may be acknowledged: taken and safe, a repeat, or nothing in it could be taken */
    TAKE_REFUSED, /* must not be acknowledged */
};

/* Makes the shared part; arena memory. */
void take_shared_init(struct take_shared *shared, const struct mqtt_config *config, const struct cell *stop,
                      struct arena *arena);
/* Makes one source's part; mqtt_take_done gives its table back. */
void mqtt_take_init(struct mqtt_take *take, struct take_shared *shared, const struct mqtt_config *config,
                    uint32_t source, struct arena *arena);
void mqtt_take_done(struct mqtt_take *take);

enum take_result mqtt_take_message(struct mqtt_take *take, const char *topic, size_t topic_len, const char *payload,
                                   size_t len);

/* True when the topic matches the subscription (MQTT 3.1.1, 4.7). */
bool mqtt_topic_matches(const char *filter, const char *topic, size_t topic_len);

/* Copies a topic as it may stand in a log line: cut, without control characters and quotes. */
enum { TOPIC_PRINT_MAX = 200 };
void mqtt_topic_print(const char *topic, size_t len, char ret_text[TOPIC_PRINT_MAX]);

#endif
