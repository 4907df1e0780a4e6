/*
 * mqtt_repeats: see mqtt_repeats.h.  Topics are told apart by a 64-bit hash;
 * two that shared it would also need equal seq and time to be confused.
 */
#include "ingest/mqtt_repeats.h"

#include <string.h>

struct repeat_entry {
    uint64_t topic; /* hash */
    int64_t seq;
    int64_t time_ns;
    uint32_t next; /* of its chain, index + 1 */
};

void mqtt_repeats_init(struct mqtt_repeats *repeats, struct arena *arena)
{
    *repeats = (struct mqtt_repeats){
        .entries = ARENA_ARRAY(arena, struct repeat_entry, REPEATS_DEPTH),
        .heads = ARENA_ARRAY(arena, uint32_t, REPEATS_DEPTH),
    };
}

uint64_t mqtt_repeats_topic(const char *topic, size_t len)
{
    uint64_t hash = len;
    for (size_t at = 0; at < len; at += sizeof hash) {
        const size_t n = len - at < sizeof hash ? len - at : sizeof hash;
        uint64_t word = 0;
        memcpy(&word, topic + at, n);
        hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / golden ratio, odd */
        hash ^= hash >> 29;
    }
    return hash;
}

static size_t bucket_of(const struct repeat_entry *entry)
{
    uint64_t hash = entry->topic ^ (uint64_t)entry->seq * UINT64_C(0x9E3779B97F4A7C15);
    hash = (hash ^ (uint64_t)entry->time_ns) * UINT64_C(0xBF58476D1CE4E5B9);
    return (size_t)(hash >> 40) % REPEATS_DEPTH;
}

static bool is_same(const struct repeat_entry *a, const struct repeat_entry *b)
{
    return a->topic == b->topic && a->seq == b->seq && a->time_ns == b->time_ns;
}

bool mqtt_repeats_known(const struct mqtt_repeats *repeats, uint64_t topic, int64_t seq, int64_t time_ns)
{
    const struct repeat_entry wanted = {.topic = topic, .seq = seq, .time_ns = time_ns};
    for (uint32_t at = repeats->heads[bucket_of(&wanted)]; at != 0; at = repeats->entries[at - 1].next) {
        if (is_same(&repeats->entries[at - 1], &wanted)) {
            return true;
        }
    }
    return false;
}

/* Takes the entry at this place out of its chain. */
static void forget(struct mqtt_repeats *repeats, uint32_t place)
{
    uint32_t *link = &repeats->heads[bucket_of(&repeats->entries[place])];
    while (*link != place + 1) {
        link = &repeats->entries[*link - 1].next;
    }
    *link = repeats->entries[place].next;
}

void mqtt_repeats_note(struct mqtt_repeats *repeats, uint64_t topic, int64_t seq, int64_t time_ns)
{
    const uint32_t place = (uint32_t)(repeats->turn % REPEATS_DEPTH);
    if (repeats->turn++ >= REPEATS_DEPTH) {
        forget(repeats, place);
    }
    struct repeat_entry entry = {.topic = topic, .seq = seq, .time_ns = time_ns};
    uint32_t *head = &repeats->heads[bucket_of(&entry)];
    entry.next = *head;
    repeats->entries[place] = entry;
    *head = place + 1;
}
