/*
 * rules: how fast a shard judges, against a bare loop over 128-byte records
 * with the same limits, deadband and delays and with look-ahead prefetch, both
 * fed with the same batches in turns.  Filling the batches is not timed.
 *
 * Every point has a sample a second, all points in one random order; one
 * sample in ten thousand is an excursion above some of the limits, which starts
 * a delay that the point's next sample breaks off.
 *
 *   limits    one rule with 4 plain levels, clear limits and delays
 *   live      the same with what a live run has besides: store ring, board, counters, kept conditions, staleness
 *   hand      limits, sample by sample as replay drives it
 *   general   limits as general expressions
 *   busy      limits, but one sample in ten is an excursion, so that delays run and alarms come and go all the time
 *   window    limits and a rule of a 5-minute mean
 *   window_sparse   the same with a sample a minute, so that the window holds five
 *
 * Goals: limits 0.8 of the bare loop at a million points, general 0.3; hot
 * state of at most 128 bytes a point.
 */
#include "base/clock.h"
#include "base/ring.h"
#include "model/board.h"
#include "rules/shard.h"
#include "tests/bench/bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 4096, AHEAD = 32, VERDICT_ROOM = 1 << 16, ROUNDS = 5 };

#define START_NS (INT64_C(1767571200) * NS_PER_S)

static void need(bool fine, const char *what)
{
    if (!fine) {
        (void)fprintf(stderr, "rules: %s\n", what);
        exit(3);
    }
}

/* ---- the same samples for both ---- */

struct feed {
    uint32_t points;
    uint32_t *order; /* [points] */
    uint64_t next;   /* number of the next sample */
    uint32_t calm;   /* one sample in so many is an excursion */
    uint64_t random;
};

static uint32_t draw(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*random >> 33);
}

static void feed_open(struct feed *feed, uint32_t points, uint32_t calm)
{
    *feed = (struct feed){.points = points, .random = 1, .calm = calm};
    feed->order = malloc(points * sizeof *feed->order);
    need(feed->order != NULL, "out of memory");
    for (uint32_t i = 0; i < points; i++) {
        uint32_t j = draw(&feed->random) % (i + 1);
        feed->order[i] = feed->order[j];
        feed->order[j] = i;
    }
}

static void fill(struct feed *feed, struct sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t number = feed->next++;
        const uint32_t dice = draw(&feed->random);
        const int64_t time_ns = START_NS + (int64_t)(number * (NS_PER_S / feed->points));
        samples[i] = (struct sample){
            .time_ns = time_ns,
            .seen_ns = time_ns,
            .value = dice % feed->calm == 0 ? 1.0 + dice / feed->calm % 32 / 10.0 : dice % 700 / 1000.0,
            .point = feed->order[number % feed->points],
        };
    }
}

/* ---- the bare loop ---- */

enum { LEVELS = 4 };

struct record {
    _Alignas(128) int64_t newest_ns;
    double value;
    double limits[LEVELS];
    double deadband;
    int64_t on_delay_ns, off_delay_ns;
    int64_t since_ns[LEVELS]; /* 0: no delay runs */
    uint8_t entered[LEVELS];
};

struct bare {
    struct feed feed;
    struct record *records;
    struct sample batch[BATCH];
    uint64_t steps;
    uint64_t samples; /* of one run */
};

static void bare_open(struct bare *bare, uint32_t points, uint32_t calm)
{
    feed_open(&bare->feed, points, calm);
    bare->records = aligned_alloc(128, points * sizeof *bare->records);
    need(bare->records != NULL, "out of memory");
    for (uint32_t i = 0; i < points; i++) {
        bare->records[i] = (struct record){
            .limits = {1.0, 2.0, 3.0, 4.0}, .deadband = 0.1, .on_delay_ns = 5 * NS_PER_S, .off_delay_ns = 5 * NS_PER_S};
    }
}

static void judge_bare(struct bare *bare, const struct sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            const struct record *ahead = &bare->records[samples[i + AHEAD].point];
            __builtin_prefetch(ahead, 1);
            __builtin_prefetch((const char *)ahead + 64, 1);
        }
        const struct sample *sample = &samples[i];
        struct record *record = &bare->records[sample->point];
        if (sample->time_ns <= record->newest_ns) {
            continue;
        }
        record->newest_ns = sample->time_ns;
        record->value = sample->value;
        for (int k = 0; k < LEVELS; k++) {
            const bool entered = record->entered[k] != 0;
            const double limit = entered ? record->limits[k] - record->deadband : record->limits[k];
            if ((sample->value >= limit) == entered) {
                record->since_ns[k] = 0;
            } else if (record->since_ns[k] == 0) {
                record->since_ns[k] = sample->time_ns;
            } else if (sample->time_ns - record->since_ns[k] >=
                       (entered ? record->off_delay_ns : record->on_delay_ns)) {
                record->entered[k] = !entered;
                record->since_ns[k] = 0;
                bare->steps++;
            }
        }
    }
}

static double run_bare(void *self)
{
    struct bare *bare = self;
    int64_t spent_ns = 0;
    for (uint64_t done = 0; done < bare->samples; done += BATCH) {
        fill(&bare->feed, bare->batch, BATCH);
        const int64_t start_ns = bench_cpu_ns();
        judge_bare(bare, bare->batch, BATCH);
        spent_ns += bench_cpu_ns() - start_ns;
    }
    return (double)bare->samples / (double)spent_ns * 1e9;
}

/* ---- ours ---- */

#define LEVELS_OF(value)                                                                                               \
    "\"levels\":[{\"level\":\"blue\",\"when\":\"" value " >= 1.0\",\"clear\":\"" value " < 0.9\"},"                    \
    "{\"level\":\"yellow\",\"when\":\"" value " >= 2.0\",\"clear\":\"" value " < 1.9\"},"                              \
    "{\"level\":\"orange\",\"when\":\"" value " >= 3.0\",\"clear\":\"" value " < 2.9\"},"                              \
    "{\"level\":\"red\",\"when\":\"" value " >= 4.0\",\"clear\":\"" value " < 3.9\"}]}"
#define LIMITS  "{\"id\":\"r\",\"on_delay\":\"5s\",\"off_delay\":\"5s\"," LEVELS_OF("value")
#define GENERAL "{\"id\":\"r\",\"on_delay\":\"5s\",\"off_delay\":\"5s\"," LEVELS_OF("value * 1.02 + 0.01")
#define WINDOW  LIMITS ",{\"id\":\"m\",\"levels\":[{\"level\":\"red\",\"when\":\"mean(5m) >= 2.0\"}]}"

struct subject {
    const char *name, *rules;
    bool live;         /* with all that a live run has */
    bool hand;         /* not through the ring */
    bool busy;         /* many excursions */
    const char *every; /* how often a sample is expected; NULL: not said */
    uint32_t most_points;
    double goal; /* at a million points; 0: none */
};

static uint32_t calm_of(const struct subject *subject)
{
    return subject->busy ? 10 : 10000;
}

struct ours {
    struct feed feed;
    struct site *site;
    struct rules *rules;
    struct board *board;
    struct counters *counters;
    struct shard *shard;
    struct agent agent;
    struct ring *input, *store, *verdicts;
    struct sample batch[BATCH];
    bool hand;
    uint64_t samples; /* of one run */
};

/* The site's file and its table of points. */
static void write_site(const struct subject *subject, uint32_t points, const char *folder)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/points.csv", folder);
    FILE *file = fopen(path, "w");
    need(file != NULL, "cannot write the points");
    (void)fprintf(file, "id,every\n");
    for (uint32_t i = 0; i < points; i++) {
        (void)fprintf(file, "p%u,%s\n", i, subject->every != NULL ? subject->every : "");
    }
    need(fclose(file) == 0, "cannot write the points");
    (void)snprintf(path, sizeof path, "%s/site.json", folder);
    file = fopen(path, "w");
    need(file != NULL, "cannot write the site");
    (void)fprintf(file, "{\"site\":{\"id\":\"s\"},\"points_csv\":\"points.csv\",\"rules\":[%s]}", subject->rules);
    need(fclose(file) == 0, "cannot write the site");
}

static void load_site(struct ours *ours, const struct subject *subject, uint32_t points)
{
    char folder[] = "/tmp/davy-bench-XXXXXX";
    need(mkdtemp(folder) != NULL, "no temporary folder");
    write_site(subject, points, folder);
    char site[64];
    char table[64];
    (void)snprintf(site, sizeof site, "%s/site.json", folder);
    (void)snprintf(table, sizeof table, "%s/points.csv", folder);
    struct mistakes mistakes;
    mistakes_init(&mistakes);
    struct err err = {0};
    need(site_load(site, &mistakes, &ours->site, &err) == ERR_NONE &&
             rules_compile(ours->site, &mistakes, &ours->rules, &err) == ERR_NONE,
         "the site has mistakes");
    mistakes_done(&mistakes);
    (void)unlink(site);
    (void)unlink(table);
    (void)rmdir(folder);
}

static void ours_open(struct ours *ours, const struct subject *subject, uint32_t points)
{
    *ours = (struct ours){.hand = subject->hand};
    feed_open(&ours->feed, points, calm_of(subject));
    load_site(ours, subject, points);
    need(ring_open(sizeof(struct sample), BATCH, 0, &ours->input, NULL) == ERR_NONE, "no ring");
    need(ring_open(sizeof(struct verdict), VERDICT_ROOM, 0, &ours->verdicts, NULL) == ERR_NONE, "no ring");
    struct shard_config config = {
        .site = ours->site,
        .rules = ours->rules,
        .count = 1,
        .inputs = &ours->input,
        .input_count = 1,
        .verdicts = ours->verdicts,
        .start_ns = START_NS,
    };
    if (subject->live) {
        need(ring_open(sizeof(struct sample), 2 * BATCH, 0, &ours->store, NULL) == ERR_NONE, "no ring");
        ours->board = board_new(points);
        ours->counters = counters_new(16);
        config.store = ours->store;
        config.board = ours->board;
        config.counters = ours->counters;
        config.keep = true;
    }
    need(shard_new(&config, &ours->shard, NULL) == ERR_NONE, "no shard");
    ours->agent = shard_agent(ours->shard);
}

static void ours_close(struct ours *ours)
{
    shard_free(ours->shard);
    board_free(ours->board);
    counters_free(ours->counters);
    ring_free(ours->input);
    ring_free(ours->store);
    ring_free(ours->verdicts);
    rules_free(ours->rules);
    site_free(ours->site);
    free(ours->feed.order);
}

static void let_go(struct ring *ring)
{
    size_t n = 0;
    while (ring != NULL && ring_peek(ring, &n) != NULL) {
        ring_release(ring, n);
    }
}

/* Time spent on one batch through the ring. */
static int64_t by_ring(struct ours *ours)
{
    size_t n = 0;
    struct sample *slots = ring_claim(ours->input, &n);
    need(n >= BATCH, "the ring is not empty");
    fill(&ours->feed, slots, BATCH);
    const int64_t now_ns = slots[BATCH - 1].seen_ns;
    ring_publish(ours->input, BATCH);
    const int64_t start_ns = bench_cpu_ns();
    int done = 0;
    while (done < BATCH) {
        const int work = ours->agent.do_work(ours->agent.self, now_ns);
        need(work > 0, "the shard stands still");
        done += work;
    }
    return bench_cpu_ns() - start_ns;
}

static int64_t by_hand(struct ours *ours)
{
    fill(&ours->feed, ours->batch, BATCH);
    const int64_t start_ns = bench_cpu_ns();
    for (size_t i = 0; i < BATCH; i++) {
        const struct sample *sample = &ours->batch[i];
        int64_t due_ns = shard_next_due(ours->shard);
        for (; due_ns <= sample->seen_ns; due_ns = shard_next_due(ours->shard)) {
            shard_due(ours->shard, due_ns, DUE_DELAYS);
            shard_due(ours->shard, due_ns, DUE_STALENESS);
            shard_due(ours->shard, due_ns, DUE_SECONDS);
        }
        shard_sample(ours->shard, sample);
    }
    return bench_cpu_ns() - start_ns;
}

static double run_ours(void *self)
{
    struct ours *ours = self;
    int64_t spent_ns = 0;
    for (uint64_t done = 0; done < ours->samples; done += BATCH) {
        spent_ns += ours->hand ? by_hand(ours) : by_ring(ours);
        let_go(ours->store);
        let_go(ours->verdicts);
    }
    return (double)ours->samples / (double)spent_ns * 1e9;
}

/* ---- */

static void print_bytes(const struct subject *subject, uint32_t points, struct shard_bytes bytes)
{
    char metric[96];
    (void)snprintf(metric, sizeof metric, "bytes_per_point_%s_%u", subject->name, points);
    bench_print(
        "rules", metric, (double)bytes.all / points, "B",
        "all state of the shard; a point %zu, of which a sample that changes nothing touches %zu; an alarm of 4 "
        "levels %zu; a window with its samples %zu on average",
        bytes.point, bytes.quiet, bytes.alarm, bytes.window);
}

static void measure(const struct subject *subject, uint32_t points)
{
    static struct ours ours;
    static struct bare bare;
    ours_open(&ours, subject, points);
    bare_open(&bare, points, calm_of(subject));
    ours.samples = bare.samples = points < 500000 ? UINT64_C(500) * BATCH : UINT64_C(1000) * BATCH;
    const struct bench_pair pair = bench_alternate(ROUNDS, run_ours, &ours, run_bare, &bare);
    char metric[96];
    (void)snprintf(metric, sizeof metric, "samples_per_s_%s_%u", subject->name, points);
    bench_print("rules", metric, pair.ours, "1/s", "%u points in random order, one core; bare loop %.4g", points,
                pair.bare);
    (void)snprintf(metric, sizeof metric, "ratio_%s_%u", subject->name, points);
    char goal[32] = "";
    if (subject->goal > 0 && points == 1000000) {
        (void)snprintf(goal, sizeof goal, ", goal %.1f", subject->goal);
    }
    bench_print("rules", metric, pair.ratio, "of bare", "median of %d alternated rounds%s", ROUNDS, goal);
    print_bytes(subject, points, shard_bytes(ours.shard));
    ours_close(&ours);
    free(bare.records);
    free(bare.feed.order);
}

int main(int argc, char **argv)
{
    static const struct subject subjects[] = {
        {.name = "limits", .rules = LIMITS, .most_points = 1000000, .goal = 0.8},
        {.name = "general", .rules = GENERAL, .most_points = 1000000, .goal = 0.3},
        {.name = "live", .rules = LIMITS, .live = true, .every = "1s", .most_points = 1000000},
        {.name = "hand", .rules = LIMITS, .hand = true, .most_points = 1000000},
        {.name = "busy", .rules = LIMITS, .busy = true, .most_points = 1000000},
        {.name = "window", .rules = WINDOW, .every = "1s", .most_points = 10000},
        {.name = "window_sparse", .rules = WINDOW, .every = "1m", .most_points = 1000000},
    };
    static const uint32_t sizes[] = {1000, 10000, 1000000};
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            if (sizes[s] <= subjects[i].most_points && (argc < 2 || strcmp(argv[1], subjects[i].name) == 0) &&
                (argc < 3 || (uint32_t)atoi(argv[2]) == sizes[s])) {
                measure(&subjects[i], sizes[s]);
            }
        }
    }
    return 0;
}
