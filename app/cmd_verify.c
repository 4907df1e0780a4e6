/* cmd_verify: `davy verify SITE`, the whole store checked. */
#include "app/args.h"
#include "app/command.h"

#include "store/store.h"
#include <limits.h>
#include <stdio.h>

static void print_damage(void *self, const char *text)
{
    (void)self;
    (void)fprintf(stderr, "%s\n", text);
}

int cmd_verify(const struct command *self, int argc, char **argv)
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
        char path[PATH_MAX];
        struct store *store = NULL;
        code = (int)store_open_checked(command_store_path(site, path, sizeof path), &store, &err);
        if (code == ERR_NONE) {
            code = (int)store_verify(store, print_damage, NULL, &err);
        }
        if (code == ERR_NONE) {
            printf("the store is whole: %llu events in the journal\n", (unsigned long long)store_last_seq(store));
        } else {
            (void)command_fail(self, &err);
        }
        store_close(store);
    }
    rules_free(rules);
    site_free(site);
    return code;
}
