/* command: what all commands share; see command.h. */
#include "app/command.h"

#include "base/mistakes.h"
#include "ingest/ingest.h"
#include <stdio.h>

int command_fail(const struct command *self, const struct err *err)
{
    (void)fprintf(stderr, "davy %s: %s\n", self->name, err->text);
    if (err->code == ERR_INPUT) {
        (void)fprintf(stderr, "usage: davy %s\n", self->usage);
    }
    return (int)err->code;
}

int command_load(const struct command *self, const char *file, struct site **ret_site, struct rules **ret_rules)
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

const char *command_store_path(const struct site *site, char *buffer, size_t size)
{
    if (site->store_path != NULL) {
        return site->store_path;
    }
    (void)snprintf(buffer, size, "%s/data", site->folder[0] == '\0' ? "." : site->folder);
    return buffer;
}
