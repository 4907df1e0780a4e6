/* pipeline: see pipeline.h; the picture is in docs/architecture.md. */
#include "app/pipeline.h"

#include "alerting/manager.h"
#include "alerting/sink.h"
#include "app/change_log.h"
#include "app/control.h"
#include "app/keeper.h"
#include "app/recorder.h"
#include "app/restore.h"
#include "base/agent.h"
#include "base/cell.h"
#include "base/clock.h"
#include "base/log.h"
#include "console/console.h"
#include "ingest/ingest.h"
#include "ingest/sparkplug_host.h"
#include "model/board.h"
#include "model/queues.h"
#include "rules/shard.h"
#include "store/store.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The rows of the ring matrix: who puts samples in. */
enum worker { WORKER_BUS, WORKER_INBOX, WORKER_SPARKPLUG, WORKER_WATCH, WORKER_COUNT };

static const char spool_file[] = "mqtt.spool"; /* in the store's folder */

enum {
    SAMPLE_SLOTS = QUEUE_SAMPLES, /* per sample ring: 256 KiB, touched only as far as it fills */
    VERDICT_SLOTS = 4096,         /* at least; more when one step can cause more */
    COMMAND_SLOTS = 32,
    QUEUES_MAX = (WORKER_COUNT + 2) * QUEUE_SHARDS_MAX + 1,
    SINKS_MAX = SITE_SINKS_MAX,
    COUNTERS_BASE = 256,
    COUNTERS_PER_SOURCE = 32,
};

#define SINK_GOODBYE_NS  (5 * NS_PER_S) /* how long a clean stop waits for receivers */
#define DISK_GOODBYE_NS  (4 * NS_PER_S) /* … and for a disk that takes nothing */

struct pipeline {
    struct pipeline_config config;
    const struct site *site;
    struct store *store;
    struct counters *counters;
    struct board *board;
    int64_t started_ns;
    bool recorded;   /* the site stands in the chain of changes as it is */
    uint64_t *masks; /* [point]: the shards that need its samples; const after start */
    uint8_t *homes;
    struct safe_source *safe; /* [source] */

    struct ring *samples[WORKER_COUNT][QUEUE_SHARDS_MAX];
    struct ring *kept[QUEUE_SHARDS_MAX];     /* shard -> writer */
    struct ring *verdicts[QUEUE_SHARDS_MAX]; /* shard -> manager */
    struct ring *commands, *answers;
    struct ring *web_commands, *web_answers; /* console -> manager -> console */
    struct ring *history;          /* control -> writer: what is imported */
    struct ring *jobs, *jobs_done; /* control -> keeper -> control: backups */
    struct keeper keeper;
    struct store_care *care;
    struct recorder *recorder; /* NULL: nothing is recorded */
    struct cell history_kept;  /* writer: the way up to which it is committed */

    struct doorbell *intake_bell;
    struct doorbell *bus_bell; /* the bus worker's thread; with one shard the shard's too */
    struct doorbell *shard_bells[QUEUE_SHARDS_MAX];
    struct doorbell *store_bell, *alerting_bell, *control_bell, *keeper_bell, *recorder_bell;
    struct doorbell *sink_bells[SINKS_MAX];
    struct doorbell *news_bells[SINKS_MAX + 1]; /* those of the sinks, and the console's */
    size_t news_bell_count;
    struct console_counters web_counts;
    struct console_queue queues[QUEUES_MAX]; /* the rings, as they are told */
    size_t queue_count;
    /* The same bells, arranged as the agents take them. */
    struct ring *shard_inputs[QUEUE_SHARDS_MAX][WORKER_COUNT];

    struct router routers[WORKER_COUNT];
    struct mbus_worker *bus;
    struct mqtt_inbox *inbox;
    struct spb_host *sparkplug;
    struct shard *shards[QUEUE_SHARDS_MAX];
    struct store_writer *writer;
    struct manager *manager;
    struct sink *sinks[SINKS_MAX];
    struct control *control;

    struct cell *exceptions; /* [point], bus worker: the Modbus exception it has now */
    struct told told;        /* manager -> sinks */
    struct alarmed alarmed;  /* manager -> bus worker: which hazards are in alarm */
    struct cell stop_field, stop_sinks, stop_control, stop_recorder;
    struct cell give_up; /* when the writer and the manager stop to wait for the disk */
    struct runner *engine;
    struct runner *shard_runners[QUEUE_SHARDS_MAX];
    struct runner *store_runner, *alerting_runner, *control_runner, *keeper_runner, *recorder_runner;
    struct runner *sink_runners[SINKS_MAX];

    uint32_t *own_points; /* points named davy.*; main */
    const struct counter **own_counters;
    size_t own_count;
};

static size_t power_of_two(size_t least)
{
    size_t n = 1;
    while (n < least) {
        n *= 2;
    }
    return n;
}

/* ---- what everything stands on ---- */

static enum err_code make_tables(struct pipeline *p, struct err *err)
{
    const struct site *site = p->site;
    p->counters = counters_new(COUNTERS_BASE + COUNTERS_PER_SOURCE * (site->source_count + site->sink_count) +
                               mbus_counter_count(site));
    p->board = board_new(site->point_count);
    p->masks = calloc(site->point_count + 1, sizeof *p->masks);
    p->homes = calloc(site->point_count + 1, sizeof *p->homes);
    p->safe = calloc(site->source_count + 1, sizeof *p->safe);
    p->alarmed.active = calloc(site->hazard_count + 1, sizeof *p->alarmed.active);
    p->exceptions = calloc(site->point_count + 1, sizeof *p->exceptions);
    if (p->counters == NULL || p->exceptions == NULL || p->alarmed.active == NULL || p->board == NULL ||
        p->masks == NULL || p->homes == NULL || p->safe == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    if (p->config.console != NULL) {
        p->web_counts = console_count(p->counters);
    }
    rules_plan(p->config.rules, p->config.shards, p->masks, p->homes);
    return ERR_NONE;
}

static enum err_code make_bells(struct pipeline *p, struct err *err)
{
    struct doorbell **bells[] = {&p->bus_bell,     &p->intake_bell, &p->store_bell,   &p->alerting_bell,
                                 &p->control_bell, &p->keeper_bell, &p->recorder_bell};
    for (size_t i = 0; i < sizeof bells / sizeof *bells; i++) {
        if (doorbell_open(bells[i], err) != ERR_NONE) {
            return ERR_ENV;
        }
    }
    for (unsigned m = 0; m < p->config.shards; m++) {
        if (p->config.shards == 1) {
            p->shard_bells[m] = p->bus_bell; /* they share the engine's thread */
        } else if (doorbell_open(&p->shard_bells[m], err) != ERR_NONE) {
            return ERR_ENV;
        }
    }
    for (size_t i = 0; i < p->site->sink_count; i++) {
        if (doorbell_open(&p->sink_bells[i], err) != ERR_NONE) {
            return ERR_ENV;
        }
    }
    return ERR_NONE;
}

static enum err_code make_rings(struct pipeline *p, struct err *err)
{
    for (unsigned m = 0; m < p->config.shards; m++) {
        for (int w = 0; w < WORKER_COUNT; w++) {
            if (ring_open(sizeof(struct sample), SAMPLE_SLOTS, 0, &p->samples[w][m], err) != ERR_NONE) {
                return ERR_ENV;
            }
            p->shard_inputs[m][w] = p->samples[w][m];
        }
        size_t most = shard_fan_out(p->config.rules, m, p->config.shards) + 1;
        size_t verdict_slots = power_of_two(most > VERDICT_SLOTS ? most : VERDICT_SLOTS);
        if (ring_open(sizeof(struct sample), SAMPLE_SLOTS, 0, &p->kept[m], err) != ERR_NONE ||
            ring_open(sizeof(struct verdict), verdict_slots, 0, &p->verdicts[m], err) != ERR_NONE) {
            return ERR_ENV;
        }
    }
    if (ring_open(sizeof(struct sample), SAMPLE_SLOTS, 0, &p->history, err) != ERR_NONE ||
        ring_open(sizeof(struct keeper_job), KEEPER_SLOTS, 0, &p->jobs, err) != ERR_NONE ||
        ring_open(sizeof(struct answer), KEEPER_SLOTS, 0, &p->jobs_done, err) != ERR_NONE ||
        ring_open(sizeof(struct act), COMMAND_SLOTS, 0, &p->commands, err) != ERR_NONE ||
        ring_open(sizeof(struct answer), COMMAND_SLOTS, 0, &p->answers, err) != ERR_NONE ||
        ring_open(sizeof(struct act), COMMAND_SLOTS, 0, &p->web_commands, err) != ERR_NONE ||
        ring_open(sizeof(struct answer), COMMAND_SLOTS, 0, &p->web_answers, err) != ERR_NONE) {
        return ERR_ENV;
    }
    return ERR_NONE;
}

/* ---- the agents, from the far end to the field ---- */

static enum err_code make_sinks(struct pipeline *p, struct err *err)
{
    for (size_t i = 0; i < p->site->sink_count; i++) {
        struct sink_config config = {
            .site = p->site,
            .sink = &p->site->sinks[i],
            .store = p->store,
            .bell = p->sink_bells[i],
            .counters = p->counters,
            .told = &p->told,
            .stop = &p->stop_sinks,
        };
        if (sink_new(&config, &p->sinks[i], err) != ERR_NONE) {
            return err_prefix(err, "sinks.%s", p->site->sinks[i].id);
        }
    }
    return ERR_NONE;
}

static enum err_code make_manager(struct pipeline *p, struct err *err)
{
    struct doorbell *web_bell = p->config.console == NULL ? NULL : console_bell(p->config.console);
    memcpy(p->news_bells, p->sink_bells, sizeof p->sink_bells);
    p->news_bell_count = p->site->sink_count;
    p->news_bells[p->news_bell_count++] = web_bell; /* NULL is passed over */
    struct manager_config config = {
        .site = p->site,
        .store = p->store,
        .board = p->board,
        .verdicts = p->verdicts,
        .verdict_bells = p->shard_bells,
        .shard_count = p->config.shards,
        .desks = {{.commands = p->commands, .answers = p->answers, .bell = p->control_bell},
                  {.commands = p->web_commands, .answers = p->web_answers, .bell = web_bell}},
        .sink_bells = p->news_bells,
        .sink_count = p->news_bell_count,
        .told = &p->told,
        .safe = p->safe,
        .counters = p->counters,
        .status = p->config.status,
        .alarmed = &p->alarmed,
        .alarmed_bell = p->bus_bell,
        .give_up = &p->give_up,
    };
    return manager_new(&config, &p->manager, err);
}

static enum err_code make_writer(struct pipeline *p, struct err *err)
{
    struct store_writer_config config = {
        .store = p->store,
        .site = p->site,
        .inputs = p->kept,
        .input_count = p->config.shards,
        .input_bells = p->shard_bells,
        .safe = p->safe,
        .counters = p->counters,
        .sync_ns = p->site->store_sync_ns,
        .gather_ns = NS_PER_MS,
        .give_up = &p->give_up,
        .history = p->history,
        .history_kept = &p->history_kept,
        .history_bell = p->control_bell,
    };
    return store_writer_new(&config, &p->writer, err);
}

static enum err_code make_shards(struct pipeline *p, int64_t now_ns, struct err *err)
{
    for (unsigned m = 0; m < p->config.shards; m++) {
        struct shard_config config = {
            .site = p->site,
            .rules = p->config.rules,
            .index = m,
            .count = p->config.shards,
            .inputs = p->shard_inputs[m],
            .input_count = WORKER_COUNT,
            .store = p->kept[m],
            .store_bell = p->store_bell,
            .verdicts = p->verdicts[m],
            .verdict_bell = p->alerting_bell,
            .board = p->board,
            .counters = p->counters,
            .live = true,
            .keep = true,
            .start_ns = now_ns,
        };
        if (shard_new(&config, &p->shards[m], err) != ERR_NONE) {
            return err->code;
        }
    }
    return ERR_NONE;
}

static enum err_code make_control(struct pipeline *p, struct err *err)
{
    struct control_config config = {
        .site = p->site,
        .store_path = p->config.store_path,
        .commands = p->commands,
        .command_bell = p->alerting_bell,
        .answers = p->answers,
        .history = p->history,
        .history_bell = p->store_bell,
        .history_kept = &p->history_kept,
        .jobs = p->jobs,
        .job_bell = p->keeper_bell,
        .jobs_done = p->jobs_done,
        .counters = p->counters,
        .exceptions = p->exceptions,
        .stop = &p->stop_control,
    };
    p->keeper = (struct keeper){
        .store = p->store, .jobs = p->jobs, .done = p->jobs_done, .bell = p->control_bell, .stop = &p->stop_control};
    p->care = store_care_new(&(struct store_care_config){
        .store = p->store, .site = p->site, .counters = p->counters, .stop = &p->stop_control});
    return control_new(&config, &p->control, err);
}

/* Long work on the store, nobody waits for either: they share a thread. */
static enum err_code start_keeper(struct pipeline *p, struct err *err)
{
    const struct agent agents[] = {keeper_agent(&p->keeper), store_care_agent(p->care)};
    return runner_start("keeper", agents, 2, p->keeper_bell, &p->keeper_runner, err);
}

static void make_routers(struct pipeline *p)
{
    for (int w = 0; w < WORKER_COUNT; w++) {
        p->routers[w] = (struct router){
            .rings = p->samples[w],
            .bells = p->shard_bells,
            .shard_count = p->config.shards,
            .masks = p->masks,
            .seqs = calloc(p->site->point_count + 1, sizeof(uint16_t)),
        };
    }
}

/* Which worker takes from a source. */
static enum worker worker_of(const struct site_source *source)
{
    if (source->type != SOURCE_MQTT) {
        return WORKER_BUS;
    }
    return spb_host_takes(source) ? WORKER_SPARKPLUG : WORKER_INBOX;
}

static bool has_source(const struct site *site, enum worker worker)
{
    for (size_t i = 0; i < site->source_count; i++) {
        if (worker_of(&site->sources[i]) == worker) {
            return true;
        }
    }
    return false;
}

static enum err_code make_bus(struct pipeline *p, struct err *err)
{
    if (!has_source(p->site, WORKER_BUS)) {
        router_close(&p->routers[WORKER_BUS]);
        return ERR_NONE;
    }
    struct mbus_config config = {
        .site = p->site,
        .router = &p->routers[WORKER_BUS],
        .bell = p->bus_bell,
        .stop = &p->stop_field,
        .counters = p->counters,
        .tap = recorder_tap_bus(p->recorder),
        .alarmed = &p->alarmed,
        .exceptions = p->exceptions,
    };
    return mbus_worker_new(&config, &p->bus, err);
}

static enum err_code make_inbox(struct pipeline *p, struct err *err)
{
    char path[PATH_MAX];
    if (!has_source(p->site, WORKER_INBOX)) {
        return ERR_NONE;
    }
    (void)snprintf(path, sizeof path, "%s/%s", p->config.store_path, spool_file);
    struct mqtt_config config = {
        .site = p->site,
        .router = &p->routers[WORKER_INBOX],
        .bell = p->intake_bell,
        .safe = p->safe,
        .shard_count = p->config.shards,
        .judged = manager_taken(p->manager),
        .sync_ns = p->site->store_sync_ns,
        .spool_path = path,
        .counters = p->counters,
        .tap = recorder_tap_inbox(p->recorder),
    };
    return mqtt_inbox_new(&config, &p->inbox, err);
}

static enum err_code make_recorder(struct pipeline *p, struct err *err)
{
    const struct recorder_config config = {
        .path = p->config.record_path,
        .append = p->config.record_more,
        .site = p->site,
        .counters = p->counters,
        .stop = &p->stop_recorder,
    };
    return config.path == NULL ? ERR_NONE : recorder_new(&config, &p->recorder, err);
}

/* Points named "davy.<counter>" take Davy's own counters. */
static enum err_code find_own_points(struct pipeline *p, struct err *err)
{
    p->own_points = calloc(p->site->point_count + 1, sizeof *p->own_points);
    p->own_counters = calloc(p->site->point_count + 1, sizeof *p->own_counters);
    if (p->own_points == NULL || p->own_counters == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    for (uint32_t i = 0; i < p->site->point_count; i++) {
        const char *id = p->site->points[i].id;
        const struct counter *counter = strncmp(id, "davy.", 5) == 0 ? counter_find(p->counters, id + 5) : NULL;
        if (counter != NULL) {
            p->own_points[p->own_count] = i;
            p->own_counters[p->own_count++] = counter;
        }
    }
    return ERR_NONE;
}

/* ---- what was there before the restart ---- */

static void restore_kept(void *self, const struct verdict *kept)
{
    struct pipeline *p = self;
    for (unsigned m = 0; m < p->config.shards; m++) {
        shard_restore(p->shards[m], kept); /* a shard passes over what it does not judge */
    }
}

struct restore {
    struct pipeline *pipeline;
    uint32_t point;
};

/* True for what is in the store already but will come again, out of the spool, to be judged. */
static bool comes_again(const struct pipeline *p, uint32_t point, int64_t seen_ns)
{
    const uint32_t source = p->site->points[point].from.source;
    return mqtt_inbox_takes(p->inbox, source) && seen_ns >= mqtt_inbox_again_from(p->inbox);
}

/* Gives one stored reading back to the windows, if it was in them: good, and in its time. */
static bool restore_reading(void *self, const struct store_row *row)
{
    const struct restore *restore = self;
    struct pipeline *p = restore->pipeline;
    const struct site_point *point = &p->site->points[restore->point];
    const bool below = point->has_range && row->value < point->range_lo;
    if (isnan(row->value) || below || (row->status & (ST_UNKNOWN | ST_LATE)) != 0 ||
        comes_again(p, restore->point, row->seen_ns)) {
        return true;
    }
    const int64_t time_ns = (row->status & ST_SKEW) != 0 ? row->seen_ns : row->time_ns;
    for (unsigned m = 0; m < p->config.shards; m++) {
        if ((p->masks[restore->point] >> m & 1) != 0) {
            shard_restore_reading(p->shards[m], restore->point, time_ns, row->value);
        }
    }
    return true;
}

/* Gives a point's newest reading among those that do not come again; ERR_NO when there is none. */
static enum err_code last_before(struct pipeline *p, uint32_t point, struct board_entry *ret_entry, struct err *err)
{
    struct board_entry last;
    enum err_code code = store_last(p->store, p->site->points[point].id, &last, err);
    if (code == ERR_NONE && comes_again(p, point, last.seen_ns)) {
        const int64_t before_ns = mqtt_inbox_again_from(p->inbox);
        return restore_as_of(p->store, &p->site->points[point], &last, before_ns, ret_entry, err);
    }
    if (code == ERR_NONE) {
        *ret_entry = last;
    }
    return code;
}

static enum err_code restore_windows_of(struct pipeline *p, uint32_t point, int64_t reach_ns, struct err *err)
{
    struct restore restore = {.pipeline = p, .point = point};
    struct board_entry last;
    enum err_code code = last_before(p, point, &last, err);
    if (code == ERR_NONE) {
        const int64_t reach = reach_ns < RULES_RESTORED_NS ? reach_ns : RULES_RESTORED_NS;
        int64_t from_ns = 0;
        if (__builtin_sub_overflow(last.time_ns, reach, &from_ns)) {
            from_ns = INT64_MIN;
        }
        const int64_t to_ns = last.time_ns < INT64_MAX ? last.time_ns + 1 : INT64_MAX;
        code = store_read(p->store, p->site->points[point].id, from_ns, to_ns, restore_reading, &restore, err);
    }
    return code == ERR_NO ? ERR_NONE : code; /* never heard of */
}

/* Fills the windows again from the store, as far back as the rules look. */
static enum err_code restore_windows(struct pipeline *p, struct err *err)
{
    int64_t *reach_ns = calloc(p->site->point_count + 1, sizeof *reach_ns);
    if (reach_ns == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    rules_reach(p->config.rules, reach_ns);
    enum err_code code = ERR_NONE;
    for (uint32_t i = 0; code == ERR_NONE && i < p->site->point_count; i++) {
        if (reach_ns[i] > 0) {
            code = restore_windows_of(p, i, reach_ns[i], err);
        }
    }
    free(reach_ns);
    return code;
}

static void give_point(struct pipeline *p, uint32_t point, const struct board_entry *entry)
{
    for (unsigned m = 0; m < p->config.shards; m++) {
        if ((p->masks[point] >> m & 1) != 0) {
            shard_restore_point(p->shards[m], point, entry);
        }
    }
    board_write(p->board, point, entry);
}

static bool restore_point(void *self, const char *id, size_t id_len, const struct board_entry *entry)
{
    struct pipeline *p = self;
    const uint32_t point = site_point(p->site, id, id_len);
    if (point != SITE_NONE && !comes_again(p, point, entry->seen_ns)) {
        give_point(p, point, entry);
    }
    return true; /* points the site no longer has are passed over */
}

/* Points of which something comes again are as they were before. */
static enum err_code restore_points(struct pipeline *p, struct err *err)
{
    enum err_code code = store_last_all(p->store, restore_point, p, err);
    if (p->inbox == NULL || mqtt_inbox_again_from(p->inbox) == TIME_NEVER) {
        return code;
    }
    for (uint32_t i = 0; code == ERR_NONE && i < p->site->point_count; i++) {
        struct board_entry entry;
        const uint32_t source = p->site->points[i].from.source;
        if (!mqtt_inbox_takes(p->inbox, source)) {
            continue;
        }
        code = last_before(p, i, &entry, err);
        if (code == ERR_NONE) {
            give_point(p, i, &entry);
        }
        code = code == ERR_NO ? ERR_NONE : code; /* not heard of before */
    }
    return code;
}

/* ---- threads ---- */

static enum err_code run_one(const char *name, struct agent agent, struct doorbell *bell, struct runner **ret_runner,
                             struct err *err)
{
    return runner_start(name, &agent, 1, bell, ret_runner, err);
}

static enum err_code start_engine(struct pipeline *p, struct err *err)
{
    struct agent agents[2];
    int n = 0;
    if (p->bus != NULL) {
        agents[n++] = mbus_worker_agent(p->bus);
    }
    if (p->config.shards == 1) {
        agents[n++] = shard_agent(p->shards[0]);
        return runner_start("engine", agents, n, p->bus_bell, &p->engine, err);
    }
    for (unsigned m = 0; m < p->config.shards; m++) {
        char name[24];
        (void)snprintf(name, sizeof name, "shard-%u", m);
        if (run_one(name, shard_agent(p->shards[m]), p->shard_bells[m], &p->shard_runners[m], err) != ERR_NONE) {
            return ERR_ENV;
        }
    }
    return n == 0 ? ERR_NONE : runner_start("bus", agents, n, p->bus_bell, &p->engine, err);
}

static enum err_code start_sparkplug(struct pipeline *p, struct err *err)
{
    if (!has_source(p->site, WORKER_SPARKPLUG)) {
        router_close(&p->routers[WORKER_SPARKPLUG]);
        return ERR_NONE;
    }
    struct spb_config config = {
        .site = p->site,
        .router = &p->routers[WORKER_SPARKPLUG],
        .tap = recorder_tap_inbox(p->recorder),
        .board = p->board,
        .counters = p->counters,
    };
    return spb_host_start(&config, &p->sparkplug, err);
}

static enum err_code start_threads(struct pipeline *p, struct err *err)
{
    for (size_t i = 0; i < p->site->sink_count; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "sink-%.10s", p->site->sinks[i].id);
        if (run_one(name, sink_agent(p->sinks[i]), p->sink_bells[i], &p->sink_runners[i], err) != ERR_NONE) {
            return ERR_ENV;
        }
    }
    if (run_one("alerting", manager_agent(p->manager), p->alerting_bell, &p->alerting_runner, err) != ERR_NONE ||
        run_one("store", store_writer_agent(p->writer), p->store_bell, &p->store_runner, err) != ERR_NONE ||
        start_keeper(p, err) != ERR_NONE ||
        run_one("control", control_agent(p->control), p->control_bell, &p->control_runner, err) != ERR_NONE ||
        (p->recorder != NULL &&
         run_one("recorder", recorder_agent(p->recorder), p->recorder_bell, &p->recorder_runner, err) != ERR_NONE) ||
        start_engine(p, err) != ERR_NONE) {
        return ERR_ENV;
    }
    if (start_sparkplug(p, err) != ERR_NONE) {
        return err->code;
    }
    if (!has_source(p->site, WORKER_INBOX)) {
        router_close(&p->routers[WORKER_INBOX]);
        return ERR_NONE;
    }
    return mqtt_inbox_start(p->inbox, err);
}

static enum err_code build(struct pipeline *p, struct err *err)
{
    struct clock clock;
    clock_init(&clock);
    enum err_code code = store_open(p->config.store_path, p->site->id, &p->store, err);
    if (code == ERR_NONE) {
        code = make_tables(p, err);
    }
    if (code == ERR_NONE) {
        code = make_bells(p, err);
    }
    if (code == ERR_NONE) {
        code = make_rings(p, err);
    }
    if (code == ERR_NONE) {
        make_routers(p);
        code = make_sinks(p, err);
    }
    if (code == ERR_NONE) {
        code = make_manager(p, err);
    }
    if (code == ERR_NONE) {
        code = make_writer(p, err);
    }
    if (code == ERR_NONE) {
        code = make_shards(p, clock_now_ns(&clock), err);
    }
    if (code == ERR_NONE) {
        code = make_recorder(p, err);
    }
    if (code == ERR_NONE) {
        code = make_inbox(p, err);
    }
    if (code == ERR_NONE) {
        manager_kept(p->manager, restore_kept, p);
        code = restore_windows(p, err);
    }
    if (code == ERR_NONE) {
        code = restore_points(p, err);
    }
    if (code == ERR_NONE) {
        code = make_control(p, err);
    }
    return code == ERR_NONE ? make_bus(p, err) : code;
}

/* ---- what is shown of it ---- */

static void name_queue(struct pipeline *p, const struct ring *ring, const char *name, unsigned shard)
{
    struct console_queue *queue = &p->queues[p->queue_count++];
    queue->ring = ring;
    (void)snprintf(queue->name, sizeof queue->name, "%s.%u", name, shard); /* short words of our own */
}

static void name_queues(struct pipeline *p)
{
    static const char *const workers[WORKER_COUNT] = {"sample.bus", "sample.inbox", "sample.sparkplug", "sample.watch"};
    for (unsigned m = 0; m < p->config.shards; m++) {
        for (int w = 0; w < WORKER_COUNT; w++) {
            name_queue(p, p->samples[w][m], workers[w], m);
        }
        name_queue(p, p->kept[m], "store", m);
        name_queue(p, p->verdicts[m], "verdict", m);
    }
    name_queue(p, p->history, "history", 0);
}

static void show(struct pipeline *p)
{
    static const char *const words[] = {[RUN_ACTUAL] = "actual", [RUN_EXERCISE] = "exercise", [RUN_TEST] = "test"};
    name_queues(p);
    const struct console_source source = {
        .site = p->site,
        .store = p->store,
        .store_path = p->config.store_path,
        .board = p->board,
        .exceptions = p->exceptions,
        .counters = p->counters,
        .counts = p->web_counts,
        .commands = p->web_commands,
        .command_bell = p->alerting_bell,
        .answers = p->web_answers,
        .queues = p->queues,
        .queue_count = p->queue_count,
        .started_ns = p->started_ns,
        .status = words[p->config.status],
        .shards = p->config.shards,
        .clients = p->site->http_clients,
        .streams = p->site->http_streams,
    };
    console_show(p->config.console, &source);
}

/* Writes down what the site is since this start, if it has changed.  A disk that takes nothing is no reason not to
 * watch: it is tried again each second. */
static void record_changes(struct pipeline *p)
{
    struct err err;
    const enum err_code code = change_log_record(p->store, p->site, p->started_ns, p->config.why, p->config.by, &err);
    p->recorded = code == ERR_NONE;
    if (!p->recorded) {
        log_event(LOG_ERROR, "app", "APP-010", p->site->id, "site=%s reason=\"%s\" tried again each second",
                  p->site->id, err.text);
    }
}

enum err_code pipeline_start(const struct pipeline_config *config, struct pipeline **ret_pipeline, struct err *err)
{
    struct pipeline *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return err_set(err, ERR_ENV, "out of memory");
    }
    p->config = *config;
    p->site = config->site;
    struct clock clock;
    clock_init(&clock);
    p->started_ns = clock_now_ns(&clock);
    enum err_code code = build(p, err);
    if (code == ERR_NONE) {
        code = start_threads(p, err);
    }
    if (code == ERR_NONE) {
        code = find_own_points(p, err); /* once all have made their counters */
    }
    if (code != ERR_NONE) {
        pipeline_stop(p);
        recorder_discard(p->recorder);
        pipeline_free(p);
        return code;
    }
    record_changes(p);
    if (p->config.console != NULL) {
        show(p);
    }
    *ret_pipeline = p;
    return ERR_NONE;
}

/* ---- the end ---- */

/* Ends the field and waits until the last sample is judged, stored and journalled. */
static void drain(struct pipeline *p)
{
    struct clock clock;
    clock_init(&clock);
    cell_set(&p->give_up, (uint64_t)(clock_now_ns(&clock) + DISK_GOODBYE_NS));
    cell_set(&p->stop_field, 1);
    if (p->bus_bell != NULL) {
        doorbell_ring(p->bus_bell);
    }
    mqtt_inbox_stop(p->inbox);
    spb_host_stop(p->sparkplug);
    for (int w = 0; w < WORKER_COUNT; w++) {
        /* A worker that never ran cannot end its own row. */
        bool never_ran = (w == WORKER_BUS && p->engine == NULL) || (w == WORKER_INBOX && p->inbox == NULL) ||
                         (w == WORKER_SPARKPLUG && p->sparkplug == NULL) || w == WORKER_WATCH;
        if (never_ran && p->routers[w].rings != NULL) {
            router_close(&p->routers[w]);
        }
    }
    runner_join(p->engine);
    for (unsigned m = 0; m < p->config.shards; m++) {
        runner_join(p->shard_runners[m]);
    }
    /* A shard that never ran cannot end its rings; of several some may have run. */
    for (unsigned m = 0; m < p->config.shards; m++) {
        const bool ran = p->config.shards == 1 ? p->engine != NULL : p->shard_runners[m] != NULL;
        if (!ran && p->kept[m] != NULL && p->verdicts[m] != NULL) {
            ring_close(p->kept[m]);
            ring_close(p->verdicts[m]);
        }
    }
    if (p->store_bell != NULL) {
        doorbell_ring(p->store_bell);
    }
    if (p->alerting_bell != NULL) {
        doorbell_ring(p->alerting_bell);
    }
    runner_join(p->store_runner);
}

/* The field has ended: what is in the taps is written. */
static void stop_recorder(struct pipeline *p)
{
    cell_set(&p->stop_recorder, 1);
    if (p->recorder_bell != NULL) {
        doorbell_ring(p->recorder_bell);
    }
    runner_join(p->recorder_runner);
}

static void stop_receivers(struct pipeline *p)
{
    cell_set(&p->stop_control, 1);
    if (p->control_bell != NULL) {
        doorbell_ring(p->control_bell);
    }
    if (p->keeper_bell != NULL) {
        doorbell_ring(p->keeper_bell);
    }
    store_care_hurry(p->care);
    runner_join(p->keeper_runner);
    runner_join(p->control_runner);
    runner_join(p->alerting_runner);
    struct clock clock;
    clock_init(&clock);
    cell_set(&p->stop_sinks, (uint64_t)(clock_now_ns(&clock) + SINK_GOODBYE_NS));
    for (size_t i = 0; i < SINKS_MAX; i++) {
        if (p->sink_bells[i] != NULL) {
            doorbell_ring(p->sink_bells[i]);
        }
        runner_join(p->sink_runners[i]);
    }
}

static void free_agents(struct pipeline *p)
{
    mbus_worker_free(p->bus);
    mqtt_inbox_free(p->inbox);
    recorder_free(p->recorder);
    spb_host_free(p->sparkplug);
    control_free(p->control);
    manager_free(p->manager);
    store_writer_free(p->writer);
    store_care_free(p->care);
    for (size_t i = 0; i < SINKS_MAX; i++) {
        sink_free(p->sinks[i]);
    }
    for (unsigned m = 0; m < p->config.shards; m++) {
        shard_free(p->shards[m]);
    }
    store_close(p->store);
}

static void free_rings(struct pipeline *p)
{
    for (unsigned m = 0; m < p->config.shards; m++) {
        for (int w = 0; w < WORKER_COUNT; w++) {
            ring_free(p->samples[w][m]);
        }
        ring_free(p->kept[m]);
        ring_free(p->verdicts[m]);
        if (p->config.shards > 1) {
            doorbell_free(p->shard_bells[m]);
        }
    }
    ring_free(p->history);
    ring_free(p->jobs);
    ring_free(p->jobs_done);
    ring_free(p->commands);
    ring_free(p->answers);
    ring_free(p->web_commands);
    ring_free(p->web_answers);
    doorbell_free(p->intake_bell);
    doorbell_free(p->bus_bell);
    doorbell_free(p->store_bell);
    doorbell_free(p->alerting_bell);
    doorbell_free(p->control_bell);
    doorbell_free(p->keeper_bell);
    doorbell_free(p->recorder_bell);
    for (size_t i = 0; i < SINKS_MAX; i++) {
        doorbell_free(p->sink_bells[i]);
    }
}

void pipeline_stop(struct pipeline *p)
{
    if (p->config.console != NULL) {
        console_hold(p->config.console);
    }
    drain(p);
    stop_recorder(p);
    stop_receivers(p);
    if (p->config.console != NULL) {
        console_leave(p->config.console);
    }
}

void pipeline_free(struct pipeline *p)
{
    if (p == NULL) {
        return;
    }
    free_agents(p);
    free_rings(p);
    for (int w = 0; w < WORKER_COUNT; w++) {
        free(p->routers[w].seqs);
    }
    free(p->own_points);
    free(p->own_counters);
    free(p->safe);
    free(p->alarmed.active);
    free(p->exceptions);
    free(p->homes);
    free(p->masks);
    board_free(p->board);
    counters_free(p->counters);
    free(p);
}

void pipeline_watch(struct pipeline *p, int64_t now_ns)
{
    if (!p->recorded) {
        record_changes(p);
    }
    struct router *router = &p->routers[WORKER_WATCH];
    if (p->own_count == 0 || !router_room(router, p->own_count)) {
        return; /* the next second tells the newer number */
    }
    for (size_t i = 0; i < p->own_count; i++) {
        struct sample sample = {
            .time_ns = now_ns,
            .seen_ns = now_ns,
            .value = (double)counter_get(p->own_counters[i]),
            .point = p->own_points[i],
        };
        router_put(router, &sample);
    }
    router_flush(router);
}

const struct counters *pipeline_counters(const struct pipeline *p)
{
    return p->counters;
}
