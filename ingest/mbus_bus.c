/*
 * mbus_bus: the agent that polls all Modbus sources.
 *
 * Each planned read has a grid of slots (its period, shifted by its phase) in
 * one heap; each connection has its next deadline in another.  A cycle reads
 * what has come, then looks at the connections' deadlines, then starts the
 * polls that are due.  A slot that comes while its read is not done is skipped
 * and counted, so polls never pile up.  While a hazard is in alarm the reads of
 * its points may have a faster grid.
 *
 * libuv: descriptors are watched with uv_poll_t and read and written by
 * ourselves, so TCP and serial lines are the same thing, and there is one read
 * and one write a poll.  A change of what is watched reaches epoll only at the
 * loop's next turn: every such change counts as work, so the runner calls again
 * before it sleeps on the loop's descriptor.
 *
 * Threads: mbus_worker_new and _free by whoever owns the agent, while it does
 * not run; all else on the agent's thread.  Host names are looked up by
 * libuv's own threads, which are made at start when there is such a name.
 */
#include "ingest/mbus_state.h"

#include "base/log.h"
#include <stdlib.h>
#include <string.h>

static const int64_t first_poll_within_ns = NS_PER_S; /* after the start, however long the period */

/* ---- building ---- */

static void add_link(struct mbus_worker *worker, uint32_t source, struct bus_read *reads)
{
    struct bus_link *link = &worker->links[worker->link_count];
    link->worker = worker;
    link->source = &worker->config.site->sources[source];
    link->id = worker->link_count++;
    link->reads = reads;
    link->units = &worker->units[worker->unit_count];
    link->share.units = &worker->shares[worker->unit_count];
    link->ask_count = link->source->outstanding > 1 ? link->source->outstanding : 1;
    link->asks = ARENA_ARRAY(&worker->arena, struct bus_ask, link->ask_count);
    count_link_begin(link);
    link_prepare(link);
}

static void add_unit(struct mbus_worker *worker, struct bus_link *link, struct bus_read *reads, uint8_t number)
{
    worker->units[worker->unit_count++] =
        (struct bus_unit){.link = link, .reads = reads, .unit = number, .manners = site_manners(link->source, number)};
    count_unit_begin(&worker->units[worker->unit_count - 1]);
    worker->shares[worker->unit_count - 1].period_ns = INT64_MAX;
    link->unit_count++;
    link->share.count++;
}

/* The plan is sorted by source and unit, so links and units are stretches of it. */
static void build_links(struct mbus_worker *worker)
{
    const struct mbus_read *plan = worker->plan.reads;
    for (size_t i = 0; i < worker->plan.read_count; i++) {
        struct bus_read *read = &worker->reads[i];
        if (i == 0 || plan[i].source != plan[i - 1].source) {
            add_link(worker, plan[i].source, read);
        }
        struct bus_link *link = &worker->links[worker->link_count - 1];
        if (i == 0 || plan[i].source != plan[i - 1].source || plan[i].unit != plan[i - 1].unit) {
            add_unit(worker, link, read, plan[i].unit);
        }
        struct bus_unit *unit = &worker->units[worker->unit_count - 1];
        *read = (struct bus_read){
            .plan = &plan[i],
            .link = link,
            .unit = unit,
            .every_ns = plan[i].every_ns,
            .cuts = {.items = worker->plan.items + plan[i].first_item,
                     .marks = ARENA_ARRAY(&worker->arena, uint8_t, plan[i].item_count),
                     .count = plan[i].item_count},
        };
        if (plan[i].guided) {
            read->kept = ARENA_ARRAY(&worker->arena, uint64_t, plan[i].item_count);
            read->has = ARENA_ARRAY(&worker->arena, bool, plan[i].item_count);
        }
        struct share_unit *share = &link->share.units[link->unit_count - 1];
        share->period_ns = plan[i].every_ns < share->period_ns ? plan[i].every_ns : share->period_ns;
        link->read_count++;
        unit->read_count++;
    }
}

static size_t count_links(const struct mbus_plan *plan)
{
    size_t links = 0;
    for (size_t i = 0; i < plan->read_count; i++) {
        links += i == 0 || plan->reads[i].source != plan->reads[i - 1].source;
    }
    return links;
}

static size_t count_units(const struct mbus_plan *plan)
{
    size_t units = 0;
    for (size_t i = 0; i < plan->read_count; i++) {
        units += i == 0 || plan->reads[i].source != plan->reads[i - 1].source ||
                 plan->reads[i].unit != plan->reads[i - 1].unit;
    }
    return units;
}

static void build(struct mbus_worker *worker)
{
    mbus_plan_reads(worker->config.site, &worker->arena, &worker->plan);
    const size_t links = count_links(&worker->plan);
    worker->links = ARENA_ARRAY(&worker->arena, struct bus_link, links + 1);
    worker->units = ARENA_ARRAY(&worker->arena, struct bus_unit, count_units(&worker->plan) + 1);
    worker->shares = ARENA_ARRAY(&worker->arena, struct share_unit, count_units(&worker->plan) + 1);
    worker->reads = ARENA_ARRAY(&worker->arena, struct bus_read, worker->plan.read_count + 1);
    due_heap_init(&worker->slots, &worker->arena, (uint32_t)worker->plan.read_count);
    due_heap_init(&worker->wakes, &worker->arena, (uint32_t)links);
    build_links(worker);
    arena_seal(&worker->arena);
}

static enum err_code check_sources(const struct site *site, struct err *err)
{
    for (size_t i = 0; i < site->source_count; i++) {
        if (mbus_is_source(&site->sources[i]) && port_check(&site->sources[i], err) != ERR_NONE) {
            return err->code;
        }
    }
    return ERR_NONE;
}

/* A poll has room for all its samples before it asks; values that share a companion are one read, maybe a large one. */
static enum err_code check_room(const struct mbus_worker *worker, struct err *err)
{
    const struct router *router = worker->config.router;
    for (uint32_t i = 0; i < worker->plan.read_count; i++) {
        const struct mbus_read *read = &worker->plan.reads[i];
        for (unsigned m = 0; m < router->shard_count; m++) {
            const size_t most = ring_capacity(router->rings[m]);
            if (read->item_count > most) {
                return err_set(err, ERR_INPUT,
                               "source \"%s\" unit %u: %u values and companions hang together, at most %zu can be read "
                               "in one poll; give them different companions, or another `every`",
                               worker->config.site->sources[read->source].id, read->unit, read->item_count, most);
            }
        }
    }
    return ERR_NONE;
}

static void on_warm(uv_getaddrinfo_t *resolve, int status, struct addrinfo *found)
{
    (void)status; /* only the threads were wanted */
    uv_freeaddrinfo(found);
    free(resolve);
}

/* libuv makes its threads at the first name looked up; nothing of ours is made after start, so one is looked up now. */
static void warm_resolver(struct mbus_worker *worker)
{
    for (uint32_t i = 0; i < worker->link_count; i++) {
        struct sockaddr_storage address;
        socklen_t len;
        const struct site_source *source = worker->links[i].source;
        if (source->type == SOURCE_MODBUS_RTU || port_address(source, &address, &len)) {
            continue;
        }
        uv_getaddrinfo_t *resolve = calloc(1, sizeof *resolve);
        if (resolve != NULL && uv_getaddrinfo(&worker->loop, resolve, on_warm, source->host, NULL, NULL) != 0) {
            free(resolve);
        }
        return;
    }
}

enum err_code mbus_worker_new(const struct mbus_config *config, struct mbus_worker **ret_worker, struct err *err)
{
    struct err local;
    const enum err_code code = check_sources(config->site, &local);
    if (code != ERR_NONE) {
        return err_set(err, code, "%s", local.text);
    }
    struct mbus_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        return err_set(err, ERR_ENV, "no memory for the Modbus worker");
    }
    worker->config = *config;
    arena_init(&worker->arena);
    const int failed = uv_loop_init(&worker->loop);
    if (failed != 0) {
        arena_done(&worker->arena);
        free(worker);
        return err_set(err, ERR_ENV, "no event loop for Modbus: %s", uv_strerror(failed));
    }
    build(worker);
    if (check_room(worker, &local) != ERR_NONE) {
        mbus_worker_free(worker);
        return err_set(err, ERR_INPUT, "%s", local.text);
    }
    warm_resolver(worker);
    *ret_worker = worker;
    return ERR_NONE;
}

void mbus_worker_free(struct mbus_worker *worker)
{
    if (worker == NULL) {
        return;
    }
    worker->stopping = true;
    for (uint32_t i = 0; i < worker->link_count; i++) {
        link_abandon(&worker->links[i]); /* nobody takes its samples any more */
        link_close(&worker->links[i]);
    }
    (void)uv_run(&worker->loop, UV_RUN_DEFAULT); /* until all handles are given back */
    (void)uv_loop_close(&worker->loop);
    arena_done(&worker->arena);
    free(worker);
}

/* ---- running ---- */

/* The first slot of the grid behind `after_ns`. */
static int64_t slot_after(const struct bus_read *read, int64_t after_ns)
{
    const int64_t every_ns = read->every_ns;
    return read->slot_ns + ((after_ns - read->slot_ns) / every_ns + 1) * every_ns;
}

/* The grid starts a period before the phase; a long period's first poll comes early, on its own. */
static void start(struct mbus_worker *worker)
{
    worker->started = true;
    for (uint32_t i = 0; i < worker->plan.read_count; i++) {
        struct bus_read *read = &worker->reads[i];
        const struct mbus_read *plan = read->plan;
        read->grid_ns = worker->mono_ns + plan->phase_ns - plan->every_ns;
        read->slot_ns = read->grid_ns;
        int64_t first_ns = plan->phase_ns;
        if (plan->every_ns > first_poll_within_ns) {
            first_ns = (int64_t)((double)plan->phase_ns / (double)plan->every_ns * (double)first_poll_within_ns);
        }
        due_heap_set(&worker->slots, i, worker->mono_ns + first_ns);
    }
    for (uint32_t i = 0; i < worker->link_count; i++) {
        count_states(&worker->links[i]);
        link_open(&worker->links[i]);
    }
}

/* Puts a read on another grid of slots: a faster one that begins now, spread as the plan's, or the plan's own again. */
static void change_pace(struct mbus_worker *worker, struct bus_read *read, bool faster)
{
    const struct mbus_read *plan = read->plan;
    read->every_ns = faster ? plan->every_in_alarm_ns : plan->every_ns;
    read->slot_ns = read->grid_ns;
    if (faster) {
        const double part = (double)plan->phase_ns / (double)plan->every_ns;
        read->slot_ns = worker->mono_ns + (int64_t)(part * (double)read->every_ns) - read->every_ns;
    }
    const int64_t next_ns = slot_after(read, worker->mono_ns - 1);
    read->slot_ns = next_ns - read->every_ns;
    due_heap_set(&worker->slots, (uint32_t)(read - worker->reads), next_ns);
}

/* Looks whether hazards have come into alarm or are well again. */
static void look_alarmed(struct mbus_worker *worker)
{
    const struct alarmed *alarmed = worker->config.alarmed;
    if (alarmed == NULL || cell_get(&alarmed->turn) == worker->alarmed_turn) {
        return;
    }
    worker->alarmed_turn = cell_get(&alarmed->turn);
    for (uint32_t i = 0; i < worker->plan.read_count; i++) {
        struct bus_read *read = &worker->reads[i];
        const struct mbus_read *plan = read->plan;
        const bool faster = plan->every_in_alarm_ns > 0 && alarmed_is(alarmed, plan->hazard);
        const bool is_faster = read->every_ns != plan->every_ns;
        if (faster != is_faster) {
            change_pace(worker, read, faster);
            const uint64_t before = counter_get(read->link->count.faster);
            counter_set(read->link->count.faster, before + (uint64_t)faster - (uint64_t)is_faster);
        }
    }
}

static void run_slots(struct mbus_worker *worker)
{
    uint32_t id;
    while (due_heap_take(&worker->slots, worker->mono_ns, &id)) {
        struct bus_read *read = &worker->reads[id];
        const int64_t next_ns = slot_after(read, worker->mono_ns);
        const int64_t missed = (next_ns - read->slot_ns) / read->every_ns - 1;
        if (missed > 1) { /* the first is this one */
            counter_add(read->link->count.skipped, (uint64_t)(missed - 1));
        }
        read->slot_ns = next_ns - read->every_ns;
        due_heap_set(&worker->slots, id, next_ns);
        link_due(read->link, read);
        line_pump(read->link);
        worker->work++;
    }
}

static void run_wakes(struct mbus_worker *worker)
{
    uint32_t id;
    /* A link may want to be woken again at once; that is for the next cycle. */
    for (uint32_t left = worker->wakes.count; left > 0 && due_heap_take(&worker->wakes, worker->mono_ns, &id); left--) {
        link_wake(&worker->links[id]);
    }
}

static bool all_closed(const struct mbus_worker *worker)
{
    for (uint32_t i = 0; i < worker->link_count; i++) {
        if (!link_is_closed(&worker->links[i])) {
            return false;
        }
    }
    return true;
}

static void run_stop(struct mbus_worker *worker)
{
    worker->stopping = true;
    for (uint32_t i = 0; i < worker->link_count; i++) {
        if (worker->links[i].state != LINK_CLOSED) {
            link_close(&worker->links[i]);
        }
    }
    if (!worker->closed && all_closed(worker)) {
        worker->closed = true;
        router_close(worker->config.router);
    }
}

static int worker_do_work(void *self, int64_t now_ns)
{
    struct mbus_worker *worker = self;
    worker->now_ns = now_ns;
    worker->mono_ns = clock_mono_ns(); /* durations only: see mbus_state.h */
    worker->work = 0;
    worker->put = false;
    if (!worker->started) {
        start(worker);
    }
    (void)uv_run(&worker->loop, UV_RUN_NOWAIT); /* first what has come: it may be in time though we are late */
    run_wakes(worker);
    if (cell_get(worker->config.stop) != 0) {
        run_stop(worker);
    } else {
        look_alarmed(worker);
        run_slots(worker);
    }
    if (worker->put) {
        router_flush(worker->config.router);
    }
    return worker->closed ? AGENT_FINISHED : worker->work;
}

static int64_t worker_next_due(void *self)
{
    const struct mbus_worker *worker = self;
    const int64_t slot_ns = worker->stopping ? TIME_NEVER : due_heap_next(&worker->slots);
    const int64_t wake_ns = due_heap_next(&worker->wakes);
    const int64_t mono_ns = slot_ns < wake_ns ? slot_ns : wake_ns;
    return mono_ns == TIME_NEVER ? TIME_NEVER : worker->now_ns + (mono_ns - worker->mono_ns);
}

static int worker_wait_fd(void *self)
{
    const struct mbus_worker *worker = self;
    return uv_backend_fd(&worker->loop);
}

struct agent mbus_worker_agent(struct mbus_worker *worker)
{
    return (struct agent){
        .name = "modbus",
        .prompt = true,
        .self = worker,
        .do_work = worker_do_work,
        .next_due = worker_next_due,
        .wait_fd = worker_wait_fd,
    };
}
