/*
 * mqtt_take: see mqtt_take.h.
 */
#include "ingest/mqtt_take.h"

#include "base/log.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

/* One message under way. */
struct taking {
    struct mqtt_take *take;
    const struct spool_record *record;
    uint64_t topic; /* for mqtt_repeats; known when there is a seq and a time */
    struct mqtt_heading heading;
    bool repeat;
    bool known_only; /* nothing is to be put */
};

/* The shortest text of a sample in any format, "k":1, with what stands around it. */
enum { SAMPLE_TEXT_MIN = 5 };
static const int64_t nap_ns = 200 * NS_PER_US; /* between two looks for room; a full ring lasts longer */

void take_shared_init(struct take_shared *shared, const struct mqtt_config *config, struct arena *arena)
{
    size_t room = TAKE_BATCH;
    for (unsigned m = 0; m < config->router->shard_count; m++) {
        const size_t capacity = ring_capacity(config->router->rings[m]);
        room = capacity / 2 < room ? capacity / 2 : room; /* and a mark must fit behind them */
    }
    *shared = (struct take_shared){
        .router = config->router,
        .samples = ARENA_ARRAY(arena, struct sample, room),
        .room = room,
    };
    for (unsigned m = 0; m < config->shard_count && config->judged != NULL; m++) {
        shared->judged[m] = config->judged[m];
    }
}

static struct counter *source_counter(const struct mqtt_config *config, uint32_t source, const char *what,
                                      const char *unit, const char *help)
{
    char name[256];
    (void)snprintf(name, sizeof name, "ingest.%s.%s", config->site->sources[source].id, what);
    return counter_new(config->counters, name, unit, help);
}

static struct take_counters make_counters(const struct mqtt_config *config, uint32_t source)
{
    return (struct take_counters){
        .messages = source_counter(config, source, "messages", "", "messages taken"),
        .samples = source_counter(config, source, "samples", "", "samples taken"),
        .set_aside = source_counter(config, source, "set_aside", "", "parts of messages that could not be read"),
        .repeats = source_counter(config, source, "repeats", "", "messages taken before (same seq and time)"),
        .refused = source_counter(config, source, "refused", "", "messages left to the broker: the spool stayed full"),
        .connected = source_counter(config, source, "connected", "", "1 while there is a connection"),
        .reconnects = source_counter(config, source, "reconnects", "", "connections made anew"),
        .ahead = source_counter(config, source, "ahead_ms", "ms", "its clock is at least so far ahead of ours"),
        .behind = source_counter(config, source, "behind_ms", "ms",
                                 "its clock is so far behind ours, or its quickest message under way for so long"),
        .silent = source_counter(config, source, "silent_s", "s", "time since its last message, or since the start"),
    };
}

static uint32_t widest_key(const struct mqtt_keys *keys)
{
    uint32_t widest = 1;
    for (uint32_t i = 0; i < keys->count; i++) {
        uint32_t points = 1;
        for (uint32_t next = keys->targets[i].next; next != SITE_NONE; next = keys->targets[next].next) {
            points++;
        }
        widest = points > widest ? points : widest;
    }
    return widest;
}

void mqtt_take_init(struct mqtt_take *take, struct take_shared *shared, const struct mqtt_config *config,
                    uint32_t source, struct arena *arena)
{
    *take = (struct mqtt_take){
        .shared = shared,
        .source = source,
        .decode = mqtt_decoder(config->site->sources[source].format),
        .count = make_counters(config, source),
    };
    mqtt_keys_init(&take->keys, config->site, source, arena);
    take->fan_out = widest_key(&take->keys);
    mqtt_repeats_init(&take->repeats, arena);
    mqtt_lag_init(&take->lag);
}

void mqtt_take_done(struct mqtt_take *take)
{
    mqtt_keys_done(&take->keys);
}

/* ---- room ---- */

/* What a message of this length can become at most, with its mark. */
static size_t most_samples(const struct mqtt_take *take, size_t payload_len)
{
    return (payload_len / SAMPLE_TEXT_MIN + 1) * take->fan_out + 1;
}

/* The shards go on until the rings are closed, so room comes; at a stop with a disk that takes nothing they drop. */
void take_wait_room(struct router *router, size_t n)
{
    const struct timespec nap = {.tv_nsec = nap_ns};
    while (!router_room(router, n)) {
        router_flush(router);
        (void)nanosleep(&nap, NULL);
    }
}

/* ---- taking ---- */

static bool on_begin(void *self, const struct mqtt_heading *heading)
{
    struct taking *taking = self;
    const struct spool_record *record = taking->record;
    taking->heading = *heading;
    if (heading->has_seq && heading->has_time) {
        taking->topic = mqtt_repeats_topic(record->topic, record->topic_len);
        taking->repeat = mqtt_repeats_known(&taking->take->repeats, taking->topic, heading->seq, heading->time_ns);
    }
    return !taking->repeat && !taking->known_only;
}

/* All were received at once, so the latest of them lags least.  One that bears the time of its receipt says nothing. */
static void note_lag(struct mqtt_take *take, const struct mqtt_batch *batch)
{
    int64_t latest_ns = INT64_MIN;
    for (size_t i = 0; i < batch->count; i++) {
        const struct sample *sample = &batch->samples[i];
        const int64_t time_ns = sample->time_ns != sample->seen_ns ? sample->time_ns : INT64_MIN;
        latest_ns = time_ns > latest_ns ? time_ns : latest_ns;
    }
    if (latest_ns != INT64_MIN) {
        mqtt_lag_add(&take->lag, latest_ns, batch->samples[0].seen_ns);
    }
}

static bool hand_on(void *self, struct mqtt_batch *batch)
{
    struct taking *taking = self;
    struct mqtt_take *take = taking->take;
    note_lag(take, batch);
    take_wait_room(take->shared->router, batch->count + 1);
    router_put_all(take->shared->router, batch->samples, batch->count, SAMPLE_OPEN);
    counter_add(take->count.samples, batch->count);
    batch->count = 0;
    return true;
}

static void tell_aside(const struct mqtt_take *take, const struct spool_record *record, uint64_t parts, size_t offset,
                       const char *reason)
{
    char topic[TOPIC_PRINT_MAX];
    mqtt_topic_print(record->topic, record->topic_len, topic);
    log_event(LOG_WARN, "ingest", "ING-013", topic, "source=%s topic=\"%s\" offset=%zu reason=\"%s\" parts=%llu",
              take->keys.source->id, topic, offset, reason, (unsigned long long)parts);
}

void mqtt_take_large(struct mqtt_take *take, const struct spool_record *record)
{
    tell_aside(take, record, 1, 0, "larger than the spool");
    cell_set(&take->large, cell_get(&take->large) + 1);
}

void mqtt_take_count_large(struct mqtt_take *take)
{
    const uint64_t large = cell_get(&take->large);
    counter_add(take->count.set_aside, large - take->large_counted);
    take->large_counted = large;
}

static void remember(struct taking *taking)
{
    if (taking->heading.has_seq && taking->heading.has_time && !taking->repeat) {
        mqtt_repeats_note(&taking->take->repeats, taking->topic, taking->heading.seq, taking->heading.time_ns);
    }
}

/* Decodes the message, handing its samples on unless it is only to be known. */
static void decode(struct taking *taking, struct mqtt_batch *batch)
{
    const struct spool_record *record = taking->record;
    const struct mqtt_message message = {
        .payload = record->payload, .len = record->payload_len, .seen_ns = record->seen_ns};
    *batch = (struct mqtt_batch){.samples = taking->take->shared->samples,
                                 .room = taking->take->shared->room,
                                 .begin = on_begin,
                                 .full = hand_on,
                                 .self = taking};
    taking->take->decode(&taking->take->keys, &message, batch);
}

void mqtt_take_known(struct mqtt_take *take, const struct spool_record *record)
{
    struct taking taking = {.take = take, .record = record, .known_only = true};
    struct mqtt_batch batch;
    decode(&taking, &batch);
    remember(&taking);
}

static uint64_t judged_shards(const struct take_shared *shared, uint64_t number)
{
    uint64_t bits = 0;
    for (unsigned m = 0; m < shared->router->shard_count; m++) {
        bits |= (uint64_t)(number <= shared->judged[m]) << m;
    }
    return bits;
}

bool mqtt_take_message(struct mqtt_take *take, const struct spool_record *record, bool may_wait)
{
    struct take_shared *shared = take->shared;
    if (!may_wait && !router_room(shared->router, most_samples(take, record->payload_len))) {
        return false;
    }
    struct taking taking = {.take = take, .record = record};
    struct mqtt_batch batch;
    shared->router->judged = judged_shards(shared, record->number);
    decode(&taking, &batch);
    take->heard_ns = record->seen_ns;
    if (taking.repeat) {
        counter_add(take->count.repeats, 1);
        return true;
    }
    (void)hand_on(&taking, &batch);
    remember(&taking);
    counter_add(take->count.messages, 1);
    if (batch.aside > 0) {
        counter_add(take->count.set_aside, batch.aside);
        tell_aside(take, record, batch.aside, batch.offset, batch.reason);
    }
    return true;
}

/* ---- topics ---- */

bool mqtt_topic_matches(const char *filter, const char *topic, size_t topic_len)
{
    const char *at = topic;
    const char *end = topic + topic_len;
    if (at < end && *at == '$' && (*filter == '#' || *filter == '+')) {
        return false; /* the broker's own topics only when named */
    }
    for (;;) {
        if (strcmp(filter, "#") == 0) {
            return true;
        }
        const size_t level = strcspn(filter, "/");
        const char *slash = memchr(at, '/', (size_t)(end - at));
        const size_t topic_level = (size_t)((slash != NULL ? slash : end) - at);
        const bool any = level == 1 && *filter == '+';
        if (!any && (level != topic_level || memcmp(filter, at, level) != 0)) {
            return false;
        }
        filter += level;
        if (slash == NULL) {
            return *filter == '\0' || strcmp(filter, "/#") == 0;
        }
        if (*filter == '\0') {
            return false;
        }
        filter++;
        at = slash + 1;
    }
}

void mqtt_topic_print(const char *topic, size_t len, char ret_text[TOPIC_PRINT_MAX])
{
    size_t n = len < TOPIC_PRINT_MAX - 1 ? len : TOPIC_PRINT_MAX - 1;
    while (n > 0 && n < len && ((unsigned char)topic[n] & 0xC0) == 0x80) {
        n--; /* not in the middle of a character */
    }
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)topic[i];
        ret_text[i] = c < 0x20 || c == 0x7F || c == '"' ? '?' : topic[i];
    }
    ret_text[n] = '\0';
}
