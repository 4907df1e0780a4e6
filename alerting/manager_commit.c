/*
 * manager_commit: from the book's events to the disk, and only then to the
 * world.
 *
 * One batch per cycle holds events, retained states, alarm records and kept
 * conditions, so that after any crash they agree.  Events and acts are synced;
 * kept conditions alone are not (they survive SIGKILL, and a power cut costs
 * the last of a delay).  What is to be told (bells, marks, answers, counters)
 * waits for the commit.  Manager thread.
 */
#include "alerting/manager_inside.h"
#include "base/clock.h"
#include "base/log.h"

enum { RETRY_FIRST_MS = 100, RETRY_DOUBLINGS = 6 }; /* 100 ms .. 6.4 s */

void manager_touch(struct manager *manager, uint32_t alarm)
{
    if (!manager->is_touched[alarm]) {
        manager->is_touched[alarm] = true;
        manager->touched[manager->touched_count++] = alarm;
    }
}

static void put(struct manager *manager, const char *prefix, const char *name, const struct buf *bytes)
{
    char key[RECORD_KEY_MAX + 1];
    record_key(key, prefix, name);
    store_batch_put(manager->batch, key, bytes->data, bytes->len);
    manager->filled = true;
}

void manager_keep(struct manager *manager, const struct verdict *keep)
{
    char key[RECORD_KEY_MAX + 1];
    record_keep_key(key, &manager->scratch, manager->config.site, keep);
    buf_clear(&manager->record);
    const bool is_nothing = keep->keep == 0 && keep->since_ns == TIME_NEVER && keep->step_ns == INT64_MIN;
    if (!is_nothing) { /* as before the first judgement: no record says the same */
        keep_record_write(&manager->record, manager->config.site, keep);
    }
    store_batch_put(manager->batch, key, manager->record.data, manager->record.len);
    manager->filled = true;
}

void manager_put_event(struct manager *manager, const struct event_words *words, const char *when,
                       const struct event *event, const struct act *act)
{
    const char *site_id = manager->config.site->id;
    buf_clear(&manager->json);
    buf_clear(&manager->state);
    event_print(&manager->json, &manager->scratch, site_id, words, when, event, act, manager->config.status);
    event_print_state(&manager->state, &manager->scratch, site_id, words, event);
    store_batch_event(manager->batch, event->seq, event->time_ns, words->alarm, manager->json.data, manager->json.len,
                      manager->state.data, manager->state.len);
    put(manager, MANAGER_SHOWN, words->alarm, &manager->state);
    manager->sync = true;
    counter_add(manager->counters.events[event->kind], 1);
    if (event->kind == EV_RAISED) {
        counter_add(manager->counters.raised[event->level], 1);
    }
}

static void put_alarm(struct manager *manager, uint32_t alarm)
{
    const struct site *site = manager->config.site;
    const struct event_words words = event_words_of(site, alarm);
    buf_clear(&manager->record);
    alarm_record_begin(&manager->record, site->rules[site->alarms[alarm].rule].digest, &words);
    alarm_book_save(manager->book, alarm, &manager->record);
    put(manager, "alarm/", words.alarm, &manager->record);
}

/* Up to which ticket the alarms as they stand in this batch have seen what was marked. */
static void put_taken(struct manager *manager)
{
    buf_clear(&manager->record);
    taken_record_write(&manager->record, manager->taken, manager->config.shard_count);
    store_batch_put(manager->batch, MANAGER_TAKEN, manager->record.data, manager->record.len);
    manager->taken_new = false;
}

void manager_fill(struct manager *manager)
{
    const struct site *site = manager->config.site;
    size_t count;
    const struct event *events = alarm_book_events(manager->book, &count);
    for (size_t i = 0; i < count; i++) {
        const struct event_words words = event_words_of(site, events[i].alarm);
        manager_put_event(manager, &words, event_when(site, &events[i]), &events[i],
                          alarm_book_event_act(manager->book, i));
        manager_touch(manager, events[i].alarm);
    }
    for (size_t i = 0; i < manager->touched_count; i++) {
        put_alarm(manager, manager->touched[i]);
        manager->is_touched[manager->touched[i]] = false;
    }
    manager->touched_count = 0;
    if (manager->filled && manager->taken_new) {
        put_taken(manager);
    }
}

/* ---- after the commit -------------------------------------------------------------------------------------------- */

static void note_latency(struct manager *manager, int64_t now_ns, int64_t kept_ns)
{
    for (size_t i = 0; i < manager->seen_count; i++) {
        const struct manager_seen *seen = &manager->seen[i];
        latency_add(&manager->judged, now_ns - seen->seen_ns, seen->events);
        latency_add(&manager->latency, kept_ns - seen->seen_ns, seen->events);
    }
    if (manager->seen_count > 0) {
        latency_show(&manager->judged, manager->counters.judged_p50, manager->counters.judged_p99);
        latency_show(&manager->latency, manager->counters.p50, manager->counters.p99);
    }
    manager->seen_count = 0;
}

static void tell_sources(struct manager *manager)
{
    for (size_t i = 0; i < manager->mark_count; i++) {
        const struct manager_mark *mark = &manager->marks[i];
        cell_set(&manager->config.safe[mark->source].judged[mark->shard], mark->ticket);
    }
    manager->mark_count = 0;
}

static void tell_desk(const struct manager_desk *desk, struct manager_answers *answers)
{
    for (size_t i = 0; i < answers->count; i++) {
        const bool pushed = ring_push(desk->answers, &answers->items[i]);
        assert(pushed); /* acts are only taken while there is room for their answers */
        (void)pushed;
    }
    if (answers->count > 0 && desk->bell != NULL) {
        doorbell_ring(desk->bell);
    }
    answers->count = 0;
}

static void tell_operators(struct manager *manager)
{
    for (size_t i = 0; i < MANAGER_DESKS; i++) {
        tell_desk(&manager->config.desks[i], &manager->answers[i]);
    }
}

static void tell_sinks(const struct manager *manager)
{
    if (manager->config.told != NULL) {
        told_set(manager->config.told, store_last_seq(manager->config.store), clock_mono_ns());
    }
    for (size_t i = 0; i < manager->config.sink_count; i++) {
        if (manager->config.sink_bells[i] != NULL) {
            doorbell_ring(manager->config.sink_bells[i]);
        }
    }
}

static void note_failure(struct manager *manager, int64_t now_ns, const struct err *err)
{
    const uint64_t doublings = manager->failed_commits < RETRY_DOUBLINGS ? manager->failed_commits : RETRY_DOUBLINGS;
    manager->retry_ns = now_ns + (RETRY_FIRST_MS * NS_PER_MS << doublings);
    if (manager->failed_commits++ == 0) {
        log_event(LOG_ERROR, "alerting", "ALT-001", "journal",
                  "reason=\"%s\" events are kept and written again as soon as the store takes them", err->text);
    }
    counter_add(manager->counters.failures, 1);
}

static void note_success(struct manager *manager)
{
    if (manager->failed_commits > 0) {
        log_event(LOG_INFO, "alerting", "ALT-002", "journal", "tries=%llu the journal is written again",
                  (unsigned long long)manager->failed_commits);
    }
    manager->failed_commits = 0;
    manager->retry_ns = TIME_NEVER;
    counter_add(manager->counters.commits, 1);
    counter_set(manager->counters.ledger_refused, store_ledger_refused(manager->config.store));
}

void manager_commit(struct manager *manager, int64_t now_ns, int64_t cycle_mono_ns)
{
    const bool events = manager->sync;
    if (manager->filled) {
        struct err err;
        if (store_batch_commit(manager->batch, manager->sync, &err) != ERR_NONE) {
            note_failure(manager, now_ns, &err);
            return;
        }
        note_success(manager);
        manager->filled = manager->sync = false;
    }
    const int64_t kept_ns = now_ns + (clock_mono_ns() - cycle_mono_ns);
    if (events) {
        tell_sinks(manager); /* first: they are what all this is for */
    }
    alarm_book_clear_events(manager->book);
    note_latency(manager, now_ns, kept_ns);
    manager->in_hand = 0;
    tell_sources(manager);
    tell_operators(manager);
}
