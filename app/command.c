/* command: what all commands share; see command.h. */
#include "app/command.h"

#include "base/mistakes.h"
#include "ingest/ingest.h"
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

int command_fail(const struct command *self, const struct err *err)
{
    (void)fprintf(stderr, "davy %s: %s\n", self->name, err->text);
    if (err->code == ERR_INPUT) {
        (void)fprintf(stderr, "usage: davy %s\n", self->usage);
    }
    return (int)err->code;
}

/* What a sink writes into is made by it: a file, for CAP a folder.  The folder around it is not. */
static void check_sink_path(const struct site *site, const struct site_sink *sink, struct mistakes *mistakes)
{
    char path[PATH_MAX];
    char place[256];
    struct stat status;
    const bool wants_folder = sink->type == SINK_CAP;
    (void)snprintf(place, sizeof place, "sinks.%s.path", sink->id); /* a longer one is cut */
    (void)snprintf(path, sizeof path, "%s", sink->path);
    if (stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode) != wants_folder) {
            mistakes_add(mistakes, site->file, place, wants_folder ? "name a folder" : "name a file",
                         wants_folder ? "%s is a file" : "%s is a folder", path);
        }
        return;
    }
    const char *folder = dirname(path); /* cuts path */
    if (stat(folder, &status) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        mistakes_add(mistakes, site->file, place, "make it, or name another", "the folder %s is not there", folder);
    }
}

static void check_sink_paths(const struct site *site, struct mistakes *mistakes)
{
    for (size_t i = 0; i < site->sink_count; i++) {
        const struct site_sink *sink = &site->sinks[i];
        if (sink->path != NULL && (sink->type == SINK_FILE || sink->type == SINK_CAP)) {
            check_sink_path(site, sink, mistakes);
        }
    }
}

static int load(const struct command *self, const char *file, bool surroundings, struct site **ret_site,
                struct rules **ret_rules)
{
    struct mistakes mistakes;
    struct err err = {0};
    struct site *site = NULL;
    mistakes_init(&mistakes);
    enum err_code code = site_read(file, &mistakes, &site, &err);
    struct rules *rules = NULL;
    if (site != NULL) {
        if (mistakes.total == 0) { /* it follows what is read */
            mbus_check(site, &mistakes);
        }
        if (surroundings) {
            check_sink_paths(site, &mistakes);
        }
        code = rules_compile(site, &mistakes, &rules, &err);
        if (code == ERR_NONE && mistakes.total > 0) {
            code = ERR_INPUT;
        }
    }
    if (mistakes.total > 0) {
        mistakes_print(&mistakes, stderr);
    } else if (code != ERR_NONE) {
        (void)fprintf(stderr, "davy %s: %s\n", self->name, err.text);
    }
    mistakes_done(&mistakes);
    if (code != ERR_NONE) {
        rules_free(rules);
        site_free(site);
        return (int)code;
    }
    *ret_site = site;
    *ret_rules = rules;
    return ERR_NONE;
}

int command_load(const struct command *self, const char *file, struct site **ret_site, struct rules **ret_rules)
{
    return load(self, file, false, ret_site, ret_rules);
}

int command_check(const struct command *self, const char *file, struct site **ret_site, struct rules **ret_rules)
{
    return load(self, file, true, ret_site, ret_rules);
}

const char *command_store_path(const struct site *site, char *buffer, size_t size)
{
    if (site->store_path != NULL) {
        return site->store_path;
    }
    (void)snprintf(buffer, size, "%s/data", site->folder[0] == '\0' ? "." : site->folder);
    return buffer;
}
