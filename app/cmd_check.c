/* cmd_check: `davy check SITE`. */
#include "app/args.h"
#include "app/command.h"

#include <stdio.h>

int cmd_check(const struct command *self, int argc, char **argv)
{
    struct err err = {0};
    struct args args;
    if (args_parse(argc, argv, NULL, 0, 1, 1, &args, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    struct site *site = NULL;
    struct rules *rules = NULL;
    int code = command_load(self, args.positional[0], &site, &rules);
    if (code == ERR_NONE) {
        printf("%s: fine: %zu sources, %zu points, %zu rules, %zu alarms, %zu sinks\n", args.positional[0],
               site->source_count, site->point_count, site->rule_count, site->alarm_count, site->sink_count);
    }
    rules_free(rules);
    site_free(site);
    return code;
}
