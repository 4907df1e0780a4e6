/*
 * timeline: lines of text with times, gathered from several places and printed
 * in the order of their times.
 *
 * Memory: its own; at most TIMELINE_LINES, what comes later is counted.
 * Threads: one.
 */
#ifndef DAVY_APP_TIMELINE_H
#define DAVY_APP_TIMELINE_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TIMELINE_LINES = 10000 };

struct timeline_line {
    int64_t time_ns;
    size_t order;  /* as added */
    uint32_t rank; /* of lines of one time: smaller first */
    uint64_t key;  /* what it is about; 0: nothing that goes on */
    char *text;
};

struct timeline {
    int64_t begin_ns; /* the caller's: of what was before only the last line of each key is kept */
    struct timeline_line *items;
    size_t count, room;
    size_t added, left_out;
};

void timeline_add(struct timeline *timeline, int64_t time_ns, uint32_t rank, uint64_t key, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
void timeline_done(struct timeline *timeline);

/* Sorts and prints. */
void timeline_print(struct timeline *timeline, FILE *out);

#endif
