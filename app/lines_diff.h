/*
 * lines_diff: a readable difference between two lists of event lines.
 *
 * Events are told apart by everything but their seq, so one event too many
 * does not make all that follow look different.
 */
#ifndef DAVY_APP_LINES_DIFF_H
#define DAVY_APP_LINES_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct lines {
    char **items; /* owned, without newlines */
    size_t count;
    size_t room;
};

void lines_add(struct lines *lines, const char *text, size_t len);
void lines_done(struct lines *lines);
/* Reads a file line by line; false when it cannot be read (errno tells). */
bool lines_read(struct lines *lines, const char *file);

/* True when both are the same to the byte.  Otherwise prints "- expected" and "+ came" lines with two lines of context
 * to `out`. */
bool lines_same(const struct lines *expected, const struct lines *came, FILE *out);

#endif
