/*
 * mqtt_repeats: which messages were taken already.
 *
 * A message is a repeat only when its seq and its time both equal those of one
 * already taken on the same topic; MQTT's own DUP flag says nothing about that.
 * The last REPEATS_DEPTH messages of a source are remembered, whatever their
 * topics: a broker sends again what is not acknowledged, and that is recent.
 * The depth is larger than a broker's window, for one that was cut off several
 * times in a row sends several windows again; if it sent one message more than
 * are remembered, each would push out the next.  Forgetting is harmless for
 * alarms: a repeat has the time of the first.
 *
 * One thread.  Memory: one block from the arena.
 */
#ifndef DAVY_INGEST_MQTT_REPEATS_H
#define DAVY_INGEST_MQTT_REPEATS_H

#include "base/arena.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPEATS_DEPTH = 8192 }; /* a power of two */

struct repeat_entry;
struct mqtt_repeats {
    struct repeat_entry *entries; /* a ring: the entry of turn t stands at t % REPEATS_DEPTH */
    uint32_t *heads;              /* [hash]: where its chain begins, index + 1; 0: nowhere */
    uint64_t turn;                /* how many were noted */
};

/* The number that stands for a topic below. */
uint64_t mqtt_repeats_topic(const char *topic, size_t len);

void mqtt_repeats_init(struct mqtt_repeats *repeats, struct arena *arena);
bool mqtt_repeats_known(const struct mqtt_repeats *repeats, uint64_t topic, int64_t seq, int64_t time_ns);
/* Call it once the message is taken. */
void mqtt_repeats_note(struct mqtt_repeats *repeats, uint64_t topic, int64_t seq, int64_t time_ns);

#endif
