/*
 * manager: the cycle of the agent that owns the alarm book.
 *
 * Takes what its rings hold (bounded), lets the book speak, commits once, and
 * tells.  Verdicts of several shards are taken in the order of their time of
 * receipt as far as they are there; one alarm's verdicts come from one shard
 * and are always in order.  While a commit fails nothing is taken.
 * Thread: its own.  Memory: at manager_new; buffers grow to the largest event.
 */
#include "alerting/manager.h"
#include "alerting/manager_inside.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

/* True when two verdicts taken one after the other come of different rows or phases. */
static bool is_new_step(const struct manager_origin *last, const struct verdict *verdict, unsigned shard)
{
    return last->shard != shard || last->step != verdict->step;
}

static void take_step(struct manager *manager, const struct verdict *verdict, unsigned shard)
{
    size_t before, after;
    if (is_new_step(&manager->last, verdict, shard)) {
        alarm_book_end_step(manager->book);
    }
    manager->last = (struct manager_origin){.step = verdict->step, .shard = shard};
    (void)alarm_book_events(manager->book, &before);
    alarm_book_verdict(manager->book, verdict);
    (void)alarm_book_events(manager->book, &after);
    manager_touch(manager, verdict->alarm);
    if (after > before) {
        manager->seen[manager->seen_count++] =
            (struct manager_seen){.seen_ns = verdict->seen_ns, .events = after - before};
    }
    counter_add(manager->counters.verdicts, 1);
}

static void take_mark(struct manager *manager, const struct verdict *verdict, unsigned shard)
{
    if (manager->config.safe == NULL) {
        return;
    }
    const uint64_t ticket = (uint64_t)verdict->time_ns;
    manager->marks[manager->mark_count++] =
        (struct manager_mark){.source = verdict->alarm, .shard = shard, .ticket = ticket};
    if (ticket > manager->taken[shard]) { /* marks of what is taken again do not take back what the alarms have seen */
        manager->taken[shard] = ticket;
        manager->taken_new = true;
    }
}

static void take_verdict(struct manager *manager, const struct verdict *verdict, unsigned shard)
{
    manager->open[shard] = verdict->kind != VERDICT_MARK && (manager->open[shard] || verdict->open != 0);
    if (verdict->kind == VERDICT_MARK) {
        take_mark(manager, verdict, shard);
    } else if (verdict->kind == VERDICT_KEEP) {
        manager_keep(manager, verdict);
        counter_add(manager->counters.keeps, 1);
    } else {
        take_step(manager, verdict, shard);
    }
}

/* What is taken of one shard's ring: what stands there contiguously, up to the last mark if any verdict is open. */
struct inlet {
    const struct verdict *at;
    size_t left, taken;
};

/* Gives how many of n verdicts can be taken so that none is open behind them. */
static size_t closed(const struct verdict *verdicts, size_t n, bool open)
{
    size_t closed = 0;
    for (size_t i = 0; i < n; i++) {
        open = verdicts[i].kind != VERDICT_MARK && (open || verdicts[i].open != 0);
        closed = open ? closed : i + 1;
    }
    return closed;
}

static struct inlet look_in(const struct manager *manager, unsigned shard)
{
    struct ring *ring = manager->config.verdicts[shard];
    struct inlet inlet = {0};
    size_t there;
    inlet.at = ring_peek(ring, &there);
    inlet.left = closed(inlet.at, there, manager->open[shard]);
    const bool goes_on = ring_fill(ring) > there; /* at the ring's beginning, or it came since the last look */
    if (inlet.left == 0 && (goes_on || there >= ring_capacity(ring) / 2 || manager->open[shard])) {
        inlet.left = there;
    }
    return inlet;
}

/* The inlet whose next verdict came about first; once enough is taken, of those alone that stand open. */
static struct inlet *earliest(const struct manager *manager, struct inlet *inlets, bool enough)
{
    struct inlet *first = NULL;
    for (unsigned m = 0; m < manager->config.shard_count; m++) {
        if (inlets[m].left > 0 && (!enough || manager->open[m]) &&
            (first == NULL || inlets[m].at->seen_ns < first->at->seen_ns)) {
            first = &inlets[m];
        }
    }
    return first;
}

static size_t take_verdicts(struct manager *manager)
{
    const struct manager_config *config = &manager->config;
    struct inlet inlets[QUEUE_SHARDS_MAX] = {0};
    for (unsigned m = 0; m < config->shard_count; m++) {
        inlets[m] = look_in(manager, m);
    }
    size_t taken = 0;
    while (manager->in_hand < MANAGER_IN_HAND) {
        struct inlet *inlet = earliest(manager, inlets, manager->in_hand >= MANAGER_VERDICTS);
        if (inlet == NULL) {
            break;
        }
        take_verdict(manager, inlet->at, (unsigned)(inlet - inlets));
        inlet->at++;
        inlet->left--;
        inlet->taken++;
        manager->in_hand++;
        taken++;
    }
    alarm_book_end_step(manager->book);
    for (unsigned m = 0; m < config->shard_count; m++) {
        if (inlets[m].taken > 0) {
            ring_release(config->verdicts[m], inlets[m].taken);
            if (ring_is_awaited(config->verdicts[m]) && config->verdict_bells[m] != NULL) {
                doorbell_ring(config->verdict_bells[m]);
            }
        }
    }
    return taken;
}

/* ---- acts -------------------------------------------------------------------------------------------------------- */

/* The last good value of the alarm's point; NaN for a group or before the first. */
static double value_now(const struct manager *manager, uint32_t alarm)
{
    const struct site *site = manager->config.site;
    const uint32_t point = alarm < site->alarm_count ? site->alarms[alarm].point : SITE_NONE;
    struct board_entry entry = {.status = BOARD_UNHEARD};
    if (point != SITE_NONE && manager->config.board != NULL) {
        board_read(manager->config.board, point, &entry);
    }
    return entry.status == BOARD_UNHEARD ? (double)NAN : entry.good;
}

static struct answer take_act(struct manager *manager, const struct act *act, int64_t now_ns)
{
    const int64_t time_ns = act->time_ns > 0 && act->time_ns < now_ns ? act->time_ns : now_ns;
    struct answer answer = {.ticket = act->ticket};
    size_t before, after;
    (void)alarm_book_events(manager->book, &before);
    struct err err;
    answer.code = (int32_t)alarm_book_act(manager->book, act, time_ns, value_now(manager, act->alarm), &err);
    if (answer.code == ERR_NONE) {
        answer.seq = alarm_book_events(manager->book, &after)[before].seq;
    } else {
        memcpy(answer.text, err.text, text_utf8_cut(err.text, strnlen(err.text, sizeof answer.text - 1)));
        counter_add(manager->counters.refused, 1);
    }
    counter_add(manager->counters.acts, 1);
    return answer;
}

/* Takes what was handed in at one desk, as far as its answers have room, those that wait for a commit included. */
static size_t take_desk(struct manager *manager, const struct manager_desk *desk, struct manager_answers *answers,
                        int64_t now_ns)
{
    const size_t room = desk->answers == NULL ? MANAGER_ACTS : ring_room(desk->answers);
    const size_t bound = room < MANAGER_ACTS ? room : MANAGER_ACTS;
    size_t taken = 0;
    size_t there;
    const struct act *act;
    while (answers->count + (desk->answers == NULL ? taken : 0) < bound &&
           (act = ring_peek(desk->commands, &there)) != NULL) {
        const struct answer answer = take_act(manager, act, now_ns);
        if (desk->answers != NULL) {
            answers->items[answers->count++] = answer;
        }
        ring_release(desk->commands, 1);
        taken++;
    }
    return taken;
}

static size_t take_acts(struct manager *manager, int64_t now_ns)
{
    size_t taken = 0;
    for (size_t i = 0; i < MANAGER_DESKS; i++) {
        const struct manager_desk *desk = &manager->config.desks[i];
        taken += desk->commands == NULL ? 0 : take_desk(manager, desk, &manager->answers[i], now_ns);
    }
    return taken;
}

/* ---- operator load ----------------------------------------------------------------------------------------------- */

/* Tells who looks closer while a hazard is in alarm; without waiting for the disk. */
static void note_active(struct manager *manager, uint32_t alarm, bool active)
{
    const struct manager_config *config = &manager->config;
    if (load_now_active(manager->load, alarm, active) && config->alarmed != NULL &&
        alarmed_note(config->alarmed, config->site, alarm, active) && config->alarmed_bell != NULL) {
        doorbell_ring(config->alarmed_bell);
    }
}

/* Counts what the book is about to tell. */
static void note_load(struct manager *manager, int64_t now_ns)
{
    size_t count;
    const struct event *events = alarm_book_events(manager->book, &count);
    for (size_t i = 0; i < count; i++) {
        note_active(manager, events[i].alarm, events[i].state_level != LEVEL_NONE);
        if (events[i].kind == EV_RAISED) {
            load_now_raised(manager->load, events[i].alarm, now_ns);
        }
    }
}

static void show_load(struct manager *manager)
{
    counter_set(manager->counters.raised_10min, load_now_raised_10min(manager->load));
    counter_set(manager->counters.chattering, load_now_chattering(manager->load));
    counter_set(manager->counters.standing, load_now_standing(manager->load));
}

static void load_begin(struct manager *manager)
{
    manager->load = load_now_new(manager->config.site->alarm_count);
    for (uint32_t i = 0; i < manager->config.site->alarm_count; i++) {
        note_active(manager, i, alarm_book_level(manager->book, i) != LEVEL_NONE);
    }
    show_load(manager);
}

/* ---- the agent --------------------------------------------------------------------------------------------------- */

static bool inputs_ended(const struct manager *manager)
{
    for (unsigned m = 0; m < manager->config.shard_count; m++) {
        if (!ring_ended(manager->config.verdicts[m])) {
            return false;
        }
    }
    return true;
}

static int finish(struct manager *manager)
{
    for (size_t i = 0; !manager->ended && i < MANAGER_DESKS; i++) {
        const struct manager_desk *desk = &manager->config.desks[i];
        if (desk->answers != NULL) {
            ring_close(desk->answers);
        }
        if (desk->bell != NULL) {
            doorbell_ring(desk->bell);
        }
    }
    manager->ended = true;
    return AGENT_FINISHED;
}

static bool is_time_to_give_up(const struct manager *manager, int64_t now_ns)
{
    const uint64_t from_ns = manager->config.give_up == NULL ? 0 : cell_get(manager->config.give_up);
    return manager->failed_commits > 0 && from_ns != 0 && (uint64_t)now_ns >= from_ns;
}

/* Takes all verdicts there are and keeps none.  Marks too: an unconfirmed message stays in the spool. */
static int drop(struct manager *manager)
{
    size_t dropped = 0;
    for (unsigned m = 0; m < manager->config.shard_count; m++) {
        size_t n;
        while (ring_peek(manager->config.verdicts[m], &n) != NULL) {
            ring_release(manager->config.verdicts[m], n);
            dropped += n;
        }
        if (manager->config.verdict_bells[m] != NULL) {
            doorbell_ring(manager->config.verdict_bells[m]);
        }
    }
    counter_add(manager->counters.lost, dropped);
    return dropped == 0 && inputs_ended(manager) ? finish(manager) : (int)dropped;
}

static int give_up(struct manager *manager)
{
    size_t events;
    (void)alarm_book_events(manager->book, &events);
    manager->given_up = true;
    counter_add(manager->counters.lost, events);
    log_event(LOG_ERROR, "alerting", "ALT-005", "journal",
              "reason=\"stopped while the disk takes nothing; %zu events and what still waits are lost\"", events);
    return drop(manager);
}

static bool any_open(const struct manager *manager)
{
    for (unsigned m = 0; m < manager->config.shard_count; m++) {
        if (manager->open[m]) {
            return true;
        }
    }
    return false;
}

/* Says whether the commit has to wait for a mark still to come. */
static bool waits_for_mark(struct manager *manager, int64_t now_ns)
{
    if (!any_open(manager)) {
        manager->open_ns = TIME_NEVER;
        return false;
    }
    manager->open_ns = manager->open_ns == TIME_NEVER ? now_ns : manager->open_ns;
    if (manager->in_hand < MANAGER_IN_HAND && now_ns - manager->open_ns < MANAGER_OPEN_NS && !inputs_ended(manager)) {
        return true;
    }
    counter_add(manager->counters.cut, 1);
    manager->open_ns = TIME_NEVER;
    memset(manager->open, 0, sizeof manager->open);
    return false;
}

static int manager_work(void *self, int64_t now_ns)
{
    struct manager *manager = self;
    const int64_t mono_ns = clock_mono_ns();
    if (manager->given_up) {
        return drop(manager);
    }
    if (is_time_to_give_up(manager, now_ns)) {
        return give_up(manager);
    }
    if (manager->failed_commits > 0) {
        if (now_ns < manager->retry_ns) {
            return 0;
        }
        manager_commit(manager, now_ns, mono_ns);
        return manager->failed_commits == 0;
    }
    size_t work = 0;
    if (!manager->settled) {
        manager_settle(manager, now_ns);
        manager->settled = true;
        work++;
    }
    if (alarm_book_next_due(manager->book) <= now_ns) {
        alarm_book_due(manager->book, now_ns, manager->config.board);
        work++;
    }
    work += take_acts(manager, now_ns);
    work += take_verdicts(manager);
    if (waits_for_mark(manager, now_ns)) {
        return (int)work;
    }
    work += manager->in_hand; /* some of it may be from cycles before */
    note_load(manager, now_ns);
    if (work > 0 || load_now_due(manager->load) <= now_ns) {
        load_now_pass(manager->load, now_ns);
        show_load(manager);
    }
    if (work == 0) {
        return inputs_ended(manager) ? finish(manager) : 0;
    }
    manager_fill(manager);
    manager_commit(manager, now_ns, mono_ns);
    return (int)work;
}

static int64_t manager_due(void *self)
{
    const struct manager *manager = self;
    if (manager->given_up) {
        return TIME_NEVER;
    }
    if (manager->failed_commits > 0) {
        return manager->retry_ns;
    }
    const int64_t shelf_ns = alarm_book_next_due(manager->book);
    const int64_t load_ns = load_now_due(manager->load);
    const int64_t open_ns = manager->open_ns == TIME_NEVER ? TIME_NEVER : manager->open_ns + MANAGER_OPEN_NS;
    const int64_t due_ns = shelf_ns < load_ns ? shelf_ns : load_ns;
    return open_ns < due_ns ? open_ns : due_ns;
}

struct agent manager_agent(struct manager *manager)
{
    return (struct agent){
        .name = "manager", .self = manager, .do_work = manager_work, .next_due = manager_due, .prompt = true};
}

/* ---- making it --------------------------------------------------------------------------------------------------- */

static void make_counters(struct manager_counters *counters, struct counters *all)
{
    counters->verdicts = counter_new(all, "alerting.verdicts", "", "verdicts that changed an alarm's judgement");
    counters->keeps = counter_new(all, "alerting.keeps", "", "changes of conditions kept over a restart");
    counters->acts = counter_new(all, "alerting.acts", "", "operator acts taken");
    counters->refused = counter_new(all, "alerting.acts_refused", "", "operator acts refused");
    counters->commits = counter_new(all, "alerting.commits", "", "batches written to the journal");
    counters->failures = counter_new(all, "alerting.commit_failures", "", "batches the store did not take at once");
    counters->unreadable = counter_new(all, "alerting.records_unreadable", "", "kept records that could not be read");
    counters->lost =
        counter_new(all, "alerting.lost", "", "events and verdicts dropped at a stop: the disk took nothing");
    counters->p50 = counter_new(all, "alerting.latency_p50_us", "us", "sample taken in to event on disk, median");
    counters->p99 = counter_new(all, "alerting.latency_p99_us", "us", "sample taken in to event on disk, 99 of 100");
    counters->judged_p50 =
        counter_new(all, "alerting.judged_p50_us", "us", "sample taken in to the manager's hand, median");
    counters->judged_p99 =
        counter_new(all, "alerting.judged_p99_us", "us", "sample taken in to the manager's hand, 99 of 100");
    counters->raised_10min = counter_new(all, "alerting.raised_10min", "", "alarms raised in the last 10 minutes");
    counters->chattering =
        counter_new(all, "alerting.chattering", "", "alarms raised three times or more in the last minute");
    counters->cut = counter_new(all, "alerting.cut", "", "commits that could not wait for all of a message's verdicts");
    counters->ledger_refused = counter_new(all, "alerting.ledger_refused", "",
                                           "commits with events that the ledger did not take: the database was synced");
    counters->standing = counter_new(all, "alerting.standing", "", "alarms that are active");
    char name[64];
    for (int i = 0; i < EV_COUNT; i++) {
        (void)snprintf(name, sizeof name, "alerting.events.%s", event_name((enum event_kind)i));
        counters->events[i] = counter_new(all, name, "", "events of this kind");
    }
    for (int i = LEVEL_BLUE; i < LEVEL_COUNT; i++) {
        (void)snprintf(name, sizeof name, "alerting.raised.%s", level_name((enum level)i));
        counters->raised[i] = counter_new(all, name, "", "alarms raised at this level");
    }
}

enum err_code manager_new(const struct manager_config *config, struct manager **ret_manager, struct err *err)
{
    struct manager *manager = memory_new(1, sizeof *manager);
    manager->config = *config;
    manager->retry_ns = TIME_NEVER;
    manager->open_ns = TIME_NEVER;
    make_counters(&manager->counters, config->counters);
    manager->batch = store_batch_new(config->store);
    manager->is_touched = memory_new(config->site->alarm_count, sizeof *manager->is_touched);
    manager->touched = memory_new(config->site->alarm_count, sizeof *manager->touched);
    const enum err_code code = manager_load(manager, err);
    if (code != ERR_NONE) {
        manager_free(manager);
        return code;
    }
    load_begin(manager);
    *ret_manager = manager;
    return ERR_NONE;
}

void manager_free(struct manager *manager)
{
    if (manager == NULL) {
        return;
    }
    manager_load_done(manager);
    alarm_book_free(manager->book);
    load_now_free(manager->load);
    store_batch_free(manager->batch);
    buf_done(&manager->json);
    buf_done(&manager->state);
    buf_done(&manager->scratch);
    buf_done(&manager->record);
    free(manager->is_touched);
    free(manager->touched);
    free(manager);
}
