/*
 * Sparkplug payloads and whole sessions on any bytes.
 *
 * The input is a row of messages: a byte that says which, a byte of time to
 * pass, a byte of length, the payload.  Each payload is read by protobuf-c as
 * well, and where both understand it they understand the same.  Of the session
 * it is asked that it steps outside nothing and that the mark of a loss is the
 * newest sample of its point.
 */
#include "field.h"
#include "ingest/sparkplug_session.h"
#include "oracle_sparkplug.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { POINTS = 4, ROOM = 5 };

static const char *const topics[] = {
    "spBv1.0/G/NBIRTH/N",   "spBv1.0/G/DBIRTH/N/d", "spBv1.0/G/NDATA/N", "spBv1.0/G/DDATA/N/d",
    "spBv1.0/G/DDEATH/N/d", "spBv1.0/G/NDEATH/N",   "spBv1.0/G/NDATA/M", "spBv1.0/STATE/host",
    "spBv1.0/G/DBIRTH/N/e", "spBv1.0/X/NDATA/N",    "spBv1.0/G/WHAT/N",
};
enum { TOPICS = sizeof topics / sizeof *topics };

struct state {
    int64_t newest_ns[POINTS];
};

static bool on_full(void *self, struct mqtt_batch *batch)
{
    struct state *state = self;
    for (size_t i = 0; i < batch->count; i++) {
        const struct sample *sample = &batch->samples[i];
        if (sample->point >= POINTS || (isnan(sample->value) && sample->status == 0)) {
            abort();
        }
        const bool ahead = sample->time_ns - sample->seen_ns > SPB_SKEW_S * NS_PER_S;
        const int64_t time_ns = ahead ? sample->seen_ns : sample->time_ns;
        int64_t *newest_ns = &state->newest_ns[sample->point];
        if (sample->status == SPB_LOST && isnan(sample->value) && time_ns <= *newest_ns && !ahead) {
            abort();
        }
        if ((sample->status & ST_LATE) == 0 && time_ns > *newest_ns) {
            *newest_ns = time_ns;
        }
    }
    batch->count = 0;
    return true;
}

static void run(struct spb_session *session, const uint8_t *data, size_t size)
{
    static struct sample samples[ROOM];
    struct state state = {.newest_ns = {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}};
    int64_t now_ns = 1000 * NS_PER_S;
    spb_session_up(session, now_ns);
    while (size >= 3) {
        const size_t len = data[2] < size - 3 ? data[2] : size - 3;
        const char *topic = topics[data[0] % TOPICS];
        const struct spb_message message = {
            .topic = topic,
            .topic_len = strlen(topic),
            .payload = (const char *)data + 3,
            .len = len,
            .retained = (data[0] & 0x80) != 0,
            .seen_ns = now_ns,
            .mono_ns = now_ns,
        };
        struct mqtt_batch batch = {.samples = samples, .room = ROOM, .full = on_full, .self = &state};
        if (oracle_sparkplug(data + 3, len) == THEY_DIFFER) {
            abort();
        }
        spb_session_take(session, &message, &batch);
        now_ns += data[1] * 100 * NS_PER_MS;
        spb_session_tick(session, now_ns, now_ns, &batch);
        (void)spb_session_ask(session, now_ns);
        (void)on_full(&state, &batch);
        data += 3 + len;
        size -= 3 + len;
    }
    struct mqtt_batch batch = {.samples = samples, .room = ROOM, .full = on_full, .self = &state};
    spb_session_down(session, now_ns, &batch);
    (void)on_full(&state, &batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct site_source source = {
        .id = "s0", .type = SOURCE_MQTT, .format = FORMAT_SPARKPLUG, .host_id = "host", .reorder_ns = NS_PER_S};
    static struct site_point points[POINTS] = {
        {.id = "p0", .from = {.key = "G/N/t", .scale = 1}},
        {.id = "p1", .from = {.key = "G/N/d/x", .scale = 1}},
        {.id = "p2", .from = {.key = "G/N/d/y", .scale = 1}},
        {.id = "p3", .from = {.key = "G/M/t", .scale = 1}},
    };
    static const struct site site = {.sources = &source, .source_count = 1, .points = points, .point_count = POINTS};
    struct arena arena;
    struct spb_session session;
    arena_init(&arena);
    spb_session_init(&session, &site, 0, 1000 * NS_PER_S, &arena);
    run(&session, data, size);
    spb_session_done(&session);
    arena_done(&arena);
    return 0;
}
