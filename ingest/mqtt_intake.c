/*
 * mqtt_intake: see mqtt_intake.h.
 */
#include "ingest/mqtt_intake.h"

#include "base/log.h"
#include "base/memory.h"
#include "ingest/sparkplug_host.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    INLINE_PAYLOAD_MAX = 4096, /* some 150 samples; to wake a thread for less costs more than the work */
    TAKES_PER_MARK = 64,       /* messages behind which a mark is set at the latest */
};
static const int64_t nap_ns = NS_PER_MS; /* between two looks for room in a full spool */

struct intake_counters {
    struct counter *waiting, *full, *strangers, *again, *syncs;
};

struct mqtt_intake {
    struct mqtt_config config;
    struct arena arena;
    struct spool *spool;
    struct take_shared shared;
    struct mqtt_take *takes; /* [count]; lock, like all up to the blank line */
    uint32_t count;
    uint32_t mark_source;
    uint64_t taken; /* number of the record taken last */
    int64_t tick_ns;
    int64_t start_ns;
    struct intake_counters counters;

    pthread_mutex_t lock;
    struct cell end;              /* one writer: who ends */
    struct mqtt_take **of_source; /* [source of the site], NULL: comes another way; const after mqtt_intake_new */
    struct table by_id;           /* source's id -> takes; likewise */
    int64_t again_from_ns;        /* const after mqtt_intake_new, like the next */
    uint64_t again_to;            /* the last record to be taken again */
    uint64_t synced;              /* number up to which the spool is on the disk; the syncing thread, like the next */
    int64_t unsynced_ns;          /* mono; since when those up to unsynced_to wait; TIME_NEVER: none does */
    uint64_t unsynced_to;         /* likewise */
};

/* ---- making ---- */

static void make_counters(struct mqtt_intake *intake)
{
    struct counters *all = intake->config.counters;
    intake->counters = (struct intake_counters){
        .waiting = counter_new(all, "ingest.spool.waiting", "", "messages in the spool, not yet safe in the store"),
        .full = counter_new(all, "ingest.spool.full", "", "times a message had to wait for room in the spool"),
        .strangers = counter_new(all, "ingest.spool.strangers", "", "spooled messages of sources the site has no more"),
        .again = counter_new(all, "ingest.spool.again", "", "messages taken again after a restart"),
        .syncs = counter_new(all, "ingest.spool.syncs", "", "times the spool was synced to the disk"),
    };
}

static void make_takes(struct mqtt_intake *intake)
{
    const struct site *site = intake->config.site;
    intake->takes = ARENA_ARRAY(&intake->arena, struct mqtt_take, site->source_count + 1);
    intake->of_source = ARENA_ARRAY(&intake->arena, struct mqtt_take *, site->source_count + 1);
    table_init(&intake->by_id);
    take_shared_init(&intake->shared, &intake->config, &intake->arena);
    for (uint32_t i = 0; i < site->source_count; i++) {
        if (site->sources[i].type == SOURCE_MQTT && !spb_host_takes(&site->sources[i])) {
            intake->mark_source = intake->count == 0 ? i : intake->mark_source;
            intake->of_source[i] = &intake->takes[intake->count];
            (void)table_add(&intake->by_id, site->sources[i].id, intake->count); /* ids are unique */
            mqtt_take_init(&intake->takes[intake->count++], &intake->shared, &intake->config, i, &intake->arena);
        }
    }
    arena_seal(&intake->arena);
}

static struct mqtt_take *take_by_id(struct mqtt_intake *intake, const struct spool_record *record)
{
    const uint32_t at = table_find(&intake->by_id, record->source, record->source_len);
    return at != TABLE_NONE ? &intake->takes[at] : NULL;
}

static void note_past(void *self, const struct spool_record *record)
{
    struct mqtt_take *take = take_by_id(self, record);
    if (take != NULL) {
        mqtt_take_known(take, record);
    }
}

/* Looks at what an earlier run left. */
static void look_back(struct mqtt_intake *intake)
{
    struct spool_record first;
    spool_past(intake->spool, note_past, intake);
    intake->again_from_ns = TIME_NEVER;
    intake->taken = spool_released(intake->spool);
    if (spool_read(intake->spool, &first)) {
        intake->again_from_ns = first.seen_ns;
        intake->again_to = spool_last(intake->spool);
        spool_unread(intake->spool, &first);
        log_event(LOG_INFO, "ingest", "ING-016", "spool", "messages=%llu taken again, received before the restart",
                  (unsigned long long)(intake->again_to - first.number + 1));
    }
}

static enum err_code open_spool(struct mqtt_intake *intake, struct err *err)
{
    uint64_t judged = 0;
    bool damaged = false;
    for (unsigned m = 0; m < intake->config.shard_count; m++) {
        judged = intake->shared.judged[m] > judged ? intake->shared.judged[m] : judged;
    }
    const char *path = intake->config.spool_path;
    const enum err_code code = spool_open(path, SPOOL_BYTES, judged + 1, &intake->spool, &damaged, err);
    if (damaged) {
        log_event(LOG_ERROR, "ingest", "ING-017", "spool", "path=%s was no spool and is kept as %s.bad", path, path);
    }
    return code;
}

enum err_code mqtt_intake_new(const struct mqtt_config *config, struct mqtt_intake **ret_intake, struct err *err)
{
    struct mqtt_intake *intake = memory_new(1, sizeof *intake);
    intake->config = *config;
    intake->unsynced_ns = TIME_NEVER;
    arena_init(&intake->arena);
    struct clock clock;
    clock_init(&clock);
    intake->start_ns = clock_now_ns(&clock);
    (void)pthread_mutex_init(&intake->lock, NULL); /* cannot fail with these arguments */
    make_counters(intake);
    make_takes(intake);
    const enum err_code code = open_spool(intake, err);
    if (code != ERR_NONE) {
        mqtt_intake_free(intake);
        return code;
    }
    look_back(intake);
    intake->synced = spool_released(intake->spool);
    *ret_intake = intake;
    return ERR_NONE;
}

int64_t mqtt_intake_again_from(const struct mqtt_intake *intake)
{
    return intake->again_from_ns;
}

struct mqtt_take *mqtt_intake_take(struct mqtt_intake *intake, uint32_t source)
{
    return intake->of_source[source];
}

/* ---- taking: who holds the lock ---- */

/* Releases what writer and manager have confirmed, never more than was taken. */
static void release(struct mqtt_intake *intake)
{
    const uint64_t safe = safe_ticket(&intake->config.safe[intake->mark_source], intake->config.shard_count);
    spool_release(intake->spool, safe < intake->taken ? safe : intake->taken);
    counter_set(intake->counters.waiting, spool_last(intake->spool) - spool_released(intake->spool));
}

static void mark(struct mqtt_intake *intake, int64_t seen_ns)
{
    router_mark(intake->config.router, intake->mark_source, intake->taken, seen_ns);
    router_flush(intake->config.router);
}

/* Takes one record; false when there is no room and it may not wait. */
static bool take_one(struct mqtt_intake *intake, const struct spool_record *record, bool may_wait)
{
    struct mqtt_take *take = take_by_id(intake, record);
    if (take == NULL) {
        counter_add(intake->counters.strangers, 1);
        log_event(LOG_WARN, "ingest", "ING-018", "spool",
                  "source=\"%.*s\" messages of before are left out: no such source", (int)record->source_len,
                  record->source);
    } else if (!mqtt_take_message(take, record, may_wait)) {
        return false;
    }
    counter_add(intake->counters.again, record->number <= intake->again_to);
    return true;
}

/* Takes what is in the spool, up to TAKES_PER_MARK messages, and sets a mark behind them; gives how many. */
static int take_some(struct mqtt_intake *intake, bool may_wait)
{
    struct spool_record record;
    int taken = 0;
    int64_t seen_ns = 0;
    if (!may_wait && !router_room(intake->config.router, 1)) {
        return 0; /* not even for the mark */
    }
    while (taken < TAKES_PER_MARK && spool_read(intake->spool, &record)) {
        if (!take_one(intake, &record, may_wait)) {
            spool_unread(intake->spool, &record);
            break;
        }
        intake->taken = record.number;
        seen_ns = record.seen_ns;
        taken++;
    }
    if (taken > 0) {
        take_wait_room(intake->config.router, 1); /* when it may not wait there is room: each message left some */
        mark(intake, seen_ns);
        release(intake);
    }
    return taken;
}

/* ---- the callback thread ---- */

/* Waits, bounded, until the spool has room; gives the record's number, 0 when it has none. */
static uint64_t put_patiently(struct mqtt_intake *intake, const struct spool_record *record)
{
    const struct timespec nap = {.tv_nsec = nap_ns};
    uint64_t number = spool_put(intake->spool, record);
    if (number != 0) {
        return number;
    }
    const int64_t until_ns = clock_mono_ns() + INTAKE_PATIENCE_NS;
    counter_add(intake->counters.full, 1);
    while (number == 0 && clock_mono_ns() < until_ns) {
        doorbell_ring(intake->config.bell); /* it releases */
        (void)nanosleep(&nap, NULL);
        number = spool_put(intake->spool, record);
    }
    return number;
}

static void refuse(const struct mqtt_take *take, const struct spool_record *record)
{
    char topic[TOPIC_PRINT_MAX];
    mqtt_topic_print(record->topic, record->topic_len, topic);
    counter_add(take->count.refused, 1);
    log_event(LOG_WARN, "ingest", "ING-014", take->keys.source->id,
              "source=%s topic=\"%s\" reason=\"the spool stays full, the message stays with the broker\"",
              take->keys.source->id, topic);
}

/* Takes at once what is small, unless another thread is at it or there is more than that. */
static void take_inline(struct mqtt_intake *intake, uint64_t number, size_t len)
{
    if (len > INLINE_PAYLOAD_MAX || pthread_mutex_trylock(&intake->lock) != 0) {
        doorbell_ring(intake->config.bell);
        return;
    }
    if (intake->taken + 1 >= number) {
        (void)take_some(intake, false);
    }
    const bool all = intake->taken >= number;
    (void)pthread_mutex_unlock(&intake->lock);
    if (!all) {
        doorbell_ring(intake->config.bell);
    }
}

bool mqtt_intake_put(struct mqtt_intake *intake, uint32_t source, int64_t seen_ns, const char *topic, size_t topic_len,
                     const char *payload, size_t len)
{
    struct mqtt_take *take = mqtt_intake_take(intake, source);
    const struct spool_record record = {
        .seen_ns = seen_ns,
        .source = take->keys.source->id,
        .topic = topic,
        .payload = payload,
        .source_len = strlen(take->keys.source->id),
        .topic_len = topic_len,
        .payload_len = len,
    };
    if (!spool_fits(intake->spool, &record)) {
        mqtt_take_large(take, &record);
        return true;
    }
    const uint64_t number = put_patiently(intake, &record);
    if (number == 0) {
        refuse(take, &record);
        return false;
    }
    take_inline(intake, number, len);
    return true;
}

/* ---- the agent ---- */

static void show_source(const struct mqtt_intake *intake, struct mqtt_take *take, int64_t now_ns)
{
    mqtt_take_count_large(take);
    const int64_t heard_ns = take->heard_ns > intake->start_ns ? take->heard_ns : intake->start_ns;
    const int64_t least_ns = mqtt_lag_least(&take->lag, now_ns);
    const int64_t lag_ms = least_ns == LAG_UNKNOWN ? 0 : least_ns / NS_PER_MS;
    counter_set(take->count.ahead, lag_ms < 0 ? (uint64_t)-lag_ms : 0);
    counter_set(take->count.behind, lag_ms > 0 ? (uint64_t)lag_ms : 0);
    counter_set(take->count.silent, now_ns > heard_ns ? (uint64_t)((now_ns - heard_ns) / NS_PER_S) : 0);
}

/* Once a second: what is confirmed meanwhile is released, and the gauges are set. */
static void tick(struct mqtt_intake *intake, int64_t now_ns)
{
    intake->tick_ns = now_ns + NS_PER_S;
    release(intake);
    for (uint32_t i = 0; i < intake->count; i++) {
        show_source(intake, &intake->takes[i], now_ns);
    }
}

static int do_work(void *self, int64_t now_ns)
{
    struct mqtt_intake *intake = self;
    (void)pthread_mutex_lock(&intake->lock);
    const bool ending = cell_get(&intake->end) != 0; /* acquire: what was put before the end is seen below */
    const int taken = take_some(intake, true);
    if (taken == 0) {
        release(intake); /* someone may wait for room */
    }
    if (now_ns >= intake->tick_ns || (taken == 0 && ending)) {
        tick(intake, now_ns);
    }
    (void)pthread_mutex_unlock(&intake->lock);
    if (taken == 0 && ending) {
        router_close(intake->config.router);
        return AGENT_FINISHED;
    }
    return taken;
}

static int64_t next_due(void *self)
{
    struct mqtt_intake *intake = self;
    (void)pthread_mutex_lock(&intake->lock);
    const int64_t due_ns = intake->tick_ns;
    (void)pthread_mutex_unlock(&intake->lock);
    return due_ns;
}

struct agent mqtt_intake_agent(struct mqtt_intake *intake)
{
    return (struct agent){.name = "intake", .self = intake, .do_work = do_work, .next_due = next_due, .prompt = true};
}

void mqtt_intake_end(struct mqtt_intake *intake)
{
    cell_set(&intake->end, 1);
    doorbell_ring(intake->config.bell);
}

void mqtt_intake_free(struct mqtt_intake *intake)
{
    if (intake == NULL) {
        return;
    }
    if (intake->spool != NULL) {
        release(intake);
    }
    spool_close(intake->spool);
    for (uint32_t i = 0; i < intake->count; i++) {
        mqtt_take_done(&intake->takes[i]);
    }
    table_done(&intake->by_id);
    (void)pthread_mutex_destroy(&intake->lock);
    arena_done(&intake->arena);
    free(intake);
}

/* ---- syncing ---- */

void mqtt_intake_sync(struct mqtt_intake *intake)
{
    const uint64_t last = spool_last(intake->spool);
    const int64_t mono_ns = clock_mono_ns();
    const uint64_t released = spool_released(intake->spool);
    if (released >= last || intake->synced >= last) {
        intake->unsynced_ns = TIME_NEVER; /* all of it is in the store, or on the disk */
        return;
    }
    if (intake->unsynced_ns == TIME_NEVER || released >= intake->unsynced_to) {
        intake->unsynced_ns = mono_ns; /* what lay here then is in the store: a stream that flows needs no syncing */
        intake->unsynced_to = last;
    }
    struct err err;
    if (mono_ns - intake->unsynced_ns < intake->config.sync_ns || spool_sync(intake->spool, &err) != ERR_NONE) {
        return; /* the store says when the disk is in trouble */
    }
    counter_add(intake->counters.syncs, 1);
    intake->synced = last;
    intake->unsynced_ns = TIME_NEVER;
}
