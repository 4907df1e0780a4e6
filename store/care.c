/*
 * care: the agent that looks after what is stored.
 *
 *   round:  tiers ──► pins ──► samples, minutes, hours ──► events ──► rest
 *           of what    from      removed after their       removed
 *           is marked  alarms    time
 *
 * At the end tables are merged, if much was removed or many are small.
 *
 * One call does one slice, which is one batch, then rests as long as the slice
 * took.  A batch that cannot be written is given up: nothing of it has
 * happened, and the next round begins where it was.
 *
 * Threads: the agent's own.  Memory: nearly all in store_care_new; tables by the
 * number of points at the beginning of a round, as points are added while a
 * store is opened only.
 */
#include "base/log.h"
#include "base/memory.h"
#include "store/care_inside.h"
#include <stdlib.h>

static void make_counters(struct store_care *care, struct counters *counters)
{
    const struct {
        struct counter **counter;
        const char *name, *unit, *help;
    } table[] = {
        {&care->counters.rounds, "store.care_rounds", "1", "rounds of upkeep that were finished"},
        {&care->counters.failures, "store.care_failures", "1", "steps of upkeep that failed and are tried again"},
        {&care->counters.tier_rows, "store.tier_samples", "1", "samples put together into minutes and hours"},
        {&care->counters.tier_blocks, "store.tier_blocks", "1", "blocks of minutes and hours written"},
        {&care->counters.tier_bytes, "store.tier_bytes", "B", "bytes of them"},
        {&care->counters.pins, "store.pins", "1", "stretches of a point that stay because of an alarm"},
        {&care->counters.removed_blocks, "store.removed_blocks", "1", "blocks of samples removed after their time"},
        {&care->counters.removed_bytes, "store.removed_bytes", "B", "bytes of them"},
        {&care->counters.removed_tiers, "store.removed_tiers", "1", "blocks of minutes and hours removed"},
        {&care->counters.removed_events, "store.removed_events", "1", "events removed after their time"},
        {&care->counters.gathered, "store.gathered", "1", "small tables merged to larger ones"},
    };
    for (size_t i = 0; counters != NULL && i < sizeof table / sizeof table[0]; i++) {
        *table[i].counter = counter_new(counters, table[i].name, table[i].unit, table[i].help);
    }
}

struct store_care *store_care_new(const struct store_care_config *config)
{
    struct store_care *const care = memory_new(1, sizeof *care);
    care->config = *config;
    care->config.every_ns = config->every_ns > 0 ? config->every_ns : STORE_CARE_EVERY;
    care->config.merge_bytes = config->merge_bytes > 0 ? config->merge_bytes : STORE_CARE_MERGE;
    care->batch = rocksdb_writebatch_create();
    care->maker = tier_maker_new(config->store);
    care->due_ns = INT64_MIN;
    make_counters(care, config->counters);
    return care;
}

void store_care_free(struct store_care *care)
{
    if (care != NULL) {
        rocksdb_writebatch_destroy(care->batch);
        tier_maker_free(care->maker);
        free(care->point_of);
        free(care->series_of);
        free(care->words);
        free(care->held_ns);
        free(care);
    }
}

void care_count(struct counter *counter, uint64_t n)
{
    if (counter != NULL) {
        counter_add(counter, n);
    }
}

/* ---- slices -------------------------------------------------------------------------------------------------------
 */

/* One step for the next point that has marks. */
static enum err_code slice_tiers(struct store_care *care, bool *ret_done, struct err *err)
{
    uint32_t series = 0;
    bool found = false;
    struct tier_step step = {.done = true};
    enum err_code code = marks_series(care->config.store, NULL, care->series, &series, &found, err);
    if (code == ERR_NONE && found) {
        code = tier_make(care->maker, series, &care->hours, care->batch, &step, err);
        care->series = step.done || code != ERR_NONE ? series + 1 : series;
    }
    if (code == ERR_NONE) {
        care_count(care->counters.tier_rows, step.rows);
        care_count(care->counters.tier_blocks, step.blocks);
        care_count(care->counters.tier_bytes, step.bytes);
    }
    *ret_done = !found;
    return code;
}

/* What is done in a round, one after the other; each says when it has nothing more to do. */
static care_slice *const slices[] = {slice_tiers,       care_slice_map,    care_slice_pins,  care_slice_limits,
                                     care_slice_retain, care_slice_events, care_slice_merge, care_slice_gather};
enum { PHASES = sizeof slices / sizeof slices[0] };

static enum err_code do_slice(struct store_care *care, bool *ret_done, struct err *err)
{
    if (!db_enter_healed(care->config.store, err)) {
        return ERR_ENV;
    }
    rocksdb_writebatch_clear(care->batch);
    enum err_code code = slices[care->phase](care, ret_done, err);
    db_leave(care->config.store);
    if (code == ERR_NONE && rocksdb_writebatch_count(care->batch) > 0) {
        code = db_write(care->config.store, care->batch, false, err);
    }
    if (code != ERR_NONE) {
        hours_forget(&care->hours);
    }
    return code;
}

static void next_phase(struct store_care *care, int64_t now_ns)
{
    care->series = 0;
    if (++care->phase < PHASES) {
        return;
    }
    care->phase = 0;
    care->in_round = false;
    care->due_ns = care->began_ns + care->config.every_ns;
    care->due_ns = care->due_ns > now_ns ? care->due_ns : now_ns;
    care_count(care->counters.rounds, 1);
    if (care->failed && !care->failed_now) {
        log_event(LOG_INFO, "store", "STO-021", care->config.store->path, "path=%s upkeep goes on",
                  care->config.store->path);
    }
    care->failed = care->failed_now;
    care->failed_now = false;
}

/* Told once, when it begins. */
static void note_failure(struct store_care *care, const struct err *why)
{
    care_count(care->counters.failures, 1);
    if (!care->failed && !care->failed_now) {
        log_event(LOG_WARN, "store", "STO-020", care->config.store->path,
                  "path=%s reason=\"%s\" hint=\"aggregates and removal wait, nothing is lost; tried again\"",
                  care->config.store->path, why->text);
    }
    care->failed_now = true;
}

/* A step that failed is left out in this round; where it does not say what comes next, its whole phase is. */
static void slice_ended(struct store_care *care, bool done, uint32_t before, const struct err *why, int64_t now_ns)
{
    if (why != NULL) {
        note_failure(care, why);
        done = care->series == before;
    }
    if (done) {
        next_phase(care, now_ns);
    }
}

static int do_work(void *self, int64_t now_ns)
{
    struct store_care *const care = self;
    struct err err;
    bool done = false;
    if (care->config.stop != NULL && cell_get(care->config.stop) != 0) {
        return AGENT_FINISHED;
    }
    if (now_ns < care->due_ns) {
        return 0;
    }
    if (!care->in_round) {
        care->in_round = true;
        care->began_ns = now_ns;
    }
    care->now_ns = now_ns;
    const int64_t start_ns = clock_mono_ns();
    const uint32_t before = care->series;
    const enum err_code code = do_slice(care, &done, &err);
    care->due_ns = now_ns + 2 * (clock_mono_ns() - start_ns);
    slice_ended(care, done, before, code == ERR_NONE ? NULL : &err, now_ns);
    return 0; /* it comes again when it is due, and does not keep its thread awake until then */
}

static int64_t next_due(void *self)
{
    const struct store_care *const care = self;
    return care->due_ns;
}

struct agent store_care_agent(struct store_care *care)
{
    return (struct agent){.name = "care", .self = care, .do_work = do_work, .next_due = next_due};
}
