/*
 * mqtt_repeats: see mqtt_repeats.h.  Topics are told apart by a 64-bit hash;
 * two that shared it would also need equal seq and time to be confused.
 */
#include "ingest/mqtt_repeats.h"

enum { WAYS = 8, SETS = REPEATS_TOPICS / WAYS };

struct repeat_entry {
    int64_t seq;
    int64_t time_ns;
};

struct repeat_topic {
    uint64_t hash; /* 0: free */
    uint64_t turn; /* when it was heard last */
    uint32_t count;
    uint32_t next; /* where the next entry goes */
    struct repeat_entry entries[REPEATS_DEPTH];
};

void mqtt_repeats_init(struct mqtt_repeats *repeats, struct arena *arena)
{
    *repeats = (struct mqtt_repeats){.topics = ARENA_ARRAY(arena, struct repeat_topic, REPEATS_TOPICS)};
}

static uint64_t hash_of(const char *topic, size_t len)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325); /* FNV-1a */
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (uint8_t)topic[i]) * UINT64_C(0x100000001B3);
    }
    hash ^= hash >> 32;
    return hash == 0 ? 1 : hash;
}

static struct repeat_topic *find(const struct mqtt_repeats *repeats, uint64_t hash)
{
    struct repeat_topic *set = &repeats->topics[hash % SETS * WAYS];
    for (int i = 0; i < WAYS; i++) {
        if (set[i].hash == hash) {
            return &set[i];
        }
    }
    return NULL;
}

/* Gives the topic's place, taking that of the one not heard for longest when it has none. */
static struct repeat_topic *claim(struct mqtt_repeats *repeats, uint64_t hash)
{
    struct repeat_topic *topic = find(repeats, hash);
    if (topic != NULL) {
        return topic;
    }
    struct repeat_topic *set = &repeats->topics[hash % SETS * WAYS];
    topic = set;
    for (int i = 1; i < WAYS; i++) {
        topic = set[i].turn < topic->turn ? &set[i] : topic;
    }
    topic->hash = hash;
    topic->count = 0;
    topic->next = 0;
    return topic;
}

bool mqtt_repeats_known(const struct mqtt_repeats *repeats, const char *topic, size_t len, int64_t seq, int64_t time_ns)
{
    const struct repeat_topic *found = find(repeats, hash_of(topic, len));
    for (uint32_t i = 0; found != NULL && i < found->count; i++) {
        if (found->entries[i].seq == seq && found->entries[i].time_ns == time_ns) {
            return true;
        }
    }
    return false;
}

void mqtt_repeats_note(struct mqtt_repeats *repeats, const char *topic, size_t len, int64_t seq, int64_t time_ns)
{
    struct repeat_topic *to = claim(repeats, hash_of(topic, len));
    to->turn = ++repeats->turn;
    to->entries[to->next] = (struct repeat_entry){.seq = seq, .time_ns = time_ns};
    to->next = (to->next + 1) % REPEATS_DEPTH;
    to->count += to->count < REPEATS_DEPTH;
}
