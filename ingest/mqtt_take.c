/*
 * mqtt_take: see mqtt_take.h.
 */
#include "ingest/mqtt_take.h"

#include "base/log.h"
#include <poll.h>
#include <string.h>
#include <time.h>

/* One message under way. */
struct taking {
    struct mqtt_take *take;
    const char *topic;
    size_t topic_len;
    struct mqtt_heading heading;
    bool repeat;
    bool put; /* at least one sample went into the rings */
};

static const int64_t nap_ns = 50 * NS_PER_US; /* between two looks for room */
static const int bell_wait_ms = 20;           /* second line of defence behind the bell */

void take_shared_init(struct take_shared *shared, const struct mqtt_config *config, const struct cell *stop,
                      struct arena *arena)
{
    size_t room = TAKE_BATCH;
    for (unsigned m = 0; m < config->router->shard_count; m++) {
        const size_t capacity = ring_capacity(config->router->rings[m]);
        room = capacity / 2 < room ? capacity / 2 : room; /* and a mark must fit behind them */
    }
    *shared = (struct take_shared){
        .router = config->router,
        .safe = config->safe,
        .shard_count = config->shard_count,
        .stop = stop,
        .samples = ARENA_ARRAY(arena, struct sample, room),
        .room = room,
    };
    clock_init(&shared->clock);
}

static struct counter *source_counter(const struct mqtt_config *config, uint32_t source, const char *what,
                                      const char *help)
{
    char name[256];
    (void)snprintf(name, sizeof name, "ingest.%s.%s", config->site->sources[source].id, what);
    return counter_new(config->counters, name, "", help);
}

void mqtt_take_init(struct mqtt_take *take, struct take_shared *shared, const struct mqtt_config *config,
                    uint32_t source, struct arena *arena)
{
    *take = (struct mqtt_take){
        .shared = shared,
        .source = source,
        .decode = mqtt_decoder(config->site->sources[source].format),
        .count =
            {
                .messages = source_counter(config, source, "messages", "messages taken"),
                .samples = source_counter(config, source, "samples", "samples taken"),
                .set_aside = source_counter(config, source, "set_aside", "parts of messages that could not be read"),
                .repeats = source_counter(config, source, "repeats", "messages taken before (same seq and time)"),
                .refused =
                    source_counter(config, source, "refused", "messages left to the broker: no room, or not safe"),
                .connected = source_counter(config, source, "connected", "1 while there is a connection"),
                .reconnects = source_counter(config, source, "reconnects", "connections made anew"),
            },
    };
    mqtt_keys_init(&take->keys, config->site, source, arena);
    mqtt_repeats_init(&take->repeats, arena);
}

void mqtt_take_done(struct mqtt_take *take)
{
    mqtt_keys_done(&take->keys);
}

/* ---- waiting ---- */

static bool wait_room(struct take_shared *shared, size_t n)
{
    const struct timespec nap = {.tv_nsec = nap_ns};
    const int64_t until_ns = clock_mono_ns() + TAKE_PATIENCE_NS;
    while (!router_room(shared->router, n)) {
        if (cell_get(shared->stop) != 0 || clock_mono_ns() >= until_ns) {
            return false;
        }
        router_flush(shared->router);
        (void)nanosleep(&nap, NULL);
    }
    return true;
}

static bool is_safe(const struct mqtt_take *take)
{
    return safe_reached(&take->shared->safe[take->source], take->shared->shard_count, take->ticket);
}

static void wait_bell(const struct mqtt_take *take)
{
    struct doorbell *bell = take->shared->safe[take->source].bell;
    if (bell == NULL) {
        const struct timespec nap = {.tv_nsec = nap_ns};
        (void)nanosleep(&nap, NULL);
        return;
    }
    doorbell_park(bell);
    if (!is_safe(take)) {
        struct pollfd fd = {.fd = doorbell_fd(bell), .events = POLLIN};
        (void)poll(&fd, 1, bell_wait_ms); /* whatever woke us, the cells are looked at again */
    }
    doorbell_unpark(bell);
}

/* What was handed over is on its way to the disk even when davy is told to stop, so this waits its full time. */
static bool wait_safe(const struct mqtt_take *take)
{
    const int64_t until_ns = clock_mono_ns() + TAKE_PATIENCE_NS;
    while (!is_safe(take)) {
        if (clock_mono_ns() >= until_ns) {
            return false;
        }
        wait_bell(take);
    }
    return true;
}

/* ---- taking ---- */

static bool on_begin(void *self, const struct mqtt_heading *heading)
{
    struct taking *taking = self;
    taking->heading = *heading;
    taking->repeat =
        heading->has_seq && heading->has_time &&
        mqtt_repeats_known(&taking->take->repeats, taking->topic, taking->topic_len, heading->seq, heading->time_ns);
    return !taking->repeat;
}

static bool hand_on(void *self, struct mqtt_batch *batch)
{
    struct taking *taking = self;
    struct take_shared *shared = taking->take->shared;
    if (!wait_room(shared, batch->count + 1)) {
        return false;
    }
    for (size_t i = 0; i < batch->count; i++) {
        router_put(shared->router, &batch->samples[i]);
    }
    router_flush(shared->router);
    counter_add(taking->take->count.samples, batch->count);
    taking->put = taking->put || batch->count > 0;
    batch->count = 0;
    return true;
}

static void report_aside(const struct taking *taking, const struct mqtt_batch *batch)
{
    if (batch->aside == 0) {
        return;
    }
    char topic[TOPIC_PRINT_MAX];
    mqtt_topic_print(taking->topic, taking->topic_len, topic);
    counter_add(taking->take->count.set_aside, batch->aside);
    log_event(LOG_WARN, "ingest", "ING-013", topic, "source=%s topic=\"%s\" offset=%zu reason=\"%s\" parts=%llu",
              taking->take->keys.source->id, topic, batch->offset, batch->reason, (unsigned long long)batch->aside);
}

static bool mark_and_wait(struct mqtt_take *take, int64_t now_ns)
{
    struct take_shared *shared = take->shared;
    if (!wait_room(shared, 1)) {
        return false;
    }
    take->ticket++;
    router_mark(shared->router, take->source, take->ticket, now_ns);
    router_flush(shared->router);
    return wait_safe(take);
}

static enum take_result refuse(const struct taking *taking)
{
    char topic[TOPIC_PRINT_MAX];
    mqtt_topic_print(taking->topic, taking->topic_len, topic);
    counter_add(taking->take->count.refused, 1);
    log_event(LOG_WARN, "ingest", "ING-014", taking->take->keys.source->id,
              "source=%s topic=\"%s\" reason=\"not safe in time, the message stays with the broker\"",
              taking->take->keys.source->id, topic);
    return TAKE_REFUSED;
}

enum take_result mqtt_take_message(struct mqtt_take *take, const char *topic, size_t topic_len, const char *payload,
                                   size_t len)
{
    struct take_shared *shared = take->shared;
    struct taking taking = {.take = take, .topic = topic, .topic_len = topic_len};
    const struct mqtt_message message = {.payload = payload, .len = len, .seen_ns = clock_now_ns(&shared->clock)};
    struct mqtt_batch batch = {
        .samples = shared->samples, .room = shared->room, .begin = on_begin, .full = hand_on, .self = &taking};
    if (cell_get(shared->stop) != 0) {
        return TAKE_REFUSED;
    }
    take->decode(&take->keys, &message, &batch);
    if (taking.repeat) {
        counter_add(take->count.repeats, 1);
        return TAKE_SAFE;
    }
    if (batch.stopped || !hand_on(&taking, &batch)) {
        return refuse(&taking);
    }
    report_aside(&taking, &batch);
    if (taking.put && !mark_and_wait(take, message.seen_ns)) {
        return refuse(&taking);
    }
    if (taking.heading.has_seq && taking.heading.has_time) {
        mqtt_repeats_note(&take->repeats, topic, topic_len, taking.heading.seq, taking.heading.time_ns);
    }
    counter_add(take->count.messages, 1);
    return TAKE_SAFE;
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
