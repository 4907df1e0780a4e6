/*
 * mqtt_take: one message of the spool from its bytes to the rings.
 *
 *   decode → wait for room → rings
 *
 * Called by who holds the intake's lock, where nothing else is said.  With may_wait it waits for room as
 * long as it takes: the message lies in the spool, so nobody outside waits with
 * it.  Without, it refuses a message for which there may not be room, having
 * done nothing.
 *
 * Knows nothing of paho.
 */
#ifndef DAVY_INGEST_MQTT_TAKE_H
#define DAVY_INGEST_MQTT_TAKE_H

#include "base/clock.h"
#include "ingest/ingest.h"
#include "ingest/mqtt_decode.h"
#include "ingest/mqtt_lag.h"
#include "ingest/mqtt_repeats.h"
#include "ingest/mqtt_spool.h"

enum { TAKE_BATCH = 1024 }; /* samples put at once, fewer where the rings are smaller */

struct take_counters {
    struct counter *messages, *samples, *set_aside, *repeats, *refused, *connected, *reconnects;
    struct counter *ahead, *behind, *silent;
};

/* What all sources of one inbox share. */
struct take_shared {
    struct router *router;
    struct sample *samples; /* [room] */
    size_t room;
    uint64_t judged[QUEUE_SHARDS_MAX]; /* the records up to these were judged before the start */
};

struct mqtt_take {
    struct take_shared *shared;
    uint32_t source; /* index into site.sources */
    struct mqtt_keys keys;
    uint32_t fan_out; /* the most points that share a key */
    mqtt_decode_fn *decode;
    struct mqtt_repeats repeats;
    struct mqtt_lag lag;
    int64_t heard_ns; /* receipt of the newest message; 0: none */
    struct take_counters count;
    uint64_t large_counted; /* of the following */
    struct cell large;      /* messages that no spool can hold; paho's callback thread, without the lock */
};

/* Makes the shared part; arena memory. */
void take_shared_init(struct take_shared *shared, const struct mqtt_config *config, struct arena *arena);
/* Makes one source's part; mqtt_take_done gives its table back. */
void mqtt_take_init(struct mqtt_take *take, struct take_shared *shared, const struct mqtt_config *config,
                    uint32_t source, struct arena *arena);
void mqtt_take_done(struct mqtt_take *take);

/* Waits until every ring has room for n. */
void take_wait_room(struct router *router, size_t n);
/* Takes one message; false when it may not wait and there may be no room. */
bool mqtt_take_message(struct mqtt_take *take, const struct spool_record *record, bool may_wait);
/* Only remembers that this message was taken. */
void mqtt_take_known(struct mqtt_take *take, const struct spool_record *record);
/* paho's callback thread, without the lock: sets a message aside that cannot even be spooled. */
void mqtt_take_large(struct mqtt_take *take, const struct spool_record *record);
/* Counts those among the parts set aside. */
void mqtt_take_count_large(struct mqtt_take *take);

/* True when the topic matches the subscription (MQTT 3.1.1, 4.7). */
bool mqtt_topic_matches(const char *filter, const char *topic, size_t topic_len);

/* Copies a topic as it may stand in a log line: cut, without control characters and quotes. */
enum { TOPIC_PRINT_MAX = 200 };
void mqtt_topic_print(const char *topic, size_t len, char ret_text[TOPIC_PRINT_MAX]);

#endif
