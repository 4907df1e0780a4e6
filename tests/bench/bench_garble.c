/*
 * bench_garble: a million requests to servers that delay, double, drop, mix,
 * cut, merge and garble what they answer, through the real Modbus worker.
 *
 * Not a measure of speed: what counts is that wrong_values and stuck are 0 and
 * memory_growth is none.  A number on the command line asks for as many
 * requests instead of a million.
 */
#include "bench.h"
#include "tests/unit/ingest/garble.h"

#include "base/clock.h"
#include "base/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { LINKS = 480, MILLION = 1000000 };
static const int64_t limit_ns = 500 * NS_PER_S;

static void print(const struct garble_result *result)
{
    const uint64_t wrong = result->foreign + result->old + result->late + result->odd;
    bench_print("garble", "requests", (double)result->requests, "1",
                "to %d servers in %.0f s, a quarter of them RTU over TCP", LINKS, (double)result->took_ns / 1e9);
    for (enum garble_kind kind = GARBLE_HONEST; kind < GARBLE_KINDS; kind++) {
        char metric[40];
        (void)snprintf(metric, sizeof metric, "requests_%s", garble_name(kind));
        bench_print("garble", metric, (double)result->kinds[kind], "1", "replies, those of the honest end included");
    }
    bench_print("garble", "values", (double)result->good, "1", "each with its own address and request in it; %llu comm",
                (unsigned long long)result->comm);
    bench_print("garble", "wrong_values", (double)wrong, "1", "%llu of elsewhere, %llu old, %llu late, %llu odd",
                (unsigned long long)result->foreign, (unsigned long long)result->old, (unsigned long long)result->late,
                (unsigned long long)result->odd);
    bench_print("garble", "stuck", (double)result->stuck, "1",
                "points without a value once the servers were honest; the last came after %.1f s",
                (double)result->back_ns / 1e9);
    bench_print("garble", "longest_gap", (double)result->longest_ns / 1e9, "s", "of any point without a value");
    bench_print("garble", "memory_growth", (double)result->memory_bytes / 1e3, "kB",
                "from a fifth of the requests to the end; %lld descriptors", (long long)result->descriptors);
}

int main(int argc, char **argv)
{
    struct garble_result result;
    struct rlimit limit;
    const uint64_t requests = argc > 1 ? strtoull(argv[1], NULL, 10) : MILLION;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    log_set_level(LOG_ERROR);
    const struct garble_campaign campaign = {.links = LINKS, .requests = requests, .seed = 1, .limit_ns = limit_ns};
    if (!garble_run(&campaign, &result)) {
        (void)fprintf(stderr, "bench_garble: the servers or the worker cannot be started\n");
        return 3;
    }
    print(&result);
    const bool sound = result.foreign + result.old + result.late + result.odd + result.stuck == 0;
    return sound && result.requests >= requests ? 0 : 1;
}
