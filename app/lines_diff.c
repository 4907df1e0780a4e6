/* lines_diff: see lines_diff.h. */
#include "app/lines_diff.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONTEXT = 2,       /* equal lines shown around a difference */
    TABLE_MAX = 16000000, /* cells of the table of common lines; larger differences are shown from the first on */
};

void lines_add(struct lines *lines, const char *text, size_t len)
{
    if (lines->count == lines->room) {
        size_t room = lines->room == 0 ? 64 : lines->room * 2;
        char **items = realloc(lines->items, room * sizeof *items);
        if (items == NULL) {
            abort(); /* as every small allocation of a command that only reads and prints */
        }
        lines->items = items;
        lines->room = room;
    }
    char *copy = strndup(text, len);
    if (copy == NULL) {
        abort();
    }
    lines->items[lines->count++] = copy;
}

void lines_done(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->items[i]);
    }
    free(lines->items);
    *lines = (struct lines){0};
}

bool lines_read(struct lines *lines, const char *file)
{
    FILE *in = fopen(file, "r");
    if (in == NULL) {
        return false;
    }
    char *line = NULL;
    size_t room = 0;
    for (ssize_t len = getline(&line, &room, in); len >= 0; len = getline(&line, &room, in)) {
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) {
            len--;
        }
        lines_add(lines, line, (size_t)len);
    }
    bool fine = ferror(in) == 0;
    free(line);
    return fclose(in) == 0 && fine;
}

/* The text after a leading `"seq":N,`, and how long the part before it is. */
static const char *after_seq(const char *line, size_t *ret_before)
{
    const char *seq = strstr(line, "\"seq\":");
    *ret_before = 0;
    if (seq == NULL) {
        return line;
    }
    *ret_before = (size_t)(seq - line);
    const char *end = seq + strlen("\"seq\":");
    while (isdigit((unsigned char)*end)) {
        end++;
    }
    return end;
}

static bool same_but_seq(const char *a, const char *b)
{
    size_t before_a = 0;
    size_t before_b = 0;
    const char *rest_a = after_seq(a, &before_a);
    const char *rest_b = after_seq(b, &before_b);
    return before_a == before_b && memcmp(a, b, before_a) == 0 && strcmp(rest_a, rest_b) == 0;
}

/* table[i][j]: length of the longest common part of expected[i..] and came[j..] within the window of n x m lines. */
static uint32_t *common_table(char **expected, size_t n, char **came, size_t m)
{
    uint32_t *table = calloc((n + 1) * (m + 1), sizeof *table);
    if (table == NULL) {
        return NULL;
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t j = m; j-- > 0;) {
            uint32_t *cell = &table[i * (m + 1) + j];
            uint32_t down = table[(i + 1) * (m + 1) + j];
            uint32_t right = cell[1];
            if (same_but_seq(expected[i], came[j])) {
                *cell = table[(i + 1) * (m + 1) + j + 1] + 1;
            } else {
                *cell = down > right ? down : right;
            }
        }
    }
    return table;
}

static void print_middle(char **expected, size_t n, char **came, size_t m, FILE *out)
{
    uint32_t *table = (n + 1) * (m + 1) <= TABLE_MAX ? common_table(expected, n, came, m) : NULL;
    size_t i = 0;
    size_t j = 0;
    while (i < n || j < m) {
        if (table != NULL && i < n && j < m && same_but_seq(expected[i], came[j])) {
            (void)fprintf(out, "  %s\n", came[j]);
            i++;
            j++;
        } else if (i < n && (j == m || table == NULL || table[(i + 1) * (m + 1) + j] >= table[i * (m + 1) + j + 1])) {
            (void)fprintf(out, "- %s\n", expected[i++]);
        } else {
            (void)fprintf(out, "+ %s\n", came[j++]);
        }
    }
    free(table);
}

bool lines_same(const struct lines *expected, const struct lines *came, FILE *out)
{
    size_t shorter = expected->count < came->count ? expected->count : came->count;
    size_t head = 0;
    while (head < shorter && strcmp(expected->items[head], came->items[head]) == 0) {
        head++;
    }
    if (head == expected->count && head == came->count) {
        return true;
    }
    size_t tail = 0;
    while (tail < shorter - head && same_but_seq(expected->items[expected->count - 1 - tail],
                                                 came->items[came->count - 1 - tail])) {
        tail++;
    }
    (void)fprintf(out, "the events differ from line %zu on (- expected, + came):\n", head + 1);
    for (size_t i = head > CONTEXT ? head - CONTEXT : 0; i < head; i++) {
        (void)fprintf(out, "  %s\n", came->items[i]);
    }
    size_t n = expected->count - head - tail;
    size_t m = came->count - head - tail;
    if (n == 0 && m == 0) { /* only the numbers differ */
        n = m = 1;
        tail -= tail > 0 ? 1 : 0;
        (void)fprintf(out, "- %s\n+ %s\n", expected->items[head], came->items[head]);
    } else {
        print_middle(expected->items + head, n, came->items + head, m, out);
    }
    for (size_t i = came->count - tail; i < came->count && i < came->count - tail + CONTEXT; i++) {
        (void)fprintf(out, "  %s\n", came->items[i]);
    }
    return false;
}
