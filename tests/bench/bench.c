/* bench: see bench.h. */
#include "tests/bench/bench.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

int64_t bench_now_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct rusage own_usage(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage;
}

int64_t bench_cpu_ns(void)
{
    const struct rusage usage = own_usage();
    return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
           ((int64_t)usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

int64_t bench_peak_bytes(void)
{
    return (int64_t)own_usage().ru_maxrss * 1024;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(double *values, size_t n, double q)
{
    assert(n > 0);
    qsort(values, n, sizeof *values, by_size);
    return values[(size_t)(q * (double)(n - 1))];
}

double bench_median(double *values, size_t n)
{
    return bench_quantile(values, n, 0.5);
}

void bench_print(const char *bench, const char *metric, double value, const char *unit, const char *note_fmt, ...)
{
    char note[512];
    va_list args;
    va_start(args, note_fmt);
    (void)vsnprintf(note, sizeof note, note_fmt, args);
    va_end(args);
    printf("{\"bench\":\"%s\",\"metric\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"note\":\"%s\"}\n", bench, metric,
           value, unit, note);
    (void)fflush(stdout);
}

struct bench_pair bench_alternate(int rounds, bench_run *ours, void *ours_self, bench_run *bare, void *bare_self)
{
    assert(rounds > 0 && rounds <= BENCH_ROUNDS_MAX);
    double our_figures[BENCH_ROUNDS_MAX];
    double bare_figures[BENCH_ROUNDS_MAX];
    double ratios[BENCH_ROUNDS_MAX];
    (void)ours(ours_self); /* warms caches and memory */
    (void)bare(bare_self);
    for (int i = 0; i < rounds; i++) {
        our_figures[i] = ours(ours_self);
        bare_figures[i] = bare(bare_self);
        ratios[i] = our_figures[i] / bare_figures[i];
    }
    return (struct bench_pair){.ours = bench_median(our_figures, (size_t)rounds),
                               .bare = bench_median(bare_figures, (size_t)rounds),
                               .ratio = bench_median(ratios, (size_t)rounds)};
}
