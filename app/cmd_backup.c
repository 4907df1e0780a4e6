/*
 * cmd_backup: `davy backup SITE DIR` and `davy restore DIR SITE`.
 *
 * A store that a monitor holds is copied by the monitor itself; else it is
 * opened here for the time of the copy.
 */
#include "app/args.h"
#include "app/command.h"
#include "app/control.h"

#include "store/store.h"
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct outcome {
    enum err_code code;
    struct err *err;
};

static void take_answer(void *self, const char *line, size_t len)
{
    struct outcome *outcome = self;
    json_t *answer = json_loadb(line, len, 0, NULL);
    if (json_is_true(json_object_get(answer, "ok"))) {
        outcome->code = ERR_NONE;
    } else {
        const char *reason = json_string_value(json_object_get(answer, "error"));
        json_int_t code = json_integer_value(json_object_get(answer, "code"));
        outcome->code = err_set(outcome->err, code == ERR_INPUT ? ERR_INPUT : ERR_ENV, "%s",
                                reason != NULL ? reason : "the monitor gave no reason");
    }
    json_decref(answer);
}

/* The monitor may stand in another folder, so it gets the whole path. */
static enum err_code ask_monitor(const char *store_path, const char *dir, struct err *err)
{
    char whole[2 * PATH_MAX];
    char here[PATH_MAX];
    if (dir[0] == '/') {
        (void)snprintf(whole, sizeof whole, "%s", dir);
    } else if (getcwd(here, sizeof here) == NULL) {
        return err_set(err, ERR_ENV, "the working folder: %s", strerror(errno));
    } else {
        (void)snprintf(whole, sizeof whole, "%s/%s", here, dir);
    }
    struct outcome outcome = {.code = ERR_ENV, .err = err};
    json_t *object = json_pack("{s:s, s:s}", "do", "backup", "dir", whole);
    char *request = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    enum err_code code = request == NULL ? err_set(err, ERR_INPUT, "%s: the path is not UTF-8", dir)
                                         : control_ask_long(store_path, request, take_answer, &outcome, err);
    free(request);
    json_decref(object);
    return code == ERR_NONE ? outcome.code : code;
}

static enum err_code backup(const struct site *site, const char *dir, struct err *err)
{
    char path[PATH_MAX];
    const char *store_path = command_store_path(site, path, sizeof path);
    struct store *store = NULL;
    enum err_code code = ask_monitor(store_path, dir, err);
    if (code != ERR_NO) {
        return code;
    }
    code = store_open_reader(store_path, &store, err); /* a backup makes no store where there is none */
    store_close(store);
    store = NULL;
    if (code == ERR_NONE) {
        code = store_open(store_path, site->id, &store, err);
    }
    if (code == ERR_NONE) {
        code = store_backup(store, dir, err);
    }
    store_close(store);
    return code;
}

static void tell_damage(void *self, const char *text)
{
    (void)self;
    (void)fprintf(stderr, "%s\n", text);
}

static enum err_code restore(const struct site *site, const char *dir, struct err *err)
{
    char path[PATH_MAX];
    return store_restore(dir, command_store_path(site, path, sizeof path), site->id, tell_damage, NULL, err);
}

static int run(const struct command *self, int argc, char **argv, size_t site_at,
               enum err_code (*work)(const struct site *, const char *, struct err *))
{
    struct err err = {0};
    struct args args;
    if (args_parse(argc, argv, NULL, 0, 2, 2, &args, &err) != ERR_NONE) {
        return command_fail(self, &err);
    }
    struct site *site = NULL;
    struct rules *rules = NULL;
    int code = command_load(self, args.positional[site_at], &site, &rules);
    if (code == ERR_NONE) {
        code = (int)work(site, args.positional[1 - site_at], &err);
        if (code != ERR_NONE) {
            (void)command_fail(self, &err);
        }
    }
    rules_free(rules);
    site_free(site);
    return code;
}

int cmd_backup(const struct command *self, int argc, char **argv)
{
    return run(self, argc, argv, 0, backup);
}

int cmd_restore(const struct command *self, int argc, char **argv)
{
    return run(self, argc, argv, 1, restore);
}
