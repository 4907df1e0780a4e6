/*
 * load: how long a site of a million points takes to load, and how fast traces
 * are read.
 *
 * The site's points come from a table of 12 columns, four rules select by kind.
 * The traces hold 1 000 points in turns; the goal is 5 M CSV rows a second on
 * one core, so that reading does not hold up replay.
 */
#include "model/site.h"
#include "model/trace.h"
#include "tests/bench/bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { POINTS = 1000000, TRACE_POINTS = 1000, ROWS = 4000000, ROUNDS = 3 };

struct scene {
    char folder[64];
    char path[128];
};

static const char *path_of(struct scene *scene, const char *name)
{
    (void)snprintf(scene->path, sizeof scene->path, "%s/%s", scene->folder, name);
    return scene->path;
}

static FILE *make(struct scene *scene, const char *name)
{
    FILE *file = fopen(path_of(scene, name), "w");
    if (file == NULL) {
        perror(scene->path);
        exit(3);
    }
    return file;
}

static void finish(FILE *file)
{
    if (fclose(file) != 0) {
        perror("writing");
        exit(3);
    }
}

static void write_site(struct scene *scene, int points)
{
    static const char *const kinds[] = {"ch4", "co", "temperature", "level"};
    FILE *file = make(scene, "site.json");
    (void)fputs(
        "{\"site\": {\"id\": \"bench\"}, \"points_csv\": \"points.csv\",\n"
        "\"sources\": {\"plc\": {\"type\": \"mqtt\", \"url\": \"mqtt://h\", \"topics\": \"t\"}}, \"rules\": [\n",
        file);
    for (int i = 0; i < 4; i++) {
        (void)fprintf(
            file,
            "%s{\"id\": \"rule-%s\", \"where\": {\"kind\": \"%s\"}, \"levels\": ["
            "{\"level\": \"yellow\", \"when\": \"value >= 1\"}, {\"level\": \"red\", \"when\": \"value >= 3\"}]}\n",
            i > 0 ? "," : "", kinds[i], kinds[i]);
    }
    (void)fputs("]}\n", file);
    finish(file);
    file = make(scene, "points.csv");
    (void)fputs("id,name,kind,unit,range.lo,range.hi,every,tags.place,from.source,from.key,from.scale,from.offset\n",
                file);
    for (int i = 0; i < points; i++) {
        (void)fprintf(file, "area-%d/device-%d/p%d,测点 %d,%s,%%CH4,0,10,1s,T%d,plc,A%d.P%d,0.1,-5\n", i / 1000,
                      i / 10 % 100, i % 10, i, kinds[i % 4], i % 7, i / 1000, i % 1000);
    }
    finish(file);
}

static struct site *load(struct scene *scene)
{
    struct mistakes mistakes;
    struct site *site = NULL;
    struct err err = {0};
    mistakes_init(&mistakes);
    if (site_load(path_of(scene, "site.json"), &mistakes, &site, &err) != ERR_NONE) {
        mistakes_print(&mistakes, stderr);
        exit(3);
    }
    mistakes_done(&mistakes);
    return site;
}

static void bench_site(struct scene *scene)
{
    double seconds[ROUNDS];
    double bytes = 0;
    write_site(scene, POINTS);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t before = bench_now_ns();
        struct site *site = load(scene);
        seconds[i] = (double)(bench_now_ns() - before) / 1e9;
        bytes = (double)site->arena.used / POINTS;
        site_free(site);
    }
    bench_print("load", "site_1m_points", bench_median(seconds, ROUNDS), "s", "table of 12 columns, 4 rules");
    bench_print("load", "site_bytes_per_point", bytes, "B", "arena only: catalog and one alarm a point");
}

static void write_traces(struct scene *scene, const struct site *site)
{
    FILE *csv = make(scene, "trace.csv");
    trace_write_header(csv, false);
    FILE *json = make(scene, "trace.ndjson");
    for (int i = 0; i < ROWS; i++) {
        const struct sample sample = {.time_ns = (INT64_C(1767571200000) + i / TRACE_POINTS * 1000) * 1000000,
                                      .value = (double)(i * 7919LL % 100000) / 1000};
        const char *id = site->points[i % TRACE_POINTS].id;
        trace_write_sample(csv, id, &sample, false);
        (void)fprintf(json, "{\"time\": %lld, \"point\": \"%s\", \"value\": %g, \"status\": \"good\"}\n",
                      (long long)(sample.time_ns / 1000000), id, sample.value);
    }
    finish(csv);
    finish(json);
}

static void bench_trace(struct scene *scene, const struct site *site, const char *name, const char *metric)
{
    double rates[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        struct trace_reader *reader = NULL;
        struct trace_row row;
        int64_t before = bench_now_ns();
        if (trace_open(path_of(scene, name), site, NULL, NULL, &reader, NULL) != ERR_NONE) {
            exit(3);
        }
        while (trace_next(reader, &row)) {
        }
        if (trace_rows(reader) != ROWS) {
            (void)fprintf(stderr, "%s: only %llu rows\n", name, (unsigned long long)trace_rows(reader));
            exit(3);
        }
        trace_close(reader);
        rates[i] = ROWS / ((double)(bench_now_ns() - before) / 1e9);
    }
    bench_print("load", metric, bench_median(rates, ROUNDS), "1/s", "1 000 points in turns");
}

int main(void)
{
    struct scene scene = {.folder = "/tmp/davy-bench-XXXXXX"};
    if (mkdtemp(scene.folder) == NULL) {
        perror(scene.folder);
        return 3;
    }
    bench_site(&scene);
    write_site(&scene, TRACE_POINTS);
    struct site *site = load(&scene);
    write_traces(&scene, site);
    bench_trace(&scene, site, "trace.csv", "trace_csv_rows_per_s");
    bench_trace(&scene, site, "trace.ndjson", "trace_ndjson_rows_per_s");
    site_free(site);
    static const char *const names[] = {"site.json", "points.csv", "trace.csv", "trace.ndjson"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlink(path_of(&scene, names[i]));
    }
    (void)rmdir(scene.folder);
    return 0;
}
