/*
 * mqtt_repeats: which messages were taken already.
 *
 * A message is a repeat only when its seq and its time both equal those of one
 * already taken on the same topic; MQTT's own DUP flag says nothing about that.
 * The last REPEATS_DEPTH messages of a topic are remembered, for at most
 * REPEATS_TOPICS topics: a busier set of topics forgets the one not heard for
 * longest among its eight neighbours.  Forgetting is harmless: a repeat taken
 * twice has the same times and is judged once.
 *
 * One thread.  Memory: one block from the arena, touched as topics come.
 */
#ifndef DAVY_INGEST_MQTT_REPEATS_H
#define DAVY_INGEST_MQTT_REPEATS_H

#include "base/arena.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPEATS_TOPICS = 256, REPEATS_DEPTH = 64 };

struct repeat_topic;
struct mqtt_repeats {
    struct repeat_topic *topics;
    uint64_t turn;
};

void mqtt_repeats_init(struct mqtt_repeats *repeats, struct arena *arena);
bool mqtt_repeats_known(const struct mqtt_repeats *repeats, const char *topic, size_t len, int64_t seq,
                        int64_t time_ns);
/* Call it once the message is safe. */
void mqtt_repeats_note(struct mqtt_repeats *repeats, const char *topic, size_t len, int64_t seq, int64_t time_ns);

#endif
