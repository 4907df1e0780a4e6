/* cmd_replay: `davy replay SITE TRACE...`; the engine is replay.c, two rule sets side by side are against.c. */
#include "app/against.h"
#include "app/args.h"
#include "app/command.h"
#include "app/lines_diff.h"
#include "app/replay.h"

#include "base/text.h"
#include "model/queues.h"
#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_ROOM = 1 << 16 }; /* of standard output's buffer */

struct run {
    struct replay *replay;
    struct lines *came; /* with --expect: every event line; else NULL */
    uint64_t rows;
    uint64_t set_aside;
};

/* Lines leave whole: the buffer is emptied before one that would not fit. */
static void take_event(void *self, const struct event *event, const char *json, size_t len)
{
    const struct run *run = self;
    (void)event;
    if (__fpending(stdout) + len + 1 > OUT_ROOM) {
        (void)fflush(stdout); /* run_all asks ferror */
    }
    (void)fwrite_unlocked(json, 1, len, stdout);
    (void)putc_unlocked('\n', stdout);
    if (run->came != NULL) {
        lines_add(run->came, json, len);
    }
}

static void tell_aside(void *self, const char *file, uint64_t line, const char *reason)
{
    (void)self;
    (void)fprintf(stderr, "%s: line %llu: set aside: %s\n", file, (unsigned long long)line, reason);
}

static void tell_refused(const char *file, const struct trace_row *row, const struct err *err)
{
    char time[TEXT_TIME_MAX];
    (void)text_format_time(row->time_ns, time);
    (void)fprintf(stderr, "%s: act %s at %s refused: %s\n", file, act_name(row->act.kind), time, err->text);
}

/* Before waiting for more rows what those so far have brought about is handed on: a pipe may be slow. */
static void hand_on(void *self)
{
    (void)self;
    (void)fflush(stdout); /* run_all asks ferror */
}

static enum err_code replay_file(struct run *run, const struct site *site, const char *file, struct err *err)
{
    struct trace_reader *reader = NULL;
    enum err_code code = trace_open(file, site, tell_aside, NULL, &reader, err);
    if (code != ERR_NONE) {
        return code;
    }
    trace_before_read(reader, hand_on, NULL);
    struct trace_row row;
    while (code == ERR_NONE && trace_next(reader, &row)) {
        code = replay_row(run->replay, &row, err);
        if (code == ERR_NO) {
            tell_refused(file, &row, err);
            code = ERR_NONE;
        }
    }
    if (code == ERR_NONE && trace_error(reader) != NULL) {
        *err = *trace_error(reader);
        code = err->code;
    }
    run->rows += trace_rows(reader);
    run->set_aside += trace_set_aside(reader);
    trace_close(reader);
    return code;
}

static void print_summary(const struct run *run)
{
    const struct replay_figures *figures = replay_figures(run->replay);
    char length[TEXT_DURATION_MAX];
    (void)text_format_duration(figures->last_ns - figures->first_ns, length);
    (void)fprintf(stderr,
                  "replayed %llu rows over %s: %llu samples, %llu acts (%llu refused), %llu set aside; %llu events; "
                  "raised red %llu, orange %llu, yellow %llu, blue %llu\n",
                  (unsigned long long)run->rows, length, (unsigned long long)figures->samples,
                  (unsigned long long)figures->acts, (unsigned long long)figures->refused,
                  (unsigned long long)run->set_aside, (unsigned long long)figures->events,
                  (unsigned long long)figures->raised[LEVEL_RED], (unsigned long long)figures->raised[LEVEL_ORANGE],
                  (unsigned long long)figures->raised[LEVEL_YELLOW], (unsigned long long)figures->raised[LEVEL_BLUE]);
}

static enum err_code run_all(struct run *run, const struct site *site, const struct rules *rules, unsigned shards,
                             const struct args *args, struct err *err)
{
    enum err_code code = replay_new(site, rules, shards, RUN_EXERCISE, take_event, run, &run->replay, err);
    for (size_t i = 1; code == ERR_NONE && i < args->count; i++) {
        code = replay_file(run, site, args->positional[i], err);
    }
    if (code == ERR_NONE && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        code = err_set(err, ERR_ENV, "stdout: %s", strerror(errno));
    }
    return code;
}

/* Files that are missing are told before the first is replayed. */
static enum err_code look_first(const struct args *args, const char *expect, struct lines *expected, struct err *err)
{
    const enum err_code code = args_look_for_files(args, 1, err);
    if (code == ERR_NONE && expect != NULL && !lines_read(expected, expect)) {
        return err_set(err, ERR_INPUT, "%s: %s", expect, strerror(errno));
    }
    return code;
}

struct words {
    const char *expect, *against, *format, *shards_text;
    uint64_t shards;
};

static enum err_code read_words(int argc, char **argv, struct args *args, struct words *words, struct err *err)
{
    const struct arg_option options[] = {
        {.name = "expect", .ret_value = &words->expect},
        {.name = "against", .ret_value = &words->against},
        {.name = "format", .ret_value = &words->format},
        {.name = "shards", .ret_value = &words->shards_text},
    };
    if (args_parse(argc, argv, options, sizeof options / sizeof *options, 2, ARGS_MAX, args, err) != ERR_NONE ||
        args_whole(words->shards_text, "--shards", 1, QUEUE_SHARDS_MAX, &words->shards, err) != ERR_NONE) {
        return ERR_INPUT;
    }
    if (words->against != NULL && words->expect != NULL) {
        return err_set(err, ERR_INPUT, "--expect and --against exclude each other");
    }
    if (words->format != NULL && words->against == NULL) {
        return err_set(err, ERR_INPUT, "--format goes with --against; events are always NDJSON");
    }
    if (words->format != NULL && strcmp(words->format, "table") != 0 && strcmp(words->format, "ndjson") != 0) {
        return err_set(err, ERR_INPUT, "--format \"%s\" is not known; table or ndjson", words->format);
    }
    return ERR_NONE;
}

/* One rule set: events on stdout. */
static int replay_one(const struct command *self, const struct words *words, const struct args *args,
                      const struct site *site, const struct rules *rules)
{
    struct err err = {0};
    struct lines came = {0};
    struct lines expected = {0};
    struct run run = {.came = words->expect != NULL ? &came : NULL};
    enum err_code code = look_first(args, words->expect, &expected, &err);
    if (code == ERR_NONE) {
        code = run_all(&run, site, rules, (unsigned)words->shards, args, &err);
    }
    if (code == ERR_NONE) {
        print_summary(&run);
        if (words->expect != NULL && !lines_same(&expected, &came, stderr)) {
            code = err_set(&err, ERR_NO, "the events are not those of %s", words->expect);
        }
    }
    if (code != ERR_NONE) {
        (void)command_fail(self, &err);
    }
    lines_done(&expected);
    lines_done(&came);
    replay_free(run.replay);
    return (int)code;
}

/* Two rule sets: what differs on stdout. */
static int replay_both(const struct command *self, const struct words *words, const struct args *args,
                       const struct site *site, const struct rules *rules)
{
    struct err err = {0};
    struct site *other = NULL;
    struct rules *other_rules = NULL;
    if (args_look_for_files(args, 1, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    int code = command_load(self, words->against, &other, &other_rules);
    if (code != ERR_NONE) {
        return code;
    }
    struct against_config config = {
        .sides = {{.name = args->positional[0], .site = site, .rules = rules},
                  {.name = words->against, .site = other, .rules = other_rules}},
        .shards = (unsigned)words->shards,
        .ndjson = words->format != NULL && strcmp(words->format, "ndjson") == 0,
        .traces = args->positional + 1,
        .trace_count = args->count - 1,
    };
    code = (int)against_run(&config, &err);
    if (code != ERR_NONE && code != ERR_NO) {
        (void)command_fail(self, &err);
    }
    rules_free(other_rules);
    site_free(other);
    return code;
}

int cmd_replay(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    struct words words = {.shards_text = "1"};
    if (read_words(argc, argv, &args, &words, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    struct site *site = NULL;
    struct rules *rules = NULL;
    int code = command_load(self, args.positional[0], &site, &rules);
    if (code != ERR_NONE) {
        return code;
    }
    (void)setvbuf(stdout, NULL, _IOFBF, OUT_ROOM);
    code = (words.against != NULL ? replay_both : replay_one)(self, &words, &args, site, rules);
    rules_free(rules);
    site_free(site);
    return code;
}
