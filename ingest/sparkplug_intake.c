/*
 * sparkplug_intake: see sparkplug_intake.h.
 */
#include "ingest/sparkplug_intake.h"

#include "base/log.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t nap_ns = 50 * NS_PER_US; /* between two looks for room */

/* ---- what is told ------------------------------------------------------------------------------------------------ */

static void on_told(void *self, enum spb_note note, const char *who, const char *detail)
{
    const struct spb_intake *intake = self;
    const char *source = intake->source->id;
    switch (note) {
    case SPB_NOTE_BORN:
        log_event(LOG_INFO, "ingest", "ING-040", who, "source=%s node=\"%s\" born", source, who);
        break;
    case SPB_NOTE_DEAD:
        log_event(LOG_WARN, "ingest", "ING-041", who, "source=%s node=\"%s\" reason=\"%s\"", source, who, detail);
        break;
    case SPB_NOTE_UNSURE:
        log_event(LOG_WARN, "ingest", "ING-042", who, "source=%s node=\"%s\" reason=\"%s\"", source, who, detail);
        break;
    case SPB_NOTE_UNNAMED:
        log_event(LOG_WARN, "ingest", "ING-043", detail, "source=%s node=\"%s\" key=\"%s\"", source, who, detail);
        break;
    }
}

static void tell_counts(struct spb_intake *intake)
{
    const struct spb_counts *counts = &intake->session.counts;
    counter_set(intake->count.messages, counts->messages);
    counter_set(intake->count.repeats, counts->repeats);
    counter_set(intake->count.births, counts->births);
    counter_set(intake->count.deaths, counts->deaths);
    counter_set(intake->count.gaps, counts->gaps);
    counter_set(intake->count.historical, counts->historical);
    counter_set(intake->count.foreign, counts->foreign);
    counter_set(intake->count.online, intake->session.online);
}

static void report_aside(const struct spb_intake *intake, const char *topic, size_t topic_len,
                         const struct mqtt_batch *batch)
{
    char text[TOPIC_PRINT_MAX];
    if (batch->aside == 0) {
        return;
    }
    mqtt_topic_print(topic, topic_len, text);
    counter_add(intake->count.set_aside, batch->aside);
    log_event(LOG_WARN, "ingest", "ING-013", text, "source=%s topic=\"%s\" offset=%zu reason=\"%s\" parts=%llu",
              intake->source->id, text, batch->offset, batch->reason, (unsigned long long)batch->aside);
}

/* ---- start ------------------------------------------------------------------------------------------------------- */

void spb_shared_init(struct spb_shared *shared, const struct spb_config *config, const struct cell *stop,
                     struct arena *arena)
{
    size_t room = SPB_BATCH;
    for (unsigned m = 0; m < config->router->shard_count; m++) {
        const size_t capacity = ring_capacity(config->router->rings[m]);
        room = capacity / 2 < room ? capacity / 2 : room;
    }
    *shared = (struct spb_shared){
        .router = config->router,
        .stop = stop,
        .samples = ARENA_ARRAY(arena, struct sample, room),
        .room = room,
    };
    clock_init(&shared->clock);
}

static void make_counters(struct spb_intake *intake, const struct spb_config *config)
{
    struct spb_counters *count = &intake->count;
    const struct {
        struct counter **counter;
        const char *name, *help;
    } rows[] = {
        {&count->messages, "messages", "messages taken of nodes that points name"},
        {&count->samples, "samples", "samples taken, marks of loss included"},
        {&count->set_aside, "set_aside", "messages and parts of messages that could not be read"},
        {&count->repeats, "repeats", "messages taken before (same seq and time)"},
        {&count->births, "births", "births of nodes and devices"},
        {&count->deaths, "deaths", "deaths of nodes and devices"},
        {&count->gaps, "gaps", "times that messages stayed missing (seq)"},
        {&count->historical, "historical", "samples told as history: kept as late, not judged"},
        {&count->foreign, "foreign", "messages of nodes that no point names"},
        {&count->rebirths, "rebirths", "requests for a rebirth"},
        {&count->refused, "refused", "messages not taken whole: no room"},
        {&count->online, "online", "nodes that are online"},
        {&count->connected, "connected", "1 while there is a connection"},
        {&count->reconnects, "reconnects", "connections made anew"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[256];
        (void)snprintf(name, sizeof name, "ingest.%s.%s", intake->source->id, rows[i].name);
        *rows[i].counter = counter_new(config->counters, name, "", rows[i].help);
    }
}

/* The newest samples of the run before, so that a birth gives a value back that was lost then. */
static void recall(struct spb_intake *intake, const struct board *board)
{
    const struct mqtt_keys *keys = &intake->session.keys;
    for (uint32_t i = 0; board != NULL && i < keys->count; i++) {
        struct board_entry entry;
        board_read(board, keys->targets[i].point, &entry);
        if (entry.status != BOARD_UNHEARD) {
            spb_session_recall(&intake->session, i, entry.time_ns, entry.status);
        }
    }
}

void spb_intake_init(struct spb_intake *intake, struct spb_shared *shared, const struct spb_config *config,
                     uint32_t source, struct arena *arena)
{
    *intake = (struct spb_intake){
        .shared = shared,
        .source = &config->site->sources[source],
    };
    spb_session_init(&intake->session, config->site, source, clock_mono_ns(), arena);
    intake->session.told = on_told;
    intake->session.told_self = intake;
    make_counters(intake, config);
    recall(intake, config->board);
}

void spb_intake_done(struct spb_intake *intake)
{
    spb_session_done(&intake->session);
}

/* ---- samples to rings -------------------------------------------------------------------------------------------- */

static bool wait_room(const struct spb_shared *shared, size_t n)
{
    const struct timespec nap = {.tv_nsec = nap_ns};
    const int64_t until_ns = clock_mono_ns() + SPB_ROOM_PATIENCE_NS;
    while (!router_room(shared->router, n)) {
        if (cell_get(shared->stop) != 0 || clock_mono_ns() >= until_ns) {
            return false;
        }
        router_flush(shared->router);
        (void)nanosleep(&nap, NULL);
    }
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct sample *x = a;
    const struct sample *y = b;
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    return x->seq < y->seq ? -1 : x->seq > y->seq; /* as they came */
}

/* A payload may hold several readings of a metric in any order; judged they are by their time. */
static void order_by_time(struct sample *samples, size_t n)
{
    bool rising = true;
    for (size_t i = 0; i < n; i++) {
        samples[i].seq = (uint16_t)i; /* the router gives the true one; a batch is shorter than its range */
        rising = rising && (i == 0 || samples[i - 1].time_ns <= samples[i].time_ns);
    }
    if (!rising) {
        qsort(samples, n, sizeof *samples, by_time);
    }
}

static bool hand_on(void *self, struct mqtt_batch *batch)
{
    struct spb_intake *intake = self;
    struct router *router = intake->shared->router;
    if (batch->count == 0) {
        return true;
    }
    if (!wait_room(intake->shared, batch->count)) {
        return false;
    }
    order_by_time(batch->samples, batch->count);
    router_put_all(router, batch->samples, batch->count, 0);
    router_flush(router);
    counter_add(intake->count.samples, batch->count);
    batch->count = 0;
    return true;
}

/* Ends what came of no message. */
static void end_batch(struct spb_intake *intake, struct mqtt_batch *batch)
{
    if (batch->stopped || !hand_on(intake, batch)) {
        spb_session_spoilt(&intake->session, clock_mono_ns());
    }
    tell_counts(intake);
}

static struct mqtt_batch begin_batch(struct spb_intake *intake)
{
    return (struct mqtt_batch){
        .samples = intake->shared->samples, .room = intake->shared->room, .full = hand_on, .self = intake};
}

static int64_t now_ns(struct spb_intake *intake)
{
    return sample_cut_time(clock_now_ns(&intake->shared->clock));
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

bool spb_intake_take(struct spb_intake *intake, const char *topic, size_t topic_len, const char *payload, size_t len,
                     bool retained)
{
    struct mqtt_batch batch = begin_batch(intake);
    const struct spb_message message = {
        .topic = topic,
        .topic_len = topic_len,
        .payload = payload,
        .len = len,
        .retained = retained,
        .seen_ns = now_ns(intake),
        .mono_ns = clock_mono_ns(),
    };
    spb_session_take(&intake->session, &message, &batch);
    const bool taken = !batch.stopped && hand_on(intake, &batch);
    report_aside(intake, topic, topic_len, &batch);
    if (!taken) {
        counter_add(intake->count.refused, 1);
        spb_session_spoilt(&intake->session, message.mono_ns);
    }
    tell_counts(intake);
    return taken;
}

/* ---- the connection ---------------------------------------------------------------------------------------------- */

void spb_intake_up(struct spb_intake *intake)
{
    spb_session_up(&intake->session, clock_mono_ns());
    counter_add(intake->count.reconnects, intake->was_up ? 1 : 0);
    counter_set(intake->count.connected, 1);
    intake->was_up = true;
}

void spb_intake_down(struct spb_intake *intake)
{
    struct mqtt_batch batch = begin_batch(intake);
    spb_session_down(&intake->session, now_ns(intake), &batch);
    end_batch(intake, &batch);
    counter_set(intake->count.connected, 0);
}

int64_t spb_intake_tick(struct spb_intake *intake)
{
    const int64_t mono_ns = clock_mono_ns();
    if (mono_ns >= intake->session.due_ns) {
        struct mqtt_batch batch = begin_batch(intake);
        spb_session_tick(&intake->session, now_ns(intake), mono_ns, &batch);
        report_aside(intake, intake->source->id, strlen(intake->source->id), &batch);
        end_batch(intake, &batch);
    }
    return intake->session.due_ns;
}
