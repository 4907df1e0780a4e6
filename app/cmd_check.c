/*
 * cmd_check: `davy check SITE`; with --plan also what taking it over would do
 * to what the store holds (plan.c), with --sample what a message would become
 * (check_sample.c).
 */
#include "app/args.h"
#include "app/check_sample.h"
#include "app/command.h"
#include "app/plan.h"

#include "store/store.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static enum err_code print_plan(const struct site *site, struct err *err)
{
    char path[PATH_MAX];
    const char *folder = command_store_path(site, path, sizeof path);
    if (access(folder, F_OK) != 0 && errno == ENOENT) {
        printf("there is no store in %s yet: all is new\n", folder);
        return ERR_NONE;
    }
    struct store *store = NULL;
    enum err_code code = store_open_reader(folder, &store, err);
    if (code != ERR_NONE) {
        return code;
    }
    printf("what %s would do to %s, which %s:\n", site->file, folder,
           store_is_held(folder) ? "a monitor holds" : "no monitor holds");
    code = plan_print(site, store, stdout, err);
    store_close(store);
    return code;
}

/* What is no mistake, but may surprise. */
static void print_notes(const struct rules *rules)
{
    struct mistakes notes;
    mistakes_init(&notes);
    rules_restart_notes(rules, &notes);
    for (size_t i = 0; i < notes.count; i++) {
        (void)fprintf(stderr, "note: %s\n", notes.lines[i]);
    }
    mistakes_done(&notes);
}

int cmd_check(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    bool plan = false;
    struct check_sample sample = {0};
    const struct arg_option options[] = {{.name = "plan", .ret_flag = &plan},
                                         {.name = "sample", .ret_value = &sample.file},
                                         {.name = "source", .ret_value = &sample.source},
                                         {.name = "topic", .ret_value = &sample.topic}};
    if (args_parse(argc, argv, options, sizeof options / sizeof *options, 1, 1, &args, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    if ((sample.file == NULL) != (sample.source == NULL) || (sample.file == NULL && sample.topic != NULL)) {
        (void)err_set(&err, ERR_INPUT, "--sample FILE and --source ID belong together");
        return command_fail(self, &err);
    }
    struct site *site = NULL;
    struct rules *rules = NULL;
    int code = command_check(self, args.positional[0], &site, &rules);
    if (code == ERR_NONE && sample.file == NULL) {
        printf("%s: fine: %zu sources, %zu points, %zu rules, %zu alarms, %zu sinks\n", args.positional[0],
               site->source_count, site->point_count, site->rule_count, site->alarm_count, site->sink_count);
        print_notes(rules);
    }
    if (code == ERR_NONE && plan) {
        code = (int)print_plan(site, &err);
        if (code != ERR_NONE) {
            (void)command_fail(self, &err);
        }
    }
    if (code == ERR_NONE && sample.file != NULL && check_sample(site, &sample, stdout, &err) != ERR_NONE) {
        code = command_fail(self, &err);
    }
    rules_free(rules);
    site_free(site);
    return code;
}
