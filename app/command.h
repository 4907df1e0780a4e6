/*
 * command: what `davy` can be asked to do; one function and one help text each.
 *
 * A command gets the arguments after its name and returns the exit code:
 * 0 fine, 1 the answer is no, 2 the input or the call is wrong, 3 the
 * surroundings failed (enum err_code).
 */
#ifndef DAVY_APP_COMMAND_H
#define DAVY_APP_COMMAND_H

#include "base/err.h"
#include "model/site.h"
#include "rules/rules.h"

struct command {
    const char *name;
    int (*run)(const struct command *self, int argc, char **argv);
    const char *usage; /* after "davy " */
    const char *help;  /* a paragraph or two; printed by --help and the source of the man page */
};

/* All of them, in the order of --help; commands.c. */
extern const struct command davy_commands[];
extern const size_t davy_command_count;

int cmd_run(const struct command *self, int argc, char **argv);
int cmd_check(const struct command *self, int argc, char **argv);
int cmd_replay(const struct command *self, int argc, char **argv);
int cmd_test(const struct command *self, int argc, char **argv);
int cmd_query(const struct command *self, int argc, char **argv);
int cmd_import(const struct command *self, int argc, char **argv);
int cmd_backup(const struct command *self, int argc, char **argv);
int cmd_restore(const struct command *self, int argc, char **argv);
int cmd_export(const struct command *self, int argc, char **argv);
int cmd_alarms(const struct command *self, int argc, char **argv);
int cmd_act(const struct command *self, int argc, char **argv); /* ack, shelve, … by self->name */
int cmd_probe(const struct command *self, int argc, char **argv);
int cmd_stat(const struct command *self, int argc, char **argv);
int cmd_explain(const struct command *self, int argc, char **argv);
int cmd_verify(const struct command *self, int argc, char **argv);

/* Prints "davy NAME: text" and for a wrong call the usage; returns err's code. */
int command_fail(const struct command *self, const struct err *err);

/* Reads a site with its rules; prints every mistake to stderr.  Returns the exit code; gives both on 0. */
int command_load(const struct command *self, const char *file, struct site **ret_site, struct rules **ret_rules);

/* The same for `davy check`: also what of the surroundings the site names and davy run would miss. */
int command_check(const struct command *self, const char *file, struct site **ret_site, struct rules **ret_rules);

/* The folder of a site's store. */
const char *command_store_path(const struct site *site, char *buffer, size_t size);

#endif
