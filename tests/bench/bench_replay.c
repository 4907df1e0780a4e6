/*
 * replay: trace lines a second of `davy replay SITE TRACE` from the start of the program to its end (reading the site,
 * the file, points by their names, judging, events), beside the least that must be done with the same lines: read in
 * blocks, cut, numbers of digits, the point by the number in its name, and limits with delays in a bare loop.
 *
 * 1 000 points, one rule with 4 levels, clear limits and delays; every point has a sample a second, one in a thousand
 * above some of the limits.  Processor time of the whole child, user and system; one thread.
 *
 *   csv_ms       time in Unix milliseconds, points in the order of the site
 *   csv_shuffled the same, points in another random order each second
 *   csv_rfc3339  times as davy writes them
 *   csv_seen     as `davy export` writes it: RFC 3339, time of receipt some milliseconds later
 *   ndjson       one object a line
 *   against      csv_ms, judged by two sites (--against) that are the same
 *
 * Goal: 2 million lines a second.
 */
#include "base/text.h"
#include "tests/bench/bench.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POINTS = 1000, SECONDS = 1000, LINES = POINTS * SECONDS, ROUNDS = 5, LEVELS = 4, BLOCK = 1 << 18 };

#define START_MS INT64_C(1767571200000)

enum form { CSV_MS, CSV_SHUFFLED, CSV_RFC3339, CSV_SEEN, NDJSON, AGAINST, FORMS };

static const char *const form_names[FORMS] = {"csv_ms", "csv_shuffled", "csv_rfc3339",
                                              "csv_seen", "ndjson", "against"};

static void need(bool fine, const char *what)
{
    if (!fine) {
        (void)fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
        exit(3);
    }
}

/* ---- the scene --------------------------------------------------------------------------------------------------- */

struct scene {
    char folder[32], site[64], trace[64];
    char davy[PATH_MAX];
    enum form form;
};

static uint32_t draw(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*random >> 33);
}

static void write_site(const struct scene *scene)
{
    FILE *file = fopen(scene->site, "w");
    need(file != NULL, scene->site);
    (void)fputs("{\"site\": {\"id\": \"bench\"}, \"points\": [\n", file);
    for (int i = 0; i < POINTS; i++) {
        (void)fprintf(file, "%s{\"id\": \"area-%d/device-%d/p%d\", \"kind\": \"ch4\", \"unit\": \"%%CH4\"}\n",
                      i > 0 ? "," : "", i / 100, i / 10, i);
    }
    (void)fputs("], \"rules\": [{\"id\": \"limit\", \"on_delay\": \"5s\", \"off_delay\": \"5s\",\n\"levels\": [", file);
    static const char *const levels[LEVELS] = {"blue", "yellow", "orange", "red"};
    for (int k = 0; k < LEVELS; k++) {
        (void)fprintf(file, "%s{\"level\": \"%s\", \"when\": \"value >= %d\", \"clear\": \"value < %d.9\"}\n",
                      k > 0 ? "," : "", levels[k], k + 1, k);
    }
    (void)fputs("], \"message\": \"{name}: {value} {unit}\"}]}\n", file);
    need(fclose(file) == 0, scene->site);
}

/* An excursion lasts ten seconds, so that it is raised and cleared. */
static double value_of(int second, uint32_t point, uint64_t *random)
{
    const bool high = (uint32_t)(second / 10) % 100 == point % 100 && point % 10 == 3;
    return (high ? 1.2 + point % 3 : 0) + draw(random) % 700 / 1000.0;
}

static void write_line(FILE *file, enum form form, int64_t time_ms, uint32_t point, double value)
{
    char time[TEXT_TIME_MAX];
    char seen[TEXT_TIME_MAX] = "";
    char name[64];
    if (form == CSV_RFC3339 || form == CSV_SEEN) {
        (void)text_format_time(time_ms * 1000000, time);
        (void)text_format_time((time_ms + point % 20 + 1) * 1000000, seen);
    } else {
        (void)snprintf(time, sizeof time, "%lld", (long long)time_ms);
    }
    (void)snprintf(name, sizeof name, "area-%u/device-%u/p%u", point / 100, point / 10, point);
    if (form == NDJSON) {
        (void)fprintf(file, "{\"time\": %s, \"point\": \"%s\", \"value\": %.3f, \"status\": \"good\"}\n", time, name,
                      value);
    } else if (form == CSV_SEEN) {
        (void)fprintf(file, "%s,%s,%.3f,good,%s\n", time, name, value, seen);
    } else {
        (void)fprintf(file, "%s,%s,%.3f,good\n", time, name, value);
    }
}

static void write_trace(const struct scene *scene)
{
    FILE *file = fopen(scene->trace, "w");
    need(file != NULL, scene->trace);
    uint64_t random = 1;
    uint32_t order[POINTS];
    if (scene->form != NDJSON) {
        (void)fputs(scene->form == CSV_SEEN ? "time,point,value,status,seen\n" : "time,point,value,status\n", file);
    }
    for (int s = 0; s < SECONDS; s++) {
        for (uint32_t i = 0; i < POINTS; i++) {
            const uint32_t j = scene->form == CSV_SHUFFLED ? draw(&random) % (i + 1) : i;
            order[i] = order[j];
            order[j] = i;
        }
        for (uint32_t i = 0; i < POINTS; i++) {
            write_line(file, scene->form, START_MS + s * 1000, order[i], value_of(s, order[i], &random));
        }
    }
    need(fclose(file) == 0, scene->trace);
}

static void find_davy(struct scene *scene)
{
    const ssize_t len = readlink("/proc/self/exe", scene->davy, sizeof scene->davy - sizeof "davy");
    need(len > 0, "/proc/self/exe");
    char *slash = memrchr(scene->davy, '/', (size_t)len);
    need(slash != NULL, scene->davy);
    memcpy(slash + 1, "davy", sizeof "davy");
}

static void set_up(struct scene *scene)
{
    (void)strcpy(scene->folder, "/tmp/davy-bench-XXXXXX");
    need(mkdtemp(scene->folder) != NULL, "no temporary folder");
    (void)snprintf(scene->site, sizeof scene->site, "%s/site.json", scene->folder);
    (void)snprintf(scene->trace, sizeof scene->trace, "%s/trace", scene->folder);
    find_davy(scene);
    write_site(scene);
}

static void tear_down(const struct scene *scene)
{
    (void)unlink(scene->trace);
    (void)unlink(scene->site);
    (void)rmdir(scene->folder);
}

/* ---- ours -------------------------------------------------------------------------------------------------------- */

static double seconds_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static void become_davy(const struct scene *scene)
{
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)dup2(nowhere, STDOUT_FILENO);
    (void)dup2(nowhere, STDERR_FILENO);
    const char *const other = scene->form == AGAINST ? "--against" : NULL; /* ends the list when there is none */
    (void)execl(scene->davy, "davy", "replay", scene->site, scene->trace, other, scene->site, (char *)NULL);
    _exit(127);
}

static double run_davy(void *self)
{
    const struct scene *scene = self;
    const pid_t pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0) {
        become_davy(scene);
    }
    int status = 0;
    struct rusage usage;
    need(wait4(pid, &status, 0, &usage) == pid && status == 0, "davy replay failed");
    return LINES / seconds_of(&usage);
}

/* ---- bare -------------------------------------------------------------------------------------------------------- */

struct record {
    _Alignas(128) int64_t newest_ms;
    double value;
    int64_t since_ms[LEVELS]; /* 0: no delay runs */
    uint8_t entered[LEVELS];
};

struct bare {
    struct record records[POINTS];
    uint64_t lines, steps;
};

static void judge_bare(struct bare *bare, int64_t time_ms, uint32_t point, double value)
{
    struct record *record = &bare->records[point];
    if (time_ms <= record->newest_ms) {
        return;
    }
    record->newest_ms = time_ms;
    record->value = value;
    for (int k = 0; k < LEVELS; k++) {
        const bool entered = record->entered[k] != 0;
        const double limit = entered ? k + 0.9 : k + 1;
        if ((value >= limit) == entered) {
            record->since_ms[k] = 0;
        } else if (record->since_ms[k] == 0) {
            record->since_ms[k] = time_ms;
        } else if (time_ms - record->since_ms[k] >= 5000) {
            record->entered[k] = !entered;
            record->since_ms[k] = 0;
            bare->steps++;
        }
    }
}

/* Digits from p on as a number; steps over them, and over one character within them when it is a point. */
static int64_t take_digits(const char **p, int *ret_decimals)
{
    int64_t number = 0;
    const char *point = NULL;
    for (;; (*p)++) {
        if (**p == '.') {
            point = *p;
        } else if (**p >= '0' && **p <= '9') {
            number = number * 10 + (**p - '0');
        } else {
            break;
        }
    }
    *ret_decimals = point != NULL ? (int)(*p - point) - 1 : 0;
    return number;
}

/* Time of day alone; the day is the same in all lines. */
static int64_t take_clock(const char **p)
{
    const char *t = *p;
    *p += strlen("2026-01-05T00:00:00.000Z");
    return START_MS + ((t[11] - '0') * 10 + t[12] - '0') * 3600000 + ((t[14] - '0') * 10 + t[15] - '0') * 60000 +
           ((t[17] - '0') * 10 + t[18] - '0') * 1000 + ((t[20] - '0') * 10 + t[21] - '0') * 10 + t[22] - '0';
}

static const char *find(const char *p, char c, const char *end)
{
    return memchr(p, c, (size_t)(end - p));
}

static void bare_line(struct bare *bare, enum form form, const char *p, const char *end)
{
    static const double tens[] = {1, 10, 100, 1000, 10000};
    int decimals = 0;
    if (form == NDJSON) {
        p += strlen("{\"time\": ");
    }
    const int64_t time_ms = form == CSV_RFC3339 || form == CSV_SEEN ? take_clock(&p) : take_digits(&p, &decimals);
    p = find(p, 'p', end) + (form == NDJSON ? strlen("point\": \"area-") : 1);
    if (form == NDJSON) {
        p = find(p, 'p', end) + 1;
    }
    const uint32_t point = (uint32_t)take_digits(&p, &decimals);
    p += form == NDJSON ? strlen("\", \"value\": ") : 1;
    const double whole = (double)take_digits(&p, &decimals);
    judge_bare(bare, time_ms, point, whole / tens[decimals]);
    bare->lines++;
}

static double run_bare(void *self)
{
    static struct bare bare;
    static char block[BLOCK];
    const struct scene *scene = self;
    const int64_t start_ns = bench_cpu_ns();
    memset(&bare, 0, sizeof bare);
    const int fd = open(scene->trace, O_RDONLY | O_CLOEXEC);
    need(fd >= 0, scene->trace);
    size_t kept = 0;
    bool header = scene->form != NDJSON;
    for (ssize_t n = 0; (n = read(fd, block + kept, sizeof block - kept)) > 0;) {
        const char *p = block;
        const char *const end = block + kept + n;
        for (const char *stop; (stop = memchr(p, '\n', (size_t)(end - p))) != NULL; p = stop + 1) {
            if (!header) {
                bare_line(&bare, scene->form, p, stop);
            }
            header = false;
        }
        kept = (size_t)(end - p);
        memmove(block, p, kept);
    }
    (void)close(fd);
    need(bare.lines == LINES && bare.steps > 0, "the bare loop did not read what was written");
    return LINES / ((double)(bench_cpu_ns() - start_ns) / 1e9);
}

/* ---- */

int main(int argc, char **argv)
{
    struct scene scene;
    set_up(&scene);
    for (int form = 0; form < FORMS; form++) {
        if (argc > 1 && strcmp(argv[1], form_names[form]) != 0) {
            continue;
        }
        scene.form = (enum form)form;
        write_trace(&scene);
        const struct bench_pair pair = bench_alternate(ROUNDS, run_davy, &scene, run_bare, &scene);
        char metric[64];
        (void)snprintf(metric, sizeof metric, "lines_per_s_%s", form_names[form]);
        bench_print("replay", metric, pair.ours, "1/s", "%d points, %d lines, start to end, goal 2e6; bare %.4g",
                    POINTS, LINES, pair.bare);
        (void)snprintf(metric, sizeof metric, "ratio_%s", form_names[form]);
        bench_print("replay", metric, pair.ratio, "of bare", "median of %d alternated rounds", ROUNDS);
    }
    tear_down(&scene);
    return 0;
}
