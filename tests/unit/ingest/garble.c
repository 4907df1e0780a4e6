/*
 * garble: see garble.h.
 *
 * The newest request may be seen by the server between the moment at which the
 * worker took an answer and the moment at which we judge it.  So a sample may
 * also be of the request before, if the newest came after the cycle began.
 */
#include "garble.h"

#include "base/clock.h"
#include "base/counter.h"
#include "ingest/ingest.h"
#include <dirent.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RING = 1 << 14, IDS = 16, WAIT_MS = 5 };
static const int64_t timeout_ns = 60 * NS_PER_MS;
static const int64_t every_ns = 20 * NS_PER_MS; /* of a unit alone; of several as many times as long: a line has room */
static const int64_t calm_limit_ns = 60 * NS_PER_S; /* longer than any back-off */

/* What is known of a point. */
struct judged {
    unsigned index;  /* in the server's list */
    uint64_t number; /* of its last value */
    int64_t good_ns; /* when that came, monotonic */
    bool back;       /* a value since the server turned honest */
};

struct campaign {
    struct garble_server server;
    struct garble_result *result;
    struct site site;
    struct site_source *sources;
    struct site_point *points;
    struct judged *judged;
    char (*ids)[IDS];
    struct ring *ring;
    struct doorbell *bell;
    struct router router;
    uint64_t *masks;
    uint16_t *seqs;
    struct counters *counters;
    struct cell stop;
    struct mbus_worker *worker;
    struct agent agent;
    struct clock clock;
    int64_t cycle_ns; /* monotonic, before this cycle */
    bool lagging;     /* we slept longer than we wanted: no word on lateness */
    int64_t calm_ns;  /* 0: not yet */
    size_t waited_for;
};

/* ---- the site ---------------------------------------------------------------------------------------------------- */

static void add_point(struct campaign *c, unsigned link, unsigned unit, unsigned table, unsigned place)
{
    const size_t i = c->site.point_count++;
    const bool far = table == 1 && garble_is_rtu(link);
    c->masks[i] = 1;
    c->judged[i] = (struct judged){.index = garble_index(link, unit, table, place)};
    c->points[i] = (struct site_point){.id = "p",
                                       .hazard = SITE_NONE,
                                       .every_ns = every_ns * garble_units(link),
                                       .from = {.source = link,
                                                .unit = (uint8_t)unit,
                                                .table = table == 0 || far ? TABLE_HOLDING : TABLE_INPUT,
                                                .address = (uint16_t)(GARBLE_WORDS * place + (far ? GARBLE_FAR : 0)),
                                                .type = TYPE_U64,
                                                .order = {0, 1, 2, 3, 4, 5, 6, 7},
                                                .registers = GARBLE_WORDS,
                                                .scale = 1}};
}

static void add_link(struct campaign *c, unsigned link)
{
    (void)snprintf(c->ids[link], IDS, "s%u", link);
    c->sources[link] = (struct site_source){.id = c->ids[link],
                                            .type = garble_is_rtu(link) ? SOURCE_MODBUS_RTU_TCP : SOURCE_MODBUS_TCP,
                                            .host = "127.0.0.1",
                                            .port = c->server.ports[link],
                                            .timeout_ns = timeout_ns,
                                            .max_registers = 125,
                                            .max_coils = 2000};
    for (unsigned unit = 1; unit <= garble_units(link); unit++) {
        for (unsigned table = 0; table < GARBLE_TABLES; table++) {
            for (unsigned place = 0; place < GARBLE_PLACES; place++) {
                add_point(c, link, unit, table, place);
            }
        }
    }
}

static bool set_up(struct campaign *c, const struct garble_campaign *wanted)
{
    static struct doorbell *none = NULL;
    const unsigned links = wanted->links;
    const size_t points = (size_t)links * GARBLE_UNITS * GARBLE_TABLES * GARBLE_PLACES;
    struct err err;
    c->sources = calloc(links, sizeof *c->sources);
    c->points = calloc(points, sizeof *c->points);
    c->judged = calloc(points, sizeof *c->judged);
    c->ids = calloc(links, sizeof *c->ids);
    c->masks = calloc(points, sizeof *c->masks);
    c->seqs = calloc(points, sizeof *c->seqs);
    c->counters = counters_new(links * 32 + 32);
    c->site = (struct site){
        .id = "garble", .file = "garble", .sources = c->sources, .source_count = links, .points = c->points};
    if (ring_open(sizeof(struct sample), RING, 0, &c->ring, &err) != ERR_NONE ||
        doorbell_open(&c->bell, &err) != ERR_NONE ||
        !garble_server_start(&c->server, links, timeout_ns, wanted->seed)) {
        return false;
    }
    for (unsigned link = 0; link < links; link++) {
        add_link(c, link);
    }
    c->router =
        (struct router){.rings = &c->ring, .bells = &none, .shard_count = 1, .masks = c->masks, .seqs = c->seqs};
    const struct mbus_config config = {
        .site = &c->site, .router = &c->router, .bell = c->bell, .stop = &c->stop, .counters = c->counters};
    if (mbus_worker_new(&config, &c->worker, &err) != ERR_NONE) {
        return false;
    }
    c->agent = mbus_worker_agent(c->worker);
    clock_init(&c->clock);
    return true;
}

static void tear_down(struct campaign *c)
{
    mbus_worker_free(c->worker);
    garble_server_stop(&c->server);
    doorbell_free(c->bell);
    ring_free(c->ring);
    counters_free(c->counters);
    free(c->sources);
    free(c->points);
    free(c->judged);
    free(c->ids);
    free(c->masks);
    free(c->seqs);
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

static void note_good(struct campaign *c, struct judged *judged, uint64_t number, int64_t now_ns)
{
    const int64_t gap_ns = now_ns - judged->good_ns;
    if (judged->good_ns > 0 && gap_ns > c->result->longest_ns) {
        c->result->longest_ns = gap_ns;
    }
    judged->number = number;
    judged->good_ns = now_ns;
    c->result->good += c->calm_ns == 0;
}

/* The server turned honest before this was asked. */
static void note_back(struct campaign *c, struct judged *judged, int64_t asked_ns)
{
    if (c->calm_ns > 0 && !judged->back && asked_ns > c->calm_ns) {
        judged->back = true;
        c->waited_for--;
    }
}

static void judge_value(struct campaign *c, const struct sample *sample)
{
    struct judged *judged = &c->judged[sample->point];
    const struct garble_asked *asked = &c->server.shared->asked[judged->index];
    const uint64_t newest = cell_get(&asked->number);
    const int64_t newest_ns = (int64_t)cell_get(&asked->at_ns[newest % GARBLE_TIMES]);
    uint64_t number;
    if (sample->value < 0 || sample->value >= 0x1p53 ||
        !garble_value_read(judged->index, (uint64_t)sample->value, &number)) {
        c->result->foreign++;
        return;
    }
    const bool before = number + 1 == newest && newest_ns > c->cycle_ns;
    if (number <= judged->number || (number != newest && !before)) {
        c->result->old++;
        return;
    }
    const int64_t asked_ns = (int64_t)cell_get(&asked->at_ns[number % GARBLE_TIMES]);
    if (!c->lagging && c->cycle_ns - asked_ns > timeout_ns * 5 / 4) {
        c->result->late++;
        return;
    }
    note_good(c, judged, number, c->cycle_ns);
    note_back(c, judged, asked_ns);
}

static void judge(struct campaign *c)
{
    struct sample sample;
    size_t n;
    for (const struct sample *samples = ring_peek(c->ring, &n); samples != NULL; samples = ring_peek(c->ring, &n)) {
        for (size_t i = 0; i < n; i++) {
            sample = samples[i];
            if (sample.status == 0) {
                judge_value(c, &sample);
            } else if (sample.status == ST_COMM && isnan(sample.value)) {
                c->result->comm += c->calm_ns == 0;
            } else {
                c->result->odd++;
            }
        }
        ring_release(c->ring, n);
    }
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static int cycle(struct campaign *c)
{
    const int64_t before_ns = c->cycle_ns;
    const int64_t now_ns = clock_now_ns(&c->clock);
    c->cycle_ns = clock_mono_ns();
    c->lagging = c->cycle_ns - before_ns > timeout_ns / 4;
    const int work = c->agent.do_work(c->agent.self, now_ns);
    judge(c);
    if (work == 0) {
        const int64_t wait_ms = (c->agent.next_due(c->agent.self) - now_ns) / NS_PER_MS;
        struct pollfd fd = {.fd = c->agent.wait_fd(c->agent.self), .events = POLLIN};
        (void)poll(&fd, 1, wait_ms < 0 ? 0 : wait_ms > WAIT_MS ? WAIT_MS : (int)wait_ms);
    }
    return work;
}

static int64_t memory_bytes(void)
{
    long pages = 0;
    FILE *in = fopen("/proc/self/statm", "r");
    if (in == NULL || fscanf(in, "%*d %ld", &pages) != 1) {
        pages = 0;
    }
    if (in != NULL) {
        (void)fclose(in);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

static int64_t descriptors(void)
{
    int64_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir != NULL && readdir(dir) != NULL) {
        count++;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return count;
}

static uint64_t requests(const struct campaign *c)
{
    return cell_get(&c->server.shared->requests);
}

static void run_until(struct campaign *c, uint64_t wanted, int64_t until_ns)
{
    while (requests(c) < wanted && c->cycle_ns < until_ns) {
        (void)cycle(c);
    }
}

/* The server is honest from now on: every point must get a value. */
static void run_calm(struct campaign *c)
{
    const int64_t begin_ns = clock_mono_ns();
    c->waited_for = c->site.point_count;
    c->calm_ns = begin_ns;
    cell_set(&c->server.shared->calm, 1);
    while (c->waited_for > 0 && c->cycle_ns < begin_ns + calm_limit_ns) {
        (void)cycle(c);
    }
    c->result->back_ns = clock_mono_ns() - begin_ns;
    c->result->stuck = c->waited_for;
}

static void run_stop(struct campaign *c)
{
    cell_set(&c->stop, 1);
    const int64_t until_ns = clock_mono_ns() + 10 * NS_PER_S;
    while (cycle(c) != AGENT_FINISHED) {
        if (c->cycle_ns > until_ns) {
            c->result->stuck++;
            return;
        }
    }
}

bool garble_run(const struct garble_campaign *campaign, struct garble_result *ret_result)
{
    struct campaign *c = calloc(1, sizeof *c);
    *ret_result = (struct garble_result){0};
    (void)signal(SIGPIPE, SIG_IGN); /* as the monitor does */
    if (c == NULL) {
        return false;
    }
    c->result = ret_result;
    if (!set_up(c, campaign)) {
        return false;
    }
    const int64_t start_ns = clock_mono_ns();
    run_until(c, campaign->requests / 5, start_ns + campaign->limit_ns);
    const int64_t memory = memory_bytes();
    const int64_t open = descriptors();
    run_until(c, campaign->requests, start_ns + campaign->limit_ns);
    ret_result->took_ns = clock_mono_ns() - start_ns;
    ret_result->requests = requests(c);
    run_calm(c);
    ret_result->memory_bytes = memory_bytes() - memory;
    ret_result->descriptors = descriptors() - open;
    for (enum garble_kind kind = GARBLE_HONEST; kind < GARBLE_KINDS; kind++) {
        ret_result->kinds[kind] = cell_get(&c->server.shared->kinds[kind]);
    }
    run_stop(c);
    tear_down(c);
    free(c);
    return true;
}
