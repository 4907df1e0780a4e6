/*
 * alerting: verdicts through the alarm book, events as text, and events through
 * the manager onto the disk, in a site of a hundred thousand alarms of which one
 * suppresses all others of its hazard.
 */
#include "alerting/alarm_book.h"
#include "alerting/manager.h"
#include "base/clock.h"
#include "base/memory.h"
#include "tests/bench/bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALARMS = 100000, BATCH = 1024, ROUNDS = 5, NAME_ROOM = 32 };

static const uint32_t cause_rule[] = {0};
static struct site_hazard hazard = {.id = "face-501"};
static struct site_rule rules[] = {
    {.id = "power", .levels = {{.level = LEVEL_RED, .when = "value < 1"}}, .level_count = 1, .alarm_count = 1},
    {.id = "ch4-limit",
     .levels = {{.level = LEVEL_YELLOW, .when = "value >= 1.0", .clear = "value < 0.9"}},
     .level_count = 1,
     .message = "{name}: {value} {unit}",
     .advice = "cut the power",
     .suppressed_by = cause_rule,
     .suppressed_by_count = 1,
     .first_alarm = 1,
     .alarm_count = ALARMS - 1},
};
static struct site site = {
    .id = "bench", .hazards = &hazard, .hazard_count = 1, .rules = rules, .rule_count = 2, .alarm_count = ALARMS};

static void build_site(void)
{
    char(*names)[NAME_ROOM] = memory_new((size_t)ALARMS * 2, sizeof *names);
    uint32_t *members = memory_new(ALARMS, sizeof *members);
    site.points = memory_new(ALARMS, sizeof *site.points);
    site.alarms = memory_new(ALARMS, sizeof *site.alarms);
    site.point_count = ALARMS;
    table_init(&site.alarm_by_name);
    for (uint32_t i = 0; i < ALARMS; i++) {
        const uint32_t rule = i == 0 ? 0 : 1;
        (void)snprintf(names[i * 2], NAME_ROOM, "face-501/%u/ch4", (unsigned)i);
        (void)snprintf(names[i * 2 + 1], NAME_ROOM, "%.10s:face-501/%u/ch4", rules[rule].id, (unsigned)i);
        members[i] = i;
        site.points[i] = (struct site_point){.id = names[i * 2], .kind = "ch4", .unit = "%CH4", .hazard = 0};
        site.alarms[i] = (struct site_alarm){.name = names[i * 2 + 1],
                                             .rule = rule,
                                             .point = i,
                                             .members = &members[i],
                                             .member_count = 1,
                                             .hazard = 0,
                                             .kind = "ch4"};
    }
}

static struct verdict verdict_of(uint32_t alarm, int64_t time_ns, enum level level)
{
    return (struct verdict){.time_ns = time_ns,
                            .seen_ns = time_ns,
                            .value = 1.02,
                            .alarm = alarm,
                            .point = alarm,
                            .kind = VERDICT_STEP,
                            .level = (uint8_t)level};
}

/* Every alarm but the cause raised, then cleared: verdicts per second. */
static double run_book(struct alarm_book *book)
{
    const int64_t start_ns = bench_now_ns();
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 1; i < ALARMS; i++) {
            const struct verdict verdict = verdict_of(i, start_ns + pass, pass == 0 ? LEVEL_YELLOW : LEVEL_NONE);
            alarm_book_verdict(book, &verdict);
            alarm_book_end_step(book);
            if (i % BATCH == 0) {
                alarm_book_clear_events(book);
            }
        }
    }
    alarm_book_clear_events(book);
    return 2.0 * (ALARMS - 1) / (double)(bench_now_ns() - start_ns) * 1e9;
}

/* All active, then their cause begins: events per second. */
static double run_cause(struct alarm_book *book)
{
    for (uint32_t i = 1; i < ALARMS; i++) {
        const struct verdict verdict = verdict_of(i, 1, LEVEL_YELLOW);
        alarm_book_verdict(book, &verdict);
    }
    alarm_book_end_step(book);
    alarm_book_clear_events(book);
    const int64_t start_ns = bench_now_ns();
    const struct verdict begins = verdict_of(0, 2, LEVEL_RED), ends = verdict_of(0, 3, LEVEL_NONE);
    alarm_book_verdict(book, &begins);
    alarm_book_end_step(book);
    alarm_book_verdict(book, &ends);
    alarm_book_end_step(book);
    size_t count;
    (void)alarm_book_events(book, &count);
    const double per_s = (double)count / (double)(bench_now_ns() - start_ns) * 1e9;
    alarm_book_clear_events(book);
    for (uint32_t i = 1; i < ALARMS; i++) {
        const struct verdict verdict = verdict_of(i, 4, LEVEL_NONE);
        alarm_book_verdict(book, &verdict);
    }
    alarm_book_end_step(book);
    alarm_book_clear_events(book);
    return per_s;
}

static void bench_book(void)
{
    struct alarm_book *book = alarm_book_new(&site, 0);
    double verdicts[ROUNDS], causes[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        verdicts[i] = run_book(book);
        causes[i] = run_cause(book);
    }
    bench_print("alerting", "verdicts_per_s", bench_median(verdicts, ROUNDS), "1/s", "alarm book, each an event");
    bench_print("alerting", "suppressed_per_s", bench_median(causes, ROUNDS), "1/s", "one cause, %d victims",
                ALARMS - 1);
    const struct verdict verdict = verdict_of(1, 1, LEVEL_YELLOW);
    alarm_book_verdict(book, &verdict);
    size_t count;
    struct buf json = {0};
    const int64_t start_ns = bench_now_ns();
    for (int i = 0; i < ALARMS; i++) {
        buf_clear(&json);
        event_format(&json, &site, alarm_book_events(book, &count), NULL, RUN_ACTUAL);
    }
    bench_print("alerting", "format_ns", (double)(bench_now_ns() - start_ns) / ALARMS, "ns", "%zu bytes of JSON",
                json.len);
    buf_done(&json);
    alarm_book_free(book);
}

/* ---- onto the disk ----------------------------------------------------------------------------------------------- */

static void must(enum err_code code, const struct err *err)
{
    if (code != ERR_NONE) {
        (void)fprintf(stderr, "bench_alerting: %s\n", err->text);
        abort();
    }
}

static void bench_manager(const char *folder)
{
    struct store *store;
    struct manager *manager;
    struct ring *ring;
    struct err err;
    struct doorbell *none[1] = {NULL};
    struct counters *counters = counters_new(64);
    must(store_open(folder, site.id, &store, &err), &err);
    must(ring_open(sizeof(struct verdict), BATCH, 0, &ring, &err), &err);
    const struct manager_config config = {.site = &site,
                                          .store = store,
                                          .verdicts = &ring,
                                          .verdict_bells = none,
                                          .shard_count = 1,
                                          .counters = counters,
                                          .status = RUN_ACTUAL};
    must(manager_new(&config, &manager, &err), &err);
    const struct agent agent = manager_agent(manager);
    const int64_t start_ns = bench_now_ns(), cpu_ns = bench_cpu_ns();
    for (uint32_t i = 1; i < ALARMS; i++) {
        const struct verdict verdict = verdict_of(i, start_ns, LEVEL_YELLOW);
        while (!ring_push(ring, &verdict)) {
            (void)agent.do_work(agent.self, start_ns);
        }
    }
    while (ring_fill(ring) > 0) {
        (void)agent.do_work(agent.self, start_ns);
    }
    bench_print("alerting", "events_per_s", (ALARMS - 1) / (double)(bench_now_ns() - start_ns) * 1e9, "1/s",
                "journal, states and records, synced every %d", BATCH);
    bench_print("alerting", "event_cpu_us", (double)(bench_cpu_ns() - cpu_ns) / 1e3 / ALARMS, "us", "of all threads");
    manager_free(manager);
    ring_free(ring);
    store_close(store);
    counters_free(counters);
}

int main(void)
{
    build_site();
    bench_book();
    char folder[] = "/tmp/davy-bench-XXXXXX", command[64];
    if (mkdtemp(folder) == NULL) {
        return 3;
    }
    bench_manager(folder);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? 0 : 3;
}
