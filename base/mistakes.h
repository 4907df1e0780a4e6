/*
 * mistakes: everything `davy check` has to say, collected in one run.
 *
 * Whoever reads a user's file adds each mistake it finds and goes on reading;
 * the program prints them all, each as "file: path: fact; hint" on one line.
 * More than MISTAKES_MAX are counted but not kept.
 *
 * Memory: the list owns copies of all texts.  Threads: one at a time.
 */
#ifndef DAVY_BASE_MISTAKES_H
#define DAVY_BASE_MISTAKES_H

#include "base/err.h"
#include <stddef.h>
#include <stdio.h>

enum { MISTAKES_MAX = 1000 };

struct mistakes {
    char **lines; /* owned; each without newline */
    size_t count; /* kept */
    size_t total; /* found */
};

void mistakes_init(struct mistakes *list);
void mistakes_done(struct mistakes *list);

/* Adds one.  `path` may be "" (then "file: fact; hint"); `hint` may be NULL.  `fact` is printf-formatted. */
void mistakes_add(struct mistakes *list, const char *file, const char *path, const char *hint, const char *fact, ...)
    PRINTF_LIKE(5, 6);

/* Prints every line, and how many were not kept, to `out`. */
void mistakes_print(const struct mistakes *list, FILE *out);

#endif
