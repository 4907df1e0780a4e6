/*
 * conf_reference: the reference part of the manual's page about the site file,
 * printed from the tables that read it.
 *
 *   davy_conf_reference                  prints it
 *   davy_conf_reference --check FILE     1 when FILE's part behind the mark is another
 *   davy_conf_reference --write FILE     puts it there
 */
#include "base/buf.h"
#include "base/text.h"
#include "model/site_keys.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char mark[] =
    "<!-- The rest of this page is printed by davy_conf_reference from the program's tables. -->\n";

static const char *type_name(const struct conf_key *key)
{
    static const char *const names[] = {
        [CONF_TEXT] = "text",
        [CONF_ID] = "id",
        [CONF_BOOL] = "`true`, `false`",
        [CONF_NUMBER] = "number",
        [CONF_WHOLE] = "whole number",
        [CONF_DURATION] = "duration",
        [CONF_TEXTS] = "text or list of texts",
        [CONF_NUMBERS] = "list of numbers",
        [CONF_PAIR] = "[low, high]",
        [CONF_TAGS] = "object of texts",
        [CONF_TABLE] = "object",
        [CONF_LIST] = "list of objects",
        [CONF_MAP] = "object",
        [CONF_OBJECTS] = "object or list of objects",
        [CONF_ANY] = "anything",
    };
    return names[key->type];
}

/* A table's name: code, unless it is words. */
static void print_name(struct buf *out, const struct conf_table *table)
{
    const char *quote = strchr(table->name, ' ') == NULL ? "`" : "";
    buf_printf(out, "%s%s%s", quote, table->name, quote);
}

static void print_type(struct buf *out, const struct conf_key *key)
{
    if (key->type == CONF_WORD) {
        for (size_t i = 0; key->words[i] != NULL; i++) {
            buf_printf(out, "%s`%s`", i > 0 ? " " : "", key->words[i]);
        }
        return;
    }
    buf_text(out, type_name(key));
    if (key->table != NULL) {
        buf_text(out, ", see ");
        print_name(out, key->table);
    }
}

static void print_range(struct buf *out, const struct conf_key *key)
{
    if (key->type == CONF_DURATION) {
        buf_text(out, key->lo > 0 ? "longer than 0" : "");
        return;
    }
    bool number = key->type == CONF_NUMBER || key->type == CONF_WHOLE || key->type == CONF_PAIR;
    if (!number || !(key->lo < key->hi)) {
        return;
    }
    if (isinf(key->hi)) {
        buf_text(out, "at least ");
        buf_number(out, key->lo);
    } else {
        buf_number(out, key->lo);
        buf_text(out, " to ");
        buf_number(out, key->hi);
    }
    buf_printf(out, "%s%s", key->unit != NULL ? " " : "", key->unit != NULL ? key->unit : "");
}

static void print_default(struct buf *out, const struct conf_key *key)
{
    if (key->required) {
        buf_text(out, "**required**");
    } else if (key->fallback != NULL) {
        buf_printf(out, "`%s`", key->fallback);
    } else if (key->fallback_note != NULL) {
        buf_text(out, key->fallback_note);
    }
}

static void print_only(struct buf *out, const struct conf_table *table, const struct conf_key *key)
{
    if (key->only == 0) {
        return;
    }
    buf_text(out, "*");
    bool first = true;
    for (unsigned i = 0; table->only_words[i] != NULL; i++) {
        if ((key->only >> i & 1) != 0) {
            buf_printf(out, "%s%s", first ? "" : ", ", table->only_words[i]);
            first = false;
        }
    }
    buf_text(out, ":* ");
}

static void print_table(struct buf *out, const struct conf_table *table)
{
    buf_text(out, "\n### ");
    print_name(out, table);
    buf_printf(out, "\n\n%s\n\n| key | type | range | default | meaning |\n|---|---|---|---|---|\n", table->about);
    for (size_t i = 0; i < table->count; i++) {
        const struct conf_key *key = &table->keys[i];
        buf_printf(out, "| `%s` | ", key->name);
        print_type(out, key);
        buf_text(out, " | ");
        print_range(out, key);
        buf_text(out, " | ");
        print_default(out, key);
        buf_text(out, " | ");
        print_only(out, table, key);
        buf_printf(out, "%s |\n", key->help);
    }
    for (size_t i = 0; i < table->count; i++) {
        if (table->keys[i].table != NULL) {
            print_table(out, table->keys[i].table);
        }
    }
}

/* The included file has the same lists as the site's own: only its keys are listed again. */
static void print_include(struct buf *out)
{
    buf_printf(out, "\n### %s\n\n%s They are:", include_table.name, include_table.about);
    for (size_t i = 0; i < include_table.count; i++) {
        buf_printf(out, "%s `%s`", i > 0 ? "," : "", include_table.keys[i].name);
    }
    buf_text(out, ".\n");
}

static bool read_file(const char *path, struct buf *text)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        buf_add(text, chunk, n);
    }
    (void)fclose(file);
    buf_text(text, "");
    return true;
}

static bool write_file(const char *path, const struct buf *before, size_t before_len, const struct buf *reference)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    bool good = fwrite(before->data, 1, before_len, file) == before_len &&
                fwrite(reference->data, 1, reference->len, file) == reference->len;
    return fclose(file) == 0 && good;
}

static int compare(const char *path, const struct buf *reference, bool write_anew)
{
    struct buf page = {0};
    int code = 2;
    if (read_file(path, &page)) {
        const char *at = strstr(page.data, mark);
        if (at == NULL) {
            (void)fprintf(stderr, "%s: the mark is missing: %s", path, mark);
        } else if (strcmp(at + strlen(mark), reference->data) == 0) {
            code = 0;
        } else if (write_anew) {
            code = write_file(path, &page, (size_t)(at - page.data) + strlen(mark), reference) ? 0 : 2;
        } else {
            (void)fprintf(stderr, "%s is not what the tables say; run davy_conf_reference --write %s\n", path, path);
            code = 1;
        }
    }
    buf_done(&page);
    return code;
}

int main(int argc, char **argv)
{
    struct buf reference = {0};
    print_table(&reference, &site_table);
    print_include(&reference);
    int code = 2;
    if (argc == 1) {
        code = fputs(reference.data, stdout) >= 0 ? 0 : 2;
    } else if (argc == 3 && (strcmp(argv[1], "--check") == 0 || strcmp(argv[1], "--write") == 0)) {
        code = compare(argv[2], &reference, strcmp(argv[1], "--write") == 0);
    } else {
        (void)fprintf(stderr, "usage: davy_conf_reference [--check FILE | --write FILE]\n");
    }
    buf_done(&reference);
    return code;
}
