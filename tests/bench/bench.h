/*
 * bench: the few words benchmarks are written in.
 *
 * A figure means little on a machine with neighbours.  So what is ours is
 * measured against the bare thing in the same run, in turns, and the medians
 * and the median ratio are told.
 *
 * Threads: the main thread.
 */
#ifndef DAVY_TESTS_BENCH_BENCH_H
#define DAVY_TESTS_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

/* Monotonic time, and the processor time of the whole process (user and system). */
int64_t bench_now_ns(void);
int64_t bench_cpu_ns(void);

/* Most memory the process has had at once, in bytes. */
int64_t bench_peak_bytes(void);

/* Sorts values and gives the middle one (the lower of two), or the one at the fraction q (0..1). */
double bench_median(double *values, size_t n);
double bench_quantile(double *values, size_t n, double q);

/* Prints {"bench":…,"metric":…,"value":…,"unit":…,"note":…} on a line of stdout; the texts hold no quotes. */
void bench_print(const char *bench, const char *metric, double value, const char *unit, const char *note_fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* One measurement; gives its figure, such as records per second. */
typedef double bench_run(void *self);

struct bench_pair {
    double ours, bare; /* medians */
    double ratio;      /* median of ours / bare of each round */
};

enum { BENCH_ROUNDS_MAX = 101 };

/* Runs both in turns, `rounds` times each (odd), the first turn of each thrown away. */
struct bench_pair bench_alternate(int rounds, bench_run *ours, void *ours_self, bench_run *bare, void *bare_self);

#endif
