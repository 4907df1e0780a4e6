/* mistakes: see mistakes.h. */
#include "base/mistakes.h"
#include "base/buf.h"
#include "base/memory.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void mistakes_init(struct mistakes *list)
{
    *list = (struct mistakes){0};
}

void mistakes_done(struct mistakes *list)
{
    if (list == NULL) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        free(list->lines[i]);
    }
    free(list->lines);
    *list = (struct mistakes){0};
}

/* A mistake is one line, whatever stood in the user's file. */
static void keep_to_one_line(struct buf *line)
{
    for (size_t i = 0; i < line->len; i++) {
        if ((unsigned char)line->data[i] < ' ') {
            line->data[i] = ' ';
        }
    }
}

void mistakes_add(struct mistakes *list, const char *file, const char *path, const char *hint, const char *fact, ...)
{
    list->total++;
    if (list->count == MISTAKES_MAX) {
        return;
    }
    struct buf line = {0};
    buf_text(&line, file);
    buf_text(&line, ": ");
    if (path[0] != '\0') {
        buf_text(&line, path);
        buf_text(&line, ": ");
    }
    va_list args;
    va_start(args, fact);
    buf_vprintf(&line, fact, args);
    va_end(args);
    if (hint != NULL) {
        buf_text(&line, "; ");
        buf_text(&line, hint);
    }
    keep_to_one_line(&line);
    if (list->lines == NULL) {
        list->lines = memory_new(MISTAKES_MAX, sizeof *list->lines);
    }
    list->lines[list->count++] = line.data; /* the list takes the buffer's memory */
}

void mistakes_print(const struct mistakes *list, FILE *out)
{
    for (size_t i = 0; i < list->count; i++) {
        (void)fprintf(out, "%s\n", list->lines[i]);
    }
    if (list->total > list->count) {
        (void)fprintf(out, "and %zu more mistakes\n", list->total - list->count);
    }
}
