/*
 * davy: the program.  Looks up the command and hands over; all else is in
 * cmd_*.c, and reading app/pipeline.c gives the picture of a running monitor.
 */
#include "app/command.h"

#include "base/standard.h"
#include "base/text.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 64 };

static void print_overview(FILE *out)
{
    (void)fprintf(out, "davy %s, real-time hazard monitoring\n\n", DAVY_VERSION);
    for (size_t i = 0; i < davy_command_count; i++) {
        (void)fprintf(out, "  davy %s\n", davy_commands[i].usage);
    }
    (void)fprintf(out, "\n\"davy COMMAND --help\" tells more.\n");
}

static int unknown_command(const char *name)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (; n < davy_command_count && n < NAMES_MAX; n++) {
        names[n] = davy_commands[n].name;
    }
    int nearest = text_nearest(name, names, n);
    if (nearest >= 0) {
        (void)fprintf(stderr, "davy: command \"%s\" is not known; did you mean \"%s\"?\n", name, names[nearest]);
    } else {
        (void)fprintf(stderr, "davy: command \"%s\" is not known; \"davy --help\" lists them\n", name);
    }
    return ERR_INPUT;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            return true;
        }
    }
    return false;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return ERR_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_overview(stdout);
        return ERR_NONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("davy %s\n", DAVY_VERSION);
        return ERR_NONE;
    }
    for (size_t i = 0; i < davy_command_count; i++) {
        if (strcmp(davy_commands[i].name, argv[1]) != 0) {
            continue;
        }
        if (wants_help(argc - 2, argv + 2)) {
            printf("usage: davy %s\n\n%s", davy_commands[i].usage, davy_commands[i].help);
            return ERR_NONE;
        }
        return davy_commands[i].run(&davy_commands[i], argc - 2, argv + 2);
    }
    return unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
    struct err err;
    standard_hold();
    standard_descriptors();
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe or socket is an error of that write, not of the monitor */
    (void)signal(SIGXFSZ, SIG_IGN); /* likewise a limit on the size of files (ulimit -f) */
    const int code = run(argc, argv);
    if (standard_flush(&err) != ERR_NONE && code == ERR_NONE) {
        (void)fprintf(stderr, "davy: %s\n", err.text);
        return ERR_ENV;
    }
    return code;
}
