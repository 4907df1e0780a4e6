/*
 * cmd_import: `davy import SITE TRACE...`, recorded samples into the store.
 *
 * Rows are taken as replay takes them: several traces as one, a row without a
 * time of receipt received at the later of its time and the clock.  Acts and
 * clock rows have no place in history and are passed over.
 */
#include "app/args.h"
#include "app/command.h"
#include "app/history_out.h"

#include "base/clock.h"
#include "model/trace.h"
#include <limits.h>
#include <stdio.h>

struct import_run {
    struct history_out *out;
    int64_t clock_ns; /* of the traces */
    uint64_t samples, passed_over, set_aside;
};

static void tell_aside(void *self, const char *file, uint64_t line, const char *reason)
{
    (void)self;
    (void)fprintf(stderr, "%s: line %llu: set aside: %s\n", file, (unsigned long long)line, reason);
}

static enum err_code take_row(struct import_run *run, const struct trace_row *row, struct err *err)
{
    int64_t time_ns = sample_cut_time(row->time_ns);
    int64_t later_ns = time_ns > run->clock_ns ? time_ns : run->clock_ns;
    int64_t seen_ns = row->seen_ns != TIME_NEVER ? sample_cut_time(row->seen_ns) : later_ns;
    run->clock_ns = seen_ns > run->clock_ns ? seen_ns : run->clock_ns;
    if (row->kind != TRACE_SAMPLE) {
        run->passed_over++;
        return ERR_NONE;
    }
    struct sample sample = row->sample;
    sample.time_ns = time_ns;
    sample.seen_ns = seen_ns;
    run->samples++;
    return history_out_put(run->out, &sample, err);
}

static enum err_code import_file(struct import_run *run, const struct site *site, const char *file, struct err *err)
{
    struct trace_reader *reader = NULL;
    enum err_code code = trace_open(file, site, tell_aside, NULL, &reader, err);
    if (code != ERR_NONE) {
        return code;
    }
    struct trace_row row;
    while (code == ERR_NONE && trace_next(reader, &row)) {
        code = take_row(run, &row, err);
    }
    if (code == ERR_NONE && trace_error(reader) != NULL) {
        *err = *trace_error(reader);
        code = err->code;
    }
    run->set_aside += trace_set_aside(reader);
    trace_close(reader);
    return code;
}

static enum err_code import_all(const struct site *site, const struct args *args, struct err *err)
{
    char path[PATH_MAX];
    struct import_run run = {.clock_ns = INT64_MIN};
    uint64_t unknown = 0;
    enum err_code code = args_look_for_files(args, 1, err); /* before anything is imported */
    if (code == ERR_NONE) {
        code = history_out_open(site, command_store_path(site, path, sizeof path), &run.out, err);
    }
    for (size_t i = 1; code == ERR_NONE && i < args->count; i++) {
        code = import_file(&run, site, args->positional[i], err);
    }
    if (code == ERR_NONE) {
        code = history_out_finish(run.out, &unknown, err);
    }
    history_out_close(run.out);
    if (code == ERR_NONE) {
        (void)fprintf(stderr, "imported %llu samples; %llu rows set aside, %llu acts and clock rows passed over\n",
                      (unsigned long long)(run.samples - unknown), (unsigned long long)run.set_aside,
                      (unsigned long long)run.passed_over);
    }
    if (code == ERR_NONE && unknown > 0) {
        (void)fprintf(stderr, "%llu samples are of points the running monitor does not have yet; SIGHUP, then again\n",
                      (unsigned long long)unknown);
    }
    return code;
}

int cmd_import(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    if (args_parse(argc, argv, NULL, 0, 2, ARGS_MAX, &args, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    struct site *site = NULL;
    struct rules *rules = NULL;
    int code = command_load(self, args.positional[0], &site, &rules);
    if (code == ERR_NONE) {
        code = (int)import_all(site, &args, &err);
        if (code != ERR_NONE) {
            (void)command_fail(self, &err);
        }
    }
    rules_free(rules);
    site_free(site);
    return code;
}
