/*
 * text: what reading and printing a number or a time costs, beside the C
 * library's way.  These stand on the path of replay, import and export.
 */
#include "base/text.h"
#include "tests/bench/bench.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXTS = 1024, PASSES = 100, ROUNDS = 9, TEXT_ROOM = 32 };

struct job {
    double values[TEXTS];
    int64_t times[TEXTS];
    char texts[TEXTS][TEXT_ROOM];
    size_t lens[TEXTS];
    uint64_t sum; /* of something in every result, so that nothing is left out */
};

static struct job job;

typedef void work(struct job *job, size_t i);

/* Gives calls per second. */
static double run(work *do_one)
{
    const int64_t start_ns = bench_now_ns();
    for (int pass = 0; pass < PASSES; pass++) {
        for (size_t i = 0; i < TEXTS; i++) {
            do_one(&job, i);
        }
    }
    return (double)TEXTS * PASSES / (double)(bench_now_ns() - start_ns) * 1e9;
}

static double run_work(void *do_one)
{
    return run(*(work **)do_one);
}

static void format_number(struct job *self, size_t i)
{
    char text[TEXT_NUMBER_MAX];
    self->sum += text_format_number(self->values[i], text);
}

static void print_17_digits(struct job *self, size_t i)
{
    char text[TEXT_NUMBER_MAX];
    self->sum += (uint64_t)snprintf(text, sizeof text, "%.17g", self->values[i]);
}

static void parse_number(struct job *self, size_t i)
{
    double value = 0;
    self->sum += text_parse_number(self->texts[i], self->lens[i], &value) && value > 0;
}

static void call_strtod(struct job *self, size_t i)
{
    self->sum += strtod(self->texts[i], NULL) > 0;
}

static void format_time(struct job *self, size_t i)
{
    char text[TEXT_TIME_MAX];
    self->sum += text_format_time(self->times[i], text);
}

static void call_strftime(struct job *self, size_t i)
{
    const time_t seconds = (time_t)(self->times[i] / 1000000000);
    struct tm tm;
    char text[TEXT_TIME_MAX];
    self->sum += strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
}

static void parse_time(struct job *self, size_t i)
{
    int64_t ns = 0;
    self->sum += text_parse_time(self->texts[i], self->lens[i], &ns) && ns > 0;
}

static void call_strptime(struct job *self, size_t i)
{
    struct tm tm = {0};
    self->sum += strptime(self->texts[i], "%Y-%m-%dT%H:%M:%S", &tm) != NULL && timegm(&tm) > 0;
}

static void compare(const char *what, work *ours, work *library, const char *library_name)
{
    const struct bench_pair pair = bench_alternate(ROUNDS, run_work, &ours, run_work, &library);
    bench_print("text", what, 1e9 / pair.ours, "ns", "%s %.4g ns, %.3g times as fast", library_name, 1e9 / pair.bare,
                pair.ratio);
}

static double random_below(double limit)
{
    return (double)random() / ((double)RAND_MAX + 1) * limit;
}

int main(void)
{
    srandom(1);
    for (size_t i = 0; i < TEXTS; i++) {
        job.values[i] = (double)(random() % 1000000) / 1000;
        job.times[i] = INT64_C(1767571200000000000) + (int64_t)random_below(3e16);
        job.lens[i] = text_format_number(job.values[i], job.texts[i]);
    }
    compare("format_number_3_decimals", format_number, print_17_digits, "printf %.17g");
    compare("parse_number_3_decimals", parse_number, call_strtod, "strtod");
    for (size_t i = 0; i < TEXTS; i++) {
        job.lens[i] = text_format_time(job.times[i], job.texts[i]);
    }
    compare("format_time", format_time, call_strftime, "gmtime_r and strftime");
    compare("parse_time_rfc3339", parse_time, call_strptime, "strptime and timegm");
    for (size_t i = 0; i < TEXTS; i++) {
        job.lens[i] = (size_t)sprintf(job.texts[i], "%lld", (long long)(job.times[i] / 1000000));
    }
    compare("parse_time_unix_ms", parse_time, call_strtod, "strtod");
    for (size_t i = 0; i < TEXTS; i++) {
        job.values[i] = random_below(1000) / 3;
        job.lens[i] = text_format_number(job.values[i], job.texts[i]);
    }
    compare("format_number_17_digits", format_number, print_17_digits, "printf %.17g");
    compare("parse_number_17_digits", parse_number, call_strtod, "strtod");
    return job.sum > 0 ? 0 : 1;
}
