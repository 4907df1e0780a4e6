/* cmd_stat: `davy stat SITE`, the live counters of a running monitor. */
#include "app/args.h"
#include "app/command.h"
#include "app/control.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static void print_json(void *self, const char *line, size_t len)
{
    (void)self;
    (void)fwrite(line, 1, len, stdout);
    (void)putchar('\n');
}

static void print_row(void *self, const char *line, size_t len)
{
    (void)self;
    json_t *row = json_loadb(line, len, 0, NULL);
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *unit = json_string_value(json_object_get(row, "unit"));
    const char *help = json_string_value(json_object_get(row, "help"));
    if (name != NULL && unit != NULL && help != NULL) {
        printf("%-40s %16" JSON_INTEGER_FORMAT " %-8s %s\n", name, json_integer_value(json_object_get(row, "value")),
               unit, help);
    }
    json_decref(row);
}

int cmd_stat(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    const char *format = "table";
    const struct arg_option options[] = {{.name = "format", .ret_value = &format}};
    if (args_parse(argc, argv, options, 1, 1, 1, &args, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    if (strcmp(format, "table") != 0 && strcmp(format, "ndjson") != 0) {
        (void)err_set(&err, ERR_INPUT, "--format \"%s\" is not known; table or ndjson", format);
        return command_fail(self, &err);
    }
    struct site *site = NULL;
    struct rules *rules = NULL;
    int code = command_load(self, args.positional[0], &site, &rules);
    if (code == ERR_NONE) {
        char path[PATH_MAX];
        code = (int)control_ask(command_store_path(site, path, sizeof path), "{\"do\":\"stat\"}",
                                strcmp(format, "table") == 0 ? print_row : print_json, NULL, &err);
        if (code != ERR_NONE) {
            (void)command_fail(self, &err);
        }
    }
    rules_free(rules);
    site_free(site);
    return code;
}
