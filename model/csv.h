/*
 * csv: the cells of RFC 4180, one after the other, unquoted in place.
 *
 * A quoted cell may hold commas, doubled quotes and line ends; rows end with LF
 * or CR LF, the last one with the text too.
 */
#ifndef DAVY_MODEL_CSV_H
#define DAVY_MODEL_CSV_H

#include <stdbool.h>
#include <stddef.h>

struct csv {
    char *p, *end; /* rest of the text; borrowed, changed in place */
    size_t lines;  /* line ends stepped over so far */
};

struct csv_cell {
    char *text; /* not ended by NUL */
    size_t len;
    bool last;   /* of its row */
    bool broken; /* its quote is not closed, or something follows it; reading goes on at the next line */
};

/* Takes the next cell.  At the end of the text it gives an empty last one: ask p < end before each row. */
struct csv_cell csv_cell(struct csv *csv);

#endif
