/*
 * check_test: every folder of tests/data/check is a case: `input.json` is
 * loaded as a site from within the folder, and the mistakes must be exactly the
 * lines of `expect.txt` (absent or empty: none).
 *
 *   check_test FOLDER            runs all cases
 *   check_test FOLDER --write    writes expect.txt of all cases anew, to be read before it is committed
 */
#include "base/buf.h"
#include "model/site.h"
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_text(const char *path, struct buf *text)
{
    buf_clear(text);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        buf_text(text, "");
        return;
    }
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        buf_add(text, chunk, n);
    }
    (void)fclose(file);
    buf_text(text, "");
}

/* Loads input.json of the current folder; gives its mistakes as text. */
static void load(struct buf *found)
{
    struct mistakes mistakes;
    struct site *site = NULL;
    struct err err = {0};
    mistakes_init(&mistakes);
    enum err_code code = site_load("input.json", &mistakes, &site, &err);
    buf_text(found, "");
    for (size_t i = 0; i < mistakes.count; i++) {
        buf_printf(found, "%s\n", mistakes.lines[i]);
    }
    if ((code == ERR_NONE) != (mistakes.total == 0) || (code == ERR_NONE) != (site != NULL)) {
        buf_printf(found, "the code %d does not fit\n", (int)code);
    }
    site_free(site);
    mistakes_done(&mistakes);
}

static int run_case(const char *root, const char *name, bool write_anew)
{
    char path[PATH_MAX + 256];
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    if (chdir(path) != 0) {
        perror(path);
        return 1;
    }
    struct buf expected = {0};
    struct buf found = {0};
    read_text("expect.txt", &expected);
    load(&found);
    int wrong = strcmp(expected.data, found.data) != 0;
    if (wrong && write_anew) {
        FILE *file = fopen("expect.txt", "wb");
        wrong = file == NULL || fputs(found.data, file) < 0 || fclose(file) != 0;
    } else if (wrong) {
        printf("%s: expected\n%sfound\n%s", name, expected.data, found.data);
    }
    buf_done(&expected);
    buf_done(&found);
    return wrong;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int main(int argc, char **argv)
{
    char root[PATH_MAX];
    if (argc < 2 || realpath(argv[1], root) == NULL) {
        (void)fprintf(stderr, "usage: check_test FOLDER [--write]\n");
        return 2;
    }
    struct dirent **entries = NULL;
    int n = scandir(root, &entries, NULL, by_name);
    int cases = 0;
    int wrong = 0;
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            wrong += run_case(root, entries[i]->d_name, argc > 2 && strcmp(argv[2], "--write") == 0);
            cases++;
        }
        free(entries[i]);
    }
    free(entries);
    printf("%d cases, %d wrong\n", cases, wrong);
    return wrong > 0 || cases == 0;
}
