/*
 * The manual pages in docs/man are what --help says, as troff.  Holds the
 * committed pages to the commands; with --write makes them anew.
 */
#include "app/command.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text for troff: a backslash and a leading dot or quote would be commands, a plain hyphen a dash. */
static void put_text(FILE *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\\') {
            (void)fputs("\\e", out);
        } else if (*at == '-') {
            (void)fputs("\\-", out);
        } else if ((*at == '.' || *at == '\'') && (at == text || at[-1] == '\n')) {
            (void)fprintf(out, "\\&%c", *at);
        } else {
            (void)fputc(*at, out);
        }
    }
}

static void put_page(FILE *out, const struct command *command)
{
    char title[64];
    size_t n = 0;
    for (; command->name[n] != '\0' && n < sizeof title - 1; n++) {
        title[n] = (char)toupper((unsigned char)command->name[n]);
    }
    title[n] = '\0';
    const char *end = strchr(command->help, '\n');
    (void)fprintf(out, ".\\\" Made from the text of \"davy %s --help\"; do not edit.\n", command->name);
    (void)fprintf(out, ".TH DAVY-%s 1 \"\" \"davy %s\" \"Davy\"\n.SH NAME\ndavy\\-", title, DAVY_VERSION);
    put_text(out, command->name);
    (void)fputs(" \\- ", out);
    char first[256];
    (void)snprintf(first, sizeof first, "%.*s", end != NULL ? (int)(end - command->help) : 0, command->help);
    put_text(out, first);
    (void)fputs("\n.SH SYNOPSIS\n.B davy ", out);
    put_text(out, command->usage);
    (void)fputs("\n.SH DESCRIPTION\n.nf\n", out);
    put_text(out, command->help);
    (void)fputs(".fi\n.SH EXIT STATUS\n0 fine, 1 the answer is no (difference, failed test, not found), 2 the input or "
                "the call is wrong, 3 the surroundings failed (disk, port, broker).\n.SH SEE ALSO\n.BR davy (1)\n",
                out);
}

static void put_overview(FILE *out)
{
    (void)fprintf(out, ".\\\" Made from the texts of \"davy --help\"; do not edit.\n");
    (void)fprintf(out, ".TH DAVY 1 \"\" \"davy %s\" \"Davy\"\n.SH NAME\ndavy \\- real\\-time hazard monitoring\n", DAVY_VERSION);
    (void)fputs(".SH SYNOPSIS\n", out);
    for (size_t i = 0; i < davy_command_count; i++) {
        (void)fputs(".B davy ", out);
        put_text(out, davy_commands[i].usage);
        (void)fputs("\n.br\n", out);
    }
    (void)fputs(".SH DESCRIPTION\nEach command has a page of its own, davy\\-COMMAND(1), and its \\-\\-help.\n", out);
}

/* Compares the page with the file, or writes it; gives 1 when they differ. */
static int page(const char *folder, const char *name, const struct command *command, int write_it)
{
    char path[512];
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (command != NULL) {
        put_page(out, command);
    } else {
        put_overview(out);
    }
    (void)fclose(out);
    (void)snprintf(path, sizeof path, "%s/%s.1", folder, name);
    FILE *file = fopen(path, write_it ? "w" : "r");
    int differs = file == NULL;
    if (file != NULL && write_it) {
        differs = fwrite(text, 1, len, file) != len;
    } else if (file != NULL) {
        char *old = calloc(1, len + 2);
        differs = old == NULL || fread(old, 1, len + 1, file) != len || memcmp(old, text, len) != 0;
        free(old);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (differs) {
        (void)fprintf(stderr, "%s is not what --help says; run this with --write\n", path);
    }
    free(text);
    return differs;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        return 2;
    }
    int write_it = argc > 2 && strcmp(argv[2], "--write") == 0;
    int differs = page(argv[1], "davy", NULL, write_it);
    for (size_t i = 0; i < davy_command_count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "davy-%s", davy_commands[i].name);
        differs += page(argv[1], name, &davy_commands[i], write_it);
    }
    printf("%zu pages, %d differ\n", davy_command_count + 1, differs);
    return differs > 0;
}
